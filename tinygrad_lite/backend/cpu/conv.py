"""Convolution on NumPy: which of three algorithms one takes, and how each is asked for.

`algorithm.choose` names one of `im2col`, `direct` and `winograd`; with a channel a group it is
`depthwise`. Other grouped convolutions, empty ones and 16 bits take the plain form.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..algorithm import choose
from ..kernel import kernel
from ..layout import from_chwn
from ..plain import conv as plain
from ..plain.conv import Algorithm
from ..window import Window
from . import depthwise, direct, im2col, winograd
from .sums import row_sums

__all__ = ["conv2d_algorithm", "conv2d_bias_gradient"]

Shape = tuple[int, ...]


@kernel("cpu")
def conv2d_algorithm(
    xp: Any, dtype: Any, shape: Shape, weight_shape: Shape, window: Window, groups: int
) -> Algorithm:
    """See `plain.conv.conv2d_algorithm`."""
    if 1 < groups == shape[1] == weight_shape[0] and dtype.itemsize > 2 and 0 not in shape:
        return _made(depthwise, partial(depthwise.recorded, xp), window=window)
    if groups != 1 or dtype.itemsize == 2 or 0 in shape or 0 in weight_shape:
        algorithm: Algorithm = plain.conv2d_algorithm(
            xp, dtype, shape, weight_shape, window, groups
        )
        return algorithm
    way = choose(window, shape, weight_shape)
    if isinstance(way, int):
        return _made(winograd, partial(winograd.recorded, xp), padding=window.padding, m=way)
    if way == "direct":
        return _made(direct, partial(direct.recorded, xp), window=window)
    if im2col.has_few_columns(weight_shape):
        return _made(im2col, im2col.recorded_columns, window=window)
    return _made(im2col, partial(im2col.recorded, xp), window=window)


def _made(room: Any, recorded: Any, **setting: Any) -> Algorithm:
    """The algorithm of a file here, with what its functions are told besides their operands."""
    return Algorithm(
        partial(recorded, **setting),
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
