"""Depthwise convolution on the CPU, against its plain form: values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import depthwise, stacked
from tinygrad_lite.backend.plain import conv as plain
from tinygrad_lite.backend.window import Window

WINDOWS = [
    Window((3, 3), (1, 1), (1, 1)),
    Window((3, 3)),
    Window((5, 5), (1, 1), (2, 2)),
    Window((3, 3), (1, 1), (2, 2), (2, 2)),
    Window((11, 3), (3, 3), (9, 5)),
    Window((3, 3), (2, 2), (1, 1)),
    Window((5, 3), (1, 2), (0, 2), (1, 2)),
    Window((1, 1)),
]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("order", ["NCHW", "CHWN", "NHWC"])
@pytest.mark.parametrize("form", ["bands", "stacks", "stacks in pieces", "columns"])
def test_as_the_plain_form(
    window: Window, bias: bool, order: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if form == "bands":
        monkeypatch.setattr(depthwise, "LONG", 0)
    else:
        monkeypatch.setattr(depthwise, "NARROW", 0)
        monkeypatch.setattr(depthwise, "UNTURNED", 0)
        monkeypatch.setattr(stacked, "WASTE", 0 if form == "columns" else 100)
        monkeypatch.setattr(stacked, "BLOCK", 1 << (11 if form == "stacks in pieces" else 13))
    monkeypatch.setattr(depthwise, "BLOCK", 1 << 12)
    monkeypatch.setattr(depthwise, "ROWS", 1 << 12)
    rng, xp = np.random.default_rng(0), namespace_for("cpu")
    x = rng.standard_normal((3, 6, 9, 8))
    axes = ["NCHW".index(letter) for letter in order]
    x = np.ascontiguousarray(x.transpose(axes)).transpose(np.argsort(axes))
    weight, b = rng.standard_normal((6, 1, *window.kernel)), rng.standard_normal(6)
    operands: Any = (x, weight, b if bias else None)
    shapes = x.dtype, x.shape, weight.shape, window, 6
    ours = xp.conv2d_algorithm(*shapes)
    assert "depthwise" in ours.recorded.func.__module__
    wanted = plain.conv2d_algorithm(xp, *shapes)
    pairs = [(way.recorded(*operands).y, way) for way in (ours, wanted)]
    np.testing.assert_allclose(pairs[0][0], pairs[1][0], atol=1e-12)
    g = rng.standard_normal(pairs[0][0].shape)
    for name, rest in (
        ("input_gradient", (weight, x.shape)),
        ("weight_gradient", (x, weight.shape)),
    ):
        found, want = (getattr(way, name)(g, *rest) for _, way in pairs)
        np.testing.assert_allclose(found, want, atol=1e-12)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("bands", [True, False])
def test_infinities_reach_what_they_meet_and_nothing_else(
    images: int, bands: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither through the zeros of a band or a stack's matrix nor beyond the end of a row."""
    monkeypatch.setattr(depthwise, "LONG", 0)
    if not bands:
        monkeypatch.setattr(depthwise, "NARROW", 0)
        monkeypatch.setattr(depthwise, "UNTURNED", 0)
    rng, xp = np.random.default_rng(0), namespace_for("cpu")
    x, weight = rng.standard_normal((images, 2, 5, 6)), rng.standard_normal((2, 1, 3, 3))
    x[0, 0, 1, 0], x[0, 1, 4, 5] = np.inf, np.nan
    g = np.ones_like(x)
    g[0, 0, 1, 3] = -np.inf
    shapes = x.dtype, x.shape, weight.shape, Window((3, 3), (1, 1), (1, 1)), 2
    ours, wanted = xp.conv2d_algorithm(*shapes), plain.conv2d_algorithm(xp, *shapes)
    np.testing.assert_allclose(ours.recorded(x, weight, None).y, wanted.recorded(x, weight, None).y)
    for name, rest in (
        ("input_gradient", (weight, x.shape)),
        ("weight_gradient", (x, weight.shape)),
    ):
        found, want = (getattr(way, name)(g, *rest) for way in (ours, wanted))
        np.testing.assert_allclose(found, want)
