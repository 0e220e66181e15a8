"""The CPU's special functions against their plain form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.backend.test_kernels_elementwise import orders
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import elementwise
from tinygrad_lite.backend.cpu import special as cpu
from tinygrad_lite.backend.plain import special as plain

XP = namespace_for("cpu")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_erfinv_has_half_a_digit_of_error(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    near_one = 1 - 2.0 ** -np.arange(1, 25)
    edges = [0.0, -0.0, 1e-40, 1, -1, 1.5, -2, np.inf, -np.inf, np.nan, 0.99903, 0.99904]
    x = np.concatenate([rng.uniform(-1, 1, 20_000), near_one, -near_one, edges]).astype(dtype)
    y, want = cpu.erfinv(XP, x), plain.erfinv(XP, x.astype(np.float64))
    assert y.dtype == dtype
    np.testing.assert_array_equal(np.signbit(y), np.signbit(want.astype(dtype)))
    np.testing.assert_array_equal(np.isfinite(y), np.isfinite(want))
    np.testing.assert_array_equal(np.isnan(y), np.isnan(want))
    finite = np.isfinite(want)
    error = np.abs(y[finite].astype(np.float64) - want[finite])
    assert (error <= 0.55 * np.spacing(np.abs(y[finite]))).all()


@pytest.mark.parametrize("shape", [(), (5,), (3, 4, 50), (2, 0)])
def test_erfinv_in_any_order_of_memory(shape: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elementwise, "LONG_BLOCK", 64)
    monkeypatch.setattr(elementwise, "LONG_SHARED", 100)
    for x in [*orders(shape), *orders(shape[::-1])] if shape else [np.array(-0.5, np.float32)]:
        np.tanh(3 * x, out=x)  # of which some are far, in the order that x has
        np.testing.assert_allclose(cpu.erfinv(XP, x), plain.erfinv(XP, x), rtol=2e-7)
