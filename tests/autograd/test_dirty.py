"""Functions that change their inputs in place, and other ways to write one."""

from __future__ import annotations

from typing import Any

import pytest

import tinygrad_lite as tg
from tinygrad_lite.autograd import Function


class AddInPlace(Function):
    """x ← x + w, y = x w."""

    @staticmethod
    def forward(ctx: Any, x: tg.Tensor, w: tg.Tensor) -> Any:
        x.add_(w)
        ctx.mark_dirty(x)
        ctx.save_for_backward(x, w)
        return x, x * w

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        x, w = ctx.saved_tensors
        first, second = grads
        inner = first + second * w
        return inner, inner + second * x


def test_the_changed_input_is_the_output(device: str) -> None:
    a = tg.tensor([1.0, 2.0], device=device, requires_grad=True)
    w = tg.tensor([3.0, 4.0], device=device, requires_grad=True)
    x = a * 2
    y, z = AddInPlace.apply(x, w)
    assert y is x
    assert x.tolist() == [5, 8]
    (10 * x + z).sum().backward()
    assert a.grad.tolist() == [26, 28]  # 2 (10 + w)
    assert w.grad.tolist() == [18, 22]  # 10 + w + x
    second = tg.autograd.grad
    x = a * 2
    _, z = AddInPlace.apply(x, w)
    (once,) = second(z.sum(), w, create_graph=True)  # 2 a + 2 w
    (twice,) = second(once.sum(), a)
    assert once.tolist() == [8, 12]
    assert twice.tolist() == [2, 2]


def test_a_view_that_is_changed_moves_its_base(device: str) -> None:
    a = tg.ones(4, device=device, requires_grad=True)
    w = tg.tensor([2.0, 3.0], device=device, requires_grad=True)
    x = a * 2
    part = x[1:3]
    y, _ = AddInPlace.apply(part, w)
    assert y is part
    assert x.tolist() == [2, 4, 5, 2]
    (x * tg.tensor([1.0, 10.0, 100.0, 1000.0], device=device)).sum().backward()
    assert a.grad.tolist() == [2, 20, 200, 2000]
    assert w.grad.tolist() == [10, 100]


def test_what_needs_no_gradient_is_just_changed() -> None:
    x, w = tg.ones(2), tg.ones(2)
    y, _ = AddInPlace.apply(x, w)
    assert y is x
    assert x.tolist() == [2, 2]
    y, _ = AddInPlace.apply(x, w.requires_grad_())
    assert x.requires_grad
    y.sum().backward()
    assert w.grad.tolist() == [1, 1]


class Lost(AddInPlace):
    @staticmethod
    def forward(ctx: Any, x: tg.Tensor, w: tg.Tensor) -> Any:
        return AddInPlace.forward(ctx, x, w)[1]


def test_what_cannot_be_changed() -> None:
    w = tg.ones(2)
    leaf = tg.ones(2, requires_grad=True)
    for x in (leaf, leaf[:]):
        with pytest.raises(RuntimeError, match="leaf"):
            AddInPlace.apply(x, w)
    with pytest.raises(RuntimeError, match="not returned as output"):
        Lost.apply(leaf * 1, w)


class Scale(Function):
    @staticmethod
    def forward(ctx: Any, x: tg.Tensor, factor: float = 2) -> tg.Tensor:
        ctx.factor = factor
        ctx.save_for_forward(x)
        return x * factor

    @staticmethod
    def vjp(ctx: Any, *grads: Any) -> Any:
        return grads[0] * ctx.factor, None


class Early(Function):
    @staticmethod
    def forward(x: tg.Tensor, factor: float = 2) -> tg.Tensor:
        return x * factor

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.factor = inputs[1]

    backward = Scale.vjp


@pytest.mark.parametrize("function", [Scale, Early])
def test_arguments_by_name_and_the_other_name_of_backward(function: Any) -> None:
    x = tg.ones(1, requires_grad=True)
    function.apply(x, factor=3).backward()
    assert x.grad.tolist() == [3]
    function.apply(factor=4, x=x).backward()
    assert x.grad.tolist() == [7]
