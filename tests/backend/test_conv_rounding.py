"""How far each algorithm of convolution is from the exact sum in float32.

The bounds are on ‖found − exact‖ / ‖exact‖, some three times what is found; docs/numerics.md has
the errors of all of a network's layers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import winograd
from tinygrad_lite.backend.layout import from_chwn
from tinygrad_lite.backend.plain import conv as plain_conv
from tinygrad_lite.backend.window import Window

SAME = Window((3, 3), padding=(1, 1))
XP = namespace_for("cpu")
Arrays = list[np.ndarray]
PASSES = ("output", "input gradient", "weight gradient", "bias gradient")


@pytest.fixture(autouse=True)
def algorithm() -> Iterator[None]:
    before = torch.get_conv_algorithm()
    yield
    torch.set_conv_algorithm(before)


def draw(shape: tuple[int, ...], channels: int) -> Arrays:
    """x, W, b and g in float32, in the memory orders of a training step."""
    rng = np.random.default_rng(0)
    n, c, h, w = shape
    x, g = (from_chwn(np, rng.standard_normal((k, h, w, n))) for k in (c, channels))
    weight = rng.standard_normal((channels, 3, 3, c)).transpose(0, 3, 1, 2) / (3 * c**0.5)
    return [a.astype(np.float32) for a in (x, weight, rng.standard_normal(channels), g)]


def exact(x: np.ndarray, weight: np.ndarray, b: np.ndarray, g: np.ndarray) -> Arrays:
    """The output and both gradients in float64."""
    x, weight, b, g = (a.astype(np.float64) for a in (x, weight, b, g))
    return [
        plain_conv.conv2d(XP, x, weight, b, SAME, 1),
        plain_conv.conv2d_input_gradient(XP, g, weight, x.shape, SAME, 1),
        plain_conv.conv2d_weight_gradient(XP, g, x, weight.shape, SAME, 1),
        plain_conv.conv2d_bias_gradient(XP, g),
    ]


def by(way: str | int, x: np.ndarray, weight: np.ndarray, b: np.ndarray, g: np.ndarray) -> Arrays:
    """The same by an algorithm's name, or by F(m×m, 3×3), as a training step calls it."""
    if isinstance(way, int):
        recorded = winograd.recorded(XP, x, weight, b, SAME.padding, way)
    else:
        torch.set_conv_algorithm(way)
        recorded = XP.conv2d_algorithm(x.dtype, x.shape, weight.shape, SAME, 1).recorded(
            x, weight, b
        )
    y, prepare, of_input, of_weight, of_bias = recorded
    shared = prepare(g)
    return [y, of_input(g, shared), of_weight(g, shared), of_bias(g, shared)]


@pytest.mark.parametrize(("shape", "channels"), [((8, 64, 16, 16), 128), ((32, 256, 4, 4), 256)])
@pytest.mark.parametrize(
    ("way", "bound"), [("im2col", 1e-6), ("direct", 1e-6), (2, 2e-6), (4, 5e-6)]
)
def test_rounding_error(
    way: str | int, bound: float, shape: tuple[int, ...], channels: int
) -> None:
    arrays = draw(shape, channels)
    for name, found, want in zip(PASSES, by(way, *arrays), exact(*arrays), strict=True):
        assert found.dtype == np.float32
        error = np.linalg.norm(found - want) / np.linalg.norm(want)
        assert 1e-9 < error < bound, f"{name}: {error:.1e}"
