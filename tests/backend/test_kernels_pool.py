"""The CPU's pooling kernels against their plain form, in every memory order and dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nn.pools import chwn, windows
from tests.strategies import LAYOUTS, Array
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import channels as _channels
from tinygrad_lite.backend.cpu import pool as cpu_pool
from tinygrad_lite.backend.plain import pool as plain_pool
from tinygrad_lite.backend.plain.pool import Pool

XP = namespace_for("cpu")
DTYPES = st.sampled_from([np.float16, np.float32, np.float64])
ORDERS = st.sampled_from(["as it is", *LAYOUTS])


def pool_of(window: dict[str, Any]) -> Pool:
    return Pool(*(window[k] for k in ("kernel_size", "stride", "padding", "dilation", "ceil_mode")))


def laid_out(order: str, array: Array) -> Array:
    made: Array = array if order == "as it is" else LAYOUTS[order](XP, array)
    return made


@pytest.fixture(params=["one channel at a time", "all at once", "few pixels"], autouse=True)
def ranges(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_channels, "BYTES", 1 if "one" in request.param else 1 << 30)
    monkeypatch.setattr(_channels, "SMALL", 0)
    if "few" not in request.param:
        monkeypatch.setattr(cpu_pool, "FEW", 0)
    if "all" in request.param:  # what large images take, whose windows do not overlap either
        monkeypatch.setattr(cpu_pool, "CACHED", (0, 0))


def test_the_first_of_equal_pixels_wins_in_windows_side_by_side() -> None:
    x = np.random.default_rng(0).integers(-1, 1, (2, 3, 8, 9)).astype(np.float32)
    pool = Pool((2, 3), (2, 3))
    found = cpu_pool.max_pool2d(XP, x, pool, True)
    for got, want in zip(found, plain_pool.max_pool2d(XP, x, pool, True), strict=True):
        np.testing.assert_array_equal(got, want)


def test_the_last_nan_of_a_tile_wins() -> None:
    x = np.array([[np.nan, 1.0], [np.nan, np.inf]], np.float32).reshape(1, 1, 2, 2)
    pool = Pool((2, 2), (2, 2))
    y, index = cpu_pool.max_pool2d(XP, x, pool, True)
    assert np.isnan(y).all()
    assert index.tolist() == plain_pool.max_pool2d(XP, x, pool, True)[1].tolist() == [[[[2]]]]


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_gradient_that_is_not_finite_goes_to_the_winner_alone(bad: float) -> None:
    rng, pool = np.random.default_rng(0), Pool((2, 3), (2, 4))
    x = rng.standard_normal((2, 3, 7, 8)).astype(np.float32)
    y, index = cpu_pool.max_pool2d(XP, x, pool, True)
    g = np.ones_like(y)
    g[1, 2, 0, 1] = bad
    dx = cpu_pool.max_pool2d_gradient(XP, g, index, x.shape, pool)
    np.testing.assert_array_equal(dx, plain_pool.max_pool2d_gradient(XP, g, index, x.shape, pool))
    assert (~np.isfinite(dx)).sum() == 1


@given(windows("max"), DTYPES, ORDERS, st.sampled_from(["ties", "real", "nan", "-inf"]))
def test_max_pool2d(case: Any, dtype: Any, order: str, values: str) -> None:
    shape, window = case
    rng, pool = np.random.default_rng(0), pool_of(window)
    x = rng.integers(-1, 2, shape) if values == "ties" else rng.standard_normal(shape)
    x = laid_out(order, x.astype(dtype))
    if values in ("nan", "-inf"):
        x = np.where(rng.random(shape) < 0.3, dtype(values), x)
    y, index = cpu_pool.max_pool2d(XP, x, pool, True)
    expected, winners = plain_pool.max_pool2d(XP, x, pool, True)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(index, winners)
    free, nothing = cpu_pool.max_pool2d(XP, x, pool, False)
    assert nothing is None
    np.testing.assert_array_equal(free, expected)
    assert index.dtype == winners.dtype == np.uint8
    assert y.dtype == dtype
    assert chwn(y)
    assert chwn(index)
    g = laid_out(order, rng.standard_normal(y.shape).astype(dtype))
    dx = cpu_pool.max_pool2d_gradient(XP, g, index, shape, pool)
    slow = plain_pool.max_pool2d_gradient(XP, g, index, shape, pool)
    np.testing.assert_allclose(dx, slow, rtol=1e-2 if dtype == np.float16 else 1e-5, atol=1e-2)
    assert dx.dtype == dtype
    assert chwn(dx)
    picked = cpu_pool.max_pool2d_pick(XP, x, index, pool)
    np.testing.assert_array_equal(picked, plain_pool.max_pool2d_pick(XP, x, index, pool))
    if plain_pool.meets_everywhere(pool, shape[2:]):
        np.testing.assert_array_equal(picked, y)
    assert chwn(picked)


@given(windows("avg"), DTYPES, ORDERS, st.booleans(), st.sampled_from([None, None, 3]))
def test_avg_pool2d(case: Any, dtype: Any, order: str, include: bool, divisor: Any) -> None:
    shape, window = case
    rng = np.random.default_rng(0)
    pool = pool_of(window)._replace(include_pad=include, divisor=divisor)
    x = laid_out(order, rng.standard_normal(shape).astype(dtype))
    near = {
        "rtol": 1e-2 if dtype == np.float16 else 1e-5,
        "atol": 1e-2 if dtype == np.float16 else 1e-6,
    }
    y = cpu_pool.avg_pool2d(XP, x, pool)
    np.testing.assert_allclose(y, plain_pool.avg_pool2d(XP, x, pool), **near)
    g = laid_out(order, rng.standard_normal(y.shape).astype(dtype))
    dx = cpu_pool.avg_pool2d_gradient(XP, g, shape, pool)
    np.testing.assert_allclose(dx, plain_pool.avg_pool2d_gradient(XP, g, shape, pool), **near)
    assert y.dtype == dx.dtype == dtype
    assert chwn(y)
    assert chwn(dx)


@pytest.mark.parametrize("kernel", [(2, 3), (4, 6), (1, 1)])
def test_tiles_and_the_whole_image(kernel: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    x, pool = rng.standard_normal((3, 5, 4, 6)), Pool(kernel, kernel)
    assert pool.tiles((4, 6))
    y = cpu_pool.avg_pool2d(XP, x, pool)
    np.testing.assert_allclose(y, plain_pool.avg_pool2d(XP, x, pool), atol=1e-14)
    g = rng.standard_normal(y.shape)
    dx = cpu_pool.avg_pool2d_gradient(XP, g, x.shape, pool)
    np.testing.assert_allclose(dx, plain_pool.avg_pool2d_gradient(XP, g, x.shape, pool), atol=1e-14)


@pytest.mark.parametrize(
    "pool",
    [
        Pool((2, 2), (2, 2), (1, 0)), Pool((2, 2), (1, 2)), Pool((2, 2), (2, 2), dilation=(1, 2)),
        Pool((3, 2), (3, 2)),
    ],
)  # fmt: skip
def test_what_are_no_tiles(pool: Pool) -> None:
    assert not pool.tiles((4, 4))


def test_ranges_cover_all_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_channels, "BYTES", 1000)
    for channels, size, expected in (
        (7, 300, [(0, 3), (3, 6), (6, 7)]), (2, 5000, [(0, 1), (1, 2)]), (3, 0, [(0, 3)]),
        (0, 8, []),
    ):  # fmt: skip
        found: list[tuple[int, int]] = []
        _channels.by_channels(lambda a, b, found=found: found.append((a, b)), channels, size)
        assert found == expected
