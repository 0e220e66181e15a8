"""The CPU's elementwise kernels against their plain form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import elementwise as cpu
from tinygrad_lite.backend.plain import elementwise as plain


@pytest.fixture(params=[(1, 0), (10, 0), (cpu.SHARED, 0), (cpu.SHARED, 1000)])
def _sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """From how many elements on work is shared out, up to how many it is not cut into blocks."""
    shared, small = request.param
    monkeypatch.setattr(cpu, "SHARED", shared)
    monkeypatch.setattr(cpu, "BLOCK", 7)
    monkeypatch.setattr(cpu, "SMALL", small)


def orders(shape: tuple[int, ...]) -> list[np.ndarray]:
    """The same kind of numbers in row-major, batch-innermost and strided memory."""
    rng = np.random.default_rng(1)
    base = rng.standard_normal((*shape[:-1], 2 * shape[-1])).astype(np.float32)
    dense = np.ascontiguousarray(base[..., ::2])
    return [
        dense,
        np.moveaxis(np.ascontiguousarray(np.moveaxis(dense, 0, -1)), -1, 0),
        base[..., ::2],
    ]


@pytest.mark.usefixtures("_sizes")
@pytest.mark.parametrize("shape", [(), (5,), (3, 4, 5), (2, 0)])
def test_relu_and_its_gradient(shape: tuple[int, ...]) -> None:
    xp = namespace_for("cpu")
    xs = orders(shape) if shape else [np.array(-1.5), np.array(2.0)]
    for x in xs:
        for g in orders(shape) if shape else [np.array(3.0)]:
            if x.size > 2:
                x.flat[1], x.flat[2] = np.nan, 0.0
            before = x.copy()
            y = np.asarray(cpu.relu(xp, x))
            np.testing.assert_array_equal(y, plain.relu(xp, x))
            dx = np.asarray(cpu.relu_gradient(xp, g, y))
            np.testing.assert_array_equal(dx, plain.relu_gradient(xp, g, y))
            assert y.dtype == dx.dtype == x.dtype
            assert not np.shares_memory(dx, g)
            np.testing.assert_array_equal(x, before)


@pytest.mark.usefixtures("_sizes")
@pytest.mark.parametrize("shape", [(), (5,), (3, 4, 50), (2, 0)])
def test_gelu_and_its_gradient(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "LONG_BLOCK", 64)
    monkeypatch.setattr(cpu, "LONG_SHARED", 100)
    xp = namespace_for("cpu")
    for x in orders(shape) if shape else [np.array(-1.5, np.float32)]:
        for dtype in (np.float32, np.float64):
            assert_gelu(xp, x.astype(dtype, order="K"), 1e-7 if dtype == np.float32 else 1e-15)


def assert_gelu(xp: Any, x: np.ndarray, tolerance: float) -> None:
    """Values, slopes and orders of memory as of the plain form in float64."""
    wide = x.astype(np.float64)
    y, kept = cpu.gelu(xp, x, True)
    np.testing.assert_allclose(y, plain.gelu(xp, wide, False)[0], rtol=1e-6, atol=3 * tolerance)
    np.testing.assert_array_equal(cpu.gelu(xp, x, False)[0], y)
    assert cpu.gelu(xp, x, False)[1] is None
    assert np.asarray(y).strides == np.asarray(plain.gelu(xp, x, False)[0]).strides
    for g in orders(x.shape) if x.shape else [np.array(3.0)]:
        dx = cpu.gelu_gradient(xp, g.astype(x.dtype), kept)
        np.testing.assert_allclose(dx, plain.gelu_gradient(xp, g, wide), atol=12 * tolerance)
        assert dx.dtype == y.dtype == x.dtype


def test_gelu_is_as_exact_as_float32_allows_and_has_pytorch_s_special_values() -> None:
    xp = namespace_for("cpu")
    sizes = np.concatenate([np.linspace(0, 20, 100_001), np.geomspace(1e-38, 1, 2_000)])
    x = np.concatenate([sizes, -sizes]).astype(np.float32)
    wide = x.astype(np.float64)
    y, slope = cpu.gelu(xp, x, True)
    assert slope is not None
    error = np.abs(y - plain.gelu(xp, wide, False)[0])
    assert (error <= 3e-7 * np.abs(wide)).all()  # PyTorch's is up to 3.5e-7
    np.testing.assert_allclose(slope, plain.gelu_slope(xp, wide), rtol=0, atol=3e-7)
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1e18, -1e18], np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        y, slope = cpu.gelu(xp, x, True)
    np.testing.assert_array_equal(y, [np.inf, np.nan, np.nan, 0.0, -0.0, np.float32(1e18), 0.0])
    assert np.signbit(y[4])
    np.testing.assert_allclose(slope, [np.nan, np.nan, np.nan, 0.5, 0.5, 1, 0], atol=1e-7)


@pytest.mark.parametrize("shape", [(2, 3, 4), (1, 1, 5), (2, 0, 3)])
def test_short_ways_to_numpy_give_what_its_functions_give(shape: tuple[int, ...]) -> None:
    xp = namespace_for("cpu")
    rng = np.random.default_rng(0)
    dense = (rng.standard_normal(shape) * 9).astype(np.float32)
    for x in (dense, np.asfortranarray(dense), dense.astype(np.int32), dense > 0):
        for axis in (None, 0, -1, (0, 2), (2, 0), ()):
            for keep in (False, True):
                assert_same(xp.sum(x, axis=axis, keepdims=keep), np.sum(x, axis, keepdims=keep))
                if x.size:
                    assert_same(
                        xp.amax(x, axis=axis, keepdims=keep), np.amax(x, axis, keepdims=keep)
                    )
        wide = np.sum(x, axis=1, dtype="float64")
        assert_same(xp.sum(x, axis=1, dtype="float64"), wide)
        assert_same(xp.reshape(x, (-1, 1) if x.size else (0, 1)), x.reshape((x.size, 1)))
        assert_same(xp.transpose(x, (2, 0, 1)), np.transpose(x, (2, 0, 1)))
        assert_same(xp.swapaxes(x, -1, 0), np.swapaxes(x, -1, 0))
        for axis in (0, 3, -1, (0, 2), (3, 1), (-1, -3)):
            assert_same(xp.expand_dims(x, axis), np.expand_dims(x, axis))
    assert_same(xp.expand_dims(np.float32(2), ()), np.asarray(np.float32(2)))


def assert_same(got: Any, want: Any) -> None:
    """Values, dtype, shape and the order in memory."""
    np.testing.assert_array_equal(got, want)
    assert (got.dtype, got.shape, got.strides) == (want.dtype, want.shape, want.strides)


def test_a_large_array_goes_through_the_blocks_and_keeps_its_order() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 33, 32, 32)).astype(np.float32).transpose(3, 0, 1, 2)
    g = rng.standard_normal(x.shape).astype(np.float32)
    assert x.size > 2 * cpu.SHARED
    xp = namespace_for("cpu")
    y = cpu.relu(xp, x)
    assert y.strides == x.strides
    np.testing.assert_array_equal(y, np.maximum(x, 0))
    for cotangent in (
        g,
        g.copy(order="F"),
        np.ascontiguousarray(g.transpose(1, 2, 3, 0)).transpose(3, 0, 1, 2),
    ):
        dx = cpu.relu_gradient(xp, cotangent, y)
        np.testing.assert_array_equal(dx, np.where(x > 0, cotangent, 0))
