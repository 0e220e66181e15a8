"""Depthwise convolution on the CPU, against its plain form: values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.plain import conv as plain
from tinygrad_lite.backend.window import Window

WINDOWS = [
    Window((3, 3), (1, 1), (1, 1)),
    Window((3, 3), (2, 2), (1, 1)),
    Window((5, 3), (1, 2), (0, 2), (1, 2)),
    Window((1, 1)),
]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("bias", [True, False])
def test_as_the_plain_form(window: Window, bias: bool) -> None:
    rng, xp = np.random.default_rng(0), namespace_for("cpu")
    x = rng.standard_normal((3, 6, 9, 8))
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
