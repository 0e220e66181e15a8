"""CUDA's elementwise kernels, run on the host: values, and the memory order of the result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests import cuda_host
from tests.backend.test_cuda_norm import on
from tests.cuda_host.device import emulated
from tests.strategies import LAYOUTS
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cuda import elementwise as cuda
from tinygrad_lite.backend.plain import elementwise as plain

pytestmark = pytest.mark.skipif(cuda_host.COMPILER is None, reason="needs g++")

CPU = namespace_for("cpu")
SHAPES = [(), (5,), (3, 4, 5, 2), (2, 0), (1, 1, 1, 1), (7, 301)]


@pytest.fixture
def xp() -> Iterator[Any]:
    with emulated() as space:
        yield space


def numbers(shape: tuple[int, ...], dtype: str, seed: int = 1) -> Any:
    """Random numbers with NaN, zeros of both signs and infinity among them."""
    host = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    if host.size > 5:
        host.flat[:5] = [np.nan, 0.0, -0.0, np.inf, -np.inf]
    return host


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("shape", SHAPES)
def test_relu_and_its_gradient(xp: Any, shape: tuple[int, ...], dtype: str) -> None:
    host, cotangent = numbers(shape, dtype), np.asarray(numbers(shape, dtype, 2))
    if host.size > 5:
        cotangent.flat[:] = np.where(np.isfinite(cotangent), cotangent, 1)
    x, g = on(xp, host, cotangent)
    cuda_host.launched()
    y = cuda.relu(xp, x)
    dx = cuda.relu_gradient(xp, g, y)
    assert cuda_host.launched() == (["relu", "relu_gradient"] if host.size else [])
    np.testing.assert_array_equal(y.get(), plain.relu(CPU, host))
    np.testing.assert_array_equal(dx.get(), plain.relu_gradient(CPU, cotangent, y.get()))
    assert y.dtype == dx.dtype == dtype


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_order_is_read_and_dense_ones_are_kept(xp: Any, layout: str) -> None:
    shape = (3, 4, 5)
    x = LAYOUTS[layout](xp, numbers(shape, "float32"))
    g = LAYOUTS[layout](xp, np.random.default_rng(0).standard_normal(shape).astype("float32"))
    y = cuda.relu(xp, x)
    np.testing.assert_array_equal(y.get(), plain.relu(CPU, x.get()))
    for cotangent in (g, xp.asarray(g.get())):
        dx = cuda.relu_gradient(xp, cotangent, y)
        np.testing.assert_array_equal(dx.get(), plain.relu_gradient(CPU, g.get(), y.get()))
        assert dx.strides == y.strides
    if "order" in layout or "swapped" in layout:
        assert y.strides == x.strides


def test_unaligned_memory_and_every_remainder(xp: Any) -> None:
    host = numbers((64,), "float32")
    memory = xp.asarray(host)
    for start in range(5):
        for stop in range(start, 41):
            y = cuda.relu(xp, memory[start:stop])
            np.testing.assert_array_equal(y.get(), plain.relu(CPU, host[start:stop]))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 3e-7), ("float64", 1e-15)])
def test_erf(xp: Any, dtype: str, tolerance: float) -> None:
    host = np.linspace(-7, 7, 1001).astype(dtype)
    y = cuda.erf(xp, xp.asarray(host))
    assert cuda_host.launched()[-1] == "error_function"
    np.testing.assert_allclose(y.get(), plain.erf(CPU, host), atol=tolerance)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 5e-7), ("float64", 1e-15), ("float16", 2e-3)]
)
def test_gelu_and_its_gradient(xp: Any, dtype: str, tolerance: float) -> None:
    host = np.linspace(-7, 7, 1001).astype(dtype)
    g = np.linspace(1, -2, 1001).astype(dtype)
    x, cotangent = on(xp, host, g)
    y, kept = cuda.gelu(xp, x, True)
    dx = cuda.gelu_gradient(xp, cotangent, kept)
    assert cuda.gelu(xp, x, False)[1] is None
    assert cuda_host.launched()[-3:] == ["gelu", "gelu_gradient", "gelu"]
    wide = host.astype("float64")
    np.testing.assert_allclose(y.get(), plain.gelu(CPU, wide, False)[0], atol=7 * tolerance)
    want = plain.gelu_gradient(CPU, g.astype("float64"), wide)
    np.testing.assert_allclose(dx.get(), want, atol=3 * tolerance)
    assert y.dtype == dx.dtype == dtype


def test_integers_take_the_plain_form(xp: Any) -> None:
    host = np.arange(-3, 4)
    np.testing.assert_array_equal(cuda.relu(xp, xp.asarray(host)).get(), np.maximum(host, 0))


@pytest.mark.parametrize(
    ("name", "ufunc"), [("plus", np.add), ("minus", np.subtract), ("times", np.multiply)]
)
def test_sums_and_products_keep_the_order_of_the_larger_input(
    xp: Any, name: str, ufunc: Any
) -> None:
    host = np.random.default_rng(0).standard_normal((3, 4, 5, 2))
    other = np.random.default_rng(1).standard_normal((3, 4, 5, 2))
    ours = getattr(xp, name)
    x = xp.asarray(np.ascontiguousarray(host.transpose(1, 2, 3, 0))).transpose(3, 0, 1, 2)
    for value in (
        xp.asarray(other),
        x,
        xp.asarray(other[:1, :, :1]),
        xp.asarray(other[0, 0, 0, 0]),
    ):
        for a, b in ((x, value), (value, x)):
            if value.shape == x.shape and a is not x:
                continue  # of equal sizes the first decides
            y = ours(a, b)
            np.testing.assert_array_equal(y.get(), ufunc(a.get(), b.get()))
            assert y.strides == x.strides
    np.testing.assert_array_equal(ours(x, 2.5).get(), ufunc(host, 2.5))
    np.testing.assert_array_equal(ours(2.5, x).get(), ufunc(2.5, host))
    np.testing.assert_array_equal(ours(x, xp.asarray(other[0, 0])).get(), ufunc(host, other[0, 0]))
    assert ours(xp.asarray(other), x).strides == xp.asarray(other).strides
    assert ours(xp.asarray(3.0), xp.asarray(2.0)).shape == ()
    assert ours(x, 2.5).strides == x.strides


def test_a_residual_and_its_gradient_keep_the_order_of_images(xp: Any) -> None:
    rng = np.random.default_rng(0)
    image = xp.asarray(rng.standard_normal((2, 4, 5, 3)).astype("float32")).transpose(3, 0, 1, 2)
    x = tg.as_tensor(image).requires_grad_()
    mask = tg.as_tensor(xp.asarray(rng.standard_normal((3, 2, 4, 5)).astype("float32")))
    y = x.relu() + x * mask - x
    assert y.array.strides == image.strides
