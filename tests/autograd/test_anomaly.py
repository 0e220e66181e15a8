"""Anomaly mode: the first operation whose result is not finite, told with all that helps."""

from __future__ import annotations

import gc
import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import nn
from tinygrad_lite.autograd import AnomalyError, detect_anomaly, set_detect_anomaly
from tinygrad_lite.tensor import anomaly

INF, NAN = float("inf"), float("nan")


class Halved(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(np.full(g.shape, INF, np.float32)).to(g.device)


def leaf(*values: float, device: str = "cpu") -> torch.Tensor:
    return torch.tensor(values, device=device, requires_grad=True)


# What is computed, and what the message must say of it.
FORWARD: dict[str, tuple[Callable[[str], Any], list[str]]] = {
    "log of 0": (
        lambda d: leaf(2.0, 0.0, 4.0, device=d).log(),
        ["log: the output is not finite, though the inputs are: -inf at (1,), 1 of 3 elements of "
         "float32 (3,)", "input: float32 (3,) from 0 to 4, 0 at (1,)"],
    ),
    "0 / 0": (
        lambda d: leaf(1.0, 0.0, device=d) / leaf(2.0, 0.0, device=d),
        ["div: ", "nan at (1,)", "input 0: float32 (2,) from 0 to 1, 0 at (1,)", "input 1: "],
    ),
    "overflow without a gradient": (
        lambda d: torch.full((2, 2), 1e30, device=d) @ torch.full((2, 1), 1e30, device=d),
        ["matmul: ", "inf at (0, 0), 2 of 2 elements of float32 (2, 1)"],
    ),
    "float16": (
        lambda d: leaf(300.0, device=d).half() * leaf(300.0, device=d).half(),
        ["mul: ", "inf at (0,), 1 of 1 elements of float16 (1,)"],
    ),
}  # fmt: skip
BACKWARD: dict[str, tuple[Callable[[str], Any], list[str]]] = {
    "sqrt at 0": (
        lambda d: leaf(4.0, 0.0, device=d).sqrt().sum().backward(),
        ["sqrt: its gradient for input 0 is not finite, though the output's is: inf at (1,)",
         "the gradient of the output: float32 (2,) from 1 to 1, 1 at (1,)"],
    ),
    "a Function": (
        lambda d: Halved.apply(leaf(1.0, device=d)).sum().backward(),
        ["Halved: its gradient for input 0", "inf at (0,)"],
    ),
    "a sum of gradients": (
        lambda d: (lambda u: ((u * 2e38).sum() + (u * 2e38).sum()).backward())(
            leaf(1e-30, device=d) * 1
        ),
        ["mul: the sum of its gradients is not finite, though all of them are: inf at (0,)"],
    ),
    "a second derivative": (
        lambda d: (lambda x: torch.autograd.grad(
            torch.autograd.grad((x ** 1.5).sum(), x, create_graph=True)[0].sum(), x
        ))(leaf(0.0, device=d)),
        ["not finite"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [*FORWARD, *BACKWARD])
def test_the_first_operation_is_named(name: str, device: str) -> None:
    compute, texts = (FORWARD | BACKWARD)[name]
    with detect_anomaly(), pytest.raises(AnomalyError) as caught:
        compute(device)
    for text in texts:
        assert text in str(caught.value)
    assert re.search(r"at test_anomaly.py, line \d+, in <lambda>: `", str(caught.value))
    compute(device)  # it is off again


def test_the_line_is_that_of_the_forward_operation() -> None:
    x = leaf(0.0)
    with detect_anomaly():
        y = x.sqrt()
        line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
        with pytest.raises(AnomalyError, match=rf"line {line}, in .*`y = x\.sqrt\(\)`"):
            y.sum().backward()


def test_the_layer_is_named() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(2, 3), nn.ReLU()))
    model[1][0].weight.data.fill_(1e38)
    with detect_anomaly(), pytest.raises(AnomalyError) as caught:
        model(torch.full((4, 2), 100.0))
    assert "in layer '1.0', Linear(in_features=2, out_features=3, bias=True)" in str(caught.value)


@pytest.mark.parametrize("value", [INF, NAN])
def test_what_was_given_is_no_anomaly(value: float) -> None:
    """Data, and numbers that ask for it, such as a mask's."""
    with detect_anomaly():
        assert not bool(torch.isfinite(torch.tensor([value]) * 2).all())
        mask = torch.tensor([[True, False], [False, False]])
        y = torch.zeros(2, 2, requires_grad=True).masked_fill(mask, -INF).softmax(dim=1)
        y.sum().backward()
        z = leaf(1.0) * 2
        z.backward(torch.tensor([value]))


def test_other_errors_say_where_the_operation_ran() -> None:
    with detect_anomaly(check_nan=False):
        x = leaf(1.0)
        y = x.exp()
        z = (y * y).sum()
        y.detach().zero_()
        with pytest.raises(RuntimeError, match="modified by an in-place") as caught:
            z.backward()
    (note,) = caught.value.__notes__
    assert re.search(r"(mul|exp) ran\n  at test_anomaly.py, line \d+, in .*: `", note)


def test_check_nan_can_be_left_out() -> None:
    with detect_anomaly(check_nan=False):
        leaf(0.0).log().sum().backward()


def test_settings_go_back() -> None:
    with set_detect_anomaly(True):
        outer = anomaly.watch
        assert outer is not None
        with set_detect_anomaly(False):
            assert anomaly.watch is None
            leaf(0.0).log()
        assert anomaly.watch is outer
        with detect_anomaly(), detect_anomaly(False):
            assert anomaly.watch is not outer
        assert anomaly.watch is outer
    assert anomaly.watch is None
    set_detect_anomaly(True)
    assert anomaly.watch is not None
    set_detect_anomaly(False)
    assert anomaly.watch is None


def test_values_are_the_same_and_nothing_is_kept() -> None:
    def gradient() -> bytes:
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
        loss = nn.functional.cross_entropy(model(torch.randn(5, 3)), torch.tensor([0, 1, 1, 0, 1]))
        loss.backward()
        return b"".join(p.grad.numpy().tobytes() for p in model.parameters())

    plain = gradient()
    with detect_anomaly():
        assert gradient() == plain
        gc.collect()
        watch = anomaly.watch
        assert watch is not None
        assert len(watch._places) == 0, "nodes live no longer than without the mode"
