"""Elements taken from, and written to, places; and new tensors: every argument, written out."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as torch


def test_places_counted_from_the_end() -> None:
    x = torch.tensor([[10, 20, 30]])
    assert torch.take_along_dim(x, torch.tensor([[-1, 0]]), 1).tolist() == [[30, 10]]


REDUCED = {  # of [1, 2, 3] with src [4, 5, 6] at [0, 0, 2]; with and without the input's own
    "sum": ([10, 2, 9], [9, 2, 6]),
    "prod": ([20, 2, 18], [20, 2, 6]),
    "mean": ([10 / 3, 2, 4.5], [4.5, 2, 6]),
    "amax": ([5, 2, 6], [5, 2, 6]),
    "amin": ([1, 2, 3], [4, 2, 6]),
}


@pytest.mark.parametrize("reduce", REDUCED)
@pytest.mark.parametrize("include_self", [True, False])
def test_scatter_reduce(reduce: str, include_self: bool, device: str) -> None:
    values, more = [1.0, 2.0, 3.0], [4.0, 5.0, 6.0]
    x, src = torch.tensor(values, device=device), torch.tensor(more, device=device)
    index = torch.tensor([0, 0, 2], device=device)
    wanted = REDUCED[reduce][not include_self]
    found = torch.scatter_reduce(x, 0, index, src, reduce, include_self=include_self)
    assert found.tolist() == pytest.approx(wanted)
    if reduce != "sum":
        found = torch.index_reduce(x, 0, index, src, reduce, include_self=include_self)
        assert found.tolist() == pytest.approx(wanted)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float16", "bool"])
def test_scatter_reduce_of_other_dtypes(dtype: str, device: str) -> None:
    x = torch.tensor([1, 1, 1], device=device).to(dtype)
    src = torch.tensor([0, 1, 1], device=device).to(dtype)
    index = torch.tensor([0, 0, 2], device=device)
    for reduce, wanted in {"prod": [0, 1, 1], "amax": [1, 1, 1], "amin": [0, 1, 1]}.items():
        found = torch.scatter_reduce(x, 0, index, src, reduce)
        assert (found.dtype, found.tolist()) == (dtype, wanted), reduce


def test_the_gradient_of_a_maximum_is_shared_among_ties() -> None:
    x = torch.tensor([5.0, 1.0], requires_grad=True)
    src = torch.tensor([5.0, 5.0, 0.0], requires_grad=True)
    out = torch.scatter_reduce(x, 0, torch.tensor([0, 0, 1]), src, "amax")
    (out * torch.tensor([3.0, 1.0])).sum().backward()
    assert x.grad is not None
    assert src.grad is not None
    assert x.grad.tolist() == [1.0, 1.0]
    assert src.grad.tolist() == [1.0, 1.0, 0.0]


def test_the_gradient_of_a_product_with_zeros() -> None:
    """dL/dx is the product of all others, also where x or a factor is 0."""
    x = torch.tensor([0.0, 2.0, 0.0], requires_grad=True)
    src = torch.tensor([3.0, 0.0, 5.0], requires_grad=True)
    out = torch.scatter_reduce(x, 0, torch.tensor([0, 1, 2]), src, "prod")
    out.sum().backward()
    assert out.tolist() == [0.0, 0.0, 0.0]
    assert x.grad is not None
    assert src.grad is not None
    assert x.grad.tolist() == [3.0, 0.0, 5.0]
    assert src.grad.tolist() == [0.0, 2.0, 0.0]


def test_index_add_scales() -> None:
    x, index = torch.zeros(3), torch.tensor([2, 2])
    out = torch.index_add(x, 0, index, torch.tensor([1.0, 5.0]), alpha=2)
    assert out.tolist() == [0, 0, 12]


def test_an_ellipsis_beside_a_mask_or_an_index() -> None:
    a = np.arange(24).reshape(2, 3, 4)
    x = torch.from_numpy(a)
    rows = torch.tensor([1, 0])
    assert x[..., rows].tolist() == a[..., [1, 0]].tolist()
    assert x[rows, ...].tolist() == a[[1, 0]].tolist()
    mask = torch.tensor([[True, False, True], [False, True, False]])
    assert x[mask].tolist() == a[np.asarray(mask)].tolist()


def test_ranges_with_steps_that_do_not_divide() -> None:
    assert torch.arange(0, 5, 2).tolist() == [0, 2, 4]
    assert torch.arange(5, 0, -2).tolist() == [5, 3, 1]
    assert torch.arange(0.0, 1.0, 0.4).tolist() == pytest.approx([0.0, 0.4, 0.8])


@pytest.mark.parametrize("steps", [2, 3, 7, 50])
def test_both_ends_of_a_linspace_are_exact(steps: int) -> None:
    start, end = 0.1, 0.7
    found = torch.linspace(start, end, steps, dtype=torch.float64).tolist()
    assert (found[0], found[-1]) == (start, end)
    np.testing.assert_allclose(found, np.linspace(start, end, steps), rtol=1e-15)


def test_tensor_copies_and_as_tensor_does_not() -> None:
    x = torch.zeros(2)
    copy, same = torch.tensor(x), torch.as_tensor(x)
    x[0] = 5
    assert copy.tolist() == [0, 0]
    assert same.tolist() == [5, 0]


def test_numbers_that_an_integer_dtype_can_not_hold() -> None:
    with pytest.raises(RuntimeError, match="without overflow"):
        torch.full((2,), 300, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="without overflow"):
        torch.full((2,), -129, dtype=torch.int8)
    x = torch.zeros(2, dtype=torch.int8)
    with pytest.raises(RuntimeError, match="without overflow"):
        x[0] = 200


def test_numbers_in_arithmetic_wrap_as_the_dtype_does() -> None:
    x = torch.tensor([1], dtype=torch.int8)
    assert (x + 200).tolist() == [-55]
    assert (x + 200).dtype == torch.int8
    assert (x - 130).tolist() == [127]
    y = torch.tensor([1], dtype=torch.uint8)
    assert (y + 300).tolist() == [45]
    assert (y * -1).tolist() == [255]


def test_a_value_may_have_more_leading_ones_than_its_place() -> None:
    value = torch.ones(1, 1, 3, requires_grad=True)
    x = torch.zeros(2, 3)
    x[0] = value
    (x * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert value.grad is not None
    assert value.grad.tolist() == [[[1.0, 2.0, 3.0]]]


def test_places_and_counts() -> None:
    x = torch.tensor([[0, 2], [2, 5]])
    assert x.nonzero().tolist() == [[0, 1], [1, 0], [1, 1]]
    assert [i.tolist() for i in torch.where(x > 1)] == [[0, 1, 1], [1, 0, 1]]
    assert torch.tensor(1).nonzero().shape == (1, 0)
    values, inverse, counts = x.unique(return_inverse=True, return_counts=True)
    assert (values.tolist(), counts.tolist()) == ([0, 2, 5], [1, 2, 1])
    assert inverse.tolist() == [[0, 1], [1, 2]]
    assert torch.bincount(torch.tensor([0, 2, 2]), minlength=4).tolist() == [1, 0, 2, 0]
    weights = torch.tensor([0.5, 1.0, 2.0])
    assert torch.bincount(torch.tensor([0, 2, 2]), weights).tolist() == [0.5, 0, 3]
    hot = torch.zeros(2, 3).scatter_(1, torch.tensor([[2], [0]]), 1)
    assert hot.tolist() == [[0, 0, 1], [1, 0, 0]]
    hot.scatter_(0, torch.tensor([[1, 1]]), torch.tensor([[7.0, 8.0]]))
    assert hot.tolist() == [[0, 0, 1], [7, 8, 0]]
    with pytest.raises(RuntimeError, match="out of bounds"):
        hot.scatter_(1, torch.tensor([[3]]), 1)


def test_diagonals() -> None:
    x = torch.tensor([[1, 2, 3], [4, 5, 6]])
    assert (torch.diag(x, 1).tolist(), x.diag(-1).tolist(), x.trace().item()) == ([2, 6], [4], 6)
    assert torch.tensor([1, 2]).diag(-1).tolist() == [[0, 0, 0], [1, 0, 0], [0, 2, 0]]
