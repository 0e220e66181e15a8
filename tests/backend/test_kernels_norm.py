"""The CPU's normalisation kernels against their plain form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nn.norms import batches
from tests.strategies import LAYOUTS, Array
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import channels as _channels
from tinygrad_lite.backend.cpu import norm as cpu_norm
from tinygrad_lite.backend.cpu import wide
from tinygrad_lite.backend.plain import norm as plain_norm

XP = namespace_for("cpu")
DTYPES = st.sampled_from([np.float16, np.float32, np.float64])
ORDERS = st.sampled_from(["as it is", "batch innermost", *LAYOUTS])


def laid_out(order: str, array: Array) -> Array:
    if order == "batch innermost":
        last = np.ascontiguousarray(array.transpose(*range(1, array.ndim), 0))
        return last.transpose(-1, *range(array.ndim - 1))
    made: Array = array if order == "as it is" else LAYOUTS[order](XP, array)
    return made


def same(found: Any, expected: Any, dtype: Any) -> None:
    """Equal arrays (or tuples of them), of equal dtypes."""
    tolerance = {np.float16: 2e-2, np.float32: 2e-4, np.float64: 1e-10}[dtype]
    if not isinstance(found, tuple):
        found, expected = (found,), (expected,)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
        assert a.dtype == b.dtype
        assert a.shape == b.shape


@pytest.fixture(params=["one row at a time", "all at once"], autouse=True)
def ranges(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_channels, "BYTES", 1 if "one" in request.param else 1 << 30)
    monkeypatch.setattr(_channels, "SMALL", 0)
    monkeypatch.setattr(wide, "FEW", -1)
    monkeypatch.setattr(cpu_norm, "MANY", 0)


@given(batches(), DTYPES, ORDERS, st.booleans(), st.booleans())
def test_batch_norm(
    shape: tuple[int, ...], dtype: Any, order: str, scaled: bool, shifted: bool
) -> None:
    rng = np.random.default_rng(0)
    x = laid_out(order, (rng.standard_normal(shape) + 0.5).astype(dtype))
    g = laid_out(order, rng.standard_normal(shape).astype(dtype))
    gamma, beta = rng.standard_normal((2, shape[1])).astype(dtype)
    w, b = gamma if scaled else None, beta if shifted else None
    y, mean, var, rstd = cpu_norm.batch_norm(XP, x, w, b, 0.5)
    same((y, mean, var, rstd), plain_norm.batch_norm(XP, x, w, b, 0.5), dtype)
    assert y.dtype == dtype
    given = (g, x, mean, rstd)
    dx = cpu_norm.batch_norm_gradient(XP, *given, w)
    same(dx, plain_norm.batch_norm_gradient(XP, *given, w), dtype)
    sums = cpu_norm.batch_norm_sums(XP, *given)
    same(sums, plain_norm.batch_norm_sums(XP, *given), dtype)
    same(sums, dx[1:], dtype)
    for centre in (mean, None):
        applied = cpu_norm.batch_norm_apply(XP, x, centre, rstd, w, b)
        same(applied, plain_norm.batch_norm_apply(XP, x, centre, rstd, w, b), dtype)
    same(cpu_norm.batch_norm_apply(XP, x, mean, rstd, w, b), y, dtype)
    for array in (y, dx[0], applied):
        if len(shape) > 2:
            assert array.transpose(*range(1, len(shape)), 0).flags.c_contiguous


@given(batches(), DTYPES, ORDERS, st.booleans(), st.booleans(), st.integers(1, 3))
def test_layer_norm(
    shape: tuple[int, ...], dtype: Any, order: str, scaled: bool, shifted: bool, dims: int
) -> None:
    rng = np.random.default_rng(0)
    last = shape[-min(dims, len(shape)) :]
    x = laid_out(order, (rng.standard_normal(shape) + 0.5).astype(dtype))
    g = laid_out(order, rng.standard_normal(shape).astype(dtype))
    gamma, beta = rng.standard_normal((2, *last)).astype(dtype)
    w, b = gamma if scaled else None, beta if shifted else None
    y, mean, rstd = cpu_norm.layer_norm(XP, x, w, b, last, 0.5)
    same((y, mean, rstd), plain_norm.layer_norm(XP, x, w, b, last, 0.5), dtype)
    given = (g, x, mean, rstd)
    dx = cpu_norm.layer_norm_gradient(XP, *given, w, last)
    same(dx, plain_norm.layer_norm_gradient(XP, *given, w, last), dtype)
    same(dx[1:], plain_norm.layer_norm_sums(XP, *given, last), dtype)


@pytest.mark.parametrize("order", ["as it is", "batch innermost"])
def test_a_matrix_keeps_its_memory_order(order: str) -> None:
    x = laid_out(order, np.random.default_rng(0).standard_normal((6, 4)))
    y, mean, _, rstd = cpu_norm.batch_norm(XP, x, None, None, 1e-5)
    dx = cpu_norm.batch_norm_gradient(XP, y * 1, x, mean, rstd, None)[0]
    assert y.strides == dx.strides == x.strides


def test_large_offsets_lose_nothing() -> None:
    x = (np.random.default_rng(0).standard_normal((32, 2, 16, 16)) + 300).astype(np.float32)
    _, mean, var, _ = cpu_norm.batch_norm(XP, x, None, None, 1e-5)
    np.testing.assert_allclose(mean, x.astype(np.float64).mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(var, x.astype(np.float64).var((0, 2, 3)), rtol=1e-4)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("shifted", [True, False])
def test_nothing_passes_a_relu_where_the_output_is_exactly_0(
    fast: bool, scaled: bool, shifted: bool
) -> None:
    """γ x̂ + β is 0 to the last bit at four of x's elements, and those alone have a gradient."""
    room = cpu_norm if fast else plain_norm
    x = np.array([[2, -2, 2, -2, 2, -2, 2, -2]], np.float32).reshape(1, 1, 8).repeat(2, 1)
    if not shifted:  # γ x̂ itself is 0
        x[:, :, :4] = 0
    w = np.array([2, 4], np.float32) if scaled else None
    _, mean, _, rstd = room.batch_norm(XP, x, w, None, 0.0)
    assert (mean == 0).all()
    b = -np.float32(2) * rstd * (1 if w is None else w) if shifted else None
    y = room.batch_norm(XP, x, w, b, 0.0, True)[0]
    zero = (x == 2) if shifted else (x == 0)
    g = np.where(zero, np.float32(1), np.float32(0))
    assert zero.sum() == 8
    assert (y[zero] == 0).all()
    for found in room.batch_norm_gradient(XP, g, x, mean, rstd, w, b, True):
        np.testing.assert_array_equal(found, np.zeros_like(found))
    for found in room.batch_norm_sums(XP, g, x, mean, rstd, w, b, True):
        np.testing.assert_array_equal(found, np.zeros_like(found))


def test_a_layer_norms_sums_are_added_in_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever thread ends first."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 4)).astype(np.float32)
    g = np.array([1e30, 1, -1e30, 1, 3, 1e-9], np.float32)[:, None].repeat(4, 1)
    _, mean, rstd = cpu_norm.layer_norm(XP, x, None, None, (4,), 0.5)

    def gradient() -> tuple[Any, ...]:
        found: tuple[Any, ...] = cpu_norm.layer_norm_gradient(XP, g, x, mean, rstd, None, (4,))
        return found

    def one_by_one(order: list[int]) -> Any:
        return lambda task, rows, size: [task(i, i + 1) for i in order]

    monkeypatch.setattr(cpu_norm, "by_channels", one_by_one([0, 1, 2, 3, 4, 5]))
    want = gradient()
    for order in ([5, 4, 3, 2, 1, 0], [2, 0, 5, 1, 4, 3]):
        monkeypatch.setattr(cpu_norm, "by_channels", one_by_one(order))
        for a, b in zip(gradient(), want, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("shape", [(2, 3), (3, 3), (5, 3), (4, 3, 5), (2, 3, 4, 4)])
def test_a_small_batch_is_rounded_once(
    shape: tuple[int, ...], relu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wide, "FEW", 1000)
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal((2, *shape)).astype(np.float32)
    w, b = rng.standard_normal((2, 3)).astype(np.float32)
    exact = [a.astype(np.float64) for a in (g, x, w, b)]
    y, *statistics = cpu_norm.batch_norm(XP, x, w, b, 1e-5, relu)
    expected, mean, _, rstd = plain_norm.batch_norm(XP, *exact[1:], 1e-5, relu)
    found = [y, *cpu_norm.batch_norm_gradient(XP, g, x, statistics[0], statistics[2], w, b, relu)]
    found += cpu_norm.batch_norm_sums(XP, g, x, statistics[0], statistics[2], w, b, relu)
    given = (*exact[:2], mean, rstd, *exact[2:], relu)
    right = [
        expected,
        *plain_norm.batch_norm_gradient(XP, *given),
        *plain_norm.batch_norm_sums(XP, *given),
    ]
    for a, e in zip(found, right, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_array_equal(a, e.astype(np.float32))


@pytest.mark.parametrize("shape", [(3, 4096), (1, 4096, 3)])
@pytest.mark.parametrize("order", ["as it is", "batch innermost"])
def test_a_few_samples_lie_close_beside_their_mean(shape: tuple[int, ...], order: str) -> None:
    """Where a mean's own rounding shows, the gradient was off by up to 1.8e-3 of its mean size."""
    rng = np.random.default_rng(1)
    x, g = (laid_out(order, a.astype(np.float32)) for a in rng.standard_normal((2, *shape)))
    x += np.float32(3)
    _, mean, _, rstd = cpu_norm.batch_norm(XP, x, None, None, 1e-5)
    found = cpu_norm.batch_norm_gradient(XP, g, x, mean, rstd, None)
    wider = x.astype(np.float64), g.astype(np.float64)
    _, mean, _, rstd = plain_norm.batch_norm(XP, wider[0], None, None, 1e-5)
    for a, e in zip(
        found, plain_norm.batch_norm_gradient(XP, wider[1], wider[0], mean, rstd, None), strict=True
    ):
        size = np.maximum(np.abs(e), np.abs(e).mean())
        assert np.max(np.abs(a - e) / size) < 5e-5


MEANS = {"small": 0.2, "large": 30.0}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2, 9), (65, 7), (300, 33), (2100, 130), (3, 5000)])
@pytest.mark.parametrize("means", [*MEANS, "different"])
def test_layer_norm_with_means_of_any_size(means: str, shape: tuple[int, ...], dtype: Any) -> None:
    rng = np.random.default_rng(3)
    x, g = rng.standard_normal((2, *shape)).astype(dtype)
    x += np.arange(len(x), dtype=dtype)[:, None] % 7 if means not in MEANS else MEANS[means]
    w, b = rng.standard_normal((2, shape[1])).astype(dtype)
    for weight, bias in ((w, b), (w, None), (None, None)):
        exact = [None if a is None else a.astype(np.float64) for a in (x, g, weight, bias)]
        found = cpu_norm.layer_norm(XP, x, weight, bias, shape[1:], 1e-5)
        right = plain_norm.layer_norm(XP, exact[0], *exact[2:], shape[1:], 1e-5)
        given = (*found[1:], weight, shape[1:])
        found += cpu_norm.layer_norm_gradient(XP, g, x, *given)
        given = (*right[1:], exact[2], shape[1:])
        right += plain_norm.layer_norm_gradient(XP, exact[1], exact[0], *given)
        small = 1e-6 if dtype == np.float32 else 1e-15
        for a, e in zip(found, right, strict=True):
            assert a.dtype == dtype
            size = np.sqrt(np.mean(np.square(e))) * (30 if means == "large" else 1)
            np.testing.assert_allclose(a, e, rtol=0, atol=30 * small * size)


def test_layer_norm_of_rows_that_hardly_vary_beside_eps() -> None:
    """1 / √(σ² + ε) is about 1 / √ε of each, whatever μ² is beside σ²."""
    rng = np.random.default_rng(4)
    x, g = rng.standard_normal((2, 64, 256)).astype(np.float32)
    x = 0.002 + x * np.float32(1e-6)
    found = cpu_norm.layer_norm(XP, x, None, None, (256,), 1e-5)
    dx, dw, _ = cpu_norm.layer_norm_gradient(XP, g, x, *found[1:], None, (256,), 1e-5)
    exact = x.astype(np.float64), g.astype(np.float64)
    right = plain_norm.layer_norm(XP, exact[0], None, None, (256,), 1e-5)
    its = plain_norm.layer_norm_gradient(XP, exact[1], exact[0], *right[1:], None, (256,))
    for a, e in zip((dx, dw), its, strict=False):
        error = np.abs(a - e).max() / np.abs(e).max()
        assert error < 1.5e-4  # of what μ, rounded to float32, leaves of x − μ
