"""Convolution on NumPy: which algorithm one takes.

`algorithm.choose` names one of three, which have files of their own: `im2col`, `direct` and
`winograd`. With as many groups as channels it is `depthwise`. Where im2col's columns are better
kept it is `strips`, unless they are few. Other grouped convolutions, empty ones and 16 bits take
the plain form.
"""

from __future__ import annotations

import math
from functools import cache, partial
from importlib import import_module
from typing import Any

import numpy as np

from ..algorithm import choose
from ..kernel import kernel
from ..layout import from_chwn
from ..plain import conv as plain
from ..plain.conv import Algorithm
from ..window import Window
from .sums import row_sums

__all__ = ["conv2d_algorithm", "conv2d_bias_gradient"]

Shape = tuple[int, ...]
KEPT = 1 << 19  # bytes of columns that are cheaper kept than made again, however few the outputs
STRIPS = 1 << 24  # the same of strips


@kernel("cpu")
def conv2d_algorithm(
    xp: Any, dtype: Any, shape: Shape, weight_shape: Shape, window: Window, groups: int
) -> Algorithm:
    """See `plain.conv.conv2d_algorithm`."""
    if 1 < groups == shape[1] == weight_shape[0] and dtype.itemsize > 2 and 0 not in shape:
        return _made("depthwise", xp, window=window)
    if groups != 1 or dtype.itemsize == 2 or 0 in shape or 0 in weight_shape:
        algorithm: Algorithm = plain.conv2d_algorithm(
            xp, dtype, shape, weight_shape, window, groups
        )
        return algorithm
    way = choose(window, shape, weight_shape)
    if isinstance(way, int):
        return _made("winograd", xp, padding=window.padding, m=way)
    m, *of_one = weight_shape
    positions = shape[0] * math.prod(window.positions(shape[2:]))
    if way == "im2col" and math.prod(of_one) * positions * dtype.itemsize <= KEPT:
        return _made(way, xp, "recorded_columns", window=window)
    few = _lines(window, shape) <= max(m * positions, STRIPS // dtype.itemsize)
    if way == "im2col" and few and window.dilation[0] == 1:
        gradient = _room("im2col").input_gradient
        recorded = partial(_room("strips").recorded, xp, window=window, input_gradient=gradient)
        return _made(way, xp, window=window)._replace(recorded=recorded)
    return _made(way, xp, window=window)


def _lines(window: Window, shape: Shape) -> int:
    """How many elements the strips of an image (N, C, H, W) have."""
    n, c, *size = shape
    return n * window.padded(size)[0] * (window.kernel[1] * c + 1) * window.positions(size)[1]


@cache
def _room(name: str) -> Any:
    """The module of an algorithm; imported at its first use, which makes `import` faster."""
    return import_module(f".{name}", __package__)


def _made(name: str, xp: Any, recorded: str = "recorded", **setting: Any) -> Algorithm:
    """The `Algorithm` of a module here, whose functions are told `setting` beside operands.

    Args:
        name: the module's.
        xp: the namespace.
        recorded: its function for the forward pass.
        setting: further arguments of all three functions.
    """
    room = _room(name)
    return Algorithm(
        partial(getattr(room, recorded), xp, **setting),
        lambda g, weight, shape: from_chwn(np, room.input_gradient(g, weight, shape, **setting)),
        partial(room.weight_gradient, **setting),
    )


@kernel("cpu")
def conv2d_bias_gradient(xp: Any, g: Any) -> Any:
    """See `plain.conv.conv2d_bias_gradient`; a dot product is twice as fast as a sum."""
    rows = g.transpose(1, 2, 3, 0)
    if not rows.flags.c_contiguous or g.itemsize == 2:
        return plain.conv2d_bias_gradient(xp, g)
    return row_sums(rows.reshape(g.shape[1], -1 if g.size else 0))
