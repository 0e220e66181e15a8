"""Depthwise convolution, each channel with a kernel of its own, as a sum of scaled shifts.

    y_c = Σ_ij w_cij · x_c shifted by (i, j)

There is no product of matrices in it, so it is bound by memory: a few channels at a time stay in
cache while all elements of the kernel go over them. (Sifre 2014; Chollet 2017.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..layout import from_chwn, to_chwn
from ..plain.conv import Recorded, from_operands
from ..window import Window
from .im2col import inner_size, padded_image
from .threads import parallel
from .workspace import scratch

BLOCK = 1 << 17  # bytes of output channels at a time: with the image's and a product's, in L2


def recorded(xp: Any, x: Any, weight: Any, bias: Any, window: Window) -> Recorded:
    """The convolution of x (N, C, H, W) with weight (C, 1, kh, kw), bias (C) or None."""
    n, c, *size = x.shape
    padded, kernels = padded_image(x, window), _columns(weight)
    y = np.empty((c, *window.positions(size), n), x.dtype)
    taps = window.taps(size)

    def task(start: int, stop: int) -> None:
        out, product = y[start:stop], scratch("product", y[start:stop].shape, y.dtype)
        for number, (_, _, down, across) in enumerate(taps):
            here = product if number else out
            np.multiply(padded[start:stop, down, across], kernels[number][start:stop], out=here)
            if number:
                out += product
        if bias is not None:
            out += bias[start:stop, None, None, None]

    _by_blocks(task, y)
    return from_operands(
        xp,
        from_chwn(np, y),
        x,
        weight,
        lambda g, weight, shape: from_chwn(np, input_gradient(g, weight, shape, window)),
        lambda g, x, shape: weight_gradient(g, x, shape, window),
    )


def _columns(weight: Any) -> Any:
    """The kernels' elements (kh · kw, C, 1, 1, 1), each a factor of whole channels."""
    c = weight.shape[0]
    return np.ascontiguousarray(weight.reshape(c, -1).T).reshape(-1, c, 1, 1, 1)


def _by_blocks(task: Any, like: Any) -> None:
    """Call task(start, stop) on a few channels at a time, in several threads."""
    step = max(1, BLOCK // max(like[0].nbytes, 1))

    def part(first: int, last: int) -> None:
        for start in range(first, last, step):
            task(start, min(start + step, last))

    parallel(part, len(like), least=1 + 20_000 * len(like) // like.size)


def input_gradient(g: Any, weight: Any, shape: tuple[int, ...], window: Window) -> Any:
    """The gradient (C, H, W, N) of the input for g (N, C, OH, OW): the shifts taken back."""
    n, c, *size = shape
    rows, kernels = to_chwn(np, g), _columns(weight)
    dx = np.empty((c, *size, n), g.dtype)
    taps = window.taps(size)

    def task(start: int, stop: int) -> None:
        product = scratch("product", rows[start:stop].shape, g.dtype)
        padded = scratch("padded gradient", (stop - start, *window.padded(size), n), g.dtype)
        padded[...] = 0
        for number, (_, _, down, across) in enumerate(taps):
            np.multiply(rows[start:stop], kernels[number][start:stop], out=product)
            padded[:, down, across] += product
        dx[start:stop] = padded[(slice(None), *window.inside(size))]

    _by_blocks(task, rows)
    return dx


def weight_gradient(g: Any, x: Any, shape: tuple[int, ...], window: Window) -> Any:
    """The gradient (C, 1, kh, kw) of the weight for g (N, C, OH, OW) and x (N, C, H, W)."""
    rows, padded = to_chwn(np, g), padded_image(x, window)
    dw = np.empty(shape, g.dtype)
    taps = window.taps(inner_size(padded, window))

    def task(start: int, stop: int) -> None:
        shifted = scratch("product", rows[start:stop].shape, g.dtype)
        left = rows[start:stop].reshape(stop - start, 1, -1)
        for i, j, down, across in taps:
            shifted[...] = padded[start:stop, down, across]
            products = np.matmul(left, shifted.reshape(stop - start, -1, 1))
            dw[start:stop, 0, i, j] = products[:, 0, 0]

    _by_blocks(task, rows)
    return dw
