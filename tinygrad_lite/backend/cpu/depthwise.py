"""Depthwise convolution, each channel with a kernel of its own.

    y_c = w_c · columns_c,   w_c the kh·kw elements of its kernel

A vector times a matrix is bound by memory, so the columns of a part of a channel, or of a few small
ones, are copied into a buffer that stays in cache and used there at once. With stride 1 the input's
gradient is the same convolution, of g with the kernels turned around; with others it is a sum of
scaled shifts taken back. (Sifre 2014; Chollet 2017.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..layout import from_chwn, to_chwn
from ..plain.conv import Recorded, from_operands
from ..window import Window
from .im2col import columns_view, padded_image
from .threads import parallel
from .workspace import scratch

BLOCK = 1 << 18  # bytes of columns at a time: they stay in an L2 cache


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
    padded = padded_image(x, window)
    y = np.empty((c, *window.positions(size), n), x.dtype)
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
    if window.stride != (1, 1) or min(padding) < 0:
        return _shifted_back(g, weight, shape, window)
    turned = weight[:, :, ::-1, ::-1].reshape(c, -1)
    return _convolved(g, turned, None, Window(window.kernel, (1, 1), padding, window.dilation))


def _shifted_back(g: Any, weight: Any, shape: tuple[int, ...], window: Window) -> Any:
    """The same as a sum over the kernel's elements of g, scaled and added where it came from."""
    n, c, *size = shape
    rows, kernels = to_chwn(np, g), weight.reshape(c, -1).T.reshape(-1, c, 1, 1, 1)
    dx = np.empty((c, *size, n), g.dtype)
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
    rows, padded = to_chwn(np, g), padded_image(x, window)
    area = shape[2] * shape[3]
    dw = np.zeros((shape[0], area, 1), g.dtype)

    def task(channels: slice, part: slice) -> None:
        columns = _columns(padded, window, channels, part, rows.shape[2])
        here = rows[channels, part]
        dw[channels] += np.matmul(columns, here.reshape(len(here), -1, 1))

    _by_blocks(task, rows, area)
    return dw.reshape(shape)
