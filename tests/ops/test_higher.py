"""Passes that are recorded: higher derivatives, and values that are computed again for them."""

from __future__ import annotations

import math

import pytest

import tinygrad_lite as tg
from tests import strict
from tests.engine.test_walk import leaf, value
from tinygrad_lite.autograd import grad
from tinygrad_lite.nn import functional as F


def test_a_long_chain_of_dead_values_is_computed_again() -> None:
    x = leaf(0.5)
    y = x
    for _ in range(5000):
        y = y * 1.0001
    (g,) = grad(y * y, x, create_graph=True)
    (gg,) = grad(g, x)
    assert value(gg) == pytest.approx(2 * 1.0001**10_000)


def test_third_derivatives() -> None:
    x = leaf(0.7)
    y = x.sin() * x.exp()
    for _ in range(3):
        (y,) = grad(y, x, create_graph=True)  # type: ignore[assignment]
    want = 2 * math.exp(0.7) * (math.cos(0.7) - math.sin(0.7))
    assert value(y) == pytest.approx(want)


def test_create_graph_through_dot_grad() -> None:
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    first = x.grad
    assert first is not None
    x.grad = None
    first.backward()
    assert value(x.grad) == 12


def test_dead_intermediates_are_computed_again_after_in_place_changes() -> None:
    x = leaf(0.3)
    y = x.exp()
    y.mul_(2)  # the exponential itself is gone
    y.add_(1)
    (g,) = grad((y * y).log(), x, create_graph=True)  # 2 ln(2eˣ + 1)
    (gg,) = grad(g, x)
    e = math.exp(0.3)
    assert value(g) == pytest.approx(4 * e / (2 * e + 1))
    assert value(gg) == pytest.approx(4 * e / (2 * e + 1) ** 2)


def test_an_old_value_that_an_in_place_operation_needed() -> None:
    x = leaf(0.3)
    y = x.exp()
    y *= x  # needs the exponential that it overwrites
    (g,) = grad(y * y, x, create_graph=True)  # x² e²ˣ
    (gg,) = grad(g, x)
    e = math.exp(0.6)
    assert value(g) == pytest.approx((2 * 0.3 + 2 * 0.09) * e)
    assert value(gg) == pytest.approx((2 + 8 * 0.3 + 4 * 0.09) * e)


def test_create_graph_refuses_a_leaf_that_changed() -> None:
    x = leaf(0.3)
    y = (x * x).sum()
    with tg.no_grad():
        x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an in-place"):
        grad(y, x, create_graph=True)
    (g,) = grad((x * 2).sum(), x)
    assert value(g) == 2


def test_a_constant_operand_that_changes() -> None:
    x, c = leaf(1.0, 2.0), tg.tensor([3.0, 4.0], dtype="float64")
    kept, used = (x + c).sum(), (x * c).sum()
    c.zero_()
    kept.backward()  # a sum needs no values
    with pytest.raises(RuntimeError, match=r"mul: input 1.*version 1, expected version 0"):
        used.backward()


def test_second_derivatives_through_another_device() -> None:
    strict.install()
    x = leaf(3.0)
    (g,) = grad((x.to("strict") ** 2).to("cpu") * x, x, create_graph=True)  # x³
    (gg,) = grad(g, x)
    assert value(gg) == 18


def test_inputs_of_a_fused_rule_that_come_from_one_another() -> None:
    """The gradient of each takes no path through the others, which the walk takes anyway."""
    x = tg.linspace(-1, 1, 12, dtype="float64").reshape(1, 1, 3, 4).requires_grad_()
    y = F.conv2d(x, x[..., :2, :2])
    (want,) = grad((y * y).sum(), x, retain_graph=True)
    (found,) = grad((y * y).sum(), x, create_graph=True)
    assert found.sub(want).abs().max().item() < 1e-12
