"""The CPU's activations of one exponential against their plain form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.backend.test_kernels_elementwise import orders
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import activation as cpu
from tinygrad_lite.backend.plain import activation as plain

XP = namespace_for("cpu")
CASES: dict[str, tuple[Any, ...]] = {
    "sigmoid": (),
    "silu": (),
    "softplus": (1.0, 20.0),
    "softplus, steeper": (2.5, 20.0),
    "softplus, linear early": (1.0, 0.5),
    "softplus, steeper and linear early": (0.5, 1.0),
}


@pytest.fixture(params=[(1, 7, 0), (40, 7, 0), (1 << 17, 1 << 18, 0), (1 << 17, 7, 1000)])
def _sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """From how many elements on work is shared out, blocks, up to how many it is not cut."""
    for name, size in zip(("SHARED", "BLOCK", "SMALL"), request.param, strict=True):
        monkeypatch.setattr(cpu, name, size)
    monkeypatch.setattr(cpu, "LIGHT", request.param[0])
    monkeypatch.setattr(cpu, "WHOLE", 0 if request.param[1] == 7 else cpu.WHOLE)


def both(name: str, x: np.ndarray, g: np.ndarray, given: tuple[Any, ...], form: Any) -> Any:
    """A function's value and gradient by one of the two forms."""
    value, gradient = getattr(form, name), getattr(form, f"{name}_gradient")
    if name == "silu":
        y, kept = value(XP, x, True)
        alone, nothing = value(XP, x, False)
        assert nothing is None
        np.testing.assert_array_equal(alone, y)
        return y, gradient(XP, g, kept)
    y = value(XP, x, *given)
    return y, gradient(XP, g, y if name == "sigmoid" else x, *given)


@pytest.mark.usefixtures("_sizes")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (5,), (3, 4, 50), (2, 0)])
@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients(case: str, shape: tuple[int, ...], dtype: Any) -> None:
    name, given = case.partition(",")[0], CASES[case]
    xs = [4 * x for x in orders(shape)] if shape else [np.array(-1.5), np.array(2.0)]
    gs = orders(shape) if shape else [np.array(3.0)]
    for x in (x.astype(dtype, order="K") for x in xs):
        for g in (g.astype(dtype, order="K") for g in gs):
            before = x.copy(), g.copy()
            found = both(name, x, g, given, cpu)
            exact = both(name, x.astype(np.float64), g.astype(np.float64), given, plain)
            for a, e in zip(found, exact, strict=True):
                assert a.dtype == dtype
                assert a.shape == e.shape
                tolerance = 1e-6 if dtype == np.float32 else 4e-15
                np.testing.assert_allclose(a, e, rtol=tolerance, atol=tolerance / 2)
                assert not np.shares_memory(a, x)
                assert not np.shares_memory(a, g)
            np.testing.assert_array_equal(x, before[0])
            np.testing.assert_array_equal(g, before[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", ["sigmoid", "silu", "softplus", "softplus, linear early"])
def test_small_results_keep_their_digits_and_none_overflow(
    case: str, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu, "WHOLE", 0)
    name, given = case.partition(",")[0], CASES[case]
    x = np.linspace(-80, 80, 3001).astype(dtype)
    found = both(name, x, np.ones_like(x), given, cpu)
    exact = both(name, x.astype(np.longdouble), np.ones_like(x, np.longdouble), given, plain)
    cancels = {"sigmoid": x > 0, "silu": np.abs(x + 1.28) < 0.1}.get(name, x != x)
    for a, e, rough in zip(found, exact, (x != x, cancels), strict=True):
        far = np.abs(a - e) > (2e-6 if dtype == np.float32 else 1e-14) * np.abs(e)
        assert not (far & ~rough).any()


def test_special_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "WHOLE", 0)
    filling = np.zeros(2000, np.float32)
    x = np.concatenate([[-np.inf, np.inf, np.nan, -1e4, 1e4, -88.6, -0.0], filling]).astype("f")
    g = np.ones_like(x)
    expected: dict[str, tuple[list[float], list[float]]] = {
        "sigmoid": ([0, 1, np.nan, 0, 1, 3.3e-39, 0.5], [0, 0, np.nan, 0, 0, 3.3e-39, 0.25]),
        "silu": (
            [np.nan, np.inf, np.nan, 0, 1e4, -2.9e-37, 0],
            [np.nan, np.nan, np.nan, 0, 1, -2.9e-37, 0.5],
        ),
        "softplus": (
            [0, np.inf, np.nan, 0, 1e4, 3.3e-39, np.log(2)],
            [0, 1, np.nan, 0, 1, 3.3e-39, 0.5],
        ),
    }
    for name, rows in expected.items():
        found = both(name, x, g, CASES[name], cpu)
        for a, e in zip(found, rows, strict=True):
            np.testing.assert_allclose(a[:7], e, rtol=1e-3, atol=1e-38)


def test_gradients_of_another_order_or_dtype() -> None:
    x = np.random.default_rng(2).standard_normal((60, 40)).astype(np.float32)
    g = np.ascontiguousarray(x.T).T[::-1]
    for name in ("sigmoid", "silu", "softplus"):
        exact = both(name, x.astype(np.float64), g, CASES[name], plain)[1]
        np.testing.assert_allclose(both(name, x, g, CASES[name], cpu)[1], exact, atol=1e-6)
