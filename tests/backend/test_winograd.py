"""Winograd's convolution against the plain form, and when it is taken."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as torch
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.algorithm import choose
from tinygrad_lite.backend.cpu import winograd
from tinygrad_lite.backend.layout import from_chwn
from tinygrad_lite.backend.plain import conv as plain_conv
from tinygrad_lite.backend.window import Window
from tinygrad_lite.nn import functional as F


@pytest.fixture(autouse=True)
def algorithm() -> Iterator[None]:
    before = torch.get_conv_algorithm()
    yield
    torch.set_conv_algorithm(before)


def draw(rng: np.random.Generator, shape: tuple[int, ...], order: str) -> np.ndarray:
    """Normal numbers in one of several memory orders."""
    if order == "chwn":
        return np.moveaxis(rng.standard_normal((*shape[1:], shape[0])), -1, 0)
    if order == "strided":
        wide = rng.standard_normal((*shape[:-1], 2 * shape[-1]))
        return wide[..., ::-2]
    return rng.standard_normal(shape)


@given(
    n=st.integers(1, 5),
    c=st.integers(1, 4),
    m=st.integers(1, 4),
    h=st.integers(1, 11),
    w=st.integers(1, 11),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    tile=st.sampled_from([2, 4]),
    order=st.sampled_from(["nchw", "chwn", "strided"]),
    chunk=st.sampled_from([1, 3000, winograd.CHUNK]),
    bias=st.booleans(),
)
def test_equals_the_plain_form(
    n: int,
    c: int,
    m: int,
    h: int,
    w: int,
    padding: tuple[int, int],
    tile: int,
    order: str,
    chunk: int,
    bias: bool,
) -> None:
    h, w = max(h, 3 - 2 * padding[0]), max(w, 3 - 2 * padding[1])
    rng = np.random.default_rng(n * 100 + h)
    x, weight = draw(rng, (n, c, h, w), order), draw(rng, (m, c, 3, 3), order)
    b = rng.standard_normal(m) if bias else None
    xp, window = namespace_for("cpu"), Window((3, 3), padding=padding)
    y = plain_conv.conv2d(xp, x, weight, b, window, 1)
    g = draw(rng, y.shape, order)
    before = winograd.CHUNK
    winograd.CHUNK = chunk
    try:
        out = winograd.convolve(x, weight, b, padding, tile)
        dw = winograd.weight_gradient(g, x, weight.shape, padding, tile)
        dx = winograd.input_gradient(g, weight, x.shape, padding, tile)
    finally:
        winograd.CHUNK = before
    close = {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose(np.moveaxis(out, -1, 0), y, **close)
    want = plain_conv.conv2d_weight_gradient(xp, g, x, weight.shape, window, 1)
    np.testing.assert_allclose(dw, want, **close)
    want = plain_conv.conv2d_input_gradient(xp, g, weight, x.shape, window, 1)
    np.testing.assert_allclose(np.moveaxis(dx, -1, 0), want, **close)
    assert dw.base is None
    assert from_chwn(xp, dx).base is None


SAME = Window((3, 3), padding=(1, 1))


@pytest.mark.parametrize(
    ("window", "shape", "channels", "way"),
    [
        (SAME, (32, 64, 16, 16), 128, 4),
        (SAME, (32, 256, 8, 8), 256, 4),
        (SAME, (32, 512, 4, 4), 512, "direct"),  # too few tiles
        (SAME, (200, 512, 4, 4), 512, 4),
        (SAME, (200, 512, 2, 2), 512, "direct"),  # tiles mostly empty
        (SAME, (32, 3, 32, 32), 64, "im2col"),  # too few channels
        (Window((3, 3), (2, 2), (1, 1)), (32, 64, 16, 16), 128, "im2col"),
        (Window((3, 3), padding=(1, 1), dilation=(2, 2)), (32, 64, 16, 16), 128, "direct"),
        (Window((5, 5), padding=(2, 2)), (32, 64, 16, 16), 128, "direct"),
    ],
)
def test_what_is_taken(
    window: Window, shape: tuple[int, ...], channels: int, way: str | int
) -> None:
    weight = (channels, shape[1], *window.kernel)
    assert choose(window, shape, weight) == way
    torch.set_conv_algorithm("im2col")
    assert choose(window, shape, weight) == "im2col"


def test_the_choice_reaches_convolution_and_its_gradients() -> None:
    x, w = torch.randn(2, 3, 9, 7), torch.randn(4, 3, 3, 3)
    found = {}
    for name in ("im2col", "direct", "winograd"):
        torch.set_conv_algorithm(name)
        assert torch.get_conv_algorithm() == name
        a, b = x.clone().requires_grad_(), w.clone().requires_grad_()
        y = F.conv2d(a, b, padding=1)
        (y**2).sum().backward()
        assert a.grad is not None
        assert b.grad is not None
        found[name] = [t.detach().numpy() for t in (y, a.grad, b.grad)]
    for name in ("direct", "winograd"):
        for one, other in zip(found["im2col"], found[name], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)
            assert not np.array_equal(one, other), "both went the same way"


def test_an_unknown_algorithm() -> None:
    names = "auto, direct, im2col, winograd"
    with pytest.raises(ValueError, match=f"expected one of {names}, but got 'fft'"):
        torch.set_conv_algorithm("fft")
