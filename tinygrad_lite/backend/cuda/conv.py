"""Convolution on CUDA: im2col a block at a time, and one cuBLAS product for each block.

Images lie in memory as C, H, W, N. The columns of a block of output rows are gathered by one
launch, and W·columns is then the block of the output in the next layer's order. Both gradients
are products with columns as well, and every sum has one order: results repeat exactly.

A weight lies as (M, kh, kw, C), as `nn.Conv2d` keeps it, and all three products read it or write
its gradient so: one matrix (M, kh·kw·C) of each group, or, turned, one (M·kh·kw, C).

What shapes settle is kept in a plan (`conv_plans.py`): then a convolution is a launch or two and a
product, of addresses alone. Columns of many blocks take the way of this file.
"""

from __future__ import annotations

import math
from typing import Any

from .. import algorithm, precision
from ..kernel import kernel
from ..layout import channels_last, empty_channels_last, from_chwn, to_chwn
from ..plain import conv as plain
from ..window import Window
from . import columns
from .arrays import chwn_strides
from .blas import product
from .columns import blocks_of, columns_of, gather_image
from .conv_plans import Backward, BiasGradient, Forward, WeightGradient, adding_bias, backwards
from .source import plan, supports

__all__ = [
    "conv2d",
    "conv2d_algorithm",
    "conv2d_bias_gradient",
    "conv2d_input_gradient",
    "conv2d_weight_gradient",
]

Shape = tuple[int, ...]


def _settings(a: Any, b: Any) -> tuple[Any, ...]:
    """What a plan depends on beside shapes: whether operands begin on 16 bytes, and settings."""
    packs = (a.data.ptr | b.data.ptr) % 16 == 0
    return packs, precision.conv_tf32(), algorithm.get_conv_algorithm(), columns.COLUMNS


@kernel("cuda")
def conv2d_algorithm(
    xp: Any, dtype: Any, shape: Shape, weight_shape: Shape, window: Window, groups: int
) -> plain.Algorithm:
    """See `plain.conv.conv2d_algorithm`."""
    algorithm: plain.Algorithm = plan(_way, xp, dtype, shape, weight_shape, window, groups)
    return algorithm


def _way(xp: Any, dtype: Any, *of: Any) -> plain.Algorithm:
    """The plain one, whose images are brought into our order once, for both uses."""
    way = plain.conv2d_algorithm(xp, dtype, *of)
    strides = chwn_strides(of[0], dtype.itemsize)

    def recorded(x: Any, weight: Any, bias: Any) -> plain.Recorded:
        if x.strides != strides and x.size:
            x = from_chwn(xp, to_chwn(xp, x))
        return way.recorded(x, weight, bias)

    return way._replace(recorded=recorded)


@kernel("cuda")
def conv2d(xp: Any, x: Any, weight: Any, bias: Any, window: Window, groups: int) -> Any:
    """See `plain.conv.conv2d`."""
    if not supports(x, weight, bias) or x.size == 0:
        return plain.conv2d(xp, x, weight, bias, window, groups)
    of = x.shape, weight.shape, x.dtype, window, groups
    way = plan(Forward, xp, *of, *_settings(x, weight))
    if bias is not None and bias.strides != (bias.dtype.itemsize,):
        bias = xp.ascontiguousarray(bias)
    if way.run is None:
        return _convolve_in_blocks(xp, x, weight, bias, window, groups)
    image = x if x.strides == way.image else to_chwn(xp, x)
    lying = weight if weight.strides == way.weight else channels_last(xp, weight)
    return way.run(image, lying, bias)


def _convolve_in_blocks(
    xp: Any, x: Any, weight: Any, bias: Any, window: Window, groups: int
) -> Any:
    """`conv2d`, a block of columns after another."""
    image, weight = to_chwn(xp, x), channels_last(xp, weight)
    n, c, m = x.shape[0], x.shape[1] // groups, weight.shape[0]
    height, width = size = window.positions(x.shape[2:])
    y = xp.empty((m, height, width, n), dtype=x.dtype)
    rows = xp.reshape(y, (groups, m // groups, height * width * n))
    matrices = xp.reshape(weight, (groups, m // groups, math.prod(weight.shape[1:])))
    blocks = list(blocks_of(image, window, size))
    for top, stop, block in columns_of(xp, image, window, size, (groups, c), blocks):
        start, end = top * width * n, stop * width * n
        product(xp, matrices, block, rows[:, :, start:end], tf32=precision.conv_tf32())
        if bias is not None:  # while the block is in the cache
            adding_bias(xp, y.shape, y.dtype, start, end)(y, bias)
    return from_chwn(xp, y)


@kernel("cuda")
def conv2d_weight_gradient(
    xp: Any, g: Any, x: Any, shape: Shape, window: Window, groups: int
) -> Any:
    """See `plain.conv.conv2d_weight_gradient`; it lies as (M, kh, kw, C)."""
    if not supports(g, x) or x.size == 0:
        return plain.conv2d_weight_gradient(xp, g, x, shape, window, groups)
    of = x.shape, shape, x.dtype, window, groups
    way = plan(WeightGradient, xp, *of, *_settings(g, x))
    if way.run is None:
        return _weight_in_blocks(xp, g, x, shape, window, groups)
    image = x if x.strides == way.image else to_chwn(xp, x)
    return way.run(g if g.strides == way.output else to_chwn(xp, g), image)


def _weight_in_blocks(xp: Any, g: Any, x: Any, shape: Shape, window: Window, groups: int) -> Any:
    """`conv2d_weight_gradient`, a block of columns after another."""
    image, outer = to_chwn(xp, x), to_chwn(xp, g)
    gradient = empty_channels_last(xp, shape, x.dtype)
    dw = channels_last(xp, gradient)
    height, width = size = window.positions(x.shape[2:])
    per_row = width * x.shape[0]
    rows = xp.reshape(outer, (groups, shape[0] // groups, height * per_row))
    blocks = list(blocks_of(image, window, size))
    # Half precision is added up over the blocks in float32.
    wide = len(blocks) > 1 and x.dtype.itemsize == 2
    total = xp.empty(dw.shape, dtype="float32") if wide else dw
    matrices = xp.reshape(total, (groups, shape[0] // groups, math.prod(shape[1:])))
    for top, stop, block in columns_of(xp, image, window, size, (groups, shape[1]), blocks):
        part = rows[:, :, top * per_row : stop * per_row]
        beta = 0.0 if top == 0 else 1.0
        turned = xp.swapaxes(block, 1, 2)
        product(xp, part, turned, matrices, beta=beta, tf32=precision.conv_tf32())
    if wide:
        dw[...] = total
    return gradient


@kernel("cuda")
def conv2d_input_gradient(
    xp: Any, g: Any, weight: Any, shape: Shape, window: Window, groups: int
) -> Any:
    """See `plain.conv.conv2d_input_gradient`.

    With stride 1 it is a convolution of g with the weight turned round. With another, the
    columns' gradient is made for a block of channels at a time and gathered into the image.
    """
    if not supports(g, weight) or g.size == 0 or 0 in shape:
        return plain.conv2d_input_gradient(xp, g, weight, shape, window, groups)
    if window.stride == (1, 1):
        of = shape, weight.shape, g.dtype, window, groups
        way = plan(Backward, xp, *of, *_settings(g, weight))
        if way.run is not None:
            lying = weight if weight.strides == way.weight else channels_last(xp, weight)
            return way.run(g if g.strides == way.output else to_chwn(xp, g), lying)
    back = _back_in_blocks if window.stride == (1, 1) else _scatter_back
    outer, weight = to_chwn(xp, g), channels_last(xp, weight)
    return from_chwn(xp, back(xp, outer, weight, shape, window, groups))


def _back_in_blocks(xp: Any, g: Any, weight: Any, shape: Shape, window: Window, groups: int) -> Any:
    """dL/dx (C, H, W, N) for g (M, OH, OW, N) and W (M, kh, kw, C/groups), for stride 1:

        dx[c, h, w] = Σ_m,i,j W[m, i, j, c] g[m, h + p − i d, w + q − j e],

    a product of (M·kh·kw, C)ᵀ, which is the weight as it lies, with columns of g whose window
    goes backwards.
    """
    n, c, height, width = shape
    back = backwards(window)
    image = xp.empty((c, height, width, n), dtype=g.dtype)
    rows = xp.reshape(image, (groups, c // groups, height * width * n))
    matrices = xp.swapaxes(xp.reshape(weight, (groups, -1, c // groups)), 1, 2)
    blocks = list(blocks_of(g, back, (height, width)))
    for top, stop, block in columns_of(xp, g, back, (height, width), (groups, 1), blocks):
        part = rows[:, :, top * width * n : stop * width * n]
        product(xp, matrices, block, part, tf32=precision.conv_tf32())
    return image


def _scatter_back(
    xp: Any, g: Any, weight: Any, shape: tuple[int, ...], window: Window, groups: int
) -> Any:
    """The same for any stride: the columns' gradient, gathered into the image."""
    n, c, *size = shape
    each = c // groups
    area, places = math.prod(window.kernel), g.size // len(g)
    rows = xp.reshape(g, (groups, len(g) // groups, places))
    kernels = xp.reshape(weight, (*rows.shape[:2], area, each))
    image = xp.empty((c, *size, n), dtype=g.dtype)
    step = max(1, min(each, columns.COLUMNS // (area * places * g.itemsize * groups)))
    buffer = xp.empty((step * groups * area * places,), dtype=g.dtype)
    for start in range(0, each, step):
        stop = min(start + step, each)
        block = buffer[: groups * area * (stop - start) * places]
        block = xp.reshape(block, (groups, area * (stop - start), places))
        # The weight as it lies, if one block takes all channels; else its part is copied.
        part = xp.reshape(kernels[..., start:stop], (*rows.shape[:2], block.shape[1]))
        product(xp, xp.swapaxes(part, 1, 2), rows, block, tf32=precision.conv_tf32())
        if step == each:
            gather_image(xp, block, image, window, each)
            break
        for group in range(groups):
            first = group * each
            gather_image(
                xp, block[group], image[first + start : first + stop], window, stop - start
            )
    return image


@kernel("cuda")
def conv2d_bias_gradient(xp: Any, g: Any) -> Any:
    """See `plain.conv.conv2d_bias_gradient`."""
    if not supports(g) or g.size == 0:
        return plain.conv2d_bias_gradient(xp, g)
    way = plan(BiasGradient, xp, g.shape, g.dtype, columns.MOST_ROWS)
    return way.run(g if g.strides == way.output else to_chwn(xp, g))
