"""An operation is one rule and one row (docs/architecture.md): what a new one gets by these."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests import strict
from tinygrad_lite.ops import RULES, rule
from tinygrad_lite.ops.rule import declare
from tinygrad_lite.tensor import apply
from tinygrad_lite.tensor.inplace import both
from tinygrad_lite.tensor.operation import BY_LIBRARY_NAME, unary


@pytest.fixture
def atan(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A new operation, the whole of it, for the length of a test."""
    monkeypatch.setitem(RULES, "atan", RULES["exp"])  # taken back after the test
    monkeypatch.setitem(BY_LIBRARY_NAME, "arctan", tg.exp)

    @rule(autocast="float32")
    def atan(xp: Any, x: Any) -> Any:
        """y = arctan x: dL/dx = g / (1 + x²)."""
        return xp.arctan(x), (lambda g: g / (x * x + 1),)

    function = unary(atan, library="arctan")
    for name, form in zip(("atan", "atan_"), both(function), strict=True):
        monkeypatch.setattr(tg.Tensor, name, form, raising=False)
    return function


def test_it_is_a_function_and_methods_with_name_signature_and_equation(atan: Any) -> None:
    x: Any = tg.tensor([0.5, -2.0])
    np.testing.assert_allclose(atan(input=x).numpy(), np.arctan([0.5, -2.0]), rtol=1e-6)
    np.testing.assert_array_equal(x.atan().numpy(), atan(x).numpy())
    assert atan(tg.tensor([1, 2])).dtype == tg.float32
    assert atan.__name__ == "atan"
    assert atan.__doc__ == "y = arctan x: dL/dx = g / (1 + x²)."
    assert list(inspect.signature(tg.Tensor.atan_).parameters) == ["input"]  # type: ignore[attr-defined]
    y, memory = x.clone(), x.clone()
    memory.copy_(y)
    assert memory.atan_() is memory
    np.testing.assert_array_equal(memory.numpy(), atan(y).numpy())


def test_it_differentiates_twice(atan: Any, device: str) -> None:
    x = tg.tensor([0.5, -2.0, 0.0], dtype="float64", device=device, requires_grad=True)
    assert tg.autograd.gradcheck(atan, [x])
    assert tg.autograd.gradgradcheck(atan, [x])
    # Its own output is computed again by the namespace of tensors when others need it.
    assert tg.autograd.gradgradcheck(lambda x: atan(atan(x)).exp_(), [x])


def test_it_calculates_in_16_bits_and_under_autocast(atan: Any) -> None:
    x = tg.tensor([0.5, -2.0], dtype="float16", requires_grad=True)
    y = atan(x)
    y.sum().backward()
    assert y.dtype == tg.float16
    assert x.grad is not None
    np.testing.assert_array_equal(
        x.grad.numpy(), (1 / (1 + np.float32([0.5, -2]) ** 2)).astype(np.float16)
    )
    with tg.autocast("cpu", dtype=tg.float16):
        assert atan(x).dtype == tg.float32


def test_it_never_waits_for_the_device(atan: Any) -> None:
    strict.install()
    x = tg.randn(3, device="strict", requires_grad=True)
    with strict.forbid_sync():
        atan(x).sum().backward()
        (g,) = tg.autograd.grad(atan(x).sum(), x, create_graph=True)
        assert g is not None
        g.sum().backward()


def test_without_a_row_the_namespace_of_tensors_says_so() -> None:
    def cbrt(xp: Any, x: Any) -> Any:
        y = xp.cbrt(x)
        return y, (lambda g: g / (3 * y * y),)

    x = tg.tensor([1.0], requires_grad=True)
    tg.autograd.grad(apply(declare(cbrt), x), x)
    with pytest.raises(AttributeError, match=r"^cbrt: no function of tensors has this name"):
        tg.autograd.grad(apply(declare(cbrt), x), x, create_graph=True)
