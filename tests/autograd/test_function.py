"""`autograd.Function`: the operations of PyTorch's documentation, and everything around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite.autograd import Function, grad, gradcheck, gradgradcheck
from tinygrad_lite.autograd.function import FunctionCtx

Tensor = torch.Tensor


class Exp(Function):
    """Saves its output."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: FunctionCtx, g: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return g * y


class Cube(Function):
    """The newer form; saves its input."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x * x * x

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: FunctionCtx, g: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return g * 3 * x * x


class MulConstant(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, constant: float) -> Tensor:
        ctx.constant = constant
        return x * constant

    @staticmethod
    def backward(ctx: FunctionCtx, g: Tensor) -> tuple[Tensor, None]:
        return g * ctx.constant, None


class Linear(Function):
    computed: list[str]

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
        ctx.save_for_backward(x, w, b)
        y = x.mm(w.t())
        return y if b is None else y + b.unsqueeze(0).expand(y.shape)

    @staticmethod
    def backward(ctx: FunctionCtx, g: Tensor) -> tuple[Tensor | None, ...]:
        x, w, b = ctx.saved_tensors
        dx = dw = db = None
        if ctx.needs_input_grad[0]:
            Linear.computed.append("x")
            dx = g.mm(w)
        if ctx.needs_input_grad[1]:
            Linear.computed.append("w")
            dw = g.t().mm(x)
        if b is not None and ctx.needs_input_grad[2]:
            Linear.computed.append("b")
            db = g.sum(0)
        return (dx, dw) if b is None and len(ctx.needs_input_grad) == 2 else (dx, dw, db)


class BatchNorm(Function):
    """Equation 81 of the report, of the input itself, so that it can be differentiated again."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
        ctx.save_for_backward(x, gamma)
        ctx.eps = eps
        return gamma * BatchNorm.normalize(x, eps)[0] + beta

    @staticmethod
    def normalize(x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        centred = x - x.mean(0)
        inverse = ((centred * centred).mean(0) + eps) ** -0.5
        return centred * inverse, inverse

    @staticmethod
    def backward(ctx: FunctionCtx, g: Tensor) -> tuple[Tensor | None, ...]:
        x, gamma = ctx.saved_tensors
        normal, inverse = BatchNorm.normalize(x, ctx.eps)
        dx = gamma * inverse * (g - g.mean(0) - normal * (g * normal).mean(0))
        return dx, (g * normal).sum(0), g.sum(0), None


class Parts(Function):
    """Several outputs, of several kinds: x², the places of positives, a name, and x³."""

    given: Any = None
    materialize = True

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> tuple[Any, ...]:
        ctx.set_materialize_grads(Parts.materialize)
        square, places, cube = x * x, x > 0, x * x * x
        ctx.save_for_backward(x, square)
        return square, places, "parts", cube

    @staticmethod
    def backward(ctx: FunctionCtx, *grads: Any) -> Tensor:
        Parts.given = grads
        x, square = ctx.saved_tensors
        g, _, _, h = (0 if k is None else k for k in grads)
        return g * 2 * x + h * 3 * square


def define(forward: Callable[..., Any], backward: Callable[..., Any]) -> type[Function]:
    """A Function named Made."""
    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("Made", (Function,), members)


def draw(device: str, *shape: int, seed: int = 0, needs: bool = True) -> Tensor:
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.uniform(0.5, 1.5, shape), device=device, requires_grad=needs)


def same(found: Any, wanted: Any) -> None:
    assert found.shape == wanted.shape
    np.testing.assert_allclose(np.array(found.tolist()), np.array(wanted.tolist()), rtol=1e-12)


def bn_inputs(device: str) -> tuple[Any, ...]:
    return draw(device, 6, 3), draw(device, 3, seed=1), draw(device, 3, seed=2), 1e-5


CASES: dict[str, tuple[Callable[..., Any], Callable[[str], tuple[Any, ...]]]] = {
    "exp": (Exp.apply, lambda d: (draw(d, 4),)),
    "cube": (Cube.apply, lambda d: (draw(d, 2, 3),)),
    "constant": (MulConstant.apply, lambda d: (draw(d, 4), 5.5)),
    "linear": (Linear.apply, lambda d: (draw(d, 4, 3), draw(d, 2, 3, seed=1))),
    "bias": (Linear.apply, lambda d: (draw(d, 4, 3), draw(d, 2, 3, seed=1), draw(d, 2, seed=2))),
    "batch norm": (BatchNorm.apply, bn_inputs),
    "parts": (lambda x: Parts.apply(x)[::3], lambda d: (draw(d, 4),)),
    "one part": (lambda x: Parts.apply(x)[3].exp(), lambda d: (draw(d, 4),)),
    "between": (lambda x: (Exp.apply(x * x) * 2).sin(), lambda d: (draw(d, 4),)),
    "twice": (lambda x: Cube.apply(Exp.apply(x)), lambda d: (draw(d, 3),)),
}


@pytest.mark.parametrize("case", CASES)
def test_first_and_second_derivatives(case: str, device: str) -> None:
    function, inputs = CASES[case]
    Linear.computed = []
    assert gradcheck(function, inputs(device))
    assert gradgradcheck(function, inputs(device))


def test_wrong_gradient_fails_gradcheck(device: str) -> None:
    wrong = define(lambda ctx, x: x * x, lambda ctx, g: g * 2)
    assert not gradcheck(wrong.apply, (draw(device, 3),), raise_exception=False)


def test_third_derivative(device: str) -> None:
    x = draw(device, 3)
    d = Cube.apply(x).sum()
    for expected in (lambda t: 3 * t * t, lambda t: 6 * t, lambda t: 0 * t + 6):
        (d,) = grad(d.sum(), x, create_graph=True)
        same(d, expected(x))


@pytest.mark.parametrize("needs", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)])
def test_needs_input_grad_skips_work(needs: tuple[int, ...], device: str) -> None:
    Linear.computed = []
    x, w, b = (
        draw(device, *s, needs=bool(n)) for s, n in zip([(4, 3), (2, 3), (2,)], needs, strict=True)
    )
    Linear.apply(x, w, b).sum().backward()
    assert Linear.computed == [name for name, n in zip("xwb", needs, strict=True) if n]
    assert [t.grad is not None for t in (x, w, b)] == [bool(n) for n in needs]


def test_forward_and_backward_are_not_recorded(device: str) -> None:
    seen = []

    def forward(ctx: Any, x: Tensor, k: int) -> Tensor:
        seen.append((torch.is_grad_enabled(), ctx.needs_input_grad, x.requires_grad))
        return x * k

    def backward(ctx: Any, g: Tensor) -> Any:
        seen.append((torch.is_grad_enabled(), g.requires_grad))
        return g * 2, None

    made, x = define(forward, backward), draw(device, 3)
    y = made.apply(x, 2)
    assert y.requires_grad
    assert y.grad_fn.name() == "MadeBackward"
    grad(y.sum(), x, create_graph=True)
    y = made.apply(x, 2)
    y.sum().backward()
    with torch.no_grad():
        y = made.apply(x, 2)
    assert not y.requires_grad
    assert not made.apply(x.detach(), 2).requires_grad
    run = (False, (True, False), True)
    assert seen == [run, (True, False), run, (False, False), run, (False, (False, False), False)]


def test_several_outputs(device: str) -> None:
    x = draw(device, 3)
    square, places, name, cube = Parts.apply(x)
    assert (places.requires_grad, name) == (False, "parts")
    seen = []
    square.register_hook(lambda g: seen.append(g.tolist()))
    (square * 2 + cube + square).sum().backward()
    same(x.grad, 6 * x + 3 * x * x)
    assert seen == [[3.0] * 3]
    g, empty, none, h = Parts.given
    assert (g.tolist(), empty.tolist(), none, h.tolist()) == (
        [3.0] * 3,
        [False] * 3,
        None,
        [1.0] * 3,
    )


def test_gradient_of_one_output_with_respect_to_it(device: str) -> None:
    x = draw(device, 3)
    square, _, _, cube = Parts.apply(x)
    z = (square * cube).sum()
    same(grad(z, square, retain_graph=True)[0], cube)
    g, h = grad(z, [square, cube])
    same(g, cube)
    same(h, square)


def test_saved_output_of_a_dropped_tensor(device: str) -> None:
    x = draw(device, 3)
    cube = Parts.apply(x)[3]  # what backward saved, the square, is an output that is gone
    (g,) = grad(cube.sum(), x, create_graph=True)
    same(grad(g.sum(), x)[0], 6 * x)


@pytest.mark.parametrize("materialize", [True, False])
def test_unused_outputs(materialize: bool, device: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(Parts, "materialize", materialize)
    x = draw(device, 3)
    Parts.apply(x)[3].sum().backward()
    same(x.grad, 3 * x * x)
    g, places = Parts.given[:2]
    assert (g.tolist() == [0.0] * 3 and g.device == x.device) if materialize else g is None
    assert (places is None) != materialize


def test_none_is_no_gradient(device: str) -> None:
    made = define(lambda ctx, a, b: a * b, lambda ctx, g: (None, g))
    a, b = draw(device, 3), draw(device, 3)
    made.apply(a, b).sum().backward()
    assert a.grad is None
    same(b.grad, torch.ones(3))


def test_mark_non_differentiable(device: str) -> None:
    def forward(ctx: Any, x: Tensor) -> Any:
        y, z = x * 2, x * 3
        ctx.mark_non_differentiable(z)
        return y, z

    def backward(ctx: Any, g: Tensor, h: Tensor) -> Tensor:
        assert h.tolist() == [0.0] * 3
        return g * 2

    x = draw(device, 3)
    y, z = define(forward, backward).apply(x)
    assert not z.requires_grad
    (y + z).sum().backward()
    same(x.grad, torch.full((3,), 2.0))


def test_an_output_may_be_changed_in_place(device: str) -> None:
    x = draw(device, 3)
    y = Cube.apply(x)
    y.mul_(2)
    y.sum().backward()
    same(x.grad, 6 * x * x)
