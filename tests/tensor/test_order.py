"""Sorting, counting and the like, written out: order, equal elements, every argument."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as torch


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8"])
@pytest.mark.parametrize("descending", [False, True])
def test_equal_elements_keep_their_order(dtype: str, descending: bool) -> None:
    """Of many, because a short row is sorted in another way than a long one."""
    values = np.random.default_rng(0).integers(0, 4, 1000).astype(dtype)
    keys = -values.astype("int64") if descending else values
    expected = np.argsort(keys, kind="stable")
    x = torch.from_numpy(values)
    assert x.argsort(descending=descending).tolist() == expected.tolist()
    found = x.sort(descending=descending)
    assert found.indices.tolist() == expected.tolist()
    assert found.values.tolist() == values[expected].tolist()


def test_along_every_dimension() -> None:
    x = torch.tensor([[3, 1, 2], [0, 5, 4]])
    assert x.sort(dim=0).values.tolist() == [[0, 1, 2], [3, 5, 4]]
    assert x.sort(dim=0, descending=True).indices.tolist() == [[0, 1, 1], [1, 0, 0]]
    assert x.argsort(dim=1, descending=True).tolist() == [[0, 2, 1], [1, 2, 0]]


def test_topk_takes_the_largest_or_the_smallest() -> None:
    x = torch.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]], requires_grad=True)
    most, least = x.topk(2), x.topk(2, largest=False)
    assert most.values.tolist() == [[3, 2], [5, 4]]
    assert most.indices.tolist() == [[0, 2], [1, 2]]
    assert least.values.tolist() == [[1, 2], [0, 4]]
    assert x.topk(1, dim=0).indices.tolist() == [[0, 1, 1]]
    (most.values * torch.tensor([1.0, 10.0])).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[1, 0, 10], [0, 1, 10]]


def test_unique_says_where_elements_went_and_how_many_there_are() -> None:
    values, places, counts = torch.unique(
        torch.tensor([[3, 1], [3, 2]]), return_inverse=True, return_counts=True
    )
    assert values.tolist() == [1, 2, 3]
    assert places.tolist() == [[2, 0], [2, 1]]
    assert counts.tolist() == [1, 1, 2]


def test_counts() -> None:
    x = torch.tensor([0, 2, 2])
    assert torch.bincount(x).tolist() == [1, 0, 2]
    assert torch.bincount(x, minlength=5).tolist() == [1, 0, 2, 0, 0]
    assert torch.bincount(x, torch.tensor([0.5, 1.0, 2.0])).tolist() == [0.5, 0.0, 3.0]


def test_diagonals_above_and_below() -> None:
    v = torch.tensor([1.0, 2.0], requires_grad=True)
    assert torch.diag(v, 1).tolist() == [[0, 1, 0], [0, 0, 2], [0, 0, 0]]
    assert torch.diag(v, -1).tolist() == [[0, 0, 0], [1, 0, 0], [0, 2, 0]]
    assert torch.diag(torch.arange(6).reshape(2, 3), 1).tolist() == [1, 5]


def test_order() -> None:
    x = torch.tensor([3.0, 1.0, 3.0, 2.0], requires_grad=True)
    assert torch.sort(x).indices.tolist() == [1, 3, 0, 2]
    assert x.argsort(descending=True).tolist() == [0, 2, 3, 1]
    values, indices = torch.topk(x, 2)
    assert (values.tolist(), indices.tolist()) == ([3, 3], [0, 2])
    (values * torch.tensor([1.0, 5.0])).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1, 0, 5, 0]
    with pytest.raises(RuntimeError, match="out of range"):
        x.topk(5)
