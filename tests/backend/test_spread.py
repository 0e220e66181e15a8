"""Winograd under hard numbers: a bound on every element's error, and nothing lost to a NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import direct, spread, winograd
from tinygrad_lite.backend.layout import from_chwn
from tinygrad_lite.backend.plain import conv as plain
from tinygrad_lite.backend.window import Window

XP = namespace_for("cpu")
Array = np.ndarray[Any, Any]

# docs/numerics.md states it: the error of an output is at most this many times the largest |x|
# that it sees times Σ|w|, and likewise for the input's gradient; a weight's gradient is off by at
# most this many times ‖g‖ ‖x‖ of the two channels it joins.
BOUND = 1e-5


def exact_and_bounds(
    x: Array, w: Array, g: Array, window: Window
) -> tuple[list[Array], list[Array]]:
    """The output and both gradients in float64, and what their errors are measured by."""
    x, w, g = (a.astype(np.float64) for a in (x, w, g))
    n, c, m = len(x), x.shape[1], w.shape[0]
    exact = [
        plain.conv2d(XP, x, w, None, window, 1),
        plain.conv2d_input_gradient(XP, g, w, x.shape, window, 1),
        plain.conv2d_weight_gradient(XP, g, x, w.shape, window, 1),
    ]

    def largest(a: Array, padding: tuple[int, int]) -> Array:
        """The largest magnitude that each place of a stride-1 window 3×3 sees."""
        (p, q), top = padding, np.abs(a).max(1)
        around = np.pad(top, ((0, 0), (p, p), (q, q)))
        views = np.lib.stride_tricks.sliding_window_view(around, (3, 3), axis=(1, 2))
        return views.max((3, 4))[:, None]

    back = 2 - window.padding[0], 2 - window.padding[1]
    norm = np.sqrt((g**2).sum((0, 2, 3)))[:, None] * np.sqrt((x**2).sum((0, 2, 3)))
    bounds = [
        largest(x, window.padding) * np.abs(w).sum((1, 2, 3))[:, None, None],
        largest(g, back) * np.abs(w).sum((0, 2, 3))[:, None, None],
        norm[:, :, None, None],
    ]
    assert exact[0].shape == (n, m, *bounds[0].shape[2:])
    assert exact[1].shape == (n, c, *bounds[1].shape[2:])
    return exact, bounds


def found(x: Array, w: Array, g: Array, window: Window, m: int, way: str) -> list[Array]:
    """The same in float32, as a training step calls it or one by one."""
    if way == "recorded":
        r = winograd.recorded(XP, x, w, None, window.padding, m)
        shared = r.prepare(g)
        return [r.y, r.of_input(g, shared), r.of_weight(g, shared)]
    y = winograd.convolve(x, w, None, window.padding, m)
    dx = winograd.input_gradient(g, w, x.shape, window.padding, m)
    dw = winograd.weight_gradient(g, x, w.shape, window.padding, m)
    return [from_chwn(np, y), from_chwn(np, dx), dw]


def spoil(a: Array, kind: str, factor: float, rng: np.random.Generator) -> None:
    """Make some of an image (N, C, H, W) hugely different, in place."""
    n, c, h, w = (int(rng.integers(size)) for size in a.shape)
    if kind == "rows":
        a[:, :, : h + 1] *= factor
    elif kind == "pixel":
        a[n, :, h, w] *= factor
    elif kind == "pixel of one channel":
        a[n, c, h, w] *= factor
    elif kind == "blank":
        a[:, :, :, : w + 1] = 0
    elif kind == "gradual":
        a *= np.geomspace(1, factor, a.shape[3], dtype=a.dtype)
    elif kind == "all":
        a *= factor


KINDS = ["even", "rows", "pixel", "pixel of one channel", "blank", "gradual", "all"]


def check(x: Array, w: Array, g: Array, window: Window, tile: int, way: str = "recorded") -> None:
    exact, bounds = exact_and_bounds(x, w, g, window)
    for name, y, want, bound in zip(
        ("output", "input gradient", "weight gradient"),
        found(x, w, g, window, tile, way),
        exact,
        bounds,
        strict=True,
    ):
        assert y.dtype == np.float32
        worst = np.max(np.abs(y - want) - BOUND * bound)
        assert worst <= 1e-37, f"{name}: {np.max(np.abs(y - want) / (bound + 1e-37)):.1e}"


def draw(shape: tuple[int, ...], m: int, window: Window, rng: np.random.Generator) -> list[Array]:
    """x, w and g for x's shape and m channels out."""
    n, c, *size = shape
    shapes = shape, (m, c, 3, 3), (n, m, *window.positions(size))
    return [rng.standard_normal(s).astype(np.float32) for s in shapes]


@given(
    size=st.tuples(st.integers(1, 6), st.integers(1, 24), st.integers(3, 17), st.integers(3, 17)),
    m=st.integers(1, 5),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    tile=st.sampled_from([2, 4]),
    way=st.sampled_from(["recorded", "one by one"]),
    kinds=st.tuples(st.sampled_from(KINDS), st.sampled_from(KINDS)),
    factor=st.sampled_from([10.0, 30.0, 100.0, 1e4, 1e-4, 1e12, 1e-12]),
    seed=st.integers(0, 999),
)
def test_an_elementwise_bound(
    size: tuple[int, ...],
    m: int,
    padding: tuple[int, int],
    tile: int,
    way: str,
    kinds: tuple[str, str],
    factor: float,
    seed: int,
) -> None:
    rng, window = np.random.default_rng(seed), Window((3, 3), padding=padding)
    x, w, g = draw(size, m, window, rng)
    for a, kind in zip((x, g), kinds, strict=True):
        spoil(a, kind, factor, rng)
    check(x, w, g, window, tile, way)


@pytest.mark.parametrize("tile", [2, 4])
@pytest.mark.parametrize("which", ["x", "g", "both"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_bound_where_some_is_ten_thousand_times_larger(
    kind: str, which: str, tile: int
) -> None:
    rng, window = np.random.default_rng(1), Window((3, 3), padding=(1, 1))
    x, w, g = draw((2, 16, 15, 17), 8, window, rng)
    for name, a in (("x", x), ("g", g)):
        if which in (name, "both"):
            spoil(a, kind, 1e4, rng)
    check(x, w, g, window, tile)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e36, -3e38])
@pytest.mark.parametrize("where", ["x", "w", "g"])
@pytest.mark.parametrize("way", ["recorded", "one by one"])
@pytest.mark.parametrize("n", [2, 5])
def test_finite_where_the_direct_form_is(bad: float, where: str, way: str, n: int) -> None:
    rng, window = np.random.default_rng(0), Window((3, 3), padding=(1, 1))
    x = rng.standard_normal((n, 4, 16, 16)).astype(np.float32)
    w = rng.standard_normal((5, 4, 3, 3)).astype(np.float32)
    g = rng.standard_normal((n, 5, 16, 16)).astype(np.float32)
    {"x": x, "w": w, "g": g}[where][1, 2, 1, 2] = bad
    with np.errstate(all="ignore"):
        ours = found(x, w, g, window, 4, way)
        sums = [
            from_chwn(np, direct.convolve(x, w, None, window)),
            from_chwn(np, direct.input_gradient(g, w, x.shape, window)),
            direct.weight_gradient(g, x, w.shape, window),
        ]
        columns = [
            plain.conv2d(XP, x, w, None, window, 1),
            plain.conv2d_input_gradient(XP, g, w, x.shape, window, 1),
            plain.conv2d_weight_gradient(XP, g, x, w.shape, window, 1),
        ]
    for y, other, column in zip(ours, sums, columns, strict=True):
        assert np.isfinite(y[np.isfinite(column)]).all()
        if where == "g" or np.isnan(bad):
            np.testing.assert_array_equal(np.isfinite(y), np.isfinite(other))


@pytest.mark.parametrize("size", [1e36, 1e30, 1e18])
def test_large_values_do_not_overflow_on_the_way(size: float) -> None:
    rng, window = np.random.default_rng(0), Window((3, 3), padding=(1, 1))
    x = rng.random((2, 4, 16, 16)).astype(np.float32) * np.float32(size)
    w = rng.standard_normal((5, 4, 3, 3)).astype(np.float32)
    y = winograd.convolve(x, w, None, (1, 1), 4)
    want = plain.conv2d(XP, x.astype(np.float64), w.astype(np.float64), None, window, 1)
    np.testing.assert_allclose(from_chwn(np, y), want, rtol=0, atol=1e-5 * size)


def test_what_is_even_takes_winograd(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is no reason never to take it: a ConvNet's images and gradients are even."""
    for name in ("convolve", "input_gradient", "weight_gradient"):
        monkeypatch.setattr(direct, name, lambda *_: pytest.fail("took the direct form"))
    rng = np.random.default_rng(0)
    x = np.maximum(rng.standard_normal((4, 64, 16, 16)), 0).astype(np.float32)
    w = rng.standard_normal((8, 64, 3, 3)).astype(np.float32)
    g = rng.standard_normal((4, 8, 16, 16)).astype(np.float32)
    for way in ("recorded", "one by one"):
        found(x, w, g, Window((3, 3), padding=(1, 1)), 4, way)


@pytest.mark.parametrize("way", ["recorded", "one by one"])
@pytest.mark.parametrize("spoilt", [1, 2, 4])
def test_the_direct_form_does_the_images_that_need_it(
    way: str, spoilt: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of six images one or two are done again, with 1e4 beside 1; of four all are."""
    done: dict[str, list[int]] = {}

    def watched(name: str, form: Any) -> Any:
        def watch(*args: Any) -> Any:
            done.setdefault(name, []).append(len(args[0]))
            return form(*args)

        return watch

    for name in ("convolve", "input_gradient", "weight_gradient"):
        monkeypatch.setattr(direct, name, watched(name, getattr(direct, name)))
    rng, window = np.random.default_rng(1), Window((3, 3), padding=(1, 1))
    x, w, g = draw((6, 16, 15, 17), 8, window, rng)
    x[:spoilt, :, :5] *= 1e4
    g[-spoilt:, :, :, :6] *= 1e4
    check(x, w, g, window, 4, way)
    if spoilt == 4:
        assert done["input_gradient"] == [6]
        assert done.get("convolve") == (None if way == "recorded" else [6])
    else:
        assert done == {"convolve": [spoilt], "input_gradient": [spoilt]}


def test_the_look_stops_at_its_limit() -> None:
    for ratio, expected in ((spread.SPREAD - 1, True), (spread.SPREAD + 1, False)):
        loud = np.ones((8, 8, 2), np.float32)
        loud[4, 4, 1] = ratio
        tiling = winograd.Tiling(4, (2, 3, 8, 8), (1, 1), np.float32)
        for look in (spread.even_inputs, spread.even_gradients):
            assert look(tiling, loud).tolist() == [True, expected]
        loud[...] = 1
        loud[:, :, 0] = 1e9  # another sample's magnitudes are no matter
        for look in (spread.even_inputs, spread.even_gradients):
            assert look(tiling, loud).all()


@pytest.mark.parametrize("channels", [1, 4])
def test_signs_that_change_from_pixel_to_pixel_do_not_overflow(channels: int) -> None:
    """Differences of them are the largest numbers on Winograd's way; the sums would just fit."""
    rng = np.random.default_rng(0)
    x, w = (
        rng.choice([-1, 1], shape).astype(np.float32)
        for shape in ((2, channels, 16, 16), (5, channels, 3, 3))
    )
    x *= np.float32(3.3e38 / (9 * channels))
    with np.errstate(over="ignore"):
        assert np.isfinite(winograd.convolve(x, w, None, (1, 1), 4)).all()


@pytest.mark.parametrize("way", ["recorded", "one by one"])
def test_a_weights_gradient_that_just_fits_does_not_overflow_on_the_way(way: str) -> None:
    x, g = np.zeros((1, 1, 8, 8), np.float32), np.zeros((1, 1, 8, 8), np.float32)
    x[0, 0, 3, 3], g[0, 0, 3, 3] = 1e18, 3e19
    w = np.full((1, 1, 3, 3), 1e-18, np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        dw = found(x, w, g, Window((3, 3), padding=(1, 1)), 4, way)[2]
    want = np.zeros((1, 1, 3, 3))
    want[0, 0, 1, 1] = 3e37
    np.testing.assert_allclose(dw, want, rtol=1e-5)


@pytest.mark.parametrize("side", [3, 6])
@pytest.mark.parametrize("step", [1, 4])
def test_extremes_over_windows(side: int, step: int) -> None:
    a = np.random.default_rng(0).permutation(14 * 10 * 2).reshape(14, 10, 2)
    for function in (np.maximum, np.minimum):
        found = spread._windows(function, a, side, step)
        for i, j in np.ndindex(found.shape[:2]):
            window = a[i * step : i * step + side, j * step : j * step + side]
            assert found[i, j].tolist() == function.reduce(window, axis=(0, 1)).tolist()
        assert found.shape == ((14 - side) // step + 1, (10 - side) // step + 1, 2)
