"""Convolution on CUDA: im2col a block at a time, and one cuBLAS product for each block.

Images lie in memory as C, H, W, N. The columns of a block of output rows are gathered by one
launch, and W·columns is then the block of the output in the next layer's order. Both gradients
are products with columns as well, and every sum has one order: results repeat exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from . import cuda_implicit, precision
from . import plain_conv as plain
from ._kernel import kernel
from .cuda_blas import product
from .cuda_source import BLOCK, MOST_BLOCKS, launch, supports
from .layout import from_chwn, to_chwn
from .window import Window

__all__ = [
    "conv2d",
    "conv2d_bias_gradient",
    "conv2d_input_gradient",
    "conv2d_weight_gradient",
    "fold",
    "unfold",
]

COLUMNS = 64 << 20  # bytes of columns at a time: they bound the memory that convolution takes
MOST_ROWS = 65535  # of a grid, in its second dimension
SHARES = 64  # blocks that share out a row that is summed


@kernel
def conv2d(xp: Any, x: Any, weight: Any, bias: Any, window: Window, groups: int) -> Any:
    """See `plain_conv.conv2d`."""
    if not supports(x, weight, bias) or x.size == 0:
        return plain.conv2d(xp, x, weight, bias, window, groups)
    return from_chwn(xp, _convolve(xp, to_chwn(xp, x), weight, bias, window, groups))


@kernel
def conv2d_weight_gradient(
    xp: Any, g: Any, x: Any, shape: tuple[int, ...], window: Window, groups: int
) -> Any:
    """See `plain_conv.conv2d_weight_gradient`."""
    if not supports(g, x) or x.size == 0:
        return plain.conv2d_weight_gradient(xp, g, x, shape, window, groups)
    image = to_chwn(xp, x)
    height, width = window.positions(x.shape[2:])
    per_row = width * x.shape[0]
    outer = to_chwn(xp, g)
    if cuda_implicit.fits(shape, groups, image, outer):
        return cuda_implicit.weight_gradient(xp, outer, image, shape, window)
    rows = xp.reshape(outer, (groups, shape[0] // groups, height * per_row))
    gradient = xp.empty(shape, dtype=x.dtype)
    blocks = list(_blocks(image, window))
    # Half precision is added up over the blocks in float32.
    wide = len(blocks) > 1 and x.dtype.itemsize == 2
    total = xp.empty(shape, dtype="float32") if wide else gradient
    matrices = xp.reshape(total, (groups, shape[0] // groups, math.prod(shape[1:])))
    for top, stop, columns in _columns(xp, image, window, groups, blocks):
        part = rows[:, :, top * per_row : stop * per_row]
        beta = 0.0 if top == 0 else 1.0
        turned = xp.swapaxes(columns, 1, 2)
        product(xp, part, turned, matrices, beta=beta, tf32=precision.conv_tf32())
    if wide:
        gradient[...] = total
    return gradient


@kernel
def conv2d_input_gradient(
    xp: Any, g: Any, weight: Any, shape: tuple[int, ...], window: Window, groups: int
) -> Any:
    """See `plain_conv.conv2d_input_gradient`.

    With stride 1 it is a convolution of g with the weight turned round. With another, the
    columns' gradient is made for a block of channels at a time and gathered into the image.
    """
    if not supports(g, weight) or g.size == 0 or 0 in shape:
        return plain.conv2d_input_gradient(xp, g, weight, shape, window, groups)
    if window.stride == (1, 1):
        turned = xp.reshape(weight, (groups, weight.shape[0] // groups, *weight.shape[1:]))
        turned = xp.swapaxes(turned, 1, 2)[..., ::-1, ::-1]
        turned = xp.reshape(turned, (shape[1], -1, *window.kernel))
        reach = [d * (k - 1) for k, d in zip(window.kernel, window.dilation, strict=True)]
        around = reach[0] - window.padding[0], reach[1] - window.padding[1]
        back = window._replace(padding=around)
        return from_chwn(xp, _convolve(xp, to_chwn(xp, g), turned, None, back, groups))
    n, c, *size = shape
    area, places = math.prod(window.kernel), math.prod(window.positions(size)) * n
    rows = xp.reshape(to_chwn(xp, g), (groups, weight.shape[0] // groups, places))
    matrices = xp.reshape(weight, (*rows.shape[:2], c // groups * area))
    image = xp.empty((c, *size, n), dtype=g.dtype)
    each = area * places * g.itemsize  # bytes of one channel's columns
    step = max(1, min(c // groups, COLUMNS // (each * groups)))
    buffer = xp.empty((step * groups * area * places,), dtype=g.dtype)
    for start in range(0, c // groups, step):
        stop = min(start + step, c // groups)
        columns = xp.reshape(
            buffer[: groups * (stop - start) * area * places], (groups, -1, places)
        )
        part = xp.swapaxes(matrices[:, :, start * area : stop * area], 1, 2)
        product(xp, part, rows, columns, tf32=precision.conv_tf32())
        for group in range(groups):
            first = group * (c // groups)
            _gather_image(xp, columns[group], image[first + start : first + stop], window)
    return from_chwn(xp, image)


@kernel
def conv2d_bias_gradient(xp: Any, g: Any) -> Any:
    """See `plain_conv.conv2d_bias_gradient`."""
    if not supports(g) or g.size == 0:
        return plain.conv2d_bias_gradient(xp, g)
    rows, length = g.shape[1], g.size // g.shape[1]
    shares = min(SHARES, -(-length // (4 * BLOCK)))
    wide = "float64" if g.dtype.name == "float64" else "float32"
    parts = xp.empty((rows, shares), dtype=wide)
    total = xp.empty((rows,), dtype=g.dtype)
    grid = (shares, min(rows, MOST_ROWS))
    launch(xp, "conv", "row_parts", g.dtype, (to_chwn(xp, g), parts, rows, length), grid=grid)
    launch(xp, "conv", "row_totals", g.dtype, (parts, total, shares), grid=rows)
    return total


@kernel
def unfold(xp: Any, x: Any, window: Window) -> Any:
    """See `plain_conv.unfold`."""
    places = window.positions(x.shape[2:])
    if not supports(x) or x.size == 0 or 0 in places:
        return plain.unfold(xp, x, window)
    image = to_chwn(xp, x)
    shape = (x.shape[1] * math.prod(window.kernel), math.prod(places), x.shape[0])
    columns = xp.empty(shape, dtype=x.dtype)
    _gather_columns(xp, image, columns, window, 0, places[0])
    return from_chwn(xp, columns)


@kernel
def fold(xp: Any, columns: Any, shape: tuple[int, ...], window: Window) -> Any:
    """See `plain_conv.fold`."""
    if not supports(columns) or columns.size == 0 or 0 in shape:
        return plain.fold(xp, columns, shape, window)
    n, c, *size = shape
    image = xp.empty((c, *size, n), dtype=columns.dtype)
    _gather_image(xp, to_chwn(xp, columns), image, window)
    return from_chwn(xp, image)


def _convolve(xp: Any, image: Any, weight: Any, bias: Any, window: Window, groups: int) -> Any:
    """The output (M, OH, OW, N) for an image (C, H, W, N) that lies so in memory."""
    if cuda_implicit.fits(weight.shape, groups, image, weight):
        return cuda_implicit.convolve(xp, image, weight, bias, window)
    n, m = image.shape[-1], weight.shape[0]
    height, width = window.positions(image.shape[1:3])
    y = xp.empty((m, height, width, n), dtype=image.dtype)
    rows = xp.reshape(y, (groups, m // groups, height * width * n))
    matrices = xp.reshape(weight, (groups, m // groups, math.prod(weight.shape[1:])))
    for top, stop, columns in _columns(xp, image, window, groups, list(_blocks(image, window))):
        start, end = top * width * n, stop * width * n
        product(xp, matrices, columns, rows[:, :, start:end], tf32=precision.conv_tf32())
        if bias is not None:  # while the block is in the cache
            _add_bias(xp, y, bias, start, end)
    return y


def _blocks(image: Any, window: Window) -> Iterator[tuple[int, int]]:
    """Ranges of output rows whose columns are of the size `COLUMNS` at most, if one row is."""
    c, height, width, n = image.shape
    down, across = window.positions((height, width))
    each = c * math.prod(window.kernel) * across * n * image.itemsize
    step = max(1, min(down, COLUMNS // max(each, 1)))
    step = -(-down // -(-down // step))  # blocks of nearly one size
    for top in range(0, down, step):
        yield top, min(top + step, down)


def _columns(
    xp: Any, image: Any, window: Window, groups: int, blocks: list[tuple[int, int]]
) -> Iterator[tuple[int, int, Any]]:
    """For each block of output rows its columns, by group: (groups, C/groups·kh·kw, positions).

    All blocks are gathered into one buffer: use one up before asking for the next.
    """
    c, *size, n = image.shape
    across = window.positions(size)[1]
    if _is_pointwise(window):
        flat = xp.reshape(image, (groups, c // groups, math.prod(size) * n))
        yield 0, size[0], flat
        return
    depth = c * math.prod(window.kernel)
    tallest = max(stop - top for top, stop in blocks)
    buffer = xp.empty((depth * tallest * across * n,), dtype=image.dtype)
    for top, stop in blocks:
        places = (stop - top) * across * n
        columns = buffer[: depth * places]
        _gather_columns(xp, image, columns, window, top, stop - top)
        yield top, stop, xp.reshape(columns, (groups, depth // groups, places))


def _is_pointwise(window: Window) -> bool:
    """Whether the columns are the image itself."""
    return window.kernel == window.stride == (1, 1) and window.padding == (0, 0)


def _pack(n: int, *arrays: Any) -> int:
    """How many neighbours along N one thread takes: 16 bytes' worth, or 1."""
    lanes = 16 // arrays[0].itemsize
    whole = n % lanes == 0 and all(a.data.ptr % 16 == 0 for a in arrays)
    return lanes if whole else 1


def _grid(items: int, rows: int) -> tuple[int, int]:
    return min(-(-items // BLOCK), MOST_BLOCKS), min(rows, MOST_ROWS)


def _gather_columns(xp: Any, image: Any, columns: Any, window: Window, top: int, rows: int) -> None:
    """The columns of some output rows of an image (C, H, W, N), into memory that is dense."""
    c, height, width, n = image.shape
    across = window.positions((height, width))[1]
    lanes = _pack(n, image, columns)
    name = "im2col" if lanes == 1 else "im2col_pack"
    if lanes > 1 and window.kernel == (3, 3):
        name = "im2col_pack_3x3"
    n //= lanes
    steps = (*window.kernel, *window.stride, *window.padding, *window.dilation)
    args = (image, columns, c, height, width, n, *steps, top, rows, across)
    launch(xp, "conv", name, image.dtype, args, grid=_grid(rows * across * n, c))


def _gather_image(xp: Any, columns: Any, image: Any, window: Window) -> None:
    """Columns (C, kh, kw, OH, OW, N), dense, added up to an image (C, H, W, N), dense."""
    c, height, width, n = image.shape
    lanes = _pack(n, columns, image)
    n //= lanes
    steps = (*window.kernel, *window.stride, *window.padding, *window.dilation)
    args = (columns, image, c, height, width, n, *steps, *window.positions((height, width)))
    name = "col2im" if lanes == 1 else "col2im_pack"
    launch(xp, "conv", name, image.dtype, args, grid=_grid(height * width * n, c))


def _add_bias(xp: Any, y: Any, bias: Any, start: int, end: int) -> None:
    """Add bias (M) to the elements start … end of each of the rows of y (M, …), dense."""
    m, length = y.shape[0], y.size // y.shape[0]
    lanes = _pack(y.shape[-1], y)
    name = "add_bias" if lanes == 1 else "add_bias_pack"
    bias = xp.ascontiguousarray(bias)
    args = (y, bias, m, *(number // lanes for number in (length, start, end - start)))
    launch(xp, "conv", name, y.dtype, args, grid=_grid((end - start) // lanes, m))
