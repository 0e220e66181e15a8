"""An image with its border of zeros, and the columns of a convolution as a view of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..window import Window
from .channels import to_chwn, turn
from .threads import parallel
from .workspace import scratch

__all__ = ["bordered", "columns_view", "inner_size", "padded_image"]

FEW = 1 << 13  # elements of columns that cost no more than the calls that make them


def padded_image(x: Any, window: Window) -> Any:
    """The image (C, H + 2p, W + 2q, N) with its zeros, in scratch memory if there are any."""
    n, c, *size = x.shape
    if window.padding == (0, 0):
        return to_chwn(x)
    (p, q), (h, w) = window.padding, size
    if x.size <= FEW:
        return bordered(x.transpose(1, 2, 3, 0), window.padding)
    padded = scratch("padded", (c, *window.padded(size), n), x.dtype)

    def part(start: int, stop: int) -> None:
        mine = padded[start:stop]
        mine[:, :p] = mine[:, p + h :] = 0
        mine[:, p : p + h, :q] = mine[:, p : p + h, q + w :] = 0
        turn(x[:, start:stop], mine[:, p : p + h, q : q + w])

    parallel(part, c, least=1 + 100_000 * c // max(padded.size, 1))
    return padded


def bordered(a: Any, border: tuple[int, int]) -> Any:
    """An image (C, H, W, N) of few elements with zeros around it."""
    (c, h, w, n), (p, q) = a.shape, border
    padded = np.zeros((c, h + 2 * p, w + 2 * q, n), a.dtype)
    padded[:, p : p + h, q : q + w] = a
    return padded


def inner_size(padded: Any, window: Window) -> tuple[int, int]:
    """The size (H, W) of the image inside of its padding."""
    _, h, w, _ = padded.shape
    return h - 2 * window.padding[0], w - 2 * window.padding[1]


def columns_view(padded: Any, window: Window, start: int, stop: int, width: int) -> Any:
    """The columns of output rows start … stop, as a view (kh, kw, C, rows, OW, N) of the image."""
    c, _, _, n = padded.shape
    (kh, kw), (s, t), (d, e) = window.kernel, window.stride, window.dilation
    pixel, row, column, element = padded.strides
    shape = (kh, kw, c, stop - start, width, n)
    strides = (d * row, e * column, pixel, s * row, t * column, element)
    return np.ndarray(shape, padded.dtype, padded, start * s * row, strides)
