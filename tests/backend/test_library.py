"""The array library's functions by the short way: the results are the library's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_lite.backend import namespace_for

xp = namespace_for("cpu")
x = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("a", "shape"),
    [
        (np.float32(2), (3,)),
        (np.array(2.0), ()),
        (np.array([True]), (4,)),
        (x, (4, 2, 3)),
        (x[:, 1:2], (2, 5)),  # not contiguous
        (x.T, (3, 2)),
        (np.ones((0, 1)), (0, 4)),
        (np.ones((1, 0)), (3, 0)),
        (np.ones(1), (0,)),
    ],
)
def test_broadcast_to(a: Any, shape: tuple[int, ...]) -> None:
    ours, theirs = xp.broadcast_to(a, shape), np.broadcast_to(a, shape)
    np.testing.assert_array_equal(ours, theirs, strict=True)
    assert ours.strides == theirs.strides or 0 in shape
    assert not ours.flags.writeable


def test_broadcast_to_of_bfloat16() -> None:
    a = np.ones((2, 1), pytest.importorskip("ml_dtypes").bfloat16)
    np.testing.assert_array_equal(xp.broadcast_to(a, (2, 3)), np.broadcast_to(a, (2, 3)))


@pytest.mark.parametrize("shape", [(2,), (2, 2), (3, 3), (2, 1), ()])
def test_broadcast_to_what_does_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"broadcast|more dimensions"):
        xp.broadcast_to(x, shape)


@pytest.mark.parametrize("axis", [0, 1, -1, 2, (0, 2), (-1, 0), ()])
def test_expand_dims(axis: Any) -> None:
    np.testing.assert_array_equal(xp.expand_dims(x, axis), np.expand_dims(x, axis), strict=True)
