"""Depthwise convolution as products of a few rows of the output, on NumPy.

Each row of the image is copied once for each column of the kernel, moved by as much: a stack. Four
rows of the output are then one product: a matrix with the channel's kernel in each of its four
rows, one row of the image further down each time, times the copies of those rows of the image that
lie under them, six for a kernel of 3×3. Of 18 products for each result 9 are with a 0; but that
keeps four results in registers from the first to the last, as no other call of NumPy does, and it
takes 3 copies of the image, where columns are 9. A stack is made for a part of a channel at a time,
or for a few small channels, so that it stays in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..window import Window
from .channels import empty_chwn, turn
from .threads import parallel
from .workspace import scratch

__all__ = ["convolved", "pays", "weight_gradient"]

TOGETHER = 4  # rows of the output that are one product
WASTE = 4  # times as many products as the kernel has elements: beyond, columns are faster
BLOCK = 1 << 20  # bytes of a stack: calls are fewer, and it stays in an L2 cache
SHARED = 20_000  # results that are worth another thread


def pays(window: Window) -> bool:
    """Whether this is faster than columns: not with wide strides or dilations."""
    return _span(window, TOGETHER) <= WASTE * window.kernel[0]


def convolved(x: Any, kernels: Any, bias: Any, window: Window) -> Any:
    """The depthwise convolution (C, OH, OW, N) of x (N, C, H, W) with kernels (C, kh·kw), and bias.

    None if it is not all finite: a NaN or an infinity of a row times another row's 0 is NaN.
    """
    n, c, *size = x.shape
    y = empty_chwn((c, *window.positions(size), n), x.dtype)
    matrices = _matrices(kernels, window, min(TOGETHER, y.shape[1]))
    finite: list[bool] = []

    def part(first: int, last: int) -> None:
        for many, rows, columns in _pieces(y, window, last - first):
            stack = _Stack(x, window, many, rows, columns)
            for start in range(first, last, many):
                of = slice(start, min(start + many, last))
                out = y[of, rows, columns].reshape(of.stop - start, rows.stop - rows.start, -1)
                stack.fill(x[:, of])
                stack.multiply(matrices[of], out)
                finite.append(math.isfinite(np.vecdot(out, out).sum()))
                if bias is not None:
                    out += bias[of, None, None]

    parallel(part, c, least=1 + SHARED * c // y.size)
    return y if all(finite) else None


def weight_gradient(g: Any, x: Any, window: Window) -> Any:
    """The gradient (C, kh, kw) of the kernels for g (C, OH, OW, N) and x (N, C, H, W).

    The products of a few rows of g with all that lies in the stack under them; of these the ones
    that a kernel meets are added up.
    """
    (kh, kw), (s, _), (d, _) = window.kernel, window.stride, window.dilation
    dw = np.zeros((len(g), kh, kw), g.dtype)

    def part(first: int, last: int) -> None:
        for many, rows, columns in _pieces(g, window, last - first):
            stack = _Stack(x, window, many, rows, columns)
            for start in range(first, last, many):
                of = slice(start, min(start + many, last))
                stack.fill(x[:, of])
                for row, sums in stack.sums(g[of, rows, columns]):
                    dw[of] += sums[:, row * s : row * s + window.reach[0] : d]

    parallel(part, len(dw), least=1 + SHARED * len(dw) // g.size)
    return dw


def _span(window: Window, rows: int) -> int:
    """How many rows of the padded image are under so many output rows."""
    return (rows - 1) * window.stride[0] + window.reach[0]


def _matrices(kernels: Any, window: Window, rows: int) -> Any:
    """Matrices (C, rows, span · kw): for each output row the kernel, where the stack's rows are."""
    (kh, kw), (s, _), (d, _) = window.kernel, window.stride, window.dilation
    made = np.zeros((len(kernels), rows, _span(window, rows), kw), kernels.dtype)
    for row in range(rows):
        made[:, row, row * s : row * s + window.reach[0] : d] = kernels.reshape(-1, kh, kw)
    return made.reshape(len(kernels), rows, -1)


def _pieces(y: Any, window: Window, channels: int) -> Iterator[tuple[int, slice, slice]]:
    """Rows and columns that cover the output y (C, OH, OW, N), and how many channels at a time.

    They are so many that the stack under them fits a block.
    """
    _, height, width, n = y.shape
    pixel = window.kernel[1] * n * y.itemsize
    wide = max(1, min(width, BLOCK // (_span(window, TOGETHER) * pixel)))
    lines = BLOCK // (wide * pixel) - window.reach[0]
    high = min(height, max(TOGETHER, lines // window.stride[0] // TOGETHER * TOGETHER))
    many = max(1, min(channels, BLOCK // (_span(window, high) * wide * pixel)))
    for top in range(0, height, high):
        rows = slice(top, min(top + high, height))
        for left in range(0, width, wide):
            yield many, rows, slice(left, min(left + wide, width))


class _Stack:
    """What some rows and columns of the output meet: an array (C, image's rows, kw, columns, N).

    For each row of the padded image under them, and for each column of the kernel, the pixels of
    that row which it meets, one after another. Zeros beyond the image are written once.

    Args:
        x: the image (N, C, H, W).
        window: the convolution's.
        channels: how many at a time.
        rows: of the output.
        columns: of the output.
    """

    def __init__(self, x: Any, window: Window, channels: int, rows: slice, columns: slice) -> None:
        n, _, height, width = x.shape
        count, wide = rows.stop - rows.start, columns.stop - columns.start
        span, kw = _span(window, count), window.kernel[1]
        array = scratch("stack", (channels, span, kw, wide, n), x.dtype)
        top = rows.start * window.stride[0] - window.padding[0]
        low, high = min(max(-top, 0), span), max(min(height - top, span), 0)
        array[:, :low] = array[:, max(low, high) :] = 0
        self.inside, self.rows = array[:, low:high], slice(top + low, top + high)
        self.copies: list[tuple[slice, int, slice]] = []
        met = {j: (positions, pixels) for j, positions, pixels in window.meetings(1, width)}
        for j in range(kw if low < high else 0):
            positions, pixels = met.get(j, (slice(0, 0), slice(0, 0)))
            into, seen = _within(positions, pixels, columns)
            self.inside[:, :, j, : into.start] = self.inside[:, :, j, into.stop :] = 0
            if into.start < into.stop:
                self.copies.append((into, j, seen))
        self.products = list(_products(array, window, count))

    def fill(self, x: Any) -> None:
        """Copy the image's rows of some channels, x (N, C, H, W)."""
        x = x[:, :, self.rows]
        image = x.transpose(1, 2, 3, 0)
        if len(x) > 1 and x.strides[0] != x.itemsize and self.copies:
            image = scratch("turned", image.shape, x.dtype)
            turn(x, image)
        for into, j, seen in self.copies:
            self.inside[: len(image), :, j, into] = image[:, :, seen]

    def multiply(self, matrices: Any, out: Any) -> None:
        """out (C, rows, columns · N) = matrices (C, few rows, span · kw) · what those rows meet."""
        c, _, length = out.shape
        for lines, under in self.products:
            _, count, terms, _ = under.shape
            here = out[:, lines].reshape(c, count, -1, length)
            np.matmul(matrices[:, None, : here.shape[2], :terms], under[:c], out=here)

    def sums(self, g: Any) -> Iterator[tuple[int, Any]]:
        """Of g (C, rows, columns, N): each of a few rows times its stack, (C, span, kw)."""
        c, length = len(g), g[0, 0].size
        for lines, under in self.products:
            _, count, terms, _ = under.shape
            here = g[:, lines].reshape(c, count, -1, length)
            found = np.matmul(here, under[:c].swapaxes(2, 3)).sum(1)
            kw = self.inside.shape[2]
            for row in range(here.shape[2]):
                yield row, found[:, row].reshape(c, terms // kw, kw)


def _within(positions: slice, pixels: slice, columns: slice) -> tuple[slice, slice]:
    """Of positions of a window and their pixels those within some columns, counted from there."""
    first = min(max(positions.start, columns.start), columns.stop)
    last = max(min(positions.stop, columns.stop), first)
    step = pixels.step or 1
    start = pixels.start + (first - positions.start) * step
    into = slice(first - columns.start, last - columns.start)
    return into, slice(start, start + (last - first - 1) * step + 1, step)


def _products(stack: Any, window: Window, rows: int) -> Iterator[tuple[slice, Any]]:
    """Output rows, a few at a time, and what they meet: views (C, count, terms, columns · N)."""
    few, step, kw = min(TOGETHER, rows), window.stride[0], window.kernel[1]
    channel, row, column, _, element = stack.strides
    whole = rows - rows % few
    for first, last, at_once in (0, whole, few), (whole, rows, rows - whole):
        if first < last:
            count, terms = (last - first) // at_once, _span(window, at_once) * kw
            shape = len(stack), count, terms, stack[0, 0, 0].size
            strides = channel, at_once * step * row, column, element
            view = np.ndarray(shape, stack.dtype, stack, first * step * row, strides)
            yield slice(first, last), view
