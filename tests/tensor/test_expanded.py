"""Changes of tensors of which several elements are one in memory: PyTorch's values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tinygrad_lite as tg
from tinygrad_lite import Tensor

MASK = tg.tensor([[True, False, False], [False, True, False]])
FIRST = tg.tensor([0])


def expanded() -> Tensor:
    return tg.zeros(1, 3).expand(2, 3)


@pytest.mark.parametrize(
    ("change", "row"),
    [
        (lambda x: x.masked_fill_(MASK, 1.0), [1, 1, 0]),
        (lambda x: x.masked_fill_(MASK, float("inf")), [float("inf"), float("inf"), 0]),
        (lambda x: x.index_fill_(0, FIRST, 1.0), [1, 1, 1]),
        (lambda x: x.index_fill_(1, FIRST, 1.0), [1, 0, 0]),
        (lambda x: x.index_put_((FIRST,), tg.ones(3)), [1, 1, 1]),
        (lambda x: x.index_put_((FIRST,), tg.ones(3), accumulate=True), [1, 1, 1]),
        (lambda x: x.__setitem__(FIRST, 1.0), [1, 1, 1]),
        (lambda x: x.__setitem__(MASK, 1.0), [1, 1, 0]),
        (lambda x: x.__setitem__(MASK, tg.ones(2)), [1, 1, 0]),
    ],
)
def test_what_picks_elements_warns_and_writes(change: Callable[[Tensor], Any], row: Any) -> None:
    x = expanded()
    with pytest.warns(UserWarning, match="on expanded tensors is deprecated"):
        change(x)
    assert x.tolist() == [row, row]


def test_diagonals_and_triangles_are_written() -> None:
    assert expanded().fill_diagonal_(1.0).tolist() == [[1, 1, 0], [1, 1, 0]]
    assert tg.ones(1, 3).expand(2, 3).tril_().tolist() == [[1, 0, 0], [1, 0, 0]]


def test_elements_that_stay_undo_nothing() -> None:
    memory = tg.tensor([0.0, float("nan"), 0.0])
    x = memory.as_strided((2, 2), (1, 1))
    x.index_fill_(0, FIRST, 1.0)
    assert memory.tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.add_(1),
        lambda x: x.copy_(tg.ones(2, 3)),
        lambda x: x.masked_scatter_(MASK, tg.ones(2)),
        lambda x: x.index_add_(0, FIRST, tg.ones(1, 3)),
        lambda x: x.scatter_(0, tg.tensor([[0, 0, 0]]), 1.0),
    ],
)
def test_the_others_raise(change: Callable[[Tensor], Any]) -> None:
    with pytest.raises(RuntimeError, match="more than one element"):
        change(expanded())


def test_a_recorded_change_raises() -> None:
    x = tg.zeros(1, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match="more than one element"):
        (x * 1).expand(2, 3).masked_fill_(MASK, 1.0)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.t_(),
        lambda x: x.unsqueeze_(0),
        lambda x: x.squeeze_(),
        lambda x: x.transpose_(0, 1),
        lambda x: x.as_strided_((2,), (1,)),
    ],
)
def test_another_shape_is_a_change(change: Callable[[Tensor], Any]) -> None:
    x = tg.zeros(2, 3)
    change(x)
    assert x._version == 1


def test_what_was_kept_before_another_shape_raises() -> None:
    x = tg.ones(2, 3, requires_grad=True)
    y = x * 2
    z = y * y
    y.t_()
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        z.sum().backward()


def test_what_is_computed_after_another_shape_is_differentiated() -> None:
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = (x * 2).t_()
    (found,) = tg.autograd.grad((y * y * x.detach()).sum(), x, create_graph=True)
    assert found.tolist() == [[8, 48], [48, 128]]
    (again,) = tg.autograd.grad(found.sum(), x)
    assert again.tolist() == [[8, 24], [16, 32]]
