"""Convolution of stride 1 as a sum of matrix products, one for each element of the kernel.

    y = Σ_ij W_ij · x shifted by (i, j),   W_ij a matrix (M, C)

Each product takes only the positions at which its element of the kernel meets the image, so
the zeros of the padding are never multiplied: 100 products of 144 remain on a 4×4 image with a
3×3 kernel, 16 of 36 on a 2×2 image. No columns are made: with (C, H, W, N) in memory a shift by
rows is a view, and only shifts by columns are copied, once for each column of the kernel.

The gradients are the same products transposed:

    dW_ij = g · (x shifted)ᵀ,   dx = Σ_ij W_ijᵀ · g shifted back.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..layout import channels_last, empty_channels_last, to_chwn
from ..window import Window
from .threads import parallel
from .workspace import scratch


class _Tap(NamedTuple):
    """One element (i, j) of the kernel, and the range of an image that it meets.

    Args:
        i, j: which.
        rows, columns: of the output.
        pixels: the rows of the input that they meet.
    """

    i: int
    j: int
    rows: slice
    columns: slice
    pixels: slice


def _taps(window: Window, size: tuple[int, ...]) -> list[_Tap]:
    """The elements of the kernel that meet the image, one that meets all of it first."""
    found = [
        _Tap(i, j, rows, columns, pixels)
        for i, rows, pixels in window.meetings(0, size[0])
        for j, columns, _ in window.meetings(1, size[1])
    ]
    height, width = window.positions(size)
    every = (slice(0, height), slice(0, width))
    return sorted(found, key=lambda tap: (tap.rows, tap.columns) != every)


def _panels(name: str, a: Any, columns: dict[int, slice]) -> dict[int, Any]:
    """An image (C, H, W, N) cut to ranges of columns, each a matrix (C, H · width · N)."""
    c, h, w, n = a.shape
    whole = {j: part for j, part in columns.items() if part == slice(0, w)}
    panels = {j: a.reshape(c, h * w * n) for j in whole}
    cut = {j: part for j, part in columns.items() if j not in whole}
    shapes = {j: (c, h, part.stop - part.start, n) for j, part in cut.items()}
    copies = {j: scratch(f"{name} {j}", shape, a.dtype) for j, shape in shapes.items()}

    def part(start: int, stop: int) -> None:
        for j, columns in cut.items():
            copies[j][start:stop] = a[start:stop, :, columns]

    if cut:
        parallel(part, c, least=1 + 50_000 * c // a.size)
    return panels | {j: copy.reshape(c, -1) for j, copy in copies.items()}


def _range(rows: slice, columns: slice, n: int) -> slice:
    """Where a range of rows lies in a panel cut to these columns."""
    row = (columns.stop - columns.start) * n
    return slice(rows.start * row, rows.stop * row)


def convolve(x: Any, weight: Any, bias: Any, window: Window) -> Any:
    """The output (M, OH, OW, N) for x (N, C, H, W), weight (M, C, kh, kw), bias (M) or None."""
    a, m = to_chwn(np, x), weight.shape[0]
    _, h, w, n = a.shape
    height, width = window.positions((h, w))
    panels = _panels("shifted image", a, {j: p for j, _, p in window.meetings(1, w)})
    taps = _taps(window, (h, w))
    matrices = channels_last(np, weight)
    y = np.empty((m, height, width, n), a.dtype)

    def part(p: int, q: int) -> None:
        operands = (
            (tap, matrices[p:q, tap.i, tap.j], panels[tap.j][:, _range(tap.pixels, tap.columns, n)])
            for tap in taps
        )
        _add_up(y[p:q], operands)
        if bias is not None:
            y[p:q] += bias[p:q].reshape(-1, 1, 1, 1)

    parallel(part, m, least=_least(m, weight, height * width * n))
    return y


def _add_up(out: Any, operands: Any) -> None:
    """The sum of the products in `out`, each product where its tap lies."""
    empty = True
    for tap, left, right in operands:
        here = out[:, tap.rows, tap.columns]
        if empty and here.shape == out.shape:
            np.matmul(left, right, out=out.reshape(len(out), -1))
        else:
            if empty:
                out[...] = 0
            _add_product(left, right, here)
        empty = False
    if empty:
        out[...] = 0


def _add_product(left: Any, right: Any, out: Any) -> None:
    product = scratch("product", out.shape, out.dtype)
    np.matmul(left, right, out=product.reshape(len(out), -1))
    out += product


def weight_gradient(g: Any, x: Any, shape: tuple[int, ...], window: Window) -> Any:
    """The gradient (M, C, kh, kw) of the weight for g (N, M, OH, OW) and x (N, C, H, W)."""
    a, b = to_chwn(np, x), to_chwn(np, g)
    _, h, w, n = a.shape
    m, _, kh, kw = shape
    images = _panels("shifted image", a, {j: p for j, _, p in window.meetings(1, w)})
    gradients = _panels("shifted gradient", b, {j: p for j, p, _ in window.meetings(1, w)})
    taps = _taps(window, (h, w))
    gradient = empty_channels_last(np, shape, b.dtype)
    dw = channels_last(np, gradient)
    if len(taps) < kh * kw:
        dw[...] = 0

    def part(p: int, q: int) -> None:
        for i, j, rows, columns, pixels in taps:
            left = gradients[j][p:q, _range(rows, columns, n)]
            np.matmul(left, images[j][:, _range(pixels, columns, n)].T, out=dw[p:q, i, j])

    parallel(part, m, least=_least(m, dw, b[0].size))
    return gradient


def input_gradient(g: Any, weight: Any, shape: tuple[int, ...], window: Window) -> Any:
    """The gradient (C, H, W, N) of the input for g (N, M, OH, OW), weight (M, C, kh, kw)."""
    n, c, h, w = shape
    b = to_chwn(np, g)
    panels = _panels("shifted gradient", b, {j: p for j, p, _ in window.meetings(1, w)})
    pixels = {j: p for j, _, p in window.meetings(1, w)}
    taps = sorted(_taps(window, (h, w)), key=lambda t: (t.pixels, pixels[t.j]) != _whole(h, w))
    matrices = channels_last(np, weight)
    dx = np.empty((c, h, w, n), b.dtype)

    def part(p: int, q: int) -> None:
        operands = (
            (
                tap._replace(rows=tap.pixels, columns=pixels[tap.j]),
                matrices[:, tap.i, tap.j, p:q].T,
                panels[tap.j][:, _range(tap.rows, tap.columns, n)],
            )
            for tap in taps
        )
        _add_up(dx[p:q], operands)

    parallel(part, c, least=_least(c, weight, b[0].size))
    return dx


def _whole(h: int, w: int) -> tuple[slice, slice]:
    return slice(0, h), slice(0, w)


def _least(items: int, weight: Any, places: int) -> int:
    """The fewest of `items` channels worth a thread: those of 250,000 multiplications."""
    work: int = weight.size * places
    return 1 + 250_000 * items // max(work, 1)
