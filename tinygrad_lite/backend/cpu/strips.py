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
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..layout import channels_last, empty_channels_last, from_chwn, to_chwn
from ..plain.conv import Recorded
from ..window import Window
from .blas import SMALL
from .im2col import input_gradient, padded_image, weight_gradient
from .sums import row_sums
from .threads import parallel

__all__ = ["input_gradient", "recorded", "weight_gradient"]

LEAST = 64  # positions of a product: fewer, and the calls cost more than packing
SHARED = 50_000  # elements of strips that are worth another thread


def recorded(xp: Any, x: Any, weight: Any, bias: Any, window: Window) -> Recorded:
    """The convolution of x (N, C, H, W) with weight (M, C, kh, kw), bias (M) or None.

    The kernel's rows must lie together (a vertical dilation of 1). The VJP of an input that needs
    no gradient is dropped: only the weight's holds the strips, and none holds the image, so that
    with a frozen weight neither is kept.
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
        rows = to_chwn(np, g).reshape(m, height, width * n)
        made.append(_product(rows, _columns(strips, window, height, width * n)[:, 0], m, kh))
        gradient = empty_channels_last(np, shape, g.dtype)
        channels_last(np, gradient).reshape(m, kh, -1)[...] = made[0][:, :, :-1]
        return gradient

    def of_input(g: Any, _: Any) -> Any:
        return from_chwn(np, input_gradient(g, weight, image, window))

    def of_bias(g: Any, made: Any) -> Any:
        return made[0][:, 0, -1].copy() if made else row_sums(to_chwn(np, g).reshape(m, -1))

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
    """(M, OH, OW·N) as (M, OH, OW·N / length, length)."""
    m, height, positions = rows.shape
    return rows.reshape(m, height, positions // length, length)


def _product(g: Any, columns: Any, m: int, kh: int) -> Any:
    """Σ over output rows of g (M, OH, OW·N) times columns (OH, K, OW·N)ᵀ, as (M, kh, kw·C + 1)."""
    height, lines, _ = columns.shape
    products = np.empty((height, m, lines), g.dtype)
    rows, turned = g.transpose(1, 0, 2), columns.transpose(0, 2, 1)

    def part(start: int, stop: int) -> None:
        np.matmul(rows[start:stop], turned[start:stop], out=products[start:stop])

    parallel(part, height, least=1 + SHARED * height // max(columns.size, 1))
    return products.sum(axis=0).reshape(m, kh, -1)
