"""Sums on NumPy that keep their digits, in no more time.

NumPy adds along the fastest axis in pairs, and along all others row after row: there the error
grows with the number of rows. Here no more than `RUN` rows are added one after the other; their
sums are added in the same way, the last of them in float64. Where rows are short, several together
are one longer row, which saves most of NumPy's time.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..kernel import kernel
from ..plain.sums import Axis, count
from ..plain.sums import sum as plain
from .threads import parallel
from .workspace import scratch

__all__ = ["cumsum", "sum"]

Array = np.ndarray[Any, Any]

RUN = 32  # rows that are added one after the other
WIDE = 1024  # elements of a row that NumPy adds at full speed
LONG = 1 << 14  # and of one that stays in the fastest cache
ONE = 1 << 10  # numbers whose sum is one dot product
PIECE = 1 << 13  # elements of one dot product: it has at least 16 partial sums of its own
PART = 1 << 9  # and of each of many
MANY = 500  # results of a product from which on NumPy lets other threads run meanwhile
SHARED = 1 << 18  # elements that are worth another thread
WIDE_SUM = np.float64  # in which sums of sums are added
STEP = 1 << 15  # elements of a running sum at a time: they stay in the cache
# A product with ones is the fastest sum of few numbers, also if they are made float64 for it, and
# of a small matrix's rows. Larger ones would go to BLAS's threads.
SMALL, FEW = 9000, 256
SEVERAL = 8  # rows of which that is worth it
FREE = 512  # numbers that are few in this sense
SHORT = 64  # elements of a row that NumPy adds slowly
LARGE = 1 << 15  # elements that are worth a look at how they lie
MIDDLE = 1 << 17  # elements: of more, NumPy's long rows are faster than many small products

_add: Any = np.add.reduce  # (a, axis, dtype, out, keepdims)
_FIRST = [tuple(range(n)) for n in range(65)]  # the first n axes


@kernel("cpu")
def sum(xp: Any, a: Array, axis: Axis = None, dtype: Any = None, keepdims: Any = False) -> Any:
    """See `plain.sums.sum`."""
    every = axis is None or (len(axis) if isinstance(axis, tuple) else 1) == a.ndim
    if SEVERAL < a.size <= ONE and every and a.flags.forc and _floating(a, dtype):
        row, kind = a.ravel("K"), a.dtype.type
        if RUN < a.size <= FREE:
            row = row.astype(WIDE_SUM)
        total = kind(row.dot(_ones(ONE, row.dtype)[: a.size]))
        return total.reshape([1] * a.ndim) if keepdims else total
    if a.size <= RUN:
        return _add(a, axis, dtype, None, keepdims)
    terms = a.shape[axis] if type(axis) is int else count(a, axis)
    if terms <= RUN and (a.ndim < 3 or a.size < LARGE):
        matrix = a.ndim == 2 and a.size < SMALL and terms > SEVERAL and axis in (0, (0,))
        if matrix and a.flags.c_contiguous and _floating(a, dtype):
            y = _product(a)
            return y[None] if keepdims else y
        return _add(a, axis, dtype, None, keepdims)
    if dtype is not None and a.dtype != dtype and a.itemsize == 2:
        a = a.astype(dtype)
    if a.dtype.char == "F":
        return plain(xp, a, axis, dtype, keepdims)
    if not _floating(a, dtype) or (every and a.flags.forc):  # in memory all of it is one row
        return _add(a, axis, dtype, None, keepdims)
    places = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(k % a.ndim for k in places)
    if len(axes) == 1 and a.strides[axes[0]] == a.itemsize:  # in pairs as it is
        return _add(a, axis, None, None, keepdims)
    if a.flags.c_contiguous and axes == _FIRST[len(axes)]:
        y = _over_rows(a, axes)
    else:
        y = _by_memory(a, axes)
    if y.dtype != a.dtype:
        y = y.astype(a.dtype)
    if keepdims:
        y = y.reshape([1 if k in axes else n for k, n in enumerate(a.shape)])
    return y if y.ndim else y[()]


def _floating(a: Array, dtype: Any) -> bool:
    return a.dtype.char in "fd" and (dtype is None or a.dtype == dtype)


@functools.cache
def _ones(size: int, dtype: Any) -> Array:
    return np.ones(size, dtype)


def _over_rows(a: Array, axes: tuple[int, ...]) -> Array:
    """The sum of a C-contiguous array over its first axes, `axes` being 0, 1, …"""
    rest = a.shape[len(axes) :]
    if a.ndim > 2:
        a = a.reshape(math.prod(a.shape[: len(axes)]), math.prod(rest))
    rows, inner = a.shape
    run = _run(rows)
    y: Array
    if a.size < SMALL and rows <= FEW:
        y = _product(a)
    elif a.size < MIDDLE and run * inner < SMALL and rows % run == 0:
        y = _over(np.matmul(_ones(run, a.dtype), a.reshape(rows // run, run, inner)), 0, WIDE_SUM)
    else:
        y = _over(a, 0)
    return y if len(rest) == 1 else y.reshape(rest)


def _product(a: Array) -> Array:
    """The sum of the rows of a C-contiguous matrix as a product with ones, of few in float64."""
    if a.size > ONE:
        return _ones(len(a), a.dtype).dot(a)  # type: ignore[no-any-return]
    return _ones(len(a), WIDE_SUM).dot(a).astype(a.dtype, copy=False)  # type: ignore[no-any-return]


def _by_memory(a: Array, axes: tuple[int, ...]) -> Array:
    """The sum over some axes of an array in any memory order.

    Axes that are neighbours in memory and both summed, or both kept, are joined to one; then the
    summed ones are added up, one at a time, the fastest in memory first.
    """
    order = sorted(range(a.ndim), key=lambda k: -abs(a.strides[k]))
    shape: list[int] = []
    summed: list[bool] = []
    stride = 0
    for k in order:
        size, last = a.shape[k], stride
        if size == 1:
            continue
        stride = a.strides[k]
        if summed and summed[-1] == (k in axes) and last == size * stride:
            shape[-1] *= size
        else:
            shape.append(size)
            summed.append(k in axes)
    y = view = a.transpose(order).reshape(shape)  # a view: only neighbours were joined
    while True in summed:
        k = len(summed) - 1 - summed[::-1].index(True)
        dtype = None if y is view else WIDE_SUM
        y = _over(y, k, dtype) if k < y.ndim - 1 else _add(y, k, dtype)
        del summed[k]
    kept = [k for k in order if k not in axes]
    y = np.asarray(y).reshape([a.shape[k] for k in kept])
    return y.transpose(sorted(range(len(kept)), key=kept.__getitem__))


def _over(a: Array, k: int, last: Any = None) -> Array:
    """The sum over an axis k that isn't the fastest in memory, `RUN` rows at most after another.

    The last additions are in a dtype; of sums in float64: their own roundings even out, those of
    their few sums would not.
    """
    rows = a.shape[k]
    lead, rest, before = a.shape[:k], a.shape[k + 1 :], (slice(None),) * k
    inner, one_piece = math.prod(rest), a[(0,) * k].flags.c_contiguous
    if rows <= RUN:
        first = _first(rows) if k and inner <= SHORT and one_piece else 1
        if first > 1:  # longer rows
            a = _add(a.reshape(*lead, first, rows // first * inner), k)
            a = a.reshape(*lead, rows // first, *rest)
        y: Array = _add(a, k, last)
        return y
    run = _run(rows)
    whole = rows - rows % run
    if one_piece and whole * inner <= RUN * LONG:  # few and long rows
        y = _add(a[(*before, slice(whole))].reshape(*lead, run, whole // run * inner), k)
        y = _over(y.reshape(*lead, whole // run, *rest), k, WIDE_SUM)
    elif one_piece and 2 * inner <= WIDE:
        size = WIDE // inner
        whole = rows - rows % size
        y = _over(a[(*before, slice(whole))].reshape(*lead, rows // size, size * inner), k)
        y = _over(y.reshape(*lead, size, *rest), k, WIDE_SUM)
    else:
        y = _runs(a[(*before, slice(whole))].reshape(*lead, whole // run, run, *rest), k + 1)
        y = _over(y, k, WIDE_SUM)
    return y if whole == rows else y + _over(a[(*before, slice(whole, None))], k)


@functools.cache
def _run(rows: int) -> int:
    """How many rows to add one after the other: at most `RUN`, a divisor of `rows` if possible."""
    return next((n for n in range(RUN, RUN // 2, -1) if rows % n == 0), RUN)


@functools.cache
def _first(rows: int) -> int:
    """Into how many parts to cut few rows: about four long ones each; 1 if they can't be."""
    return next((n for n in range(8, 2, -1) if rows % n == 0 and n < rows), 1)


def _runs(a: Array, k: int) -> Array:
    """The sum over an axis that is short; on several threads if there is much of it."""
    if k != 1 or a.size < 2 * SHARED:
        y: Array = _add(a, k)
        return y
    out = np.empty((len(a), *a.shape[2:]), a.dtype)

    def part(first: int, last: int) -> None:
        _add(a[first:last], 1, None, out[first:last])

    parallel(part, len(a), least=1 + SHARED * len(a) // a.size)
    return out


def row_sums(a: Array, out: Array | None = None) -> Array:
    """The sum of each row of a (R, L) → (R), as the row's dot product with ones.

    That is the fastest sum of what lies in the cache. Long rows are taken in parts, as one product
    of a matrix with ones if they can be: twice as fast, and without the interpreter's lock.
    """
    rows, length = a.shape
    ones = _ones(PIECE, a.dtype)
    if _at_once(a):
        return np.vecdot(a, ones[:length], out)
    size = _divisor(length) if a.flags.c_contiguous else 0
    if not size:
        return _parts(a, None, out)
    return _joined(np.dot(a.reshape(-1, size), ones[:size]).reshape(rows, -1), None, out)


def fine_sums(a: Array, out: Array) -> Array:
    """As `row_sums`, for sums near 0: of parts so short that half of its rounding errors are left.

    In float32 a sum of n numbers around 0 is off by roundings of partial sums, up to √n of them.
    """
    rows, length = a.shape
    size = _fine(length) if a.flags.c_contiguous and length >= PART else 0
    if not size:
        return row_sums(a, out)
    return _joined(
        np.dot(a.reshape(-1, size), _ones(PIECE, a.dtype)[:size]).reshape(rows, -1), None, out
    )


@functools.cache
def _fine(length: int) -> int:
    """The size of the equal parts that a row is cut into, near `RUN`; 0 if there is none."""
    return next((n for n in (RUN, *range(RUN + 1, 2 * RUN + 1)) if length % n == 0), 0)


def row_dots(a: Array, b: Array, out: Array | None = None) -> Array:
    """Σ_l a[r, l] b[r, l] for each row r of two matrices (R, L) → (R)."""
    return np.vecdot(a, b, out) if _at_once(a) else _parts(a, b, out)


def fine_dots(a: Array, b: Array, out: Array) -> Array:
    """As `row_dots`, for sums near 0: of rows that have several parts of `PART // 2` elements."""
    if not 2 * PART <= a.shape[1] <= PIECE:
        return row_dots(a, b, out)
    return _parts(a, b, out, PART // 2)


def _at_once(a: Array) -> bool:
    """Whether rows are not cut: short ones, and those of a product that is over soon."""
    length = a.shape[1]
    return length <= PART or (length <= PIECE and a.size < MANY * PART)


@functools.cache
def _divisor(length: int) -> int:
    """The size of the equal parts that a row is cut into, near `PART`; 0 if there is none."""
    return next((n for n in (PART, *range(2 * PART, PART // 2, -1)) if length % n == 0), 0)


def _parts(a: Array, b: Array | None, out: Array | None, size: int = PART) -> Array:
    """Dot products of the rows of a and b (R, L) → (R), in parts of a size; b is ones if None.

    `np.vecdot` keeps the interpreter's lock, and so other threads from their parts, unless it has
    more than 500 results: hence so short parts.
    """
    rows, length = a.shape
    n = length // size
    whole = n * size

    def dots(low: int, high: int, *shape: int) -> Array:
        right = _ones(shape[-1], a.dtype) if b is None else b[:, low:high].reshape(shape)
        found: Array = np.vecdot(a[:, low:high].reshape(shape), right)
        return found

    rest = dots(whole, length, rows, length - whole) if whole < length else None
    return _joined(dots(0, whole, rows, n, size), rest, out)


def _joined(parts: Array, rest: Array | None, out: Array | None) -> Array:
    """The sums (R) of the parts (R, n) of rows and of what is left over (R), in float64."""
    total = _add(parts, 1, np.float64)
    if rest is not None:
        total += rest
    out = np.empty(len(parts), parts.dtype) if out is None else out
    out[...] = total
    return out


@kernel("cpu")
def cumsum(xp: Any, a: Array, axis: int) -> Array:
    """See `plain.sums.cumsum`; a stretch at a time goes through float64, in the cache."""
    if a.dtype != np.float32 or a.size == 0:
        wider = np.complex128 if a.dtype == np.complex64 else None
        form: Array = np.add.accumulate(a, axis, wider).astype(a.dtype, copy=False)
        return form
    if a.size <= STEP or a.shape[axis] <= RUN:
        return np.add.accumulate(a, axis, np.float64).astype(np.float32)
    axis %= a.ndim
    y = np.empty_like(a)
    source, target = np.moveaxis(a, axis, -1), np.moveaxis(y, axis, -1)
    last = np.zeros(source.shape[:-1])
    step = max(RUN, STEP // max(last.size, 1))
    for start in range(0, source.shape[-1], step):
        of = (..., slice(start, start + step))
        last = _go_on(source[of], target[of], last, axis < a.ndim - 1)
    return y


def _go_on(source: Array, target: Array, last: Array, turned: bool) -> Array:
    """Running sums from the last ones on, in the array given; the last of these."""
    wide: Array = scratch("running sums", source.shape, np.float64)
    if turned:  # the running axis first in memory, as in the source
        wide = np.moveaxis(wide.reshape(source.shape[-1], *last.shape), 0, -1)
    wide[...] = source
    wide[..., 0] += last
    np.add.accumulate(wide, axis=-1, out=wide)
    target[...] = wide
    return wide[..., -1].copy()
