"""Hooks, in-place changes and second derivatives where two of them met; PyTorch 2.13's values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tinygrad_lite as torch
from tinygrad_lite import Tensor, nn


def _leaf(*values: float) -> Tensor:
    return torch.tensor(values, requires_grad=True)


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        (lambda x: x.unsqueeze_(0), (1, 2, 3)),
        (lambda x: x.t_(), (3, 2)),
        (lambda x: x.transpose_(0, 1), (3, 2)),
        (lambda x: x.swapaxes_(0, 1), (3, 2)),
        (lambda x: x.squeeze_(), (2, 3)),
        (lambda x: x.as_strided_((3,), (1,)), (3,)),
    ],
)
def test_leaves_become_views_of_themselves_without_recording(
    change: Callable[[Tensor], Tensor], shape: tuple[int, ...]
) -> None:
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    with torch.no_grad():
        assert change(x) is x
    assert x.shape == shape
    assert x.requires_grad
    assert x.is_leaf
    (x * x).sum().backward()
    assert x.grad is not None
    assert x.grad.equal(2 * x.detach())
    with pytest.raises(RuntimeError, match="leaf Variable"):
        change(x)


def test_other_tensors_stay_in_their_graph() -> None:
    x = _leaf(1.0, 2.0)
    y = x * 3
    with torch.no_grad():
        y.unsqueeze_(0)
    (y * torch.tensor([[1.0, 10.0]])).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [3.0, 30.0]


def test_second_derivatives_of_what_was_changed_unrecorded() -> None:
    x = _leaf(1.0, 2.0)
    y = x * 1
    with torch.no_grad():
        y[0].add_(4)
    (slope,) = torch.autograd.grad((y**3).sum(), x, create_graph=True)
    assert slope.tolist() == [75.0, 12.0]
    (curvature,) = torch.autograd.grad(slope.sum(), x)
    assert curvature.tolist() == [30.0, 12.0]

    y = x * 1
    with torch.no_grad():
        y.zero_()
    x.grad = None
    (y * y + x).sum().backward(create_graph=True)
    assert x.grad is not None
    assert x.grad.tolist() == [1.0, 1.0]


def test_a_change_after_the_rule_is_refused() -> None:
    x = _leaf(1.0, 2.0)
    y = x * 1
    with torch.no_grad():
        y.add_(1)
    z = (y * y).sum()
    with torch.no_grad():
        y.add_(1)
    with pytest.raises(RuntimeError, match=r"modified by an in-?place"):
        z.backward(create_graph=True)


def test_the_hook_of_a_parts_node_is_called_whatever_else_the_whole_has() -> None:
    x = torch.ones(3, 2, requires_grad=True)
    y = x * 1
    part, seen = y[0], []
    assert part.grad_fn is not None
    part.grad_fn.register_hook(lambda inputs, outputs: seen.append(outputs[0].tolist()))
    ((y.sin() + y).sum() + part.sum() * 5).backward()
    assert seen == [[5.0, 5.0]]


def test_a_part_of_a_number_that_has_a_gradient_already() -> None:
    x = _leaf(1.0, 2.0)
    total = x.sum()
    part = total[None]
    (x / total + total * x + part).sum().backward()
    assert x.grad is not None
    assert [round(g, 4) for g in x.grad.tolist()] == [8.0, 8.0]


class Two(torch.autograd.Function):
    """eˣ and 2 x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        y = x.exp()
        ctx.save_for_backward(y)
        return y, x * 2

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (y,) = ctx.saved_tensors
        return grads[0] * y + 2 * grads[1]


def test_a_recorded_pass_through_a_function_of_several_outputs() -> None:
    x = torch.zeros(2, requires_grad=True)
    first, second = Two.apply(x)
    (first * first + second).sum().backward(create_graph=True)
    assert x.grad is not None
    assert x.grad.tolist() == [4.0, 4.0]
    (curvature,) = torch.autograd.grad(x.grad.sum(), x)
    assert curvature.tolist() == [4.0, 4.0]


def test_a_retained_gradient_that_is_held_stays_as_it_is() -> None:
    x = _leaf(1.0, 2.0)
    y = x * 1
    y.retain_grad()
    y.sum().backward(retain_graph=True)
    held = y.grad
    y.sum().backward(retain_graph=True)
    assert held is not None
    assert held.tolist() == [1.0, 1.0]
    assert y.grad is not None
    assert y.grad.tolist() == [2.0, 2.0]
    total = y.sum()
    total.retain_grad()
    for _ in range(2):
        total.backward(retain_graph=True)
    assert total.grad == 2.0


def test_hooks_of_a_tensor_come_before_those_of_its_node() -> None:
    x = _leaf(1.0, 2.0)
    y = x * 1
    assert y.grad_fn is not None
    y.grad_fn.register_prehook(lambda grads: tuple(10 * g for g in grads))
    y.register_hook(lambda g: g + 1)
    (mine,) = torch.autograd.grad((y * 2).sum(), y, retain_graph=True)
    assert mine.tolist() == [3.0, 3.0]  # without what the node's hook does
    (y * 2).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [30.0, 30.0]


def test_a_hook_of_a_leaf_is_called_as_soon_as_its_gradient_is_whole() -> None:
    first, last, order = _leaf(1.0), _leaf(1.0), []
    middle = (first * 2).exp()
    for name, tensor in (("first", first), ("last", last), ("middle", middle)):
        tensor.register_hook(lambda _, name=name: order.append(name))
    (middle + last).sum().backward()
    assert order == ["last", "middle", "first"]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.diagonal(),
        lambda x: x.diag(),
        lambda x: x.trace(),
        lambda x: torch.einsum("ii->i", x),
        lambda x: x.diagonal(1),
    ],
)
def test_what_saves_nothing_may_be_differentiated_again(call: Callable[[Tensor], Tensor]) -> None:
    x = torch.ones(3, 3, requires_grad=True)
    y = call(x)
    y.sum().backward()
    once = None if x.grad is None else x.grad.clone()
    y.sum().backward()
    assert once is not None
    assert x.grad is not None
    assert x.grad.equal(2 * once)


def test_adafactor_of_16_bits() -> None:
    weight = nn.Parameter(torch.ones(2, 3, dtype=torch.bfloat16))
    optimizer = torch.optim.Adafactor([weight])
    weight.grad = torch.ones_like(weight)
    optimizer.step()
    assert weight.dtype is torch.bfloat16
    assert weight.float().sub(0.9883).abs().max() < 0.005
