"""Convolution on NumPy: im2col in blocks of output rows, in memory that is reused.

The plain form's columns are kh·kw times the image. Here a block of output rows at a time goes
through a buffer of bounded size: copied in, multiplied, and the product written straight to
its place in the output.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import plain_conv as plain
from ._kernel import kernel
from .layout import from_chwn, to_chwn
from .window import Window
from .workspace import scratch

__all__ = ["conv2d", "conv2d_input_gradient", "conv2d_weight_gradient"]

BLOCK = 8 << 20  # bytes of columns at a time: large enough for an efficient product


@kernel
def conv2d(xp: Any, x: Any, weight: Any, bias: Any, window: Window, groups: int) -> Any:
    """See `plain_conv.conv2d`."""
    if groups != 1 or x.size == 0:
        return plain.conv2d(xp, x, weight, bias, window, groups)
    n, c, *size = x.shape
    m = weight.shape[0]
    height, width = window.positions(size)
    y = np.empty((m, height * width * n), x.dtype)
    matrix = np.ascontiguousarray(weight.reshape(m, -1))
    padded = _padded(x, window)
    for start, stop in _blocks(c, window, size, n, x.itemsize):
        columns = _columns(padded, window, size, start, stop, n)
        block = y[:, start * width * n : stop * width * n]
        np.matmul(matrix, columns, out=block)
        if bias is not None:
            block += bias[:, None]
    return from_chwn(xp, y.reshape(m, height, width, n))


@kernel
def conv2d_weight_gradient(
    xp: Any, g: Any, x: Any, shape: tuple[int, ...], window: Window, groups: int
) -> Any:
    """See `plain_conv.conv2d_weight_gradient`."""
    if groups != 1 or x.size == 0:
        return plain.conv2d_weight_gradient(xp, g, x, shape, window, groups)
    n, c, *size = x.shape
    width = window.positions(size)[1]
    rows = to_chwn(xp, g).reshape(shape[0], -1)
    padded = _padded(x, window)
    total = None
    for start, stop in _blocks(c, window, size, n, x.itemsize):
        columns = _columns(padded, window, size, start, stop, n)
        part = rows[:, start * width * n : stop * width * n]
        if total is None:
            total = np.matmul(part, columns.T)
        else:
            total += np.matmul(part, columns.T, out=scratch("part", total.shape, x.dtype))
    assert total is not None
    return total.reshape(shape)


@kernel
def conv2d_input_gradient(
    xp: Any, g: Any, weight: Any, shape: tuple[int, ...], window: Window, groups: int
) -> Any:
    """See `plain_conv.conv2d_input_gradient`."""
    if groups != 1 or g.size == 0:
        return plain.conv2d_input_gradient(xp, g, weight, shape, window, groups)
    n, c, *size = shape
    _height, width = window.positions(size)
    m = weight.shape[0]
    rows = to_chwn(xp, g).reshape(m, -1)
    matrix = np.ascontiguousarray(weight.reshape(m, -1).T)
    high, wide = window.padded(size)
    padded = scratch("padded gradient", (c, high, wide, n), g.dtype)
    padded[...] = 0
    for start, stop in _blocks(c, window, size, n, g.itemsize):
        full = (c, *window.kernel, stop - start, width, n)
        columns = scratch("columns", full, g.dtype)
        np.matmul(
            matrix,
            rows[:, start * width * n : stop * width * n],
            out=columns.reshape(matrix.shape[0], -1),
        )
        for i, j, down, across in _taps(window, size, start, stop):
            padded[:, down, across] += columns[:, i, j]
    return from_chwn(xp, padded[(slice(None), *window.inside(size))].copy())


def _padded(x: Any, window: Window) -> Any:
    """The image (C, H + 2p, W + 2q, N) with its zeros, in scratch memory if there are any."""
    n, c, *size = x.shape
    if window.padding == (0, 0):
        return np.ascontiguousarray(x.transpose(1, 2, 3, 0))
    (p, q), (h, w) = window.padding, size
    padded = scratch("padded", (c, *window.padded(size), n), x.dtype)
    padded[:, :p] = padded[:, p + h :] = 0
    padded[:, p : p + h, :q] = padded[:, p : p + h, q + w :] = 0
    padded[:, p : p + h, q : q + w] = x.transpose(1, 2, 3, 0)
    return padded


def _columns(padded: Any, window: Window, size: list[int], start: int, stop: int, n: int) -> Any:
    """The columns of some output rows: (C·kh·kw, rows·OW·N)."""
    c, width = padded.shape[0], window.positions(size)[1]
    if window == Window((1, 1)):  # the image is its own columns
        return padded[:, start:stop].reshape(c, -1)
    columns = scratch("columns", (c, *window.kernel, stop - start, width, n), padded.dtype)
    for i, j, down, across in _taps(window, size, start, stop):
        columns[:, i, j] = padded[:, down, across]
    return columns.reshape(c * math.prod(window.kernel), -1)


def _taps(
    window: Window, size: list[int], start: int, stop: int
) -> Iterator[tuple[int, int, slice, slice]]:
    """`Window.taps` for a range of output rows."""
    step = window.stride[0]
    for i, j, down, across in window.taps(tuple(size)):
        first = down.start + start * step
        yield i, j, slice(first, first + (stop - start - 1) * step + 1, step), across


def _blocks(
    channels: int, window: Window, size: list[int], n: int, itemsize: int
) -> Iterator[tuple[int, int]]:
    """Ranges of output rows whose columns fit a block."""
    height, width = window.positions(size)
    row = channels * math.prod(window.kernel) * width * n * itemsize
    count = -(-height * row // BLOCK)  # blocks, of as equal a size as can be
    step = max(1, -(-height // count))
    for start in range(0, height, step):
        yield start, min(start + step, height)
