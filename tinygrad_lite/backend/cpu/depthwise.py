"""Depthwise convolution on NumPy: each channel has a kernel of its own.

    y_c = w_c · columns_c,   w_c the kh·kw elements of channel c's kernel

Narrow images: a row of the output is a band matrix, made of the kernel, times the rows of the image
under it, which lie one after another in memory. Nothing is copied for that, which saves more than
the zeros of the band matrix cost. Wide images: a few rows of the output are a product with copies
of the image's rows (`stacked.py`).

Where a stride or dilation leaves too many zeros in that, and where a result is not finite, columns
are made. The product of a vector with them is bound by memory. So they are made for a part of a
channel at a time (or a few small channels), in a buffer that stays in the cache.

The input's gradient is the same convolution, of g with zeros between its pixels if the stride is
not 1, with the kernels turned around; where that is mostly zeros, g is scaled by each kernel
element and added where that had met the image. The weight's gradient is a dot product of g with the
shifted image for each of a few kernel elements, and else made from the same stacks.

Sifre, "Rigid-Motion Scattering for Image Classification", 2014; Chollet, "Xception", CVPR 2017.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..layout import from_chwn
from ..plain.conv import Recorded, from_operands
from ..window import Window
from . import stacked
from .border import columns_view, padded_image
from .channels import empty_chwn, to_chwn
from .threads import parallel
from .workspace import scratch

BLOCK = 1 << 18  # bytes of columns at a time: they stay in an L2 cache
ROWS = 1 << 21  # bytes of each array whose products are taken at once: over 500, see `sums`
FEW = 9  # elements of a kernel, for each of which a dot product is as fast as a stack
APART = 2  # elements of a kernel, a pixel: with fewer, what a stride leaves out is worth more calls
LONG = 100  # pixels of an image that make a row by themselves
NARROW = 48  # elements of a row of the band matrix: with more, stacks are faster
UNTURNED = 96  # the same where images lie one by one, which stacks would have to turn around


def recorded(xp: Any, x: Any, weight: Any, bias: Any, window: Window) -> Recorded:
    """The convolution of x (N, C, H, W) with weight (C, 1, kh, kw), bias (C) or None."""
    return from_operands(
        xp,
        from_chwn(np, _convolved(x, weight.reshape(len(weight), -1), bias, window)),
        x,
        weight,
        lambda g, weight, shape: from_chwn(np, input_gradient(g, weight, shape, window)),
        lambda g, x, shape: weight_gradient(g, x, shape, window),
    )


def _convolved(x: Any, kernels: Any, bias: Any, window: Window) -> Any:
    """The output (C, OH, OW, N) for kernels (C, kh·kw)."""
    n, c, *size = x.shape
    if (form := _faster(x, window)) is not None:
        made = form(x, kernels, bias, window)
        if made is not None:
            return made
    padded = padded_image(x, window)
    y = empty_chwn((c, *window.positions(size), n), x.dtype)
    kernels = np.ascontiguousarray(kernels)

    def task(channels: slice, rows: slice) -> None:
        columns = _columns(padded, window, channels, rows, y.shape[2])
        here = y[channels, rows]
        out = here.reshape(len(here), 1, -1)  # a view: all rows, or those of one channel
        np.matmul(kernels[channels, None], columns, out=out)
        if bias is not None:
            out += bias[channels, None, None]

    _by_blocks(task, y, kernels.shape[1])
    return y


def _faster(x: Any, window: Window) -> Any:
    """What is faster than columns, if anything is: it returns None if its result isn't finite."""
    near = window.dilation[0] == 1 and x.strides[2] == x.shape[3] * x.strides[3]
    narrow = NARROW if len(x) == 1 or x.strides[0] == x.itemsize else UNTURNED
    if near and window.kernel[0] * x.shape[3] <= narrow * window.stride[0]:
        return _banded
    return stacked.convolved if stacked.pays(window) else None


def _banded(x: Any, kernels: Any, bias: Any, window: Window) -> Any:
    """The output (C, OH, OW, N) as products of band matrices and rows of the image.

    None if it is not all finite: a NaN or an infinity of the image times a band's zeros is NaN.
    """
    n, c, height, width = x.shape
    rows, columns = window.positions((height, width))
    y = empty_chwn((c, rows, columns, n), x.dtype)
    kh, s, p = window.kernel[0], window.stride[0], window.padding[0]
    at_once = max(1, BLOCK // (kh * width * columns * x.itemsize))
    # The output rows whose kernels lie inside of the image, and those at its borders.
    first, last = min(rows, -(-p // s)), max(0, (height - kh + p) // s + 1)
    edges = [*range(first), *range(max(first, last), rows)]

    def under(image: Any, top: int, count: int, step: int, many: int) -> Any:
        """The rows of an image under `many` positions: a view (C, many, count · W, N).

        Each position has `count` rows, the first from the row `top` on, and the next ones `step`
        rows further down.
        """
        sn, sc, sh, sw = image.strides
        shape = image.shape[1], many, count * width, n
        return as_strided(image[:, :, top:], shape, (sc, step * sh, sw, sn))

    def task(channels: slice) -> None:
        bands = _bands(kernels[channels], window, width, columns)
        image, out = x[:, channels], y[channels]
        turned = bands.transpose(0, 2, 1)[:, None]
        if last > first:
            inside = under(image, first * s - p, kh, s, last - first)
            np.matmul(turned, inside, out=out[:, first:last])
        for row in edges:
            top = row * s - p
            low, high = max(top, 0), min(top + kh, height)
            if low >= high:
                out[:, row] = 0
                continue
            part = turned[..., (low - top) * width : (high - top) * width]
            np.matmul(part, under(image, low, high - low, 1, 1), out=out[:, row : row + 1])
        flat = out.reshape(-1)
        finite.append(math.isfinite(np.dot(flat, flat)))
        if bias is not None:
            out += bias[channels, None, None, None]

    def part(start: int, stop: int) -> None:
        for low in range(start, stop, at_once):
            task(slice(low, min(low + at_once, stop)))

    finite: list[bool] = []
    parallel(part, c, least=1 + 20_000 * c // y.size)
    return y if all(finite) else None


def _bands(kernels: Any, window: Window, width: int, columns: int) -> Any:
    """Band matrices (C, kh · W, OW) of kernels (C, kh·kw): each pixel's weight in each output."""
    (kh, kw), t = window.kernel, window.stride[1]
    bands = np.zeros((len(kernels), kh, width, columns), kernels.dtype)
    elements = kernels.reshape(-1, kh, kw)
    for j, positions, pixels in window.meetings(1, width):
        place = np.arange(columns)[positions]
        bands[:, :, pixels.start + t * np.arange(len(place)), place] = elements[:, :, j, None]
    return bands.reshape(len(kernels), kh * width, columns)


def _columns(padded: Any, window: Window, channels: slice, rows: slice, width: int) -> Any:
    """The columns (channels, kh·kw, rows · OW · N) of some channels' output rows."""
    view = columns_view(padded[channels], window, rows.start, rows.stop, width)
    view = view.transpose(2, 0, 1, 3, 4, 5)
    columns = scratch("columns", view.shape, padded.dtype)
    columns[...] = view
    return columns.reshape(view.shape[0], view.shape[1] * view.shape[2], -1)


def _by_blocks(task: Any, like: Any, area: int) -> None:
    """Call task(channels, rows) on parts of (C, OH, OW, N) whose columns fit a block."""
    c, height, *_ = like.shape
    each = like[0].nbytes * area

    def ranges(first: int, last: int) -> Iterator[tuple[slice, slice]]:
        at_once = max(1, BLOCK // each)
        step = height if each <= BLOCK else max(1, height * BLOCK // each)
        for start in range(first, last, at_once):
            for top in range(0, height, step):
                channels = slice(start, min(start + at_once, last))
                yield channels, slice(top, min(top + step, height))

    def part(first: int, last: int) -> None:
        for channels, rows in ranges(first, last):
            task(channels, rows)

    parallel(part, c, least=1 + 20_000 * c // like.size)


def input_gradient(g: Any, weight: Any, shape: tuple[int, ...], window: Window) -> Any:
    """The gradient (C, H, W, N) of the input for g (N, C, OH, OW)."""
    c, (kh, kw), (d, e) = len(weight), window.kernel, window.dilation
    padding = d * (kh - 1) - window.padding[0], e * (kw - 1) - window.padding[1]
    flat = Window(window.kernel, (1, 1), padding, window.dilation)
    turned = np.ascontiguousarray(weight[:, :, ::-1, ::-1].reshape(c, -1))
    if not np.isfinite(turned).all():  # times the zeros beyond g and between its pixels: NaN
        return _shifted_back(g, weight, shape, window)
    if min(padding) >= 0 and window.stride == (1, 1):
        return _convolved(g, turned, None, flat)
    if min(padding) >= 0 and kh * kw >= APART * math.prod(window.stride):
        apart = _apart(g, shape, window)
        form = _faster(apart, flat)
        dx = None if form is None else form(apart, turned, None, flat)
        if dx is not None:
            return dx
    return _shifted_back(g, weight, shape, window)


def _apart(g: Any, shape: tuple[int, ...], window: Window) -> Any:
    """g (N, C, OH, OW) with zeros between its pixels, as the kernel's positions lie, in scratch."""
    n, c, *size = shape
    high, wide = (i - k + 1 for i, k in zip(window.padded(size), window.reach, strict=True))
    apart = scratch("apart", (c, high, wide, n), g.dtype)
    (rows, columns), (s, t) = g.shape[2:], window.stride

    def part(first: int, last: int) -> None:
        apart[first:last] = 0
        here = apart[first:last, : (rows - 1) * s + 1 : s, : (columns - 1) * t + 1 : t]
        here[...] = g[:, first:last].transpose(1, 2, 3, 0)

    parallel(part, c, least=1 + 20_000 * c // apart.size)
    return from_chwn(np, apart)


def _shifted_back(g: Any, weight: Any, shape: tuple[int, ...], window: Window) -> Any:
    """`input_gradient` for any stride: g, times each kernel element, added to the pixels it met."""
    n, c, *size = shape
    rows, kernels = to_chwn(g), weight.reshape(c, -1).T.reshape(-1, c, 1, 1, 1)
    dx = empty_chwn((c, *size, n), g.dtype)
    step = max(1, BLOCK // rows[0].nbytes)

    def task(mine: slice) -> None:
        product = scratch("product", rows[mine].shape, g.dtype)
        padded = scratch("padded gradient", (len(product), *window.padded(size), n), g.dtype)
        padded[...] = 0
        for number, (_, _, down, across) in enumerate(window.taps(size)):
            np.multiply(rows[mine], kernels[number][mine], out=product)
            padded[:, down, across] += product
        dx[mine] = padded[(slice(None), *window.inside(size))]

    def part(first: int, last: int) -> None:
        for start in range(first, last, step):
            task(slice(start, min(start + step, last)))

    parallel(part, c, least=1 + 20_000 * c // rows.size)
    return dx


def weight_gradient(g: Any, x: Any, shape: tuple[int, ...], window: Window) -> Any:
    """The gradient (C, 1, kh, kw) of the weight for g (N, C, OH, OW) and x (N, C, H, W)."""
    area = shape[2] * shape[3]
    if window.stride == (1, 1) and g.shape == x.shape and area <= FEW:
        dw = _dots(g, x, window)
        if np.isfinite(dw).all():
            return dw.reshape(shape)
    rows = to_chwn(g)
    if stacked.pays(window):
        return stacked.weight_gradient(rows, x, window).reshape(shape)
    padded = padded_image(x, window)
    dw = np.zeros((shape[0], area, 1), g.dtype)

    def task(channels: slice, part: slice) -> None:
        columns = _columns(padded, window, channels, part, rows.shape[2])
        here = rows[channels, part]
        dw[channels] += np.matmul(columns, here.reshape(len(here), -1, 1))

    _by_blocks(task, rows, area)
    return dw.reshape(shape)


def _dots(g: Any, x: Any, window: Window) -> Any:
    """The gradient (C, kh, kw) of the weight for g and x (N, C, H, W), with stride 1.

    To shift the image is to shift its memory, except that beyond the end of a row the next one
    begins: g is set to 0 for these pixels. So a result that is not finite may be wrong.

    The products are of rows: all of a channel where its images lie pixel by pixel, and one of each
    image where that lies by itself, which saves turning both arrays.
    """
    *_, height, width = x.shape
    (g, x), pixel = _rows(g, x)
    c, images, row = x.shape
    dw = np.zeros((c, *window.kernel), g.dtype)
    across, down = window.meetings(1, width), window.meetings(0, height)
    step = max(1, ROWS // (images * row * x.itemsize))

    def task(channels: slice) -> None:
        for j, positions, pixels in across:
            here = g[channels]
            if positions != slice(0, width):
                here = scratch("inside", here.shape, g.dtype)
                here[...] = g[channels]
                lines = here.reshape(len(here), images, height, width, pixel)
                lines[..., : positions.start, :] = lines[..., positions.stop :, :] = 0
            for i, rows, seen in down:
                shift = (seen.start - rows.start) * width + pixels.start - positions.start
                low = max(rows.start * width, -shift) * pixel
                high = min(rows.stop * width, height * width - shift) * pixel
                moved = x[channels, :, low + shift * pixel : high + shift * pixel]
                np.vecdot(here[..., low:high], moved).sum(1, out=dw[channels, i, j])

    def part(first: int, last: int) -> None:
        for start in range(first, last, step):
            task(slice(start, min(start + step, last)))

    parallel(part, c, least=1 + 20_000 * c // x.size)
    return dw


def _rows(*arrays: Any) -> tuple[list[Any], int]:
    """Arrays (N, C, H, W) of one shape as views or copies (C, images, row), and a pixel's elements.

    A row is an image of one channel if all arrays lie as (N, C, H, W) and images are large enough,
    and all images of a channel otherwise.
    """
    n, c, height, width = arrays[0].shape
    if n > 1 and height * width >= LONG and all(a.flags.c_contiguous for a in arrays):
        return [a.reshape(n, c, height * width).swapaxes(0, 1) for a in arrays], 1
    return [to_chwn(a).reshape(c, 1, height * width * n) for a in arrays], n
