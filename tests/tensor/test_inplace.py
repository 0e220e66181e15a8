"""In-place operations: what they change, what they refuse, and what views of them do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.tensor import inplace, restride


def leaf(*values: float) -> tg.Tensor:
    return tg.tensor(list(values), dtype="float64", requires_grad=True)


def value(tensor: tg.Tensor | None) -> Any:
    assert tensor is not None
    return tensor.tolist()


CHANGES: dict[str, Callable[[tg.Tensor], Any]] = {
    "add_": lambda x: x.add_(1),
    "sub_": lambda x: x.sub_(1),
    "mul_": lambda x: x.mul_(2),
    "div_": lambda x: x.div_(2),
    "pow_": lambda x: x.pow_(2),
    "neg_": lambda x: x.neg_(),
    "exp_": lambda x: x.exp_(),
    "sqrt_": lambda x: x.sqrt_(),
    "relu_": lambda x: x.relu_(),
    "clamp_": lambda x: x.clamp_(0, 1),
    "masked_fill_": lambda x: x.masked_fill_(x > 0, 1),
    "copy_": lambda x: x.copy_(tg.zeros(2)),
    "fill_": lambda x: x.fill_(3),
    "zero_": lambda x: x.zero_(),
    "normal_": lambda x: x.normal_(),
    "uniform_": lambda x: x.uniform_(),
    "bernoulli_": lambda x: x.bernoulli_(),
    "random_": lambda x: x.random_(),
    "exponential_": lambda x: x.exponential_(),
    "log_normal_": lambda x: x.log_normal_(),
    "geometric_": lambda x: x.geometric_(0.5),
    "cauchy_": lambda x: x.cauchy_(),
    "__setitem__": lambda x: x.__setitem__(0, 3),
    "__iadd__": lambda x: x.__iadd__(1),
    "__isub__": lambda x: x.__isub__(1),
    "__imul__": lambda x: x.__imul__(2),
    "__itruediv__": lambda x: x.__itruediv__(2),
}
every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


def _made(method: Any) -> bool:
    """Whether it was made of an ordinary function, by `both` or as one of views."""
    while hasattr(method, "__wrapped__"):
        if method.__globals__["__name__"] in (inplace.__name__, restride.__name__):
            return True
        method = method.__wrapped__  # what says which argument is of a wrong type
    return False


def test_every_in_place_method_is_here() -> None:
    ending = {n for n in dir(tg.ones(1)) if n.endswith("_") and not n.startswith("_")}
    made = {n for n in ending if _made(getattr(tg.Tensor, n))}
    assert {"exp_", "add_", "clamp_"} < made
    assert ending - made - set(CHANGES) == {
        *("requires_grad_", "detach_", "resize_", "resize_as_", "set_", "share_memory_"),
        *("map_", "map2_", "apply_", "fill_diagonal_"),  # functions of Python's, and of matrices
    }


@every_change
def test_a_leaf_that_requires_grad_refuses(change: Any) -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        change(x)
    assert value(x) == [1, 2]


@every_change
def test_under_no_grad_a_leaf_changes_and_stays_a_leaf(change: Any) -> None:
    x = leaf(4.0, -9.0)
    memory = x.array
    with tg.no_grad():
        change(x)
    assert x.array is memory
    assert x.is_leaf
    assert x.requires_grad
    assert value(x) != [4, -9]


@every_change
def test_a_value_that_a_gradient_needs_is_guarded(change: Any) -> None:
    x = leaf(4.0, 9.0)
    y = x * 1
    z = (y * y).sum()
    change(y)
    with pytest.raises(RuntimeError, match=r"^mul: input 0.*modified by an in-place"):
        z.backward()


@every_change
def test_a_change_shows_in_every_view(change: Any) -> None:
    x = tg.tensor([4.0, 9.0])
    views = [x[:], x.view(2, 1), x.T, x.detach(), x.data]
    change(x)
    for view in views:
        assert view.flatten().tolist() == x.tolist()


def test_augmented_assignment_on_a_copy_is_differentiable() -> None:
    x = leaf(1.0, 2.0)
    y = x.clone()
    first = y
    y += 1
    y *= x
    y -= x * 2
    y /= 2
    assert y is first
    y.backward(tg.tensor([1.0, 1.0], dtype="float64"))  # ((x + 1) x − 2 x) / 2
    assert value(x.grad) == [0.5, 1.5]


def test_a_view_that_changes_under_no_grad_guards_its_base() -> None:
    x = leaf(1.0, 2.0)
    base = x * 1
    y = (base * base).sum()
    with tg.no_grad():
        base[0].fill_(7)
    with pytest.raises(RuntimeError, match="modified by an in-place"):
        y.backward()


def test_a_changed_output_is_guarded_only_where_it_is_needed() -> None:
    x = leaf(1.0, 2.0)
    y = x * 3  # needs neither x nor its own value
    y += 1
    y.sum().backward()
    assert value(x.grad) == [3, 3]
    z = x.exp()  # needs its own value
    z += 1
    with pytest.raises(RuntimeError, match=r"exp: the output.*modified"):
        z.sum().backward()


def test_multiplying_in_place_keeps_what_the_other_gradient_needs() -> None:
    a, b = leaf(2.0, 3.0), leaf(5.0, 7.0)
    y = a.clone()
    y *= b
    y *= b
    y.sum().backward()  # a b²
    assert (value(a.grad), value(b.grad)) == ([25, 49], [20, 42])


def test_multiplying_in_place_with_itself() -> None:
    x = leaf(2.0, 3.0)
    y = x.clone()
    y *= y
    with pytest.raises(RuntimeError, match=r"mul: input 1.*modified"):
        y.sum().backward()


def test_changes_through_setitem_reach_both() -> None:
    x, v = leaf(1.0, 2.0, 3.0), leaf(10.0)
    y = x * 2
    y[1:2] = v * 3
    (y * y).sum().backward()
    assert value(x.grad) == [8, 0, 24]
    assert value(v.grad) == [180]


def test_a_plain_tensor_takes_a_part_that_requires_grad() -> None:
    v = leaf(10.0, 20.0)
    y = tg.zeros(3, dtype="float64")
    for i in range(2):
        y[i] = v[i] * (i + 1)
    assert y.requires_grad
    assert value(y) == [10, 40, 0]
    y.sum().backward()
    assert value(v.grad) == [1, 2]


def test_setitem_undone_gradients_through_a_mask_and_an_index() -> None:
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1
    y[tg.tensor([True, False, True])] = 0
    y[tg.tensor([1])] = y[tg.tensor([1])] * 5
    y.sum().backward()
    assert value(x.grad) == [0, 5, 0]


def test_an_index_that_changes_is_guarded() -> None:
    x, index = leaf(1.0, 2.0, 3.0), tg.tensor([0, 1])
    y = x[index].sum()
    index.fill_(2)
    with pytest.raises(RuntimeError, match=r"getitem: input 1.*modified"):
        y.backward()


def test_an_index_array_of_the_user_is_copied() -> None:
    x, index = leaf(1.0, 2.0, 3.0), np.array([0, 1])
    y = x[index].sum()
    index[:] = 2
    y.backward()
    assert value(x.grad) == [1, 1, 0]


def test_an_optimizer_step_between_forward_and_backward_is_noticed() -> None:
    w, x = leaf(1.0, 2.0), tg.tensor([3.0, 4.0], dtype="float64")
    loss = (w * w * x).sum()
    with tg.no_grad():
        w -= 0.1
    with pytest.raises(RuntimeError, match="modified by an in-place"):
        loss.backward()


@pytest.mark.parametrize("change", [lambda x: x.add_(1), lambda x: x.__setitem__(..., x + 1)])
def test_a_broadcast_tensor_refuses(change: Any, device: str) -> None:
    x = tg.zeros(1, device=device).expand(3)
    with pytest.raises(RuntimeError, match=r"more than one element .* single memory location"):
        change(x)


def test_a_place_in_a_broadcast_tensor_is_one_of_its_base(device: str) -> None:
    x = tg.zeros(2, device=device)
    y = x.expand(3, 2)
    y[0] += 1
    y[1, 0] = 5
    assert x.tolist() == [5, 1]
    y.fill_(7)
    assert x.tolist() == [7, 7]


def test_an_expansion_that_repeats_nothing_is_a_view_like_any_other() -> None:
    x = tg.zeros(3)
    x.expand(1, 3).add_(1)
    x[0].fill_(5)
    assert x.tolist() == [5, 1, 1]


def test_a_change_of_what_was_detached_is_noticed() -> None:
    x = leaf(1.0, 2.0)
    y = x.exp()  # whose gradient needs its value
    part = y.detach()
    part.zero_()
    assert (part._version, y._version) == (1, 1)
    with pytest.raises(RuntimeError, match="modified by an in-place"):
        y.sum().backward()


def test_data_is_changed_without_a_trace() -> None:
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    x.data.mul_(10)
    y.backward()  # as in PyTorch, .data asks for it
    assert value(x) == [10, 20]
    assert value(x.grad) == [20, 40]


def test_what_is_overwritten_gets_a_gradient_of_0() -> None:
    x = leaf(1, 2)
    y = x * 2
    y.copy_(tg.tensor([3.0, 4.0]))
    assert y.requires_grad
    y.sum().backward()
    assert value(x.grad) == [0, 0]


def test_integers_hold_no_fractions() -> None:
    x = tg.tensor([1])
    with pytest.raises(
        RuntimeError, match=r"add_: .* torch\.float32 can't be cast to torch\.int64"
    ):
        x.add_(1.5)
    assert value(x) == [1]
