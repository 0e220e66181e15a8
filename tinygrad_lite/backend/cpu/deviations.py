"""Variances and means on NumPy: rounded once, as PyTorch's, in no more time than float32 takes.

A small array is made float64. Of a large one deviations and their squares are float32: their
roundings even out, for each has its own. Those of a sum do not, so the last additions are in
float64 (`_wide_sum`), and what follows. Where that is not enough (a mean far beyond the deviations,
squares beyond the largest and the least number) a large one is made float64 too; and where
roundings do not even out, since there are few terms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..kernel import kernel
from ..plain import deviations as plain
from ..plain.sums import count
from .sums import sum
from .threads import parallel
from .workspace import scratch

__all__ = ["variance", "variance_and_mean"]

Array = np.ndarray[Any, Any]
Place = tuple[slice, ...]

SMALL = 1 << 14  # elements: of fewer, float64 costs less than the calls that it saves
BLOCK = 1 << 17  # elements of float32 that stay in the cache
SHARED = 1 << 18  # elements that are worth another thread
PARTS = 16  # terms of each sum that a block should have: partial sums are passes over memory
FEW = 16  # terms whose roundings may not even out
FOLD = 8  # squares of each sum that are added in float32 first, where there are so many
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
        return plain.variance(xp, x, axis, free, keepdims)  # type: ignore[no-any-return]
    y: Array = np.divide(_moments(xp, x, axis, False)[0], free)
    return y if keepdims else y.squeeze(axis)


@kernel("cpu")
def variance_and_mean(
    xp: Any, x: Array, axis: tuple[int, ...], free: float, keepdims: bool = False
) -> Array:
    """See `plain.deviations.variance_and_mean`."""
    if x.dtype != np.float32 or x.size == 0:
        return plain.variance_and_mean(xp, x, axis, free, keepdims)  # type: ignore[no-any-return]
    squares, mean = _moments(xp, x, axis, True)
    y = np.empty((2, *mean.shape))
    np.divide(squares, free, out=y[0, ...])
    y[1, ...] = mean
    return y if keepdims else y.squeeze(tuple(k + 1 for k in axis))


def _moments(xp: Any, x: Array, axis: tuple[int, ...], exactly: bool) -> tuple[Any, Any]:
    """Σ (x − x̄)² in float64, and x̄: so if `exactly`. The axes stay as size 1."""
    n = count(x, axis)
    if x.size <= SMALL:
        return _wide(xp, x.astype(np.float64), axis)
    if n < FEW:
        return _of_few(xp, x, axis)
    total = _sum(xp, x, None, axis) if exactly else sum(xp, x, axis, None, True)
    mean = (total / n).astype(np.float32)
    squares = _sum(xp, x, mean, axis)
    least = mean * mean
    least += FAR * TINY
    least *= n / FAR
    fair = (least <= squares) & (squares < math.inf)
    if not fair.all() and (xp.amax(x, axis=axis, keepdims=True) != mean)[~fair].any():
        return _wide(xp, x.astype(np.float64), axis)
    return squares, total / n


def _wide(xp: Any, t: Array, axis: tuple[int, ...]) -> tuple[Any, Any]:
    """Σ (t − mean)² of float64, in which the squares are left, and the mean."""
    mean = sum(xp, t, axis, None, True) / count(t, axis)
    t -= mean
    t *= t
    return sum(xp, t, axis, None, True), mean


def _of_few(xp: Any, x: Array, axis: tuple[int, ...]) -> tuple[Any, Any]:
    """As `_wide`, of less than `FEW` terms, a block at a time: with d = x − x₀, x₀ the first term.

    Σ (x − x̄)² = Σ d² − (Σ d)² / n. Of n terms none is further than √n deviations from the mean,
    so what cancels is no more than n times what is left.
    """
    n = count(x, axis)
    squares, mean = np.empty((2, *_kept(x, axis)))
    first = tuple(slice(0, 1) if k in axis else slice(None) for k in range(x.ndim))
    others = tuple(slice(int(axis == (k,)), None) for k in range(x.ndim))

    def task(at: Place, of: Place) -> None:
        t = _like(x[at], axis, np.float64)
        t[...] = x[at]
        first_of_all = t[first].copy()
        d = t[others]
        np.subtract(d, first_of_all, out=d)
        total = _add(d, axis, None, None, True)
        middle = np.divide(total, n, out=mean[of])
        np.multiply(middle, total, out=total)
        np.add(middle, first_of_all, out=middle)
        np.multiply(d, d, out=d)
        np.subtract(_add(d, axis, None, None, True), total, out=squares[of])

    _in_blocks(task, x, axis, BLOCK)
    return squares, mean


def _sum(xp: Any, x: Array, mean: Array | None, axis: tuple[int, ...]) -> Any:
    """Σ (x − mean)², or Σ x without a mean, in float64; the axes stay as size 1."""
    many = ROW if min(range(x.ndim), key=lambda k: abs(x.strides[k])) in axis else ROWS

    def task(at: Place, of: Place) -> Any:
        if mean is None:
            return _wide_sum(xp, x[at], axis, many, FOLD // 2)
        t = _like(x[at], (), np.float32)
        np.subtract(x[at], mean[of], out=t)
        np.multiply(t, t, out=t)
        return _wide_sum(xp, t, axis, many, FOLD)

    found = _in_blocks(task, x, axis, BLOCK)
    if len(found) == 1:
        return found[0][1]
    y = np.zeros(_kept(x, axis))
    for of, one in found:
        y[of] += one
    return y


def _kept(x: Array, axis: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a sum over some axes, which stay as size 1."""
    return tuple(1 if k in axis else n for k, n in enumerate(x.shape))


def _like(x: Array, slowest: tuple[int, ...], dtype: Any) -> Array:
    """Scratch memory of the shape of x and in its order, but for axes that come first in it."""
    order = sorted(range(x.ndim), key=lambda k: (k not in slowest, -abs(x.strides[k])))
    t: Array = scratch("deviations", tuple(x.shape[k] for k in order), dtype)
    return t.transpose(sorted(range(x.ndim), key=order.__getitem__))


def _in_blocks(task: Any, x: Array, axis: tuple[int, ...], most: int) -> list[tuple[Place, Any]]:
    """Call `task(at, of)` for places in x and in its sums, on several threads.

    Returns:
        Pairs of `of` and what the task returned, in order.
    """
    places = [*_blocks(x, (slice(None),) * x.ndim, axis, most)]
    sums = [tuple(slice(None) if k in axis else p for k, p in enumerate(at)) for at in places]
    found: list[Any] = [None] * len(places)

    def part(first: int, last: int) -> None:
        for k in range(first, last):
            found[k] = sums[k], task(places[k], sums[k])

    parallel(part, len(places), least=1 + SHARED * len(places) // x.size)
    return found


def _wide_sum(xp: Any, a: Array, axis: tuple[int, ...], many: int, fold: int) -> Any:
    """Σ a over some axes, of float32 in float64; the axes stay as size 1.

    Of an axis of many elements first sums of `fold` are in float32: their roundings even out too.
    """
    k = max(axis, key=a.shape.__getitem__)
    rows = a.shape[k]
    if rows < many:
        return _add(a, axis, np.float64, None, True)
    whole, before = rows - rows % fold, (slice(None),) * k
    shape = (*a.shape[:k], fold, whole // fold, *a.shape[k + 1 :])
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
