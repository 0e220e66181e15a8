"""What a slope does not depend on, because it is flat: its gradient is 0, as PyTorch's."""

from __future__ import annotations

from typing import Any

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F

FLAT: dict[str, Any] = {
    "relu": F.relu,
    "relu in place": lambda a: F.relu(a * 1, inplace=True),
    "leaky_relu": F.leaky_relu,
    "hardtanh": F.hardtanh,
    "relu6": F.relu6,
    "max_pool1d": lambda a: F.max_pool1d(a[None], 2),
    "max_pool2d": lambda a: F.max_pool2d(a[None, None], 2),
    "avg_pool1d": lambda a: F.avg_pool1d(a[None], 2),
    "adaptive_avg_pool1d": lambda a: F.adaptive_avg_pool1d(a[None], 2),
    "adaptive_max_pool1d": lambda a: F.adaptive_max_pool1d(a[None], 2),
    "adaptive_max_pool2d": lambda a: F.adaptive_max_pool2d(a[None, None], (1, 2)),
    "prelu": lambda a: F.prelu(a, a.new_full((1,), 0.25)),
    "rrelu": F.rrelu,
    "rrelu in training": lambda a: F.rrelu(a, training=True),
    "threshold": lambda a: F.threshold(a, -9.0, 0.5),
    "softshrink": lambda a: F.softshrink(a, 1e-3),
    "hardshrink": lambda a: F.hardshrink(a, 1e-3),
    "reflection": lambda a: F.pad(a[None], (1, 1), mode="reflect"),
    "replication": lambda a: F.pad(a[None], (1, 1), mode="replicate"),
    "nll_loss": lambda a: F.nll_loss(a, tg.tensor([0, 1], device=a.device)),
}


def _penalty(model: Any, x: tg.Tensor) -> tg.Tensor:
    (slope,) = tg.autograd.grad(model(x).sum(), x, create_graph=True)
    return (slope * slope).sum()


@pytest.mark.parametrize("name", FLAT)
def test_a_bias_before_what_is_flat_has_the_gradient_0(name: str, device: str) -> None:
    x = tg.tensor([[1.0, -2.0], [0.5, 0.25]], device=device, requires_grad=True)
    first, last = nn.Linear(2, 4, device=device), nn.Linear(2, 1, device=device)
    _penalty(lambda x: FLAT[name](first(x)) * 2, x).backward()
    assert first.bias.grad.tolist() == [0, 0, 0, 0]
    assert (x.grad.tolist(), x.grad.dtype) == ([[0, 0], [0, 0]], x.dtype)
    assert first.weight.grad.abs().sum() > 0
    assert last.bias.grad is None


def test_prelus_weight_beside_the_slope() -> None:
    """Of y = w x the slope along w is x, along x it is w: no more, and zeros for the rest."""
    x = tg.tensor([-2.0, 3.0], requires_grad=True)
    w = tg.tensor([0.5], requires_grad=True)
    of_x, of_w = tg.autograd.grad(F.prelu(x, w).sum(), [x, w], create_graph=True)
    assert (of_x.tolist(), of_w.tolist()) == ([0.5, 1], [-2])
    found = tg.autograd.grad(of_x.sum(), [x, w], retain_graph=True)
    assert [g.tolist() for g in found] == [[0, 0], [1]]
    assert [g.tolist() for g in tg.autograd.grad(of_w.sum(), [x, w])] == [[1, 0], [0]]


@pytest.mark.parametrize("dtype", [tg.float16, tg.bfloat16, tg.float32, tg.float64])
@pytest.mark.parametrize("shape", [(2, 4), ()])
@pytest.mark.parametrize("function", [F.relu, F.leaky_relu, F.softshrink, F.hardtanh])
def test_of_any_dtype_and_of_no_dimensions(function: Any, shape: Any, dtype: Any) -> None:
    x = tg.full(shape, 0.75, dtype=dtype, requires_grad=True)
    (slope,) = tg.autograd.grad(function(x * 1).sum(), x, create_graph=True)
    (zero,) = tg.autograd.grad((slope * slope).sum(), x)
    assert (zero.dtype, tuple(zero.shape), zero.sum().item()) == (dtype, shape, 0)


OVERWRITTEN: dict[str, Any] = {
    "copy_": lambda a, w: a.copy_(w),
    "fill_": lambda a, w: a.fill_(w.sum()),
    "fill_ of a number": lambda a, w: a.fill_(2.0),
    "zero_": lambda a, w: a.zero_(),
    "a slice": lambda a, w: a.__setitem__(slice(None), w),
    "part after part": lambda a, w: (a[:1].copy_(w[:1]), a[1:].copy_(w[1:])),
}


@pytest.mark.parametrize("name", OVERWRITTEN)
def test_what_was_overwritten_has_the_gradient_0(name: str) -> None:
    x, w = tg.ones(2, requires_grad=True), tg.ones(2, requires_grad=True)
    a = x * 2
    OVERWRITTEN[name](a, w)
    (a.sum() + w.sum() * 0).backward()
    assert x.grad.tolist() == [0, 0]
    assert w.grad.tolist() == [{"fill_": 2, "zero_": 0, "fill_ of a number": 0}.get(name, 1)] * 2


def test_weight_decay_moves_it() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    bias = model[0].bias.detach().clone()
    optimizer = tg.optim.SGD(model.parameters(), 0.5, weight_decay=0.5)
    _penalty(model, tg.ones(4, 2, requires_grad=True)).backward()
    optimizer.step()
    assert tg.allclose(model[0].bias, bias * 0.75)
    assert model[2].bias.grad is None  # which nothing depends on, there neither


def test_a_slope_of_ones_requires_a_gradient() -> None:
    x = tg.tensor([1.0, -1.0], requires_grad=True)
    (slope,) = tg.autograd.grad(F.relu(x).sum(), x, create_graph=True)
    assert slope.tolist() == [1, 0]
    assert tg.autograd.grad(slope.sum(), x, create_graph=True)[0].tolist() == [0, 0]
    assert tg.autograd.grad((slope * x).sum(), x)[0].tolist() == [1, 0]


def test_zeros_are_made_for_those_who_look_alone() -> None:
    seen: list[Any] = []

    class Twice(tg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            seen.append(("function", g.tolist()))
            return g * 2

    x, bias = tg.ones(2, requires_grad=True), tg.zeros(2, requires_grad=True)
    a = Twice.apply(x.exp() + bias)
    a.retain_grad()
    b = a * 1
    b.register_hook(lambda g: seen.append(("hook", g.tolist())))
    (slope,) = tg.autograd.grad(F.relu(b).sum(), b, create_graph=True)
    slope.sum().backward()
    assert a.grad is not None
    assert a.grad.tolist() == [0, 0]
    assert seen == [("hook", [1, 1]), ("hook", [0, 0]), ("function", [0, 0])]
    assert x.grad is not None
    assert (x.grad.tolist(), bias.grad.tolist()) == ([0, 0], [0, 0])


def test_zeros_beside_a_gradient_change_nothing(device: str) -> None:
    """In either order, and where somebody waits for the leaf."""
    for turned in (False, True):
        w = tg.tensor([2.0, -1.0], device=device, requires_grad=True)
        told: list[Any] = []
        w.register_post_accumulate_grad_hook(lambda t, told=told: told.append(t.grad.tolist()))
        y = F.relu(w * 3)
        (slope,) = tg.autograd.grad(y.sum(), w, create_graph=True)
        terms = [slope.sum(), (w * w).sum()]
        (terms[turned] + terms[not turned]).backward()
        assert told == [[4, -2]]


def test_a_pass_through_what_was_freed_is_refused() -> None:
    x = tg.ones(2, requires_grad=True)
    y = F.relu(x.exp())
    (slope,) = tg.autograd.grad(y.sum(), x, create_graph=True)
    slope.sum().backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.sum().backward()


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_constant_that_was_copied_may_change_since(create_graph: bool) -> None:
    x, c = tg.tensor([2.0, 3.0], requires_grad=True), tg.ones(2)
    a = x * 2
    a.copy_(c)
    b = a * x
    c.add_(1)
    (slope,) = tg.autograd.grad(b.sum(), x, create_graph=create_graph)
    assert slope.tolist() == [1, 1]
