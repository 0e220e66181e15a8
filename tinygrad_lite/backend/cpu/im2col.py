"""im2col on NumPy: columns a block at a time, in memory that is reused, on all threads.

The plain form's columns are kh·kw times the image. Here a block of them goes through a buffer
that stays in cache: copied in by one strided copy, multiplied, and the product put straight
where it belongs. The forward pass shares out output rows; the gradients share out rows if the
weight is small, so that each thread can have a sum of its own, and channels if it is not.

Where the columns are small, they are made once and kept for the weight's gradient, with a row of
ones below: the bias is then one more column of the weight, and its gradient one of the weight's, so
that neither takes a pass of its own (`strips` does so for larger images of few channels):

    y = [W b]·[columns; 1],   [dW db] = g·[columns; 1]ᵀ.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..layout import channels_last, empty_channels_last, from_chwn
from ..num_threads import get_num_threads
from ..plain.conv import Recorded, from_operands
from ..window import Window
from . import border, strips
from .blas import long_pieces
from .border import columns_view, inner_size, padded_image
from .channels import empty_chwn, to_chwn
from .library import matmul
from .sums import row_sums
from .threads import parallel
from .workspace import scratch

BLOCK = 1 << 19  # bytes of columns at a time: they stay in an L2 cache
PANEL = 1 << 22  # bytes of a range of channels at a time: fewer, and the products are too thin
LONG = 1 << 13  # positions whose products are added up at once
SMALL = 1 << 15  # elements of a weight whose gradient is cheap to add up


def recorded(xp: Any, x: Any, weight: Any, bias: Any, window: Window) -> Recorded:
    """The convolution of x (N, C, H, W) with weight (M, C, kh, kw), bias (M) or None."""
    n, m = len(x), weight.shape[0]
    height, width = window.positions(x.shape[2:])
    matrix = channels_last(np, weight).reshape(m, -1)
    y = np.empty((m, height * width * n), x.dtype)
    padded = padded_image(x, window)

    def part(first: int, last: int) -> None:
        for start, stop in _blocks(first, last, matrix.shape[1] * width * n * x.itemsize):
            block = y[:, start * width * n : stop * width * n]
            np.matmul(matrix, _columns(padded, window, start, stop, width), out=block)
            if bias is not None:
                block += bias[:, None]

    parallel(part, height)
    return from_operands(
        xp,
        from_chwn(np, y.reshape(m, height, width, n)),
        x,
        weight,
        lambda g, weight, shape: from_chwn(np, input_gradient(g, weight, shape, window)),
        lambda g, x, shape: weight_gradient(g, x, shape, window),
    )


def recorded_columns(xp: Any, x: Any, weight: Any, bias: Any, window: Window) -> Recorded:
    """`recorded` with all columns made at once and kept for the weight's gradient.

    For columns that, with a row of ones below, are small.
    The graph drops the gradient function of an operand that needs no gradient. Here only the
    weight's holds the columns, and none holds the image: with a frozen weight neither is kept.
    """
    (n, c, *size), m = x.shape, weight.shape[0]
    height, width = window.positions(size)
    area = math.prod(window.kernel)
    matrix = np.empty((m, area * c + 1), x.dtype)  # [W b]
    matrix[:, :-1] = channels_last(np, weight).reshape(m, -1)
    matrix[:, -1] = 0 if bias is None else bias
    columns = np.empty((matrix.shape[1], height * width * n), x.dtype)  # [columns; 1]
    rows = columns[:-1].reshape(*window.kernel, c, height, width, n)
    y = np.empty((m, columns.shape[1]), x.dtype)
    padded = padded_image(x, window)

    def part(start: int, stop: int) -> None:
        rows[:, :, :, start:stop] = columns_view(padded, window, start, stop, width)
        cut = slice(start * width * n, stop * width * n)
        columns[-1, cut] = 1
        for right, out in long_pieces(matrix, columns[:, cut], y[:, cut]):
            np.matmul(matrix, right, out=out)

    parallel(part, height, least=1 + 50_000 * height // columns.size)
    shape, image = weight.shape, x.shape

    def prepare(_: Any) -> Any:
        return []  # for the product, once the weight's gradient has made it

    def of_weight(g: Any, made: Any) -> Any:
        made.append(_product_of_long_rows(to_chwn(g).reshape(m, -1), columns))
        gradient = empty_channels_last(np, shape, g.dtype)
        channels_last(np, gradient).reshape(m, -1)[...] = made[0][:, :-1]
        return gradient

    def of_input(g: Any, _: Any) -> Any:
        return from_chwn(np, input_gradient(g, weight, image, window))

    def of_bias(g: Any, made: Any) -> Any:
        return made[0][:, -1].copy() if made else row_sums(to_chwn(g).reshape(m, -1))

    y = from_chwn(np, y.reshape(m, height, width, n))
    return Recorded(y, prepare, of_input, of_weight, of_bias)


def _product_of_long_rows(a: Any, b: Any) -> Any:
    """a·bᵀ (M, K) for a (M, L), b (K, L) and a long L: a product for each range of L, added up.

    Each of our threads takes ranges. BLAS's threads would cut the small result in parts instead.
    """
    length = a.shape[1]
    count = -(-length // LONG)
    if count == 1:
        return matmul(np, a, b.T)
    products = np.empty((count, len(a), len(b)), a.dtype)

    def part(first: int, last: int) -> None:
        for i in range(first, last):
            cut = slice(length * i // count, length * (i + 1) // count)
            np.matmul(a[:, cut], b[:, cut].T, out=products[i])

    parallel(part, count)
    return products.sum(axis=0)


def weight_gradient(g: Any, x: Any, shape: tuple[int, ...], window: Window) -> Any:
    """The gradient (M, C, kh, kw) of the weight for g (N, M, OH, OW) and x (N, C, H, W)."""
    m = shape[0]
    rows = to_chwn(g)
    rows = rows.reshape(m, rows[0].size)
    padded = padded_image(x, window)
    gradient = empty_channels_last(np, shape, g.dtype)
    dw = channels_last(np, gradient)
    if gradient.size <= SMALL:
        _by_rows(rows, padded, window, g.shape[2:], dw.reshape(m, -1))
    else:
        _by_channels(rows, padded, window, g.shape[2:], dw)
    return gradient


def _by_rows(g: Any, padded: Any, window: Window, size: Any, out: Any) -> None:
    """The gradient of a small weight: each thread adds up the products of its output rows."""
    (height, width), n = size, padded.shape[3]
    count = min(get_num_threads(), height)
    sums = np.zeros((count, *out.shape), g.dtype)
    bounds = [height * i // count for i in range(count + 1)]

    def part(first: int, last: int) -> None:
        product = scratch("product", sums[0].shape, g.dtype)
        for i in range(first, last):
            for start, stop in _blocks(
                bounds[i], bounds[i + 1], out.shape[1] * width * n * g.itemsize
            ):
                cut = slice(start * width * n, stop * width * n)
                np.matmul(g[:, cut], _columns(padded, window, start, stop, width).T, out=product)
                sums[i] += product

    parallel(part, count)
    np.sum(sums, axis=0, out=out)


def _by_channels(g: Any, padded: Any, window: Window, size: Any, out: Any) -> None:
    """The gradient of a large weight: each thread has its range of input channels."""
    c, _, _, n = padded.shape

    def task(start: int, stop: int) -> None:
        panel = scratch("columns", (stop - start, *size, n), g.dtype)
        for i, j, down, across in window.taps(inner_size(padded, window)):
            panel[...] = padded[start:stop, down, across]
            np.matmul(g, panel.reshape(stop - start, -1).T, out=out[:, i, j, start:stop])

    def part(first: int, last: int) -> None:
        for start, stop in _blocks(first, last, g.shape[1] * g.itemsize, PANEL):
            task(start, stop)

    parallel(part, c)


def input_gradient(g: Any, weight: Any, shape: tuple[int, ...], window: Window) -> Any:
    """The gradient (C, H, W, N) of the input for g (N, M, OH, OW), weight (M, C, kh, kw)."""
    if strips.gives_input_gradient(weight, shape, window):
        return strips.input_gradient(g, weight, shape, window)
    n, c, *size = shape
    height, width = window.positions(size)
    rows = to_chwn(g).reshape(weight.shape[0], height * width * n)
    matrices = channels_last(np, weight)
    dx = empty_chwn((c, *size, n), g.dtype)
    if matrices[..., 0].size * n * math.prod(size) <= border.FEW and _is_convolution(
        matrices, window
    ):
        return _input_gradient_gathered(matrices, rows.reshape(-1, height, width, n), size, window)
    if matrices[0].size * rows.shape[1] * g.itemsize <= BLOCK:
        _input_gradient_at_once(matrices, rows, dx, window)
        return dx

    def task(start: int, stop: int) -> None:
        panel = scratch("columns", (stop - start, height, width, n), g.dtype)
        padded = scratch("padded gradient", (stop - start, *window.padded(size), n), g.dtype)
        padded[...] = 0
        for i, j, down, across in window.taps(size):
            flat = panel.reshape(stop - start, -1)
            np.matmul(matrices[:, i, j, start:stop].T, rows, out=flat)
            padded[:, down, across] += panel
        dx[start:stop] = padded[(slice(None), *window.inside(size))]

    def part(first: int, last: int) -> None:
        for start, stop in _blocks(first, last, rows.shape[1] * g.itemsize, PANEL):
            task(start, stop)

    parallel(part, c)
    return dx


def _input_gradient_at_once(matrices: Any, rows: Any, dx: Any, window: Window) -> None:
    """The gradient dx (C, H, W, N) from weights (M, kh, kw, C) and g (M, OH · OW · N), if small."""
    m, kh, kw, c = matrices.shape
    size = dx.shape[1:3]
    columns = matmul(np, matrices.reshape(m, kh * kw * c).T, rows)
    columns = columns.reshape(kh, kw, c, *window.positions(size), dx.shape[3])
    padded = np.zeros((c, *window.padded(size), dx.shape[3]), dx.dtype)
    for i, j, down, across in window.taps(size):
        here = padded[:, down, across]
        np.add(here, columns[i, j], out=here)
    dx[...] = padded[(slice(None), *window.inside(size))]


def _is_convolution(matrices: Any, window: Window) -> bool:
    """Whether the input's gradient is a convolution of g, whose border is zeros, itself.

    Where the weight is infinite zeros would make NaNs of pixels that no such product reaches.
    """
    fits = all(p < r for p, r in zip(window.padding, window.reach, strict=True))
    flat = matrices.reshape(-1)
    return window.stride == (1, 1) and fits and math.isfinite(np.dot(flat, flat))


def _input_gradient_gathered(matrices: Any, g: Any, size: Any, window: Window) -> Any:
    """The gradient (C, H, W, N) of few elements from g (M, OH, OW, N): g * the turned kernel."""
    reach, (p, q) = window.reach, window.padding
    outer = border.bordered(g, (reach[0] - 1 - p, reach[1] - 1 - q))
    columns = _columns(outer, Window(window.kernel, dilation=window.dilation), 0, *size)
    turned = matrices[:, ::-1, ::-1].transpose(3, 1, 2, 0).reshape(matrices.shape[3], -1)
    return matmul(np, turned, columns).reshape(-1, *size, g.shape[3])


def _columns(padded: Any, window: Window, start: int, stop: int, width: int) -> Any:
    """The columns of output rows start … stop, (kh·kw·C, rows · OW · N), in scratch memory."""
    view = columns_view(padded, window, start, stop, width)
    columns = scratch("columns", view.shape, padded.dtype)
    columns[...] = view
    return columns.reshape(math.prod(view.shape[:3]), math.prod(view.shape[3:]))


def _blocks(
    first: int, last: int, each: int, limit: int | None = None
) -> Iterator[tuple[int, int]]:
    """Ranges from first to last of equal length, of items of `each` bytes, that fit a block."""
    count = max(1, -(-(last - first) * each // (limit or BLOCK)))
    step = max(1, -(-(last - first) // count))
    for start in range(first, last, step):
        yield start, min(start + step, last)
