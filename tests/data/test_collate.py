"""default_collate: what samples become as a batch."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tl
from tinygrad_lite.data import default_collate


def test_collates_tensors_and_arrays() -> None:
    rows = [np.arange(3, dtype=np.int32) + i for i in range(2)]
    for samples in (rows, [tl.from_numpy(row) for row in rows]):
        batch = default_collate(samples)
        assert isinstance(batch, tl.Tensor)
        assert batch.numpy().dtype == np.int32
        np.testing.assert_array_equal(batch.numpy(), [[0, 1, 2], [1, 2, 3]])


@pytest.mark.parametrize(
    ("samples", "dtype"),
    [
        ([1, 2], np.int64),
        ([1.0, 2.0], np.float64),
        ([True, False], np.bool_),
        ([np.float32(1), np.float32(2)], np.float32),
    ],
)
def test_collates_numbers(samples: list[Any], dtype: Any) -> None:
    batch = default_collate(samples).numpy()
    assert batch.dtype == dtype
    np.testing.assert_array_equal(batch, samples)


def test_collates_what_holds_samples() -> None:
    point = namedtuple("point", "x y")
    batch = default_collate([{"a": (1, "u"), "p": point(1, 2)}, {"a": (3, "v"), "p": point(3, 4)}])
    assert isinstance(batch["a"], list)
    assert batch["a"][0].numpy().tolist() == [1, 3]
    assert batch["a"][1] == ("u", "v")
    assert isinstance(batch["p"], point)
    assert batch["p"].y.numpy().tolist() == [2, 4]


@pytest.mark.parametrize(
    ("samples", "error", "match"),
    [
        ([], IndexError, "at least one sample"),
        ([np.zeros(2), np.zeros(3)], RuntimeError, r"one shape, but got \[\(2,\), \(3,\)\]"),
        ([(1, 2), (3,)], RuntimeError, "same number of entries"),
        ([object()], TypeError, "but got object"),
    ],
)
def test_rejects_what_does_not_collate(
    samples: list[Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        default_collate(samples)


def test_what_a_batch_holds_is_pinned_by_its_own_method() -> None:
    from tinygrad_lite.utils.data._utils.pin_memory import pin_memory

    class Padded:
        def pin_memory(self) -> str:
            return "pinned"

    x = tl.ones(2)
    found = pin_memory({"x": x, "y": ("text", Padded()), "z": [3, b"bytes"]})
    assert found == {"x": x, "y": ["text", "pinned"], "z": [3, b"bytes"]}
    assert found["x"] is x
