"""Functions calculated in float64, some positions at a time, against their plain form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests.strategies import LAYOUTS
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import wide as cpu
from tinygrad_lite.backend.plain import wide as plain

XP = namespace_for("cpu")


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("layout", [*LAYOUTS])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_in_blocks(axis: int, layout: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "BLOCK", 8)
    monkeypatch.setattr(cpu, "SHARED", 8)
    rng = np.random.default_rng(0)
    a, b = (LAYOUTS[layout](XP, rng.random((3, 4, 5)).astype(dtype)) for _ in range(2))
    others = tuple(k for k in range(3) if k != axis)

    def form(a: Any, b: Any) -> Any:
        assert a.dtype == "float64"
        return a * (a * b).sum(others, keepdims=True) - b

    found = cpu.in_float64(XP, form, axis, a, b)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, plain.in_float64(XP, form, axis, a, b), rtol=1e-6)


@pytest.mark.parametrize("shape", [(60, 2), (40, 3000)])
@pytest.mark.parametrize("p", [1, 2, 3, float("inf")])
def test_the_gradient_of_renorm_is_rounded_once(shape: tuple[int, ...], p: float) -> None:
    """The digits that cancel in it were three to four roundings off, PyTorch's is half of one."""
    rng = np.random.default_rng(0)
    values, g = (rng.random(shape, dtype=np.float32) for _ in range(2))

    def gradient(dtype: str) -> Any:
        x = torch.from_numpy(values.astype(dtype)).requires_grad_()
        y = x.renorm(p, 1, 0.5 if p == 2 else 0.4)
        return torch.autograd.grad(y, x, torch.from_numpy(g.astype(dtype)))[0].numpy()

    exact, found = gradient("float64"), gradient("float32")
    size = np.maximum(np.abs(exact), np.abs(exact).mean())
    assert np.max(np.abs(found - exact) / size) < 2**-24 * 1.01
