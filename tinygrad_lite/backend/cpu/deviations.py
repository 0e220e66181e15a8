"""Variances and means on NumPy: rounded once, as PyTorch's, in little more time than float32 takes.

A small array is made float64. Of more numbers, but few terms, Σ x² and Σ x are added in float64,
which is nearly free: `einsum` multiplies and adds in one pass. Of many terms deviations and their
squares are float32: their roundings even out, for each has its own. Those of a sum do not, so the
last additions are in float64 (`_wide_sum`), and what follows. Where that is not enough (a mean far
beyond the deviations, squares beyond the largest and the least number) the array is made float64
too, and its deviations are squared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..kernel import kernel
from ..plain import deviations as plain
from ..plain.sums import count
from .memory import keep_freed_memory
from .sums import sum
from .threads import parallel
from .workspace import scratch

__all__ = ["variance", "variance_and_mean"]

Array = np.ndarray[Any, Any]
Place = tuple[slice, ...]

SMALL = 1 << 15  # elements: of fewer, float64 costs less than the calls that it saves
BLOCK = 1 << 17  # elements of float32 that stay in the cache
WIDE = 1 << 18  # and of float64 that stay near: a block's calls take as long as 20,000 elements
SHARED = 1 << 18  # elements that are worth another thread
PARTS = 16  # terms of each sum that a block should have: partial sums are passes over memory
FEW = 64  # terms whose roundings, of eight at a time, may not even out
ROW = 512  # and of which, along the fastest axis, float64 is as fast
SHORT = 32  # terms along the fastest axis that are added as rows
NARROW = 24  # results side by side that take as long as NumPy's call for a row of them
LEAST = 1 << 10  # elements that are worth turning around
FOLD = 8  # squares of each sum that are added in float32 first; half as many numbers, for means
LOST = 2.0**-27  # of Σ x², times √n: if less is left, too many digits were lost
FAR = 1e4  # a mean of so many variances, squared, is rounded by too much
TINY = 1e-28  # a square of which digits were lost, or that became 0

ENDS = slice(0, 1), slice(-1, None)

_add: Any = np.add.reduce  # (a, axis, dtype, out, keepdims)


@kernel("cpu")
def variance(
    xp: Any, x: Array, axis: tuple[int, ...], free: float, keepdims: bool = False
) -> Array:
    """See `plain.deviations.variance`."""
    if x.dtype != np.float32 or x.size == 0:
        return plain.variance(xp, x, axis, free, keepdims)  # type: ignore[no-any-return]
    y = np.divide(_moments(xp, x, axis, False)[0, ...], free)
    return y if keepdims else y.squeeze(axis)


@kernel("cpu")
def variance_and_mean(
    xp: Any, x: Array, axis: tuple[int, ...], free: float, keepdims: bool = False
) -> Array:
    """See `plain.deviations.variance_and_mean`."""
    if x.dtype != np.float32 or x.size == 0:
        return plain.variance_and_mean(xp, x, axis, free, keepdims)  # type: ignore[no-any-return]
    y = _moments(xp, x, axis, True)
    np.divide(y[0, ...], free, out=y[0, ...])
    return y if keepdims else y.squeeze(tuple(k + 1 for k in axis))


def _moments(xp: Any, x: Array, axis: tuple[int, ...], exactly: bool) -> Array:
    """Σ (x − x̄)² in float64, and x̄: so if `exactly`. The axes stay as size 1."""
    n = count(x, axis)
    y = np.empty((2, *_kept(x, axis)))
    squares, mean = y[0, ...], y[1, ...]
    if x.size <= (WIDE if n == x.size else SMALL) and not _narrow(x, axis):
        _wide(x.astype(np.float64), axis, squares, mean)
        return y
    if x.size <= WIDE or n <= (ROW if _fastest(x) in axis else FEW):
        _of_few(x, axis, squares, mean)
        return y
    total = _sum(xp, x, None, axis) if exactly else sum(xp, x, axis, None, True)
    np.divide(total, n, out=mean)
    near = mean.astype(np.float32)
    squares[...] = _sum(xp, x, near, axis)
    least = near * near
    least += FAR * TINY
    least *= n / FAR
    fair = (least <= squares) & (squares < math.inf)
    if not fair.all() and (xp.amax(x, axis=axis, keepdims=True) != near)[~fair].any():
        _wide(x.astype(np.float64), axis, squares, mean)
    return y


def _of_block(t: Array, axis: tuple[int, ...], squares: Array, mean: Array) -> None:
    """Σ (t − t̄)² of float64 that was float32, and t̄: from Σ t² and Σ t, if they allow.

    Their difference has lost so many digits as Σ t² is larger: of its 53, less those that n
    roundings cost, 27 are wanted. Where there are fewer the deviations themselves are squared.
    """
    _dots(t, axis, squares)
    _add(t, axis, None, mean, True)
    n = count(t, axis)
    total = mean * mean
    total *= 1 / n
    squares -= total
    mean *= 1 / n
    least = LOST * math.sqrt(n)
    if not squares.min() > least * total.max() and (squares < least * total).any():
        _wide(t, axis, squares, mean)


def _of_two(t: Array, axis: tuple[int, ...], squares: Array, mean: Array) -> None:
    """As `_of_block`, of two terms: half of their difference, squared, for each of them."""
    a, b = (t[tuple(p if k in axis else slice(None) for k in range(t.ndim))] for p in ENDS)
    np.add(a, b, out=mean)
    mean *= 0.5
    a -= b
    np.multiply(a, a, out=squares)
    squares *= 0.5


def _wide(t: Array, axis: tuple[int, ...], squares: Array, mean: Array) -> None:
    """Σ (t − t̄)² of float64, in which the squares are left, and t̄."""
    _add(t, axis, None, mean, True)
    mean /= count(t, axis)
    t -= mean
    t *= t
    _add(t, axis, None, squares, True)


def _dots(t: Array, axis: tuple[int, ...], out: Array | None = None) -> Array:
    """Σ t² over some axes, which stay as size 1; no squares are stored, no BLAS threads started."""
    if out is None:
        out = np.empty(_kept(t, axis), t.dtype)
    kept = [i for i, k in enumerate(k for k in range(t.ndim) if t.shape[k] > 1) if k not in axis]
    t, every = t.squeeze(), range(t.ndim)  # `einsum` has names for 52 axes only
    np.einsum(t, every[: t.ndim], t, every[: t.ndim], kept, out=out.squeeze())
    return out


def _of_few(x: Array, axis: tuple[int, ...], squares: Array, mean: Array) -> None:
    """As `_wide`, a block at a time, of which each has the whole of some sums."""
    n = count(x, axis)
    slowest = axis if n < SHORT else ()
    if _narrow(x, axis):
        slowest = tuple(k for k in range(x.ndim) if k not in axis)
    of_block = _of_two if n == 2 else _of_block

    def task(at: Any, of: Any) -> None:
        t = _like(x[at], slowest, np.float64)
        t[...] = x[at]
        of_block(t, axis, squares[of], mean[of])

    if x.size <= WIDE:
        keep_freed_memory()
        task(..., ...)
    else:
        _in_blocks(task, x, axis, WIDE, whole=True)


def _sum(xp: Any, x: Array, mean: Array | None, axis: tuple[int, ...]) -> Any:
    """Σ (x − mean)², or Σ x without a mean, in float64; the axes stay as size 1."""

    def task(at: Place, of: Place) -> Any:
        if mean is None:
            return _wide_sum(xp, x[at], axis, False)
        t = _like(x[at], (), np.float32)
        np.subtract(x[at], mean[of], out=t)
        return _wide_sum(xp, t, axis, True)

    found = _in_blocks(task, x, axis, BLOCK)
    if len(found) == 1:
        return found[0][1]
    y = np.zeros(_kept(x, axis))
    for of, one in found:
        y[of] += one
    return y


def _narrow(x: Array, axis: tuple[int, ...]) -> bool:
    """Whether few results lie side by side, of many terms each: sums along memory are faster."""
    if x.size < LEAST:
        return False
    row = 1
    for k in sorted(range(x.ndim), key=lambda k: abs(x.strides[k])):
        if k in axis and x.shape[k] > 1:
            return 1 < row < NARROW and x.shape[k] >= SHORT
        row *= x.shape[k]
    return False


def _fastest(x: Array) -> int:
    """The axis along which x lies in memory."""
    return min(range(x.ndim), key=lambda k: abs(x.strides[k]))


def _kept(x: Array, axis: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a sum over some axes, which stay as size 1."""
    return tuple(1 if k in axis else n for k, n in enumerate(x.shape))


def _like(x: Array, slowest: tuple[int, ...], dtype: Any) -> Array:
    """Scratch memory of the shape of x and in its order, but for axes that come first in it."""
    order = sorted(range(x.ndim), key=lambda k: (k not in slowest, -abs(x.strides[k])))
    t: Array = scratch("deviations", tuple(x.shape[k] for k in order), dtype)
    return t.transpose(sorted(range(x.ndim), key=order.__getitem__))


def _in_blocks(
    task: Any, x: Array, axis: tuple[int, ...], most: int, whole: bool = False
) -> list[tuple[Place, Any]]:
    """Call `task(at, of)` for places in x and in its sums, on several threads.

    Returns:
        Pairs of `of` and what the task returned, in order.
    """
    places = [*_blocks(x, (slice(None),) * x.ndim, axis, most, whole)]
    sums = [tuple(slice(None) if k in axis else p for k, p in enumerate(at)) for at in places]
    found: list[Any] = [None] * len(places)

    def part(first: int, last: int) -> None:
        for k in range(first, last):
            found[k] = sums[k], task(places[k], sums[k])

    parallel(part, len(places), least=1 + SHARED * len(places) // x.size)
    return found


def _wide_sum(xp: Any, a: Array, axis: tuple[int, ...], squared: bool) -> Any:
    """Σ a or Σ a² over some axes, of float32 in float64; the axes stay as size 1.

    Along the longest first sums of a few are in float32: their roundings even out too.
    """
    k = max(axis, key=a.shape.__getitem__)
    rows = a.shape[k]
    fold = min(FOLD if squared else FOLD // 2, rows)
    whole, before = rows - rows % fold, (slice(None),) * k
    shape = (*a.shape[:k], fold, whole // fold, *a.shape[k + 1 :])
    parts = a[(*before, slice(whole))].reshape(shape)
    partial = _dots(parts, (k,)).squeeze(k) if squared else _add(parts, k)
    y = sum(xp, partial.astype(np.float64), axis, None, True)
    if whole < rows:
        rest = a[(*before, slice(whole, None))]
        y += _add(rest * rest if squared else rest, axis, np.float64, None, True)
    return y


def _blocks(
    x: Array, place: Place, axis: tuple[int, ...], most: int, whole: bool
) -> Iterator[Place]:
    """Places of about that many elements each that together are all of x; `whole`: whole sums."""
    sizes = x[place].shape
    size = math.prod(sizes)
    slowest = sorted((k for k in range(x.ndim) if sizes[k] > 1), key=lambda k: -abs(x.strides[k]))
    if whole:
        slowest = [k for k in slowest if k not in axis]
    if size <= most or not slowest:
        yield place
        return
    k = slowest[0]
    if k in axis and PARTS * size // sizes[k] > most:  # its partial sums would be many
        k = next((k for k in slowest if k not in axis), k)
    step = max(most * sizes[k] // size, 1)
    step -= step % FOLD if step > FOLD else 0
    for start in range(0, sizes[k], step):
        part = slice(start, start + step)
        yield from _blocks(x, (*place[:k], part, *place[k + 1 :]), axis, most, whole)
