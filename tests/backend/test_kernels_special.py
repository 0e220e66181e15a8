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
from tinygrad_lite.backend.plain.elementwise import erf as plain_erf

XP = namespace_for("cpu")
EDGES = [0.0, -0.0, 1e-40, 1e-10, 0.46875, 3.92, 9.19, 9.3, 10.0, 10.05, 10.06, 11, 1e30, np.inf]
PLAIN: dict[str, Any] = {"erf": plain_erf, "erfc": plain.erfc, "erfinv": plain.erfinv}


@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_error_functions_have_half_a_digit_of_error(name: str) -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(0, 11, 30_000), rng.normal(0, 0.1, 1000), EDGES])
    x = np.concatenate([x, -x]).astype(np.float32)
    y, want = getattr(cpu, name)(XP, x), PLAIN[name](XP, x.astype(np.float64))
    assert y.dtype == np.float32
    np.testing.assert_array_equal(np.signbit(y), np.signbit(want))
    error = np.abs(y.astype(np.float64) - want)
    digit = np.spacing(np.abs(want.astype(np.float32))).astype(np.float64)
    assert (error <= 0.55 * digit).all()


def test_error_functions_are_symmetric() -> None:
    x = np.linspace(0, 5, 3000, dtype=np.float32)
    np.testing.assert_array_equal(cpu.erf(XP, -x), -cpu.erf(XP, x))
    assert np.isnan([f(XP, np.array([np.nan], np.float32)) for f in (cpu.erf, cpu.erfc)]).all()


@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_error_functions_of_float64_are_the_plain_ones(name: str) -> None:
    x = np.linspace(-30, 30, 500)
    np.testing.assert_array_equal(getattr(cpu, name)(XP, x), PLAIN[name](XP, x))


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


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("shape", [(), (5,), (3, 4, 50), (2, 0)])
def test_in_any_order_of_memory(shape: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elementwise, "LONG_BLOCK", 64)
    monkeypatch.setattr(elementwise, "LONG_SHARED", 100)
    for x in [*orders(shape), *orders(shape[::-1])] if shape else [np.array(-0.5, np.float32)]:
        np.tanh(3 * x, out=x)  # of which some are far, in the order that x has
        y, want = getattr(cpu, name)(XP, x), PLAIN[name](XP, x)
        np.testing.assert_allclose(y, want, rtol=4e-7)
