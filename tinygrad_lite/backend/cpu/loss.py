"""Softmax on NumPy: rows of the last axis go through all passes while in the cache."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..flat import Array
from ..kernel import kernel
from ..plain import loss as plain
from .sums import row_dots, row_sums
from .threads import parallel

__all__ = ["softmax", "softmax_gradient"]

BLOCK = 1 << 18  # bytes of rows at a time
SMALL = 1 << 12  # elements; up to here cutting into blocks takes longer than the work
SHARED = 1 << 16  # elements that are worth another thread
SAFE, TINY = 40.0, 1e-20  # the largest element whose exponential is taken as it is, the least sum


def _is_plain(x: Array, axis: int) -> bool:
    """Whether `plain.loss` does it: for few elements, another memory order, or 16-bit floats."""
    last = axis in (-1, x.ndim - 1) and x.flags.c_contiguous
    return not last or x.size <= SMALL or x.dtype.char not in "fd"


def _by_rows(task: Any, rows: Array) -> None:
    """Call `task(start, stop)` on ranges that cover all rows, on several threads."""
    count, length = rows.shape
    step = max(1, BLOCK // (length * rows.itemsize))

    def part(first: int, last: int) -> None:
        for start in range(first, last, step):
            task(start, min(start + step, last))

    parallel(part, count, least=1 + SHARED // length)


@kernel("cpu")
def softmax(xp: Any, x: Array, axis: int) -> Array:
    """See `plain.loss.softmax`.

    Where no element is large and no sum tiny, exponentials are taken without looking for the
    largest element of each row, which takes as long as they do.
    """
    if _is_plain(x, axis):
        form: Array = plain.softmax(xp, x, axis)
        return form
    rows = x.reshape(-1, x.shape[-1])
    y = np.empty_like(rows)

    def task(start: int, stop: int) -> None:
        a, out = rows[start:stop], y[start:stop]
        total: Any = None
        if np.maximum.reduce(a, None) <= SAFE:
            total = row_sums(np.exp(a, out=out))
        if total is None or not total.min() > TINY:
            np.subtract(a, np.maximum.reduce(a, 1, keepdims=True), out=out)
            total = row_sums(np.exp(out, out=out))
        np.multiply(out, (1 / total)[:, None], out=out)

    _by_rows(task, rows)
    return y.reshape(x.shape)


@kernel("cpu")
def softmax_gradient(xp: Any, g: Array, y: Array, axis: int) -> Array:
    """See `plain.loss.softmax_gradient`."""
    if _is_plain(y, axis) or g.dtype != y.dtype:
        form: Array = plain.softmax_gradient(xp, g, y, axis)
        return form
    rows = y.reshape(-1, y.shape[-1])
    given = np.ascontiguousarray(g).reshape(rows.shape)
    dx = np.empty_like(rows)

    def task(start: int, stop: int) -> None:
        p, h, out = rows[start:stop], given[start:stop], dx[start:stop]
        np.subtract(h, row_dots(h, p)[:, None], out=out)
        np.multiply(out, p, out=out)

    _by_rows(task, rows)
    return dx.reshape(y.shape)
