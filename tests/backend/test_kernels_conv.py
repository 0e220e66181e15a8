"""The convolution kernels of the CPU against their plain forms, whole and in many blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import strict
from tests.nn.test_conv import as_pair, convolutions
from tests.strategies import LAYOUTS, Array, examples
from tinygrad_lite.backend import Namespace, namespace_for
from tinygrad_lite.backend.algorithm import set_conv_algorithm
from tinygrad_lite.backend.cpu import border, depthwise, direct, im2col, strips
from tinygrad_lite.backend.cpu import conv as cpu_conv
from tinygrad_lite.backend.layout import empty_channels_last, from_chwn, to_chwn
from tinygrad_lite.backend.plain import conv as plain_conv
from tinygrad_lite.backend.window import Window

XP = namespace_for("cpu")
BLOCKS = [1, 400, 3000, im2col.BLOCK]  # bytes: one row or channel at a time … all at once


def window_of(words: dict[str, Any], kernel: tuple[int, ...]) -> Window:
    names = ("stride", "padding", "dilation")
    return Window((kernel[0], kernel[1]), *(as_pair(words[name]) for name in names))


def chosen(x: Array, weight: Array, window: Window, groups: int = 1) -> plain_conv.Algorithm:
    """The algorithm that the CPU takes."""
    way: plain_conv.Algorithm = XP.conv2d_algorithm(x.dtype, x.shape, weight.shape, window, groups)
    return way


def close(a: Array, b: Array) -> None:
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if a.dtype == np.float32 else {"rtol": 1e-10}
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    np.testing.assert_allclose(a, b, **{"atol": 1e-11, **tolerance})


@pytest.fixture
def _im2col() -> Iterator[None]:
    set_conv_algorithm("im2col")
    yield
    set_conv_algorithm("auto")


@pytest.mark.usefixtures("_im2col")
@pytest.mark.parametrize(
    ("algorithm", "block"), [("direct", 1), ("strips", 0), *(("im2col", b) for b in BLOCKS)]
)
@examples(0.8)
@given(
    drawn=convolutions(3, named=False),
    dtype=st.sampled_from([np.float32, np.float64]),
    layout=st.sampled_from([*LAYOUTS.values(), None]),
)
def test_cpu_kernels_equal_the_plain_forms(
    algorithm: str,
    block: int,
    drawn: Any,
    dtype: Any,
    layout: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_conv_algorithm("direct" if algorithm == "direct" else "im2col")
    monkeypatch.setattr(im2col, "BLOCK", block or im2col.BLOCK)
    monkeypatch.setattr(cpu_conv, "KEPT", block)
    monkeypatch.setattr(cpu_conv, "_lines", lambda *_: 0 if algorithm == "strips" else 1 << 60)
    monkeypatch.setattr(strips, "SMALL", 200)
    monkeypatch.setattr(strips, "LEAST", 2)
    monkeypatch.setattr(border, "FEW", 0 if block < 3000 else border.FEW)
    monkeypatch.setattr(strips, "FEW", 0)
    monkeypatch.setattr(strips, "MOST", 1 << 24 if algorithm == "strips" else 0)
    monkeypatch.setattr(im2col, "PANEL", block or im2col.PANEL)
    monkeypatch.setattr(im2col, "SMALL", 100 if block == 1 else 1 << 15)
    monkeypatch.setattr(im2col, "LONG", 7 if block == 1 else 1 << 13)
    arrays, words = drawn
    made = [a.astype(dtype) if layout is None else layout(np, a.astype(dtype)) for a in arrays]
    x, weight, bias = (*made, None)[:3]
    window, groups = window_of(words, weight.shape[2:]), words["groups"]
    before = [np.array(a) for a in made]

    way = chosen(x, weight, window, groups)
    recorded = way.recorded(x, weight, bias)
    y = recorded.y
    close(y, plain_conv.conv2d(XP, x, weight, bias, window, groups))
    g = np.random.default_rng(0).standard_normal(y.shape).astype(dtype)
    g = g if layout in (None, LAYOUTS["broadcast (stride 0)"]) else layout(np, g)
    dx = plain_conv.conv2d_input_gradient(XP, g, weight, x.shape, window, groups)
    dw = plain_conv.conv2d_weight_gradient(XP, g, x, weight.shape, window, groups)
    fast, kept = [], []
    for sign in (1, 2):  # fresh memory: a second call must not change the first one's results
        fast.append(way.input_gradient(g * sign, weight, x.shape))
        fast.append(way.weight_gradient(g * sign, x, weight.shape))
        kept = kept or [np.array(a) for a in fast]
    for found, old, want in zip(fast, kept, (dx, dw), strict=False):
        np.testing.assert_array_equal(found, old)
        close(found, want)
    shared = recorded.prepare(g)
    close(recorded.of_input(g, shared), dx)
    close(recorded.of_weight(g, shared), dw)
    close(recorded.of_bias(g, shared), plain_conv.conv2d_bias_gradient(XP, g))
    for array, old in zip(made, before, strict=True):
        np.testing.assert_array_equal(array, old)


@pytest.mark.usefixtures("_im2col")
def test_several_blocks_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks above are what they are meant to be: this many matrix products."""
    monkeypatch.setattr(im2col, "SMALL", 0)
    monkeypatch.setattr(border, "FEW", 0)
    monkeypatch.setattr(strips, "MOST", 0)
    counts = []
    blocks = im2col._blocks

    def spy(*args: Any) -> Any:
        found = list(blocks(*args))
        counts.append(len(found))
        return iter(found)

    monkeypatch.setattr(im2col, "_blocks", spy)
    x, weight = np.ones((2, 3, 9, 8)), np.ones((4, 3, 3, 3))
    window = Window((3, 3), padding=(1, 1))
    totals = []
    for block in (1, im2col.BLOCK):
        monkeypatch.setattr(im2col, "BLOCK", block)
        monkeypatch.setattr(cpu_conv, "KEPT", block)
        monkeypatch.setattr(cpu_conv, "STRIPS", 0)
        monkeypatch.setattr(im2col, "PANEL", block)
        way = chosen(x, weight, window)
        y = way.recorded(x, weight, None).y
        totals.append(sum(counts))
        counts.clear()
        way.input_gradient(y, weight, x.shape)
        way.weight_gradient(y, x, weight.shape)
        totals.append(sum(counts))
        counts.clear()
    assert totals[:2] == [9, 6]  # output rows; channels, twice
    assert max(totals[2:]) <= 8  # at most one for each thread


@pytest.mark.parametrize(
    ("start", "stop", "each"), [(0, 9, 7), (2, 9, 1000), (0, 1, 10**9), (3, 3, 5)]
)
def test_blocks_cover_their_range_once(
    start: int, stop: int, each: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(im2col, "BLOCK", 20)
    found = list(im2col._blocks(start, stop, each))
    assert [i for a, b in found for i in range(a, b)] == list(range(start, stop))
    assert all((b - a - 1) * each < 20 for a, b in found)


def test_output_is_in_the_next_layers_order() -> None:
    x = from_chwn(XP, np.ones((3, 6, 5, 4), np.float32))  # (4, 3, 6, 5)
    weight = np.ones((2, 3, 3, 3), np.float32)
    way = chosen(x, weight, Window((3, 3)))
    y = way.recorded(x, weight, None).y
    assert y.shape == (4, 2, 4, 3)
    assert to_chwn(XP, y).base is y.base  # a view: nothing to copy
    assert to_chwn(XP, x).base is x.base
    dx = way.input_gradient(y, weight, x.shape)
    assert to_chwn(XP, dx).base is dx.base


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("batch", [1, 4, 5])
@pytest.mark.parametrize(
    "room",
    [im2col.recorded_columns, partial(strips.recorded, input_gradient=im2col.input_gradient)],
)
def test_columns_and_strips_are_kept(
    room: Any, with_bias: bool, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image may change afterwards."""
    monkeypatch.setattr(im2col, "LONG", 13)
    monkeypatch.setattr(strips, "SMALL", 40 * 30 * 12)
    monkeypatch.setattr(strips, "LEAST", 4)
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((batch, 3, 7, 7)), rng.standard_normal((40, 3, 3, 3))
    bias = rng.standard_normal(40) if with_bias else None
    window = Window((3, 3), padding=(1, 1), stride=(2, 1), dilation=(1, 2))
    want = plain_conv.conv2d(XP, x, weight, bias, window, 1)
    g = from_chwn(XP, rng.standard_normal(to_chwn(XP, want).shape))
    gradient = plain_conv.conv2d_weight_gradient(XP, g, x, weight.shape, window, 1)
    recorded = room(XP, x, weight, bias, window)
    x[...] = 0
    im2col.recorded(XP, x, weight * 0, bias, window)  # its scratch columns are others
    close(recorded.y, want)
    shared = recorded.prepare(g)
    found = recorded.of_weight(g, shared)
    close(found, gradient)
    assert found.base is None
    of_bias = recorded.of_bias(g, shared)
    close(of_bias, g.sum((0, 2, 3)))
    assert of_bias.base is None  # the product's memory is let go of


def test_where_columns_and_strips_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window((3, 3), padding=(1, 1), stride=(2, 1))
    shape, outputs = (4, 3, 7, 5), 4 * 4 * 5
    columns, lines = 27 * outputs * 8, 4 * 9 * 10 * 5  # bytes of columns, elements of strips
    monkeypatch.setattr(cpu_conv, "STRIPS", 0)
    m = -(-lines // outputs)
    for outs, kept, dilation, way in (
        (m, 0, 1, strips.recorded),
        (m - 1, 0, 1, im2col.recorded),
        (m, 0, 2, im2col.recorded),
        (m, columns - 1, 1, strips.recorded),
        (1, columns, 1, im2col.recorded_columns),
    ):
        monkeypatch.setattr(cpu_conv, "KEPT", kept)
        turned = window._replace(dilation=(dilation, 1), padding=(dilation, 1))
        chosen = XP.conv2d_algorithm(np.dtype("d"), shape, (outs, 3, 3, 3), turned, 1).recorded
        assert chosen.func is way
    monkeypatch.setattr(cpu_conv, "STRIPS", 8 * lines)
    chosen = XP.conv2d_algorithm(np.dtype("d"), shape, (1, 3, 3, 3), window, 1).recorded
    assert chosen.func is im2col.recorded_columns
    monkeypatch.setattr(cpu_conv, "KEPT", 0)
    chosen = XP.conv2d_algorithm(np.dtype("d"), shape, (1, 3, 3, 3), window, 1).recorded
    assert chosen.func is strips.recorded


@pytest.mark.parametrize(
    ("window", "given"),
    [
        (Window((3, 3), padding=(1, 1)), True),
        (Window((4, 5), stride=(1, 2), padding=(3, 2)), True),
        (Window((3, 2), padding=(0, 2), dilation=(1, 3)), True),
        (Window((3, 3), padding=(3, 1)), False),  # rows of positions that meet no pixel
        (Window((3, 3), stride=(2, 1)), False),
        (Window((2, 3), dilation=(2, 1)), False),
        (Window((1, 3)), False),  # there is nothing to share
    ],
)
@pytest.mark.parametrize("length", [2, 1 << 20])
def test_the_inputs_gradient_by_strips(
    window: Window, given: bool, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strips, "FEW", 0)
    monkeypatch.setattr(strips, "LEAST", 1)
    monkeypatch.setattr(strips, "SMALL", length * math.prod(window.kernel) * 6 + 1)
    rng, shape = np.random.default_rng(0), (2, 2, 8, 7)
    weight = rng.standard_normal((3, 2, *window.kernel))
    g = rng.standard_normal((2, 3, *window.positions(shape[2:])))
    assert strips.gives_input_gradient(weight, shape, window) == given
    want = plain_conv.conv2d_input_gradient(XP, g, weight, shape, window, 1)
    close(from_chwn(XP, im2col.input_gradient(g, weight, shape, window)), want)


@pytest.mark.parametrize("few", [0, 1 << 13])
def test_an_infinite_weight_reaches_no_more_pixels_than_its_products(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strips, "FEW", few)
    weight = np.ones((2, 3, 3, 3), np.float32)
    weight[:, :, 0, 0] = np.inf
    g, window = np.ones((1, 2, 5, 5), np.float32), Window((3, 3), padding=(1, 1))
    dx = im2col.input_gradient(g, weight, (1, 3, 5, 5), window)
    assert not np.isnan(dx).any()
    np.testing.assert_array_equal(np.isfinite(dx).sum((1, 2)), np.full((3, 1), 5 + 5 - 1))


@pytest.mark.parametrize("bad", [np.inf, np.nan])
@pytest.mark.parametrize("size", [6, 40])  # products with bands, and with stacks or columns
@pytest.mark.parametrize(
    "window",
    [
        Window((3, 3), padding=(1, 1)),
        Window((3, 3)),
        Window((3, 3), stride=(2, 2), padding=(1, 1)),
        Window((3, 3), padding=(1, 0), dilation=(2, 2)),
        Window((3, 3), padding=(3, 3)),
    ],
)
def test_so_does_one_of_a_depthwise_kernel(window: Window, size: int, bad: float) -> None:
    shape, (high, wide) = (2, 3, size, size), window.positions((size, size))
    weight = np.ones((3, 1, 3, 3), np.float32)
    weight[:, :, 0, 0] = bad
    g = np.ones((2, 3, high, wide), np.float32)
    dx = from_chwn(XP, depthwise.input_gradient(g, weight, shape, window))
    want = plain_conv.conv2d_input_gradient(XP, g, weight, shape, window, 3)
    np.testing.assert_array_equal(dx, want)


def test_weight_gradient_owns_its_memory() -> None:
    """The walk hands an array that owns its memory over to `.grad` without a copy."""
    x, g = np.ones((2, 3, 5, 5)), np.ones((2, 4, 3, 3))
    for xp in (XP, Namespace("cpu", np, np.ndarray, "plain")):
        way = xp.conv2d_algorithm(x.dtype, x.shape, (4, 3, 3, 3), Window((3, 3)), 1)
        found = way.weight_gradient(g, x, (4, 3, 3, 3))
        assert found.base is None
        assert (found == 18).all()


@pytest.mark.parametrize(
    ("shape", "weight", "window", "groups"),
    [
        ((8, 16, 20, 20), (16, 16, 5, 5), Window((5, 5)), 1),
        ((8, 16, 20, 20), (16, 16, 3, 3), Window((3, 3), (2, 2)), 1),
        ((32, 64, 16, 16), (128, 64, 3, 3), Window((3, 3), padding=(1, 1)), 1),
        ((32, 512, 4, 4), (512, 512, 3, 3), Window((3, 3), padding=(1, 1)), 1),
        ((2, 3, 9, 9), (3, 1, 3, 3), Window((3, 3), padding=(1, 1)), 3),
        ((2, 3, 40, 40), (3, 1, 3, 3), Window((3, 3), padding=(1, 1)), 3),
        ((2, 3, 40, 40), (3, 1, 3, 3), Window((3, 3), (2, 2)), 3),
        ((2, 3, 40, 40), (3, 1, 2, 2), Window((2, 2), (2, 2)), 3),
    ],
)
def test_an_images_gradient_owns_its_memory(
    shape: tuple[int, ...], weight: tuple[int, ...], window: Window, groups: int
) -> None:
    way = XP.conv2d_algorithm(np.dtype("float32"), shape, weight, window, groups)
    g = np.ones((shape[0], weight[0], *window.positions(shape[2:])), np.float32)
    dx = way.input_gradient(g, np.ones(weight, np.float32), shape)
    assert dx.shape == shape
    assert dx.base is None
    assert to_chwn(XP, dx).base is dx  # in the order that convolutions leave


@examples(0.6)
@given(drawn=convolutions(3, named=False))
def test_columns_are_the_patches(drawn: Any) -> None:
    (x, weight, *_), words = drawn
    window = window_of(words, weight.shape[2:])
    columns = plain_conv.im2col(XP, x, window)
    (p, q), (s, t), (d, e) = window.padding, window.stride, window.dilation
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (q, q)))
    for c, i, j, oh, ow, n in np.ndindex(*columns.shape):
        assert columns[c, i, j, oh, ow, n] == padded[n, c, oh * s + i * d, ow * t + j * e]
    flat = plain_conv.unfold(XP, x, window)
    assert flat.shape == (
        len(x),
        x.shape[1] * math.prod(window.kernel),
        math.prod(window.positions(x.shape[2:])),
    )
    # fold is unfold's transpose: ⟨unfold(x), z⟩ = ⟨x, fold(z)⟩.
    z = np.random.default_rng(0).standard_normal(flat.shape)
    folded = plain_conv.fold(XP, z, x.shape, window)
    np.testing.assert_allclose((flat * z).sum(), (x * folded).sum(), rtol=1e-9, atol=1e-9)


def test_the_cpu_offers_its_own_kernels() -> None:
    strict.install()
    for name in cpu_conv.__all__:
        assert getattr(XP, name).__func__ is getattr(cpu_conv, name)
        assert getattr(namespace_for("strict"), name).__func__ is getattr(plain_conv, name)


@pytest.mark.parametrize("shape", [(3, 4, 5, 6), (1, 2, 1, 1), (0, 2, 3, 3), (2, 0, 3, 3)])
@pytest.mark.parametrize("order", ["nchw", "chwn"])
def test_bias_gradient_is_the_sum(shape: tuple[int, ...], order: str) -> None:
    g = np.random.default_rng(0).standard_normal(shape)
    g = g if order == "nchw" else from_chwn(XP, np.ascontiguousarray(to_chwn(XP, g)))
    found = cpu_conv.conv2d_bias_gradient(XP, g)
    assert found.shape == shape[1:2]
    np.testing.assert_allclose(found, plain_conv.conv2d_bias_gradient(XP, g), atol=1e-12)


@pytest.mark.parametrize("name", ["direct", "im2col"])
@pytest.mark.parametrize(
    ("size", "window"),
    [
        ((1, 1), Window((3, 3), padding=(1, 1))),
        ((2, 1), Window((3, 5), padding=(1, 2))),
        ((2, 3), Window((3, 3), padding=(4, 4), dilation=(4, 4))),
        ((1, 4), Window((5, 2), padding=(2, 0))),
    ],
)
def test_elements_of_the_kernel_that_never_meet_the_image(
    name: str, size: tuple[int, int], window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have a gradient of 0, whatever lay in the memory that holds it."""

    def full_of_nan(xp: Any, shape: tuple[int, ...], dtype: Any) -> Array:
        made: Array = empty_channels_last(xp, shape, dtype)
        made[...] = np.nan
        return made

    for room in (direct, im2col):
        monkeypatch.setattr(room, "empty_channels_last", full_of_nan)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, *size))
    g = rng.standard_normal((2, 4, *window.positions(size)))
    room = direct if name == "direct" else im2col
    found = room.weight_gradient(g, x, (4, 3, *window.kernel), window)
    close(found, plain_conv.conv2d_weight_gradient(XP, g, x, found.shape, window, 1))
    assert (found == 0).any()


def test_blocks_of_items_end_where_the_items_end() -> None:
    assert list(im2col._blocks(3, 10, 1, 3)) == [(3, 6), (6, 9), (9, 10)]
    assert list(im2col._blocks(0, 4, 8, 16)) == [(0, 2), (2, 4)]
    assert list(im2col._blocks(0, 2, 100, 1)) == [(0, 1), (1, 2)]
