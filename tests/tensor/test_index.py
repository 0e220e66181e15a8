"""Indexing as PyTorch reads it: values, gradients and assignment, with and without tensors.

The expected values were printed by PyTorch 2.13 and are written out; a model of PyTorch's reading
in NumPy (integers and slices first, then arrays) says the same of drawn indices.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg

X = np.arange(24.0).reshape(2, 3, 4)


def x() -> Any:
    return tg.tensor(X, requires_grad=True)


def mask(*values: int, dtype: Any = tg.bool) -> Any:
    return tg.tensor(values).to(dtype)


READS: dict[str, tuple[Any, Any]] = {
    "an integer and a list apart": ((0, slice(None), [1, 0]), [[1, 0], [5, 4], [9, 8]]),
    "a list, a slice, an integer": (([0, 1], slice(0, 2), 3), [[3, 7], [15, 19]]),
    "lists apart": (([0, 1], slice(0, 2), [3, 0]), [[3, 7], [12, 16]]),
    "an integer between lists": (([0, 1], 1, [3, 0]), [7, 16]),
    "None before a list": ((1, None, [2, 0], 0), [[20, 12]]),
    "an ellipsis and a list": ((..., [3, 0]), X[..., [3, 0]].tolist()),
    "an integer tensor of no dimensions": (tg.tensor(1), X[1].tolist()),
    "it counts as an integer": ((tg.tensor(0), slice(None), [1, 0]), [[1, 0], [5, 4], [9, 8]]),
    "a mask": ((0, mask(1, 0, 1)), [[0, 1, 2, 3], [8, 9, 10, 11]]),
    "a uint8 mask is a mask": ((0, mask(1, 0, 1, dtype=tg.uint8)), [[0, 1, 2, 3], [8, 9, 10, 11]]),
    "a list of bools is a mask": ((0, [True, False, True]), [[0, 1, 2, 3], [8, 9, 10, 11]]),
    "a mask and a list": ((0, mask(1, 0, 1), [3, 0]), [3, 8]),
    "True": ((True, 0, 0), [[0, 1, 2, 3]]),
    "False": ((0, 0, False), []),
    "an empty list": ((0, 0, []), []),
    "negative indices": ((-1, [-1, 0], -2), [22, 14]),
    "int32": ((0, 0, tg.tensor([3, 1], dtype=tg.int32)), [3, 1]),
    "a range": ((0, 0, range(2)), [0, 1]),
    "NumPy": ((np.int64(0), 0, np.array([3, 1])), [3, 1]),
    "tensors in a list": ((0, 0, [tg.tensor(3), tg.tensor(1)]), [3, 1]),
    "two dimensions": ((0, 0, tg.tensor([[3], [1]])), [[3], [1]]),
}


@pytest.mark.parametrize("name", READS)
def test_values_and_gradients(name: str) -> None:
    index, wanted = READS[name]
    t = x()
    found = t[index]
    assert found.tolist() == wanted
    g = np.random.default_rng(0).standard_normal(found.shape)
    found.backward(tg.tensor(g))
    gradient = np.zeros_like(X)  # each element of X is its own place
    np.add.at(gradient.reshape(-1), found.detach().numpy().astype(int), g)
    np.testing.assert_array_equal(t.grad.numpy(), gradient)


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("recorded", [False, True])
def test_assignment(name: str, recorded: bool) -> None:
    index, wanted = READS[name]
    y = x() * 1 if recorded else tg.tensor(X)
    value = tg.full((1,), -1.0, dtype=tg.float64, requires_grad=recorded)
    y[index] = value
    expected = np.where(np.isin(X, wanted), -1, X)
    assert y.tolist() == expected.tolist()
    if recorded:
        y.sum().backward()
        assert value.grad.sum().item() == np.size(wanted)


REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "a negative step": (slice(None, None, -1), ValueError, "step must be greater than zero"),
    "a float": (0.5, IndexError, "valid indices, but got float"),
    "a float tensor": (tg.ones(1), IndexError, "not torch.float32"),
    "int16": (tg.ones(1, dtype=tg.int16), IndexError, "not torch.int16"),
    "a position too large": (2, IndexError, "index 2 is out of bounds"),
    "an index too large": ([0, 2], IndexError, "index 2 is out of bounds"),
    "too many": ((0, 0, 0, 0), IndexError, "too many indices"),
    "two ellipses": ((..., ..., 0), IndexError, "single ellipsis"),
    "lists that do not broadcast": (([0, 1], [0, 1, 2]), IndexError, "broadcast"),
    "a mask of another length": (mask(1, 0, 1), IndexError, "shape of the mask"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    index, error, text = REFUSED[name]
    with pytest.raises(error, match=text):
        x()[index]
    with pytest.raises(error, match=text):
        tg.tensor(X)[index] = 0


def test_what_is_assigned() -> None:
    y = tg.zeros(3, dtype=tg.uint8)
    y[0] = -1  # wraps
    y[1] = 2.7  # is cut off
    assert y.tolist() == [255, 2, 0]
    for value in (float("nan"), 300):
        with pytest.raises(RuntimeError, match="without overflow"):
            y[0] = value
    for other in ("a", [1], np.ones(1), None):
        with pytest.raises(TypeError, match="can't assign a"):
            y[0] = other
    with pytest.raises(RuntimeError, match="setitem: "):
        y[:2] = tg.ones(3)


def test_gather_and_its_kin() -> None:
    t = tg.tensor([[1.0, 2, 3], [4, 5, 6]], requires_grad=True)
    assert t.gather(1, tg.tensor([[2]])).tolist() == [[3]]  # an index smaller than the input
    small = t.gather(0, tg.tensor([[1, 0]]))
    assert small.tolist() == [[4, 2]]
    small.sum().backward()
    assert t.grad is not None
    assert t.grad.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert tg.tensor(7.0).gather(0, tg.tensor([0, 0])).tolist() == [7, 7]
    for bad in ([[-1]], [[3]]):
        with pytest.raises(RuntimeError, match=r"gather: index .* out of bounds"):
            t.gather(1, tg.tensor(bad))
    with pytest.raises(RuntimeError, match="no larger than the input"):
        t.gather(1, tg.zeros(3, 1, dtype=tg.int64))
    with pytest.raises(RuntimeError, match="same number of dimensions"):
        t.gather(1, tg.tensor([0]))
    with pytest.raises(IndexError, match="index_select: index -1"):
        t.index_select(0, tg.tensor([-1]))
    assert t.index_select(1, tg.tensor(2)).tolist() == [[3], [6]]
    assert t.masked_select(mask(1, 0, 1)).tolist() == [1, 3, 4, 6]  # the mask broadcasts
    assert t.take_along_dim(tg.tensor([[-1]]), 1).tolist() == [[3], [6]]
    assert t.take(tg.tensor([[5, 0]])).tolist() == [[6, 1]]


@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("reduce", ["sum", "mean", "prod", "amax", "amin"])
def test_scatter_reduce_twice_differentiated(reduce: str, include_self: bool) -> None:
    """Also where factors are 0, and where several elements go to one place."""
    index = tg.tensor([[0, 0, 2], [2, 1, 2]])
    x = tg.tensor([[0.5, 2, -1], [0.25, 1.5, 3]], dtype="float64", requires_grad=True)
    src = tg.tensor([[1.25, -2, 0.75], [-0.5, 0.0, 4]], dtype="float64", requires_grad=True)

    def function(x: tg.Tensor, src: tg.Tensor) -> tg.Tensor:
        return x.scatter_reduce(1, index, src, reduce, include_self=include_self)

    assert tg.autograd.gradcheck(function, (x, src))
    assert tg.autograd.gradgradcheck(function, (x, src))


def test_scatter_and_its_kin() -> None:
    t, index = tg.zeros(2, 3), tg.tensor([[0, 0], [2, 1]])
    ones = tg.tensor([[1.0, 2], [3, 4]], requires_grad=True)
    assert t.scatter(1, index[1:], 5).tolist() == [[0, 5, 5], [0, 0, 0]]
    added = t.scatter_add(1, index, ones)
    assert added.tolist() == [[3, 0, 0], [0, 4, 3]]
    (added * tg.tensor([1.0, 2, 3])).sum().backward()
    assert ones.grad is not None
    assert ones.grad.tolist() == [[1, 1], [3, 2]]
    kinds = {"sum": 3, "prod": 0, "mean": 1, "amax": 2, "amin": 0}
    for reduce, first in kinds.items():
        assert t.scatter_reduce(1, index, ones, reduce)[0, 0].item() == first
    alone = t.scatter_reduce(1, index, ones, "prod", include_self=False)
    assert alone.tolist() == [[2, 0, 0], [0, 4, 3]]
    assert t.index_add(0, tg.tensor([1, 1]), tg.ones(2, 3), alpha=2)[1].tolist() == [4, 4, 4]
    assert t.index_fill(1, tg.tensor([-1]), 7).tolist() == [[0, 0, 7]] * 2
    assert t.index_put((tg.tensor([0, 0]),), tg.ones(3), True)[0].tolist() == [2, 2, 2]
    filled = t.clone().masked_scatter_(mask(0, 1, 1), tg.arange(9.0))
    assert filled.tolist() == [[0, 0, 1], [0, 2, 3]]
    y = tg.ones(3, requires_grad=True) * 1
    y.scatter_(0, tg.tensor([0]), 5.0)  # in place, recorded
    y.sum().backward()
    with pytest.raises(RuntimeError, match="same dtype"):
        t.scatter(1, index, tg.ones(2, 2, dtype=tg.int64))


def test_joining_and_splitting() -> None:
    rows = tg.ones(2, 3)
    assert tg.cat([tg.tensor([]), rows]).tolist() == rows.tolist()
    assert tg.cat([rows, tg.tensor([])], 1).shape == (2, 3)
    small = tg.ones(1, dtype=tg.int8), tg.ones(1, dtype=tg.uint8)
    assert tg.cat(small).dtype == tg.int16
    assert tg.cat([rows, rows], axis=1).shape == (2, 6)
    with pytest.raises(ValueError, match="cat: expected a non-empty list"):
        tg.cat([])
    with pytest.raises(RuntimeError, match="hstack: sizes of tensors"):
        tg.hstack([rows, tg.ones(1, 1)])
    with pytest.raises(TypeError, match="stack: tensors must be a list or tuple of Tensors"):
        tg.stack(rows)
    assert [len(t) for t in tg.zeros(0).chunk(3)] == [0, 0, 0]
    assert [len(t) for t in tg.zeros(7).chunk(3)] == [3, 3, 1]
    assert [len(t) for t in tg.arange(7).tensor_split(3)] == [3, 2, 2]
    assert [len(t) for t in tg.arange(5).split(np.int64(2))] == [2, 2, 1]
    assert tg.arange(5).narrow(0, -2, 2).tolist() == [3, 4]
    with pytest.raises(IndexError, match="narrow: start 6"):
        tg.arange(5).narrow(0, 6, 0)
    assert tg.zeros(2, 3, 4).movedim([0, 1], (2, 0)).shape == (3, 4, 2)
    assert tg.zeros(1, 2, 1).squeeze(()).shape == (1, 2, 1)
    assert tg.linspace(0.5, -2, 5, dtype=tg.int32).tolist() == [0, 0, -1, -1, -2]


def test_laid_out_anew() -> None:
    m = tg.arange(6).reshape(2, 3)
    assert m.roll(1).tolist() == [[5, 0, 1], [2, 3, 4]]
    assert m.roll((1, -1), (0, 1)).tolist() == [[4, 5, 3], [1, 2, 0]]
    assert m.rot90().tolist() == [[2, 5], [1, 4], [0, 3]]
    assert m.tile(2).tolist() == [[0, 1, 2, 0, 1, 2], [3, 4, 5, 3, 4, 5]]
    assert m.repeat_interleave(tg.tensor([1, 2]), 0).tolist() == [[0, 1, 2], [3, 4, 5], [3, 4, 5]]
    assert m.diagonal(1).tolist() == [1, 5]
    square = tg.zeros(2, 2)
    square.diagonal().fill_(3)
    assert square.tolist() == [[3, 0], [0, 3]]
    assert tg.tensor([1, 2]).diag_embed(1).tolist() == [[0, 1, 0], [0, 0, 2], [0, 0, 0]]
    a, b = tg.meshgrid(tg.arange(2), tg.arange(3), indexing="xy")
    assert (a.tolist(), b.tolist()) == ([[0, 1]] * 3, [[0, 0], [1, 1], [2, 2]])
    assert tg.cartesian_prod(tg.arange(2), tg.arange(2)).tolist() == [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
    ]
    assert tg.dstack([tg.ones(2), tg.zeros(2)]).tolist() == [[[1, 0], [1, 0]]]
    assert tg.column_stack([tg.ones(2), tg.zeros(2, 1)]).tolist() == [[1, 0], [1, 0]]
    assert tg.arange(5).unfold(0, 2, 2).tolist() == [[0, 1], [2, 3]]
    halves = tg.ones(2).repeat(2, 1).div_(2)  # each element has its own memory
    assert halves.tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_public_programs() -> None:
    assert tg.device("cpu") != "cpu"
    assert tg.device("cpu") == tg.device("cpu")
    collate = tg.utils.data.default_collate
    assert collate([0, 0.5]).tolist() == [0, 0.5]
    assert (collate([0, 0.5]).dtype, collate([0.5, 0]).dtype) == (tg.float32, tg.float64)
    loader = tg.utils.data.DataLoader(tg.utils.data.TensorDataset(tg.ones(2), tg.ones(2)))
    assert isinstance(next(iter(loader)), list)
    with pytest.raises(RuntimeError, match="expected target dtype to be int64"):
        tg.nn.functional.cross_entropy(tg.ones(1, 2), tg.tensor([1], dtype=tg.int32))


def test_a_mask_takes_as_many_dimensions_as_it_has() -> None:
    x = tg.arange(24).reshape(2, 3, 4)
    front, back = tg.arange(6).reshape(2, 3) > 3, tg.arange(12).reshape(3, 4) > 9
    assert x[..., back].tolist() == [[10, 11], [22, 23]]
    assert x[front, 1].tolist() == [17, 21]


@pytest.mark.parametrize(
    ("size", "step", "counts"),
    [(3, 1, [1, 2, 3, 3, 2, 1]), (3, 2, [1, 1, 2, 1, 1, 0]), (2, 4, [1, 1, 0, 0, 1, 1])],
)
def test_windows_are_views_whose_gradients_meet(size: int, step: int, counts: list[int]) -> None:
    x = tg.arange(12.0).view(2, 6).t()  # in another order than the memory's
    with tg.no_grad():
        x.unfold(0, size, step)[0, 1, size - 1] = 100.0
    assert x[size - 1, 1] == 100
    x.requires_grad_()
    y = x.unfold(0, size, step)
    assert tg.equal(y[-1, 1], x[y.shape[0] * step - step :, 1][:size])
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[n, n] for n in counts]


def test_windows_of_memory_in_an_order_of_its_own() -> None:
    """The owner's axes lie neither row-major nor column-major: as those of a padded view do."""
    x = tg.empty_like(tg.empty(4, 2, 3).transpose(0, 1)).copy_(tg.arange(24).view(2, 4, 3))
    assert not x.is_contiguous()
    y = x.unfold(1, 2, 1)
    assert y[1, 2].tolist() == [[18, 21], [19, 22], [20, 23]]
    y[0, 0, 0, 0] = 50
    assert x[0, 0, 0] == 50  # a view
