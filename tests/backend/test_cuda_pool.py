"""CUDA's pooling kernels, run on the host, against their plain form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import cuda_host
from tests.backend.test_cuda_norm import on
from tests.backend.test_kernels_pool import DTYPES, ORDERS, laid_out, pool_of
from tests.cuda_host.device import emulated
from tests.nn.pools import chwn, windows
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cuda import pool as cuda_pool
from tinygrad_lite.backend.plain import pool as plain_pool
from tinygrad_lite.backend.plain.pool import Pool

pytestmark = pytest.mark.skipif(cuda_host.COMPILER is None, reason="needs g++")

CPU = namespace_for("cpu")


@pytest.fixture
def xp() -> Iterator[Any]:
    with emulated() as space:
        yield space


def near(dtype: Any) -> dict[str, float]:
    tolerance = {np.float16: 1e-2, np.float32: 1e-5, np.float64: 1e-12}[dtype]
    return {"rtol": tolerance, "atol": tolerance}


@given(windows("max"), DTYPES, ORDERS, st.sampled_from(["ties", "real", "nan", "-inf"]))
def test_max_pool2d(xp: Any, case: Any, dtype: Any, order: str, values: str) -> None:
    shape, window = case
    rng, pool = np.random.default_rng(0), pool_of(window)
    x = rng.integers(-1, 2, shape) if values == "ties" else rng.standard_normal(shape)
    x = laid_out(order, x.astype(dtype))
    if values in ("nan", "-inf"):
        x = np.where(rng.random(shape) < 0.3, dtype(values), x)
    shape = (*shape[:2], *pool.positions(shape[2:]))
    g = laid_out(order, rng.standard_normal(shape).astype(dtype))
    check_max_pool2d(xp, x, g, pool)


def check_max_pool2d(xp: Any, x: Any, g: Any, pool: Pool) -> None:
    dtype, shape = x.dtype.type, x.shape
    expected, winners = plain_pool.max_pool2d(CPU, x, pool, True)
    dx, dg = on(xp, x, g)
    cuda_host.launched()
    y, index = cuda_pool.max_pool2d(xp, dx, pool, True)
    assert cuda_host.launched() == ["max_pool"]
    np.testing.assert_array_equal(y.get(), expected)
    np.testing.assert_array_equal(index.get(), winners)
    assert index.dtype == winners.dtype
    free, nothing = cuda_pool.max_pool2d(xp, dx, pool, False)
    assert nothing is None
    np.testing.assert_array_equal(free.get(), expected)
    back = cuda_pool.max_pool2d_gradient(xp, dg, index, shape, pool)
    slow = plain_pool.max_pool2d_gradient(CPU, g, winners, shape, pool)
    np.testing.assert_allclose(back.get(), slow, **near(dtype))
    picked = cuda_pool.max_pool2d_pick(xp, dx, index, pool)
    np.testing.assert_array_equal(picked.get(), plain_pool.max_pool2d_pick(CPU, x, winners, pool))
    for array in (y, index, back, picked):
        assert chwn(array)
    assert {a.dtype for a in (y, back, picked)} == {np.dtype(dtype)}


@given(windows("avg"), DTYPES, ORDERS, st.booleans(), st.sampled_from([None, None, 3]))
def test_avg_pool2d(
    xp: Any, case: Any, dtype: Any, order: str, include: bool, divisor: Any
) -> None:
    shape, window = case
    rng = np.random.default_rng(0)
    pool = pool_of(window)._replace(include_pad=include, divisor=divisor)
    dilated = pool._replace(dilation=(2, 3))  # which no function offers, but the kernels do
    if divisor and min(dilated.positions(shape[2:])) > 0:
        pool = dilated
    x = laid_out(order, rng.standard_normal(shape).astype(dtype))
    shape = (*shape[:2], *pool.positions(shape[2:]))
    check_avg_pool2d(xp, x, laid_out(order, rng.standard_normal(shape).astype(dtype)), pool)


def check_avg_pool2d(xp: Any, x: Any, g: Any, pool: Pool) -> None:
    dtype, shape = x.dtype.type, x.shape
    slow = plain_pool.avg_pool2d(CPU, x, pool)
    dx, dg = on(xp, x, g)
    cuda_host.launched()
    y = cuda_pool.avg_pool2d(xp, dx, pool)
    back = cuda_pool.avg_pool2d_gradient(xp, dg, shape, pool)
    assert cuda_host.launched() == ["avg_pool", "avg_pool_gradient"]
    np.testing.assert_allclose(y.get(), slow, **near(dtype))
    slow = plain_pool.avg_pool2d_gradient(CPU, g, shape, pool)
    np.testing.assert_allclose(back.get(), slow, **near(dtype))
    assert chwn(y)
    assert chwn(back)
    assert y.dtype == back.dtype == dtype


@given(
    st.tuples(*[st.integers(1, 3)] * 2, *[st.integers(1, 7)] * 2),
    st.tuples(st.integers(1, 9), st.integers(1, 9)), DTYPES, ORDERS,
)  # fmt: skip
def test_adaptive_avg_pool2d(
    xp: Any, shape: tuple[int, ...], size: tuple[int, int], dtype: Any, order: str
) -> None:
    rng = np.random.default_rng(0)
    x = laid_out(order, rng.standard_normal(shape).astype(dtype))
    g = laid_out(order, rng.standard_normal((*shape[:2], *size)).astype(dtype))
    check_adaptive_avg_pool2d(xp, x, g)


def check_adaptive_avg_pool2d(xp: Any, x: Any, g: Any) -> None:
    dtype, shape, size = x.dtype.type, x.shape, g.shape[2:]
    slow = plain_pool.adaptive_avg_pool2d(CPU, x, size)
    dx, dg = on(xp, x, g)
    cuda_host.launched()
    y = cuda_pool.adaptive_avg_pool2d(xp, dx, size)
    back = cuda_pool.adaptive_avg_pool2d_gradient(xp, dg, shape)
    assert cuda_host.launched() == ["adaptive_pool", "adaptive_pool_gradient"]
    np.testing.assert_allclose(y.get(), slow, **near(dtype))
    slow = plain_pool.adaptive_avg_pool2d_gradient(CPU, g, shape)
    np.testing.assert_allclose(back.get(), slow, **near(dtype))
    assert chwn(y)
    assert chwn(back)


WINDOWS = {
    "the ConvNet's": Pool((3, 3), (2, 2), (1, 1)),
    "side by side": Pool((2, 2), (2, 2)),
    "all over": Pool((3, 2), (1, 1), (1, 0), (1, 2)),
    "gaps": Pool((2, 3), (3, 4), (0, 1), (2, 1), ceil_mode=True, include_pad=False),
}


@pytest.mark.parametrize(
    ("case", "dtype"),
    [*((case, np.float32) for case in WINDOWS),
     ("the ConvNet's", np.float16), ("side by side", np.float64)],
)  # fmt: skip
def test_packs_of_samples(xp: Any, case: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where 16 bytes of samples fit, the kernels are compiled for the window; elsewhere not."""
    compiled: list[tuple[str, ...]] = []
    prepare = cuda_pool.prepare

    def spy(*args: Any, defines: tuple[str, ...], **words: Any) -> Any:
        compiled.append(defines)
        return prepare(*args, defines=defines, **words)

    monkeypatch.setattr(cuda_pool, "prepare", spy)
    rng, pool = np.random.default_rng(0), WINDOWS[case]
    for samples in (16, 16 // np.dtype(dtype).itemsize + 1):
        shape = (samples, 3, 7, 6)
        x = rng.integers(-2, 3, shape).astype(dtype)
        g = rng.standard_normal((*shape[:2], *pool.positions(shape[2:]))).astype(dtype)
        check_max_pool2d(xp, x, g, pool)
        check_avg_pool2d(xp, x, g, pool)
        check_avg_pool2d(xp, x, g, pool._replace(divisor=3))
        g = rng.standard_normal((*shape[:2], 3, 4)).astype(dtype)
        check_adaptive_avg_pool2d(xp, x, g)
        assert {"PACKED=1" in defines for defines in compiled} == {samples == 16}
        compiled.clear()


@pytest.mark.parametrize(("kernel", "dtype"), [((16, 16), "uint16"), ((1, 256), "uint16")])
def test_large_windows_count_in_wider_integers(
    xp: Any, kernel: tuple[int, int], dtype: str
) -> None:
    rng, pool = np.random.default_rng(0), Pool(kernel, (3, 2))
    x = rng.standard_normal((2, 2, 18, 260)).astype(np.float32)
    expected, winners = plain_pool.max_pool2d(CPU, x, pool, True)
    y, index = cuda_pool.max_pool2d(xp, xp.asarray(x), pool, True)
    np.testing.assert_array_equal(y.get(), expected)
    np.testing.assert_array_equal(index.get(), winners)
    assert index.dtype == dtype
    back = cuda_pool.max_pool2d_gradient(xp, y, index, x.shape, pool)
    slow = plain_pool.max_pool2d_gradient(CPU, expected, winners, x.shape, pool)
    np.testing.assert_allclose(back.get(), slow, rtol=1e-5)


def test_an_empty_batch_and_integers(xp: Any) -> None:
    pool = Pool((2, 2), (2, 2))
    x = xp.zeros((0, 3, 4, 4), dtype="float32")
    y, index = cuda_pool.max_pool2d(xp, x, pool, True)
    assert y.shape == index.shape == (0, 3, 2, 2)
    assert cuda_pool.max_pool2d_gradient(xp, y, index, x.shape, pool).shape == x.shape
    host = np.random.default_rng(0).integers(0, 9, (2, 3, 4, 4))
    found = cuda_pool.max_pool2d(xp, xp.asarray(host), pool, True)
    for a, b in zip(found, plain_pool.max_pool2d(CPU, host, pool, True), strict=True):
        np.testing.assert_array_equal(a.get(), b)
