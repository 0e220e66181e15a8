"""The variance on NumPy: rounded once, as PyTorch's, in no more time than float32 takes.

A small array is made float64. Of a large one deviations and their squares are float32: their
roundings even out, for each has its own. Those of a sum do not, so the last additions are in
float64 (`_wide_sum`), and what follows. Where that is not enough (a mean far beyond the
deviations, squares beyond the largest and the least number) a large one is made float64 too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..kernel import kernel
from ..plain.deviations import variance as plain
from ..plain.sums import count
from .sums import sum
from .threads import parallel
from .workspace import scratch

__all__ = ["variance"]

Array = np.ndarray[Any, Any]
Place = tuple[slice, ...]

SMALL = 1 << 14  # elements: of fewer, float64 costs less than the calls that it saves
BLOCK = 1 << 17  # elements of float32 that stay in the cache
SHARED = 1 << 18  # elements that are worth another thread
PARTS = 16  # terms of each sum that a block should have: partial sums are passes over memory
FEW = 16  # terms whose roundings may not even out
FOLD = 8  # terms of each sum that are added in float32 first, where there are so many
ROWS, ROW = 64, 512  # that this is faster: along any axis, and along the fastest
FAR = 1e4  # a mean of so many variances, squared, is rounded by too much
TINY = 1e-28  # a square of which digits were lost, or that became 0

_add: Any = np.add.reduce  # (a, axis, dtype, out, keepdims)


@kernel("cpu")
def variance(
    xp: Any, x: Array, axis: tuple[int, ...], free: float, keepdims: bool = False
) -> Array:
    """See `plain.deviations.variance`."""
    if x.dtype != np.float32 or x.size == 0:
        return plain(xp, x, axis, free, keepdims)  # type: ignore[no-any-return]
    n = count(x, axis)
    if x.size <= SMALL or n < FEW:
        squares = _squares(xp, x, None, axis)
    else:
        mean = sum(xp, x, axis, None, True) / n
        squares = _squares(xp, x, mean, axis)
        least = mean * mean
        least += FAR * TINY
        least *= n / FAR
        fair = (least <= squares) & (squares < math.inf)
        if not fair.all() and (xp.amax(x, axis=axis, keepdims=True) != mean)[~fair].any():
            squares = _wide(xp, x.astype(np.float64), axis)
    y: Array = np.divide(squares, free)
    return y if keepdims else y.squeeze(axis)


def _wide(xp: Any, t: Array, axis: tuple[int, ...]) -> Any:
    """Σ (t − mean)² of float64, in which the squares are left; the axes stay as size 1."""
    t -= sum(xp, t, axis, None, True) / count(t, axis)
    t *= t
    return sum(xp, t, axis, None, True)


def _squares(xp: Any, x: Array, mean: Array | None, axis: tuple[int, ...]) -> Any:
    """Σ (x − mean)² in float64; the axes stay as size 1. A block goes through all steps at once.

    With None it has the whole of each sum, and is made float64.
    """
    if x.size <= (BLOCK // 2 if mean is None else BLOCK):
        return _of_block(xp, x, mean, axis)
    places = [*_blocks(x, (slice(None),) * x.ndim, axis, BLOCK // 2 if mean is None else BLOCK)]
    sums = [tuple(slice(None) if k in axis else p for k, p in enumerate(at)) for at in places]
    found: list[Any] = [None] * len(places)

    def part(first: int, last: int) -> None:
        for k in range(first, last):
            of = None if mean is None else mean[sums[k]]
            found[k] = _of_block(xp, x[places[k]], of, axis)

    parallel(part, len(places), least=1 + SHARED * len(places) // x.size)
    y = np.zeros([1 if k in axis else n for k, n in enumerate(x.shape)])
    for of, squares in zip(sums, found, strict=True):
        y[of] += squares
    return y


def _of_block(xp: Any, x: Array, mean: Array | None, axis: tuple[int, ...]) -> Any:
    order = sorted(range(x.ndim), key=lambda k: -abs(x.strides[k]))  # as x lies in memory
    dtype = np.float64 if mean is None else np.float32
    t: Array = scratch("deviations", tuple(x.shape[k] for k in order), dtype)
    t = t.transpose(sorted(range(x.ndim), key=order.__getitem__))
    if mean is None:
        t[...] = x
        return _wide(xp, t, axis)
    np.subtract(x, mean, out=t)
    np.multiply(t, t, out=t)
    return _wide_sum(xp, t, axis, ROW if order[-1] in axis else ROWS)


def _wide_sum(xp: Any, a: Array, axis: tuple[int, ...], many: int) -> Any:
    """Σ a over some axes, of float32 in float64; the axes stay as size 1.

    Of an axis of many elements first sums of FOLD are in float32: their roundings even out too.
    """
    k = max(axis, key=a.shape.__getitem__)
    rows = a.shape[k]
    if rows < many:
        return _add(a, axis, np.float64, None, True)
    whole, before = rows - rows % FOLD, (slice(None),) * k
    shape = (*a.shape[:k], FOLD, whole // FOLD, *a.shape[k + 1 :])
    partial = _add(a[(*before, slice(whole))].reshape(shape), k)
    y = sum(xp, partial.astype(np.float64), axis, None, True)
    if whole < rows:
        y += _add(a[(*before, slice(whole, None))], axis, np.float64, None, True)
    return y


def _blocks(x: Array, place: Place, axis: tuple[int, ...], most: int) -> Iterator[Place]:
    """Places of about that many elements each that together are all of x."""
    sizes = x[place].shape
    size = math.prod(sizes)
    if size <= most:
        yield place
        return
    slowest = sorted((k for k in range(x.ndim) if sizes[k] > 1), key=lambda k: -abs(x.strides[k]))
    k = slowest[0]
    if k in axis and PARTS * size // sizes[k] > most:  # its partial sums would be many
        k = next((k for k in slowest if k not in axis), k)
    step = max(most * sizes[k] // size, 1)
    step -= step % FOLD if step > FOLD else 0
    for start in range(0, sizes[k], step):
        yield from _blocks(x, (*place[:k], slice(start, start + step), *place[k + 1 :]), axis, most)
