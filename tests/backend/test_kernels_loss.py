"""The CPU's softmax against its plain form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.backend.test_kernels_norm import same
from tests.strategies import LAYOUTS
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import loss as cpu
from tinygrad_lite.backend.cpu import wide
from tinygrad_lite.backend.plain import loss as plain

XP = namespace_for("cpu")


@pytest.fixture(params=["one row at a time", "all at once"], autouse=True)
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "SMALL", 0)
    monkeypatch.setattr(cpu, "TINIEST", 0)
    monkeypatch.setattr(wide, "FEW", -1)
    if "one" in request.param:
        monkeypatch.setattr(cpu, "BLOCK", 1)
        monkeypatch.setattr(cpu, "SHARED", 1)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from(["small", "large", "far below 0", "some at minus infinity", "not a number"]),
    st.sampled_from([*LAYOUTS]),
    st.data(),
)
def test_softmax(shape: tuple[int, ...], dtype: Any, size: str, order: str, data: Any) -> None:
    rng = np.random.default_rng(sum(shape))
    x = rng.standard_normal(shape)
    x = {"large": x * 1e4, "far below 0": x - 1e3}.get(size, x)
    if size.startswith("some"):
        x[rng.random(shape) < 0.4] = -np.inf
        x[..., 0] = 1
    if size == "not a number":
        x[rng.random(shape) < 0.2] = np.nan
    x, g = (LAYOUTS[order](XP, a.astype(dtype)) for a in (x, rng.standard_normal(shape)))
    axis = data.draw(st.sampled_from([-1, len(shape) - 1]))
    y = cpu.softmax(XP, x, axis)
    same(y, plain.softmax(XP, x, axis), dtype)
    same(cpu.softmax_gradient(XP, g, y, axis), plain.softmax_gradient(XP, g, y, axis), dtype)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([*LAYOUTS]),
    st.booleans(),
)
def test_poisson_error(shape: tuple[int, ...], dtype: Any, order: str, one: bool) -> None:
    rng = np.random.default_rng(sum(shape))
    x = LAYOUTS[order](XP, rng.standard_normal(shape).astype(dtype))
    t = rng.random(shape[-1:] if one else shape).astype(dtype)
    same(cpu.poisson_error(XP, x, t), plain.poisson_error(XP, x, t), dtype)


def test_poisson_error_is_rounded_once_before_it_is_subtracted() -> None:
    x = np.random.default_rng(0).uniform(-5, 5, 5000).astype(np.float32)
    _, e = cpu.poisson_error(XP, x, x)
    exact = np.exp(x.astype(np.float64))
    assert np.all(np.abs(e - exact) <= np.spacing(e) / 2)


def _drawn(shape: tuple[int, ...]) -> tuple[Any, Any]:
    x, g = np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)
    return x, g


SHAPES = pytest.mark.parametrize("shape", [(1, 2), (2, 3), (7, 30)])


@SHAPES
@pytest.mark.parametrize("axis", [0, 1])
def test_softmax_of_few_is_rounded_once(
    shape: tuple[int, ...], axis: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wide, "FEW", 1000)
    x, g = _drawn(shape)
    p, log_p = plain.softmax(XP, x, axis), plain.log_softmax(XP, x, axis)
    for name, *arrays in (
        ("softmax", x),
        ("softmax_gradient", g, p),
        ("log_softmax", x),
        ("log_softmax_gradient", g, log_p),
        ("logsumexp", x),
    ):
        at = (axis,) if name == "logsumexp" else axis
        exact = getattr(plain, name)(XP, *[a.astype(np.float64) for a in arrays], at)
        found = getattr(cpu, name)(XP, *arrays, at)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, exact.astype(np.float32), err_msg=name)


@pytest.mark.parametrize("shape", [(3000, 2), (20, 50, 2), (40, 60), (7, 20, 7), (1000, 3), (31,)])
@pytest.mark.parametrize("size", [1.0, 60.0])
def test_softmax_along_the_last_axis_is_rounded_once(
    shape: tuple[int, ...], size: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of rows of two always, of others up to `SMALL`; `wide.FEW` has no part in it."""
    monkeypatch.setattr(cpu, "SMALL", 0 if shape[-1] == 2 else 1 << 12)
    x, g = _drawn(shape)
    x *= size
    exact = plain.softmax(XP, x.astype(np.float64), -1)
    found = cpu.softmax(XP, x, -1)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, exact, rtol=1.01 * 2**-24, atol=1e-45)
    monkeypatch.setattr(cpu, "SMALL", 1 << 12)
    if x.size <= cpu.SMALL:
        slope = plain.softmax_gradient(XP, g.astype(np.float64), found.astype(np.float64), -1)
        got = cpu.softmax_gradient(XP, g, found, -1)
        np.testing.assert_allclose(got, slope, rtol=1.01 * 2**-24, atol=1e-15)


INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ([1000.0, 0.0], [1.0, 0.0]),
        ([-1000.0, -1000.0], [0.5, 0.5]),
        ([-INF, 0.0], [0.0, 1.0]),
        ([3e38, -3e38], [1.0, 0.0]),
        ([-INF, -INF], [NAN, NAN]),
        ([INF, 0.0], [NAN, NAN]),
        ([NAN, 0.0], [NAN, NAN]),
        ([1000.0, 0.0, 1000.0], [0.5, 0.0, 0.5]),
        ([-1000.0, -1000.0, -INF], [0.5, 0.5, 0.0]),
        ([-INF, INF, 0.0], [NAN, NAN, NAN]),
    ],
)
def test_softmax_of_large_numbers(
    row: list[float], wanted: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside another row, which is not to change."""
    for small in (0, 1 << 12):
        monkeypatch.setattr(cpu, "SMALL", small)
        x = np.array([row, [0.0] * len(row)], np.float32)
        found = cpu.softmax(XP, x, 1)
        np.testing.assert_array_equal(found[0], np.array(wanted, np.float32))
        np.testing.assert_allclose(found[1], 1 / len(row), rtol=2**-23)


@SHAPES
def test_cross_entropy_of_few_is_rounded_once(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wide, "FEW", 1000)
    x, q = _drawn(shape)
    for name, target in (
        ("softmax_cross_entropy", q.argmax(1)),
        ("softmax_cross_entropy_probabilities", plain.softmax(XP, q, 1)),
    ):
        losses, p = getattr(cpu, name)(XP, x, target)
        dx = getattr(cpu, f"{name}_gradient")(XP, losses, p, target)
        long = target if target.dtype.kind == "i" else target.astype(np.float64)
        right, exact = getattr(plain, name)(XP, x.astype(np.float64), long)
        slope = getattr(plain, f"{name}_gradient")(XP, losses.astype(np.float64), exact, long)
        assert losses.dtype == dx.dtype == np.float32
        np.testing.assert_array_equal(losses, right.astype(np.float32))
        np.testing.assert_array_equal(dx, slope.astype(np.float32))


@SHAPES
def test_a_float64_result_stays_float64(shape: tuple[int, ...]) -> None:
    x = _drawn(shape)[0].astype(np.float64)
    assert cpu.log_softmax(XP, x, 1).dtype == np.float64
    assert all(a.dtype == np.float64 for a in cpu.softmax_cross_entropy(XP, x, x.argmax(1)))


@pytest.mark.parametrize("length", [31, 32, 511, 512])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_logarithm_of_a_probability_is_above_0(length: int, dtype: Any) -> None:
    """Of rows whose sum of exponentials is, but for rounding, one of them."""
    x = np.full((300, length), -12.0, dtype)
    x[np.arange(300), np.arange(300) % length] = np.linspace(8, 39, 300)
    found = cpu.log_softmax(XP, x, 1)
    exact = plain.log_softmax(XP, x.astype(np.float64), 1)
    assert found.max() <= 0
    np.testing.assert_allclose(found, exact, rtol=1e-7, atol=4e-7)


@pytest.mark.parametrize("shift", [-40, -8, 0, 30])
def test_small_probabilities_keep_their_digits(shift: int) -> None:
    """Also where all elements are so low that some exponentials, taken as they are, would be 0."""
    x = np.zeros((300, 64), np.float32)
    x[:, 1] = np.linspace(-78, 0, 300)
    x += shift
    exact = plain.softmax(XP, x.astype(np.float64), 1)
    np.testing.assert_allclose(cpu.softmax(XP, x, 1), exact, rtol=1e-6)
