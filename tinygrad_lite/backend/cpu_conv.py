"""Convolution on NumPy: im2col a block at a time, in memory that is reused, on all threads.

The plain form's columns are kh·kw times the image. Here a block of them goes through a buffer
that stays in cache: copied in, multiplied, and the product put straight where it belongs. The
forward pass shares out output rows; both gradients share out input channels, so that no two
threads add into the same place. Where it should be faster, Winograd's algorithm takes over.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import plain_conv as plain
from . import winograd
from ._kernel import kernel
from .algorithm import winograd_tile
from .layout import from_chwn, to_chwn
from .threads import parallel
from .window import Window
from .workspace import scratch

__all__ = ["conv2d", "conv2d_input_gradient", "conv2d_weight_gradient"]

BLOCK = 2 << 20  # bytes of columns at a time


@kernel
def conv2d(xp: Any, x: Any, weight: Any, bias: Any, window: Window, groups: int) -> Any:
    """See `plain_conv.conv2d`."""
    if groups != 1 or x.size == 0:
        return plain.conv2d(xp, x, weight, bias, window, groups)
    tile = winograd_tile(window, groups, x.shape, weight.shape)
    if tile:
        return from_chwn(xp, winograd.convolve(x, weight, bias, window.padding, tile))
    n, c, *size = x.shape
    m = weight.shape[0]
    height, width = window.positions(size)
    area = math.prod(window.kernel)
    y = np.empty((m, height * width * n), x.dtype)
    matrix = np.ascontiguousarray(weight.reshape(m, -1))
    padded = _padded(x, window)

    def part(first: int, last: int) -> None:
        for start, stop in _blocks(first, last, c * area * width * n * x.itemsize):
            columns = scratch("columns", (c, *window.kernel, stop - start, width, n), x.dtype)
            for i, j, down, across in _taps(window, size, start, stop):
                columns[:, i, j] = padded[:, down, across]
            block = y[:, start * width * n : stop * width * n]
            np.matmul(matrix, columns.reshape(c * area, -1), out=block)
            if bias is not None:
                block += bias[:, None]

    parallel(part, height)
    return from_chwn(xp, y.reshape(m, height, width, n))


@kernel
def conv2d_weight_gradient(
    xp: Any, g: Any, x: Any, shape: tuple[int, ...], window: Window, groups: int
) -> Any:
    """See `plain_conv.conv2d_weight_gradient`."""
    if groups != 1 or x.size == 0:
        return plain.conv2d_weight_gradient(xp, g, x, shape, window, groups)
    tile = winograd_tile(window, groups, x.shape, shape)
    if tile:
        return winograd.weight_gradient(g, x, shape, window.padding, tile)
    n, c, *size = x.shape
    height, width = window.positions(size)
    area, places = math.prod(window.kernel), height * width * n
    rows = to_chwn(xp, g).reshape(shape[0], places)
    padded = _padded(x, window)
    gradient = np.empty(shape, x.dtype)
    total = gradient.reshape(shape[0], c * area)

    def part(first: int, last: int) -> None:
        for start, stop in _blocks(first, last, area * places * x.itemsize):
            columns = scratch("columns", (stop - start, *window.kernel, height, width, n), x.dtype)
            for i, j, down, across in window.taps(size):
                columns[:, i, j] = padded[start:stop, down, across]
            flat = columns.reshape((stop - start) * area, places)
            np.matmul(rows, flat.T, out=total[:, start * area : stop * area])

    parallel(part, c)
    return gradient


@kernel
def conv2d_input_gradient(
    xp: Any, g: Any, weight: Any, shape: tuple[int, ...], window: Window, groups: int
) -> Any:
    """See `plain_conv.conv2d_input_gradient`."""
    if groups != 1 or g.size == 0:
        return plain.conv2d_input_gradient(xp, g, weight, shape, window, groups)
    tile = winograd_tile(window, groups, shape, weight.shape)
    if tile:
        return from_chwn(xp, winograd.input_gradient(g, weight, shape, window.padding, tile))
    n, c, *size = shape
    height, width = window.positions(size)
    m, area, places = weight.shape[0], math.prod(window.kernel), height * width * n
    rows = to_chwn(xp, g).reshape(m, places)
    matrix = weight.reshape(m, -1).T
    dx = np.empty((c, *size, n), g.dtype)
    inside = window.inside(size)

    def part(first: int, last: int) -> None:
        for start, stop in _blocks(first, last, area * places * g.itemsize):
            columns = scratch("columns", (stop - start, *window.kernel, height, width, n), g.dtype)
            flat = columns.reshape((stop - start) * area, places)
            np.matmul(matrix[start * area : stop * area], rows, out=flat)
            padded = scratch("padded gradient", (stop - start, *window.padded(size), n), g.dtype)
            padded[...] = 0
            for i, j, down, across in window.taps(size):
                padded[:, down, across] += columns[:, i, j]
            dx[start:stop] = padded[(slice(None), *inside)]

    parallel(part, c)
    return from_chwn(xp, dx)


def _padded(x: Any, window: Window) -> Any:
    """The image (C, H + 2p, W + 2q, N) with its zeros, in scratch memory if there are any."""
    n, c, *size = x.shape
    x = x.transpose(1, 2, 3, 0)
    if window.padding == (0, 0):
        return np.ascontiguousarray(x)
    padded = scratch("padded", (c, *window.padded(size), n), x.dtype)
    (p, q), (h, w) = window.padding, size

    def part(start: int, stop: int) -> None:
        mine = padded[start:stop]
        mine[:, :p] = mine[:, p + h :] = 0
        mine[:, p : p + h, :q] = mine[:, p : p + h, q + w :] = 0
        mine[:, p : p + h, q : q + w] = x[start:stop]

    parallel(part, c, least=1 + 100_000 * c // max(padded.size, 1))
    return padded


def _blocks(first: int, last: int, each: int) -> Iterator[tuple[int, int]]:
    """Ranges from first to last of equal length, of items of `each` bytes, that fit a block."""
    count = max(1, -(-(last - first) * each // BLOCK))
    step = max(1, -(-(last - first) // count))
    for start in range(first, last, step):
        yield start, min(start + step, last)


def _taps(
    window: Window, size: list[int], start: int, stop: int
) -> Iterator[tuple[int, int, slice, slice]]:
    """`Window.taps` for a range of output rows."""
    step = window.stride[0]
    for i, j, down, across in window.taps(tuple(size)):
        top = down.start + start * step
        yield i, j, slice(top, top + (stop - start - 1) * step + 1, step), across
