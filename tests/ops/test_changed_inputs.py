"""Gradients recorded after an input was changed: right where its values are not needed.

The expected numbers are PyTorch's.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F
from tinygrad_lite import Tensor

CASES: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], list[float], list[float] | None]] = {
    "times a number": (lambda x, c: x * 2, [2, 2], None),
    "times a constant": (lambda x, c: x * c, [5, 6], None),
    "difference": (lambda x, c: c - x, [-1, -1], None),
    "reshaped": (lambda x, c: x.view(1, 2).t(), [1, 1], None),
    "picked": (lambda x, c: x[tg.tensor([0, 0])] * 3, [6, 0], None),
    "half": (lambda x, c: (x.half() * 2).float(), [2, 2], None),
    "masked": (lambda x, c: x.masked_fill(tg.tensor([True, False]), 0.0), [0, 1], None),
    "sorted": (lambda x, c: x.sort()[0] * c, [5, 6], None),
    "joined": (lambda x, c: tg.cat([x, c, x]), [2, 2], None),
    "summed": (lambda x, c: x.cumsum(0), [2, 1], None),
    "exp": (lambda x, c: x.exp(), [2.7182818, 7.3890561], [14.7781122, 109.1963]),
    "exp of a product": (
        lambda x, c: (x * 2).exp() * 3, [44.334337, 327.58890], [7862.1333, 429257.92],
    ),
    "tanh": (lambda x, c: x.tanh(), [0.41997434, 0.07065082], [-0.5373151, -0.0192479]),
    "sigmoid": (lambda x, c: x.sigmoid() * c, [0.98305967, 0.62996154], [-0.8931859, -0.6044799]),
    "sqrt": (lambda x, c: x.sqrt(), [0.5, 0.35355338], [-0.25, -0.0625]),
    "softmax": (lambda x, c: x.softmax(0) * c, [-0.19661194, 0.19661194], [0.0714549, -0.0714549]),
    "log_softmax": (
        lambda x, c: x.log_softmax(0)[1:], [-0.26894143, 0.26894143], [0.2115084, -0.2115084],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_needs_no_values_is_differentiated(name: str) -> None:
    function, slopes, curvatures = CASES[name]
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = function(x, tg.tensor([5.0, 6.0])).sum()
    with tg.no_grad():
        x.add_(1)
    (found,) = tg.autograd.grad(y, x, create_graph=True)
    assert found.tolist() == pytest.approx(slopes, rel=1e-5)
    assert found.requires_grad == (curvatures is not None)
    if curvatures is not None:
        (again,) = tg.autograd.grad((found * found).sum(), x)
        assert again.tolist() == pytest.approx(curvatures, rel=1e-4)


def test_a_mask_of_the_input_is_as_it_was() -> None:
    x = tg.tensor([-1.0, 2.0], requires_grad=True)
    y = (x.relu() * tg.tensor([3.0, 4.0])).sum()
    with tg.no_grad():
        x.mul_(-1)
    (found,) = tg.autograd.grad(y, x, create_graph=True)
    assert found.tolist() == [0, 4]


@pytest.mark.parametrize(
    "function",
    [
        lambda x, c: x * x,
        lambda x, c: x**3,
        lambda x, c: x.abs(),
        lambda x, c: c / x,
        lambda x, c: x.std(),
        lambda x, c: F.elu(x),
        lambda x, c: x.matmul(x),
        lambda x, c: F.gelu(x),
    ],
)
def test_what_needs_them_raises(function: Callable[[Tensor, Tensor], Tensor]) -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = function(x, tg.tensor([5.0, 6.0])).sum()
    with tg.no_grad():
        x.add_(1)
    with pytest.raises(RuntimeError, match=r"input . has been modified|needed for its gradient"):
        tg.autograd.grad(y, x, create_graph=True)


def test_a_constant_that_is_needed_raises() -> None:
    x, c = tg.tensor([1.0, 2.0], requires_grad=True), tg.ones(2)
    y = (x * c).sum()
    c.add_(1)
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        tg.autograd.grad(y, x, create_graph=True)


def test_an_output_that_is_needed_raises() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    z = y.sum()
    with tg.no_grad():
        x.add_(1)
        y.add_(1)
    with pytest.raises(RuntimeError, match="the output, needed for its gradient"):
        tg.autograd.grad(z, x, create_graph=True)
