"""CUDA's normalisation kernels, run on the host, against their plain form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import cuda_host
from tests.backend.test_kernels_norm import DTYPES, ORDERS, laid_out, same
from tests.cuda_host.device import emulated
from tests.nn.norms import batches
from tests.strategies import Array
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cuda import norm as cuda_norm
from tinygrad_lite.backend.plain import elementwise
from tinygrad_lite.backend.plain import norm as plain_norm

pytestmark = pytest.mark.skipif(cuda_host.COMPILER is None, reason="needs g++")

CPU = namespace_for("cpu")


@pytest.fixture(params=["few runs", "many runs"])
def xp(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The emulated device; with many runs even a small channel is cut up."""
    if request.param == "many runs":
        monkeypatch.setattr(cuda_norm, "LEAST", 1)
        monkeypatch.setattr(cuda_norm, "ROWS", 3)
        monkeypatch.setattr(cuda_norm, "BLOCK", 32)
    with emulated() as space:
        yield space


def on(xp: Any, *arrays: Array | None) -> list[Any]:
    """The arrays on the device, in their memory order."""
    moved = []
    for a in arrays:
        if a is None:
            moved.append(None)
            continue
        axes = sorted(range(a.ndim), key=lambda k: -abs(a.strides[k]))
        memory = xp.asarray(np.array(a.transpose(axes), order="C"))
        moved.append(memory.transpose(np.argsort(axes).tolist()))
    return moved


def off(found: Any) -> Any:
    """Device arrays on the host again."""
    return tuple(a.get("K") for a in found) if isinstance(found, tuple) else found.get("K")


@given(batches(), DTYPES, ORDERS, st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_batch_norm(
    xp: Any,
    shape: tuple[int, ...],
    dtype: Any,
    order: str,
    scaled: bool,
    shifted: bool,
    relu: bool,
    large: bool,
) -> None:
    shape = (shape[0] + 20, *shape[1:]) if large else shape
    rng = np.random.default_rng(0)
    x = laid_out(order, (rng.standard_normal(shape) + 0.5).astype(dtype))
    g = laid_out(order, rng.standard_normal(shape).astype(dtype))
    gamma, beta = rng.standard_normal((2, shape[1])).astype(dtype)
    w, b = gamma if scaled else None, beta if shifted else None
    dx, dg, dw, db = on(xp, x, g, w, b)
    cuda_host.launched()
    y, mean, _, rstd = found = cuda_norm.batch_norm(xp, dx, dw, db, 0.5, relu)
    assert cuda_host.launched()[-1] == "normalise"
    expected = list(plain_norm.batch_norm(CPU, x, w, b, 0.5))
    before = expected[0]
    expected[0] = np.maximum(before, 0) if relu else before
    same(off(found), tuple(expected), dtype)
    behind = elementwise.relu_gradient(CPU, g, off(y)) if relu else g
    stats = expected[1:2] + expected[3:]
    slow = plain_norm.batch_norm_gradient(CPU, behind, x, *stats, w)
    fast = cuda_norm.batch_norm_gradient(xp, dg, dx, mean, rstd, dw, db, relu)
    same(off(fast), slow, dtype)
    sums = cuda_norm.batch_norm_sums(xp, dg, dx, mean, rstd, dw, db, relu)
    same(off(sums), slow[1:], dtype)
    for centre in (mean, None):
        applied = cuda_norm.batch_norm_apply(xp, dx, centre, rstd, dw, db, relu)
        slow_apply = plain_norm.batch_norm_apply(
            CPU, x, None if centre is None else stats[0], stats[1], w, b
        )
        same(off(applied), np.maximum(slow_apply, 0) if relu else slow_apply, dtype)
    for array in (y, fast[0], applied):
        if len(shape) > 2:
            assert array.transpose(*range(1, len(shape)), 0).flags.c_contiguous


@given(batches(), DTYPES, ORDERS, st.booleans(), st.booleans(), st.integers(1, 3))
def test_layer_norm(
    xp: Any, shape: tuple[int, ...], dtype: Any, order: str, scaled: bool, shifted: bool, dims: int
) -> None:
    shape = (shape[0] + 9, *shape[1:])
    rng = np.random.default_rng(0)
    last = shape[-min(dims, len(shape)) :]
    x = laid_out(order, (rng.standard_normal(shape) + 0.5).astype(dtype))
    g = laid_out(order, rng.standard_normal(shape).astype(dtype))
    gamma, beta = rng.standard_normal((2, *last)).astype(dtype)
    w, b = gamma if scaled else None, beta if shifted else None
    dx, dg, dw, db = on(xp, x, g, w, b)
    found = cuda_norm.layer_norm(xp, dx, dw, db, last, 0.5)
    expected = plain_norm.layer_norm(CPU, x, w, b, last, 0.5)
    same(off(found), expected, dtype)
    fast = cuda_norm.layer_norm_gradient(xp, dg, dx, *found[1:], dw, last)
    same(off(fast), plain_norm.layer_norm_gradient(CPU, g, x, *expected[1:], w, last), dtype)
    sums = cuda_norm.layer_norm_sums(xp, dg, dx, *found[1:], last)
    same(off(sums), off(fast)[1:], dtype)


@pytest.mark.parametrize("size", [1, 31, 33, 700, 3000])
def test_long_rows_and_offsets_lose_nothing(xp: Any, size: int) -> None:
    host = (np.random.default_rng(0).standard_normal((size, 3, 2, 1)) + 300).astype(np.float32)
    _, mean, var, _ = cuda_norm.batch_norm(xp, *on(xp, host), None, None, 1e-5)
    exact = host.astype(np.float64)
    np.testing.assert_allclose(mean.get(), exact.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(var.get(), exact.var((0, 2, 3)), rtol=1e-4, atol=1e-6)


def test_nan_passes_the_relu(xp: Any) -> None:
    host = np.array([[[np.nan]], [[1.0]]], np.float32)
    y = cuda_norm.batch_norm(xp, *on(xp, host), None, None, 1e-5, True)[0]
    assert np.isnan(y.get()).all()


def test_an_empty_batch(xp: Any) -> None:
    x = xp.zeros((0, 3, 2, 2), dtype="float32")
    y, mean, var, rstd = cuda_norm.batch_norm(xp, x, None, None, 4.0)
    assert y.shape == x.shape
    for found, expected in ((mean, 0), (var, 0), (rstd, 0.5)):
        np.testing.assert_array_equal(found.get(), np.full(3, expected))
    dx, dw, db = cuda_norm.batch_norm_gradient(xp, x, x, mean, rstd, None)
    assert dx.shape == x.shape
    np.testing.assert_array_equal([dw.get(), db.get()], np.zeros((2, 3)))


@pytest.mark.parametrize("order", ["as it is", "batch innermost"])
def test_a_matrix_keeps_its_memory_order(xp: Any, order: str) -> None:
    x = laid_out(order, np.random.default_rng(0).standard_normal((6, 4)))
    (moved,) = on(xp, x)
    assert moved.strides == x.strides
    y, mean, _, rstd = cuda_norm.batch_norm(xp, moved, None, None, 1e-5)
    dx = cuda_norm.batch_norm_gradient(xp, moved, moved, mean, rstd, None)[0]
    assert y.strides == dx.strides == x.strides


@pytest.mark.parametrize(
    ("channels", "size", "expected"),
    [
        (64, 32 * 32 * 256, (262144, 16, 16384)), (512, 4 * 4 * 32, (512, 1, 512)),
        (1, 100, (100, 1, 256)), (64, 32 * 32 * 32, (32768, 16, 2048)), (3, 0, (0, 1, 256)),
        (1, 5000, (5000, 2, 2560)), (256, 64 * 256, (16384, 1, 16384)),
        (256, 128 * 256, (32768, 4, 8192)),
    ],
)  # fmt: skip
def test_runs_fill_the_gpu_and_cover_the_channel(
    channels: int, size: int, expected: tuple[int, ...]
) -> None:
    class Shaped:
        shape, ndim, size, itemsize = (1, channels, 1, 1), 4, 0, 4

    Shaped.size = channels * size
    cut = cuda_norm._channels(Shaped)
    assert (cut.size, cut.splits, cut.chunk) == expected
    assert cut.splits * cut.chunk >= size


@pytest.mark.parametrize("missing", ["nothing", "shift", "mean", "var", "tracked"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("large", [False, True])
def test_batch_norm_tracked(large: bool, missing: str, dtype: str) -> None:
    """The launch that normalises moves all that is there as the plain form does."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3000 if large else 30, 5, 2, 1)).astype(dtype)
    wide = "float64" if dtype == "float64" else "float32"
    weight, *given = rng.standard_normal((4, 5)).astype(wide)
    running = plain_norm.Running(*given, np.array(2**33), 0.25, 1.5)
    if missing != "nothing":
        running = running._replace(**{missing: None})
    with emulated() as xp:
        device = plain_norm.Running(*on(xp, *running[:4]), *running[4:])
        moved, scale = on(xp, x, weight)
        cuda_host.launched()
        found = xp.batch_norm_tracked(moved, scale, None, 0.5, True, device)
        moments = ["moments"] * large
        assert cuda_host.launched() == [*moments, "normalise"]
    expected = plain_norm.batch_norm_tracked(CPU, x, weight, None, 0.5, True, running)
    same(off(found), expected, getattr(np, dtype))
    for name, value in running._asdict().items():
        if isinstance(value, np.ndarray):
            exact = value.dtype.kind == "i"  # a count of steps
            rtol, atol = (0, 0) if exact else (2e-6, 1e-6)
            np.testing.assert_allclose(
                getattr(device, name).get(), value, rtol=rtol, atol=atol, err_msg=name
            )


def test_what_the_kernel_does_not_take_is_moved_all_the_same() -> None:
    """Running statistics of another dtype, or that are a slice."""
    x = np.arange(8, dtype="float32").reshape(2, 4)
    with emulated() as xp:
        for mean in (xp.zeros(4, dtype="float64"), xp.zeros(8, dtype="float32")[::2]):
            running = plain_norm.Running(None, mean, None, None, 0.5, 1.0)
            xp.batch_norm_tracked(*on(xp, x), None, None, 1e-5, False, running)
            np.testing.assert_array_equal(mean.get(), x.mean(0) / 2)
