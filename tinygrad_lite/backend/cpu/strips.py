"""Convolution with columns along the width alone: what rows of columns share is copied once.

A row of output positions needs kh rows of the image, each kw times, shifted; and the next row of
positions needs all but one of them again. So here each row of the (padded) image has its kw shifted
copies, a *strip*, and lies in memory as

    strips (H, kw·C + 1, OW·N),

the last line of a strip being ones. The columns of output row o are then the strips of rows o·s to
o·s + kh − 1 as they lie, one matrix of kh·(kw·C + 1) lines: a view. im2col copies kh times as much.
The products of all rows are one call of NumPy, which holds no lock meanwhile. The strips are kept
for the weight's gradient, and with the ones the bias and its gradient are part of the products:

    y_o = [W b 0]·strips_o,   [dW db ·] = Σ_o g_o·strips_oᵀ.

The input's gradient goes the same way back: all kw shifted copies of an image's row get theirs in
one product, of the kernel with the kh rows of g that met it, and are added up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..layout import channels_last, empty_channels_last, from_chwn
from ..plain.conv import Recorded
from ..window import Window
from .blas import SMALL
from .border import FEW, padded_image
from .channels import empty_chwn, to_chwn
from .sums import row_sums
from .threads import parallel

__all__ = ["gives_input_gradient", "input_gradient", "recorded"]

LEAST = 64  # positions of a product: fewer, and the calls cost more than packing
SHARED = 50_000  # elements of strips that are worth another thread
MOST = 1 << 24  # elements of strips that are not too much memory for a gradient


def recorded(
    xp: Any, x: Any, weight: Any, bias: Any, window: Window, input_gradient: Callable[..., Any]
) -> Recorded:
    """The convolution of x (N, C, H, W) with weight (M, C, kh, kw), bias (M) or None.

    The kernel's rows must lie together (a vertical dilation of 1). `input_gradient` gives the
    input's gradient, as the function below does where it can. The VJP of an input that needs no
    gradient is dropped: only the weight's holds the strips, and none holds the image, so that with
    a frozen weight neither is kept.
    """
    (n, c, *size), (m, _, kh, kw) = x.shape, weight.shape
    height, width = window.positions(size)
    matrix = np.zeros((m, kh, kw * c + 1), x.dtype)
    matrix[:, :, :-1] = channels_last(np, weight).reshape(m, kh, kw * c)
    if bias is not None:
        matrix[:, 0, -1] = bias
    matrix = matrix.reshape(m, -1)
    strips = _strips(padded_image(x, window), window, width)
    y = np.empty((m, height, width * n), x.dtype)
    length = _length(matrix.size, width * n)
    columns, out = _columns(strips, window, height, length), _cut(y, length).transpose(1, 2, 0, 3)

    def part(start: int, stop: int) -> None:
        np.matmul(matrix, columns[start:stop], out=out[start:stop])

    parallel(part, height, least=1 + SHARED * height // strips.size)
    shape, image = weight.shape, x.shape

    def prepare(_: Any) -> Any:
        return []  # for the product, once the weight's gradient has made it

    def of_weight(g: Any, made: Any) -> Any:
        rows = to_chwn(g).reshape(m, height, width * n)
        made.append(_product(rows, _columns(strips, window, height, width * n)[:, 0], m, kh))
        gradient = empty_channels_last(np, shape, g.dtype)
        channels_last(np, gradient).reshape(m, kh, -1)[...] = made[0][:, :, :-1]
        return gradient

    def of_input(g: Any, _: Any) -> Any:
        return from_chwn(np, input_gradient(g, weight, image, window))

    def of_bias(g: Any, made: Any) -> Any:
        return made[0][:, 0, -1].copy() if made else row_sums(to_chwn(g).reshape(m, -1))

    y = from_chwn(np, y.reshape(m, height, width, n))
    return Recorded(y, prepare, of_input, of_weight, of_bias)


def _strips(padded: Any, window: Window, width: int) -> Any:
    """The strips (H, kw·C + 1, OW·N) of a padded image (C, H, W, N)."""
    c, h, _, n = padded.shape
    kw, t, e = window.kernel[1], window.stride[1], window.dilation[1]
    strips = np.empty((h, kw * c + 1, width * n), padded.dtype)
    lines = strips[:, :-1].reshape(h, kw, c, width, n)
    pixel, row, column, element = padded.strides
    strides = (row, e * column, pixel, t * column, element)
    shifted: Any = np.ndarray(lines.shape, padded.dtype, padded, 0, strides)

    def part(start: int, stop: int) -> None:
        lines[start:stop] = shifted[start:stop]
        strips[start:stop, -1] = 1

    parallel(part, h, least=1 + SHARED * h // strips.size)
    return strips


def _length(weight: int, positions: int) -> int:
    """How many positions of a row one product takes: BLAS does not pack what is small enough."""
    best = positions
    while best * weight >= SMALL and best % 2 == 0 and best >= 2 * LEAST:
        best //= 2
    return best if best * weight < SMALL else positions


def _columns(strips: Any, window: Window, height: int, length: int) -> Any:
    """The columns (OH, OW·N / length, kh·(kw·C + 1), length), as a view of the strips."""
    _, lines, positions = strips.shape
    row, line, element = strips.strides
    shape = (height, positions // length, window.kernel[0] * lines, length)
    strides = (window.stride[0] * row, length * element, line, element)
    return np.ndarray(shape, strips.dtype, strips, 0, strides)


def _cut(rows: Any, length: int) -> Any:
    """(…, …, OW·N) as (…, …, OW·N / length, length)."""
    *others, positions = rows.shape
    return rows.reshape(*others, positions // length, length)


def _product(g: Any, columns: Any, m: int, kh: int) -> Any:
    """Σ over output rows of g (M, OH, OW·N) times columns (OH, K, OW·N)ᵀ, as (M, kh, kw·C + 1)."""
    height, lines, _ = columns.shape
    products = np.empty((height, m, lines), g.dtype)
    rows, turned = g.transpose(1, 0, 2), columns.transpose(0, 2, 1)

    def part(start: int, stop: int) -> None:
        np.matmul(rows[start:stop], turned[start:stop], out=products[start:stop])

    parallel(part, height, least=1 + SHARED * height // max(columns.size, 1))
    return products.sum(axis=0).reshape(m, kh, -1)


def gives_input_gradient(weight: Any, shape: tuple[int, ...], window: Window) -> bool:
    """Whether `input_gradient` is the way to an input of a shape (N, C, H, W).

    Rows of positions must be those of pixels, one for one. Where the weight is infinite the zeros
    around g would make NaNs of pixels that no such product reaches.
    """
    n, c, *size = shape
    (kh, kw), (p, _) = window.kernel, window.padding
    strips = n * c * size[0] * kw * window.positions(size)[1]
    one_for_one = window.stride[0] == window.dilation[0] == 1 and 1 < kh > p
    return one_for_one and FEW < strips <= MOST and bool(np.isfinite(weight.sum()))


def input_gradient(g: Any, weight: Any, shape: tuple[int, ...], window: Window) -> Any:
    """The gradient (C, H, W, N) of the input for g (N, M, OH, OW), weight (M, C, kh, kw)."""
    (n, c, *size), (m, _, kh, kw) = shape, weight.shape
    height, width = window.positions(size)
    rows = np.zeros((height + 2 * (kh - 1), m, width * n), g.dtype)
    rows[kh - 1 : kh - 1 + height] = to_chwn(g).reshape(m, height, -1).transpose(1, 0, 2)
    matrix = channels_last(np, weight)[:, ::-1].transpose(2, 3, 1, 0).reshape(kw * c, kh * m)
    length = _length(matrix.size, width * n)
    columns = _columns(rows[window.padding[0] :], window, size[0], length)
    strips = np.empty((size[0], kw * c, width * n), g.dtype)
    out = _cut(strips, length).transpose(0, 2, 1, 3)
    shifted = strips.reshape(size[0], kw, c, width, n).transpose(1, 2, 0, 3, 4)
    dx = empty_chwn((c, *size, n), g.dtype)

    def part(start: int, stop: int) -> None:
        dx[:, start:stop] = 0
        np.matmul(matrix, columns[start:stop], out=out[start:stop])
        for j, positions, pixels in window.meetings(1, size[1]):
            here = dx[:, start:stop, pixels]
            np.add(here, shifted[j][:, start:stop, positions], out=here)

    parallel(part, size[0], least=1 + SHARED * size[0] // strips.size)
    return dx
