"""The array library's functions by the short way: the results are the library's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import library

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


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((5, 3, 4), (5, 4, 6)),
        ((1, 7, 3, 4), (2, 1, 4, 6)),
        ((7, 3, 4), (2, 7, 4, 6)),
        ((2, 7, 3, 4), (1, 4, 6)),
        ((9, 2, 3, 4), (2, 4, 6)),
        ((2, 1, 3, 4), (4, 6)),
        ((2, 3, 0), (2, 0, 4)),
    ],
)
def test_many_small_products(a: Any, b: Any, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "SHARED", 0)
    monkeypatch.setattr(library, "BATCHED", 1)
    rng, before = np.random.default_rng(0), torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for dtype in (np.float32, np.float64, np.int64):
            left, right = (rng.integers(-9, 9, s).astype(dtype) for s in (a, b))
            found = xp.matmul(left, right)
            np.testing.assert_array_equal(found, left @ right, strict=True)
            turned = np.ascontiguousarray(right.swapaxes(-1, -2)).swapaxes(-1, -2)
            np.testing.assert_array_equal(xp.matmul(left, turned), found)
    finally:
        torch.set_num_threads(before)


def test_many_products_of_other_sizes_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "BATCHED", 1)
    monkeypatch.setattr(library, "SHARED", 0)
    for a, b in (((2, 3, 4), (2, 5, 6)), ((2, 3, 4), (3, 4, 5))):
        with pytest.raises(ValueError, match="mismatch"):
            xp.matmul(np.ones(a), np.ones(b))
