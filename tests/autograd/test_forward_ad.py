"""Dual tensors: tangents as `func.jvp` gives them, of functions, modules and Functions."""

from __future__ import annotations

from typing import Any

import pytest

import tinygrad_lite as torch
from tests.autograd.test_function import Cube, draw
from tinygrad_lite import nn
from tinygrad_lite.autograd import forward_ad as fw


def close(found: Any, wanted: Any) -> None:
    torch.testing.assert_close(found, wanted)


def test_a_tangent_goes_through_a_function(device: str) -> None:
    x, t = draw(device, 2, 3).detach(), draw(device, 2, 3).detach() * 2
    w = draw(device, 4, 3).detach()

    def function(x: Any) -> Any:
        return torch.tanh(x @ w.T).softmax(1).cumsum(0)

    with fw.dual_level():
        dual = fw.make_dual(x, t)
        assert dual.data_ptr() == x.data_ptr()
        assert fw.unpack_dual(dual).tangent is t
        primal, tangent = fw.unpack_dual(function(dual))
        assert fw.unpack_dual(x * 2).tangent is None
        assert fw.unpack_dual(draw(device, 2).requires_grad_() * 2).tangent is None
        twice = fw.unpack_dual(function(fw.make_dual(x, t)) + function(dual)).tangent
    assert not primal.requires_grad
    assert tangent is not None
    assert not tangent.requires_grad
    wanted = torch.func.jvp(function, (x,), (t,))
    close((primal, tangent), wanted)
    close(twice, 2 * wanted[1])
    assert fw.unpack_dual(dual * 2).tangent is None  # the level is over


def test_parameters_that_are_dual(device: str) -> None:
    layer: Any = nn.Linear(3, 2, device=device).double()
    x = draw(device, 4, 3).detach()
    names = [name for name, _ in layer.named_parameters()]
    with fw.dual_level():
        for name in names:
            parameter = getattr(layer, name)
            delattr(layer, name)
            setattr(layer, name, fw.make_dual(parameter, torch.ones_like(parameter)))
        _, tangent = fw.unpack_dual(layer(x))
    close(tangent.detach(), (x.sum(1, keepdim=True) + 1).expand(4, 2))


def test_a_tangent_is_differentiable_where_others_are(device: str) -> None:
    x, t, w = (draw(device, 3).detach() for _ in range(3))
    w.requires_grad_()
    with fw.dual_level():
        _, tangent = fw.unpack_dual(torch.exp(fw.make_dual(x, t) * w))
    assert tangent is not None
    tangent.sum().backward()
    with torch.no_grad():
        close(w.grad, t * torch.exp(x * w) * (1 + x * w))


def test_the_value_of_a_dual_may_require_a_gradient() -> None:
    w = torch.tensor([2.0, 3.0], requires_grad=True)
    with fw.dual_level():
        dual = fw.make_dual(w, torch.tensor([1.0, 10.0], dtype=torch.float64))
        assert (fw.unpack_dual(w).tangent, dual is w) == (None, False)
        tangent: Any = fw.unpack_dual(dual**3).tangent
    assert (tangent.dtype, tangent.tolist()) == (torch.float32, [12, 270])
    tangent.sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [12, 180]


def test_functions_are_differentiated_twice(device: str) -> None:
    x = draw(device, 3).detach()
    with fw.dual_level():
        dual = fw.make_dual(x, torch.ones_like(x).double())
        close(fw.unpack_dual(Cube.apply(dual)).tangent, 3 * x * x)
        close(fw.unpack_dual(dual.floor()).tangent, torch.zeros_like(x))


@fw.dual_level()
def test_refused() -> None:
    x = torch.ones(2)
    dual = fw.make_dual(x, x)
    for again in (dual, dual * 2):
        with pytest.raises(RuntimeError, match="already has a forward gradient at the same level"):
            fw.make_dual(again, x)
    with pytest.raises(RuntimeError, match="Nested forward mode"), fw.dual_level():
        pass
    with pytest.raises(RuntimeError, match=r"tangent of shape \(3,\) for a tensor of shape \(2,\)"):
        fw.make_dual(x, torch.ones(3))
    with pytest.raises(ValueError, match="Expected primal to be floating point"):
        fw.make_dual(x.long(), x)
    with pytest.raises(ValueError, match="Expected tangent to be floating point"):
        fw.make_dual(x, x.long())


def test_without_a_level() -> None:
    with pytest.raises(RuntimeError, match="no level exists"):
        fw.make_dual(torch.ones(2), torch.ones(2))
    with pytest.raises(RuntimeError, match="there is no level"):
        fw.exit_dual_level()
    assert torch.autograd.forward_ad is fw


class OnlyForward(torch.autograd.Function):
    """(k y eˣ, 2 x), with derivatives in forward mode alone."""

    @staticmethod
    def forward(ctx: Any, x: Any, k: float, y: Any) -> Any:
        ctx.e, ctx.y, ctx.k = x.exp(), y, k
        return ctx.e * y * k, x * 2

    @staticmethod
    def jvp(ctx: Any, x: Any, k: Any, y: Any) -> Any:
        assert k is None
        tangent = torch.zeros_like(ctx.e)
        if x is not None:
            tangent = tangent + x * ctx.e * ctx.y * ctx.k
        if y is not None:
            tangent = tangent + y * ctx.e * ctx.k
        return tangent, None if x is None else x * 2


def test_functions_that_have_a_jvp_alone(device: str) -> None:
    x, y, t = (torch.tensor(v, device=device) for v in ([0.0, 1.0], [3.0, 4.0], [1.0, -2.0]))
    e = torch.tensor([1.0, 2.7182817], device=device)
    with fw.dual_level():
        a, b = OnlyForward.apply(fw.make_dual(x, t), 2.0, y)
        close(fw.unpack_dual(a).tangent, e * y * t * 2)
        close(fw.unpack_dual(b).tangent, 2 * t)
        product = a.detach() * 2 * t + e * y * t * 2 * b.detach()
        close(fw.unpack_dual(a * b).tangent, product)
    with fw.dual_level():
        a, _ = OnlyForward.apply(x, 2.0, fw.make_dual(y, 3 * t))
        close(fw.unpack_dual(a).tangent, e * 6 * t)
    with fw.dual_level():
        a, b = OnlyForward.apply(fw.make_dual(x, t), 2.0, fw.make_dual(y, 3 * t))
        close(fw.unpack_dual(a + b).tangent, e * y * t * 2 + e * 6 * t + 2 * t)
    out, _ = OnlyForward.apply(x.clone().requires_grad_(), 2.0, y)
    with pytest.raises(NotImplementedError, match="must implement the static method backward"):
        out.sum().backward()
