"""Convolution on NumPy: three algorithms, and which one a convolution takes.

`algorithm.choose` names one of `im2col`, `direct` and `winograd`; grouped convolutions and
empty ones take the plain form.
"""

from __future__ import annotations

from typing import Any

from ..algorithm import choose
from ..kernel import kernel
from ..layout import from_chwn
from ..plain import conv as plain
from ..plain.conv import Recorded
from ..window import Window
from . import direct, im2col, winograd
from .sums import row_sums

__all__ = [
    "conv2d",
    "conv2d_bias_gradient",
    "conv2d_input_gradient",
    "conv2d_recorded",
    "conv2d_weight_gradient",
]

Shape = tuple[int, ...]


def _is_plain(a: Any, groups: int, shape: Shape, weight_shape: Shape) -> bool:
    """Whether the plain form is best: in groups, empty, or in half precision."""
    return groups != 1 or 0 in shape or 0 in weight_shape or a.itemsize == 2


@kernel("cpu")
def conv2d(xp: Any, x: Any, weight: Any, bias: Any, window: Window, groups: int) -> Any:
    """See `plain_conv.conv2d`."""
    if _is_plain(x, groups, x.shape, weight.shape):
        return plain.conv2d(xp, x, weight, bias, window, groups)
    way = choose(window, x.shape, weight.shape)
    if isinstance(way, int):
        return from_chwn(xp, winograd.convolve(x, weight, bias, window.padding, way))
    room = direct if way == "direct" else im2col
    return from_chwn(xp, room.convolve(x, weight, bias, window))


@kernel("cpu")
def conv2d_recorded(
    xp: Any, x: Any, weight: Any, bias: Any, window: Window, groups: int
) -> Recorded:
    """See `plain_conv.conv2d_recorded`."""
    if not _is_plain(x, groups, x.shape, weight.shape):
        way = choose(window, x.shape, weight.shape)
        if isinstance(way, int):
            return winograd.recorded(x, weight, bias, window.padding, way)
        if way == "im2col" and im2col.has_few_columns(weight.shape):
            return im2col.recorded(x, weight, bias, window)
    form: Recorded = plain.conv2d_recorded(xp, x, weight, bias, window, groups)
    return form


@kernel("cpu")
def conv2d_weight_gradient(
    xp: Any, g: Any, x: Any, shape: Shape, window: Window, groups: int
) -> Any:
    """See `plain_conv.conv2d_weight_gradient`."""
    if _is_plain(x, groups, x.shape, shape):
        return plain.conv2d_weight_gradient(xp, g, x, shape, window, groups)
    way = choose(window, x.shape, shape)
    if isinstance(way, int):
        return winograd.weight_gradient(g, x, shape, window.padding, way)
    room = direct if way == "direct" else im2col
    return room.weight_gradient(g, x, shape, window)


@kernel("cpu")
def conv2d_input_gradient(
    xp: Any, g: Any, weight: Any, shape: Shape, window: Window, groups: int
) -> Any:
    """See `plain_conv.conv2d_input_gradient`."""
    if _is_plain(g, groups, shape, weight.shape):
        return plain.conv2d_input_gradient(xp, g, weight, shape, window, groups)
    way = choose(window, shape, weight.shape)
    if isinstance(way, int):
        return from_chwn(xp, winograd.input_gradient(g, weight, shape, window.padding, way))
    room = direct if way == "direct" else im2col
    return from_chwn(xp, room.input_gradient(g, weight, shape, window))


@kernel("cpu")
def conv2d_bias_gradient(xp: Any, g: Any) -> Any:
    """See `plain_conv.conv2d_bias_gradient`; a dot product is twice as fast as a sum."""
    rows = g.transpose(1, 2, 3, 0)
    if not rows.flags.c_contiguous or g.itemsize == 2:
        return plain.conv2d_bias_gradient(xp, g)
    return row_sums(rows.reshape(g.shape[1], -1 if g.size else 0))
