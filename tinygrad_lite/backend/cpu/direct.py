"""Convolution of stride 1 as a sum of matrix products, one for each element of the kernel.

    y = Σ_ij W_ij · x shifted by (i, j),   W_ij a matrix (M, C)

Each product is over the positions at which its element of the kernel meets the image, so the zeros
of the padding are never multiplied: on a 4×4 image with a 3×3 kernel 100 of 144 pairs of element
and position remain, on a 2×2 image 16 of 36. No columns are made: with (C, H, W, N) in memory a
shift by rows is a view, and only shifts by columns are copied, once for each column of the kernel.

The gradients are the same products transposed:

    dW_ij = g · (x shifted)ᵀ,   dx = Σ_ij W_ijᵀ · g shifted back.
"""

from __future__ import annotations

import math
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from ..layout import channels_last, empty_channels_last, from_chwn
from ..plain.conv import Recorded, from_operands
from ..window import Window
from .channels import empty_chwn, to_chwn
from .threads import parallel
from .workspace import scratch


class _Place(NamedTuple):
    """The part of an image, or of an output, that one element (i, j) of the kernel has to do with.

    Args:
        rows, columns: that it meets of the image, or the positions at which it does.
        panel: the same rows in the matrix that `_panels` makes for column j of the kernel.
    """

    rows: slice
    columns: slice
    panel: slice


class _Tap(NamedTuple):
    """An element (i, j) of the kernel: the pixels that it meets, and at which positions."""

    i: int
    j: int
    pixels: _Place
    positions: _Place


@lru_cache(maxsize=512)
def _taps(window: Window, size: tuple[int, int], n: int, out: str) -> tuple[_Tap, ...]:
    """The elements of the kernel that meet any pixel of n images of a size.

    Sums begin with a term that covers all of what is summed up, so that nothing must be set to 0:
    such an element comes first, for sums over `out`, "positions" or "pixels".
    """
    found = [
        _Tap(i, j, _place(pixel_rows, pixel_columns, n), _place(rows, columns, n))
        for i, rows, pixel_rows in window.meetings(0, size[0])
        for j, columns, pixel_columns in window.meetings(1, size[1])
    ]
    height, width = size if out == "pixels" else window.positions(size)
    whole = slice(0, height), slice(0, width)
    return tuple(sorted(found, key=lambda tap: getattr(tap, out)[:2] != whole))


def _place(rows: slice, columns: slice, n: int) -> _Place:
    row = (columns.stop - columns.start) * n
    return _Place(rows, columns, slice(rows.start * row, rows.stop * row))


def _panels(name: str, a: Any, columns: dict[int, slice]) -> dict[int, Any]:
    """Ranges of columns of an image a (C, H, W, N), each as a matrix (C, H · width · N).

    Args:
        name: of the scratch memory for those that must be copied.
        a: contiguous.
        columns: the ranges, by the number of the kernel's column.
    """
    c, h, w, n = a.shape
    panels = {}
    cut = []
    for j, part in columns.items():
        if part == slice(0, w):
            panels[j] = a.reshape(c, h * w * n)
        else:
            copy = scratch(f"{name} {j}", (c, h, part.stop - part.start, n), a.dtype)
            panels[j] = copy.reshape(c, -1)
            cut.append((copy, part))

    def copy_channels(start: int, stop: int) -> None:
        for copy, part in cut:
            copy[start:stop] = a[start:stop, :, part]

    if cut:
        parallel(copy_channels, c, least=1 + 50_000 * c // a.size)
    return panels


def convolve(x: Any, weight: Any, bias: Any, window: Window) -> Any:
    """The output alone, (M, OH, OW, N)."""
    return to_chwn(recorded(np, x, weight, bias, window).y)


def recorded(xp: Any, x: Any, weight: Any, bias: Any, window: Window) -> Recorded:
    """The convolution of x (N, C, H, W) with weight (M, C, kh, kw), bias (M) or None."""
    a, m = to_chwn(x), weight.shape[0]
    _, h, w, n = a.shape
    taps = _taps(window, (h, w), n, "positions")
    images = _panels("shifted image", a, {tap.j: tap.pixels.columns for tap in taps})
    matrices = channels_last(np, weight)
    y = np.empty((m, *window.positions((h, w)), n), a.dtype)
    terms = [
        (tap.positions, matrices[:, tap.i, tap.j], images[tap.j][:, tap.pixels.panel])
        for tap in taps
    ]
    parallel(partial(_add_up, y, terms, bias), m, least=_least(m, weight, y[0]))
    return from_operands(
        xp,
        from_chwn(np, y),
        x,
        weight,
        lambda g, weight, shape: from_chwn(np, input_gradient(g, weight, shape, window)),
        lambda g, x, shape: weight_gradient(g, x, shape, window),
    )


def _add_up(
    out: Any, terms: list[tuple[_Place, Any, Any]], bias: Any, start: int, stop: int
) -> None:
    """Channels start … stop of out (M, H, W, N) = Σ left·right + bias, each product at its place.

    `terms` are (place, left, right).
    """
    mine, empty = out[start:stop], True
    for (rows, columns, _), left, right in terms:
        here = mine[:, rows, columns]
        if empty and here.shape == mine.shape:
            np.matmul(left[start:stop], right, out=mine.reshape(stop - start, -1))
        else:
            if empty:
                mine[...] = 0
            product = scratch("product", here.shape, out.dtype)
            np.matmul(left[start:stop], right, out=product.reshape(stop - start, -1))
            here += product
            del product  # or the next could not have its memory
        empty = False
    if empty:
        mine[...] = 0
    if bias is not None:
        mine += bias[start:stop].reshape(-1, 1, 1, 1)


def weight_gradient(g: Any, x: Any, shape: tuple[int, ...], window: Window) -> Any:
    """The gradient (M, C, kh, kw) of the weight for g (N, M, OH, OW) and x (N, C, H, W)."""
    a, b = to_chwn(x), to_chwn(g)
    _, h, w, n = a.shape
    taps = _taps(window, (h, w), n, "positions")
    images = _panels("shifted image", a, {tap.j: tap.pixels.columns for tap in taps})
    gradients = _panels("shifted gradient", b, {tap.j: tap.positions.columns for tap in taps})
    gradient = empty_channels_last(np, shape, b.dtype)
    dw = channels_last(np, gradient)
    if len(taps) < math.prod(window.kernel):
        dw[...] = 0

    def part(p: int, q: int) -> None:
        for i, j, pixels, positions in taps:
            left, right = gradients[j][p:q, positions.panel], images[j][:, pixels.panel]
            np.matmul(left, right.T, out=dw[p:q, i, j])

    parallel(part, shape[0], least=_least(shape[0], dw, b[0]))
    return gradient


def input_gradient(g: Any, weight: Any, shape: tuple[int, ...], window: Window) -> Any:
    """The gradient (C, H, W, N) of the input for g (N, M, OH, OW), weight (M, C, kh, kw)."""
    n, c, h, w = shape
    b = to_chwn(g)
    taps = _taps(window, (h, w), n, "pixels")
    gradients = _panels("shifted gradient", b, {tap.j: tap.positions.columns for tap in taps})
    matrices = channels_last(np, weight)
    dx = empty_chwn((c, h, w, n), b.dtype)
    terms = [
        (tap.pixels, matrices[:, tap.i, tap.j].T, gradients[tap.j][:, tap.positions.panel])
        for tap in taps
    ]
    parallel(partial(_add_up, dx, terms, None), c, least=_least(c, weight, b[0]))
    return dx


def _least(items: int, weight: Any, of_one: Any) -> int:
    """The fewest of `items` channels worth a thread: those of 250,000 multiplications."""
    work: int = weight.size * of_one.size
    return 1 + 250_000 * items // max(work, 1)
