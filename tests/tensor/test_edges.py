"""Edges where a plausible shortcut is wrong: each was once planted as a fault and lived."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn

NAN = float("nan")


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "bool"])
def test_sums_and_products_of_narrow_integers_are_int64(dtype: str, device: str) -> None:
    x = tg.ones(300, dtype=dtype, device=device)
    for out in (x.sum(), x.sum(0), x.cumsum(0), x.prod(), x.cumprod(0)):
        assert out.dtype == "int64"
    assert x.sum().item() == 300
    assert x.cumsum(0)[-1].item() == 300


# Elements, and their places in descending order; equal ones stay as they are. Negation would put
# the smallest integer first, and has no meaning for what is unsigned or a bool.
DESCENDING: list[tuple[str, list[Any], list[int]]] = [
    ("uint8", [0, 200, 3], [1, 2, 0]),
    ("int8", [0, -128, 127], [2, 0, 1]),
    ("int64", [-(2**63), 0, 2**63 - 1], [2, 1, 0]),
    ("bool", [False, True, False, True], [1, 3, 0, 2]),
    ("float32", [1.0, NAN, 2.0], [1, 2, 0]),
    ("float32", [-0.0, float("-inf"), float("inf")], [2, 0, 1]),
]


@pytest.mark.parametrize(("dtype", "elements", "places"), DESCENDING)
def test_descending(dtype: str, elements: list[Any], places: list[int], device: str) -> None:
    x = tg.tensor(elements, dtype=np.dtype(dtype), device=device)
    assert x.argsort(descending=True, stable=True).tolist() == places
    values, indices = x.sort(descending=True, stable=True)
    assert indices.tolist() == places
    np.testing.assert_array_equal(values.cpu().numpy(), np.array(elements, dtype)[places])
    assert x.topk(1).indices.tolist() == places[:1]


def test_insert_counts_from_the_end() -> None:
    first, last, between = nn.Linear(1, 1), nn.Linear(2, 2), nn.Linear(3, 3)
    for container in (nn.ModuleList([first, last]), nn.Sequential(first, last)):
        container.insert(-1, between)
        assert list(container) == [first, between, last]
        container.insert(-3, between)
        assert list(container) == [between, first, between, last]
