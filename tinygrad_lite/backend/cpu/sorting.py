"""The k largest of many elements (`topk`), without sorting all of them.

Rows are first cut down to few candidates, in groups; then the k first of those are found with
`partition` and only they are sorted.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..flat import Array
from ..kernel import kernel
from ..plain.sorting import argtopk as plain

__all__ = ["argtopk"]

FEW = 8  # k is at most the 8th part of a row; else sorting it all is as fast
LONG = 1000  # elements of a row from which on `_candidates` pays
SMALL = 1 << 13  # elements of a matrix whose columns' numbers are kept for the next of its shape
SORTED = (
    100  # elements of a single row that are sorted sooner than its largest are taken one by one
)
RANKED, WALKED = 16, 1 << 18  # how many of these at most, and elements to look at for them
SHORT = 64  # elements up to which sorting all is as fast as `partition`


@kernel("cpu")
def argtopk(xp: Any, a: Any, k: int, axis: int, largest: bool) -> Any:
    """The indices of the k largest (or smallest) along an axis, in order; see `plain.sorting`.

    NaN counts as the largest.
    """
    n = a.shape[axis]
    if a.ndim == 1 and 0 < k <= RANKED and n * k <= WALKED and a.dtype.char in "fd":
        one = _of_one_row(a, k, largest)
        if one is not None:
            return one
    if k == 0 or n < FEW * k or a.dtype.kind == "V" or not a.size:
        return plain(xp, a, k, axis, largest)
    moved = a if axis == a.ndim - 1 else a.swapaxes(axis, -1)
    rows = moved.reshape(-1, n)
    columns = _candidates(rows, k, largest) if n >= LONG else None
    if columns is not None:
        rows = np.take_along_axis(rows, columns, axis=1)
    numbers = _numbers(*rows.shape) if columns is None else columns
    found = _by_keys(rows, numbers, k, largest) if a.dtype == np.float32 else None
    if found is None:
        found = _by_places(xp, rows, k, largest)
        found = found if columns is None else np.take_along_axis(columns, found, axis=1)
    found = found.reshape(*moved.shape[:-1], k)
    return found if moved is a else found.swapaxes(axis, -1)


def _of_one_row(a: Array, k: int, largest: bool) -> Array | None:
    """The k first of one row in as few calls as can be; None where a NaN or an infinity is met."""
    if a.size <= SORTED:
        order = (-a if largest else a).argsort(kind="stable")
        last = a[order[-1]]  # NaN, if there is one
        return order[:k] if not largest or last == last else None
    left, found = a.copy() if largest else -a, []
    for _ in range(k):
        place = left.argmax()
        if not left[place] > -np.inf:
            return None
        left[place] = -np.inf
        found.append(place)
    return np.array(found)


def _numbers(rows: int, columns: int) -> Array:
    """The columns' numbers, for each row of a small matrix by itself and else for all of them.

    To join a matrix with each row of another takes longer than with its rows as they lie.
    """
    return _lined_up(rows, columns) if rows * columns <= SMALL else np.arange(columns)


@functools.lru_cache(maxsize=8)
def _lined_up(rows: int, columns: int) -> Array:
    """0, 1, …, columns − 1 in each row; not to be written to."""
    numbers = np.tile(np.arange(columns), (rows, 1))
    numbers.flags.writeable = False
    return numbers


def _candidates(rows: Array, k: int, largest: bool) -> Array:
    """Columns in ascending order, among which are the k largest of each row.

    Those are in the k groups with the largest maxima, and in what is left of a row behind the
    groups. A group is every so many-th element, so that maxima are taken of long rows.
    """
    count, n = rows.shape
    groups = math.isqrt(k * n)  # then there are as many groups as elements in k of them
    size = n // groups
    shaped = rows[:, : size * groups].reshape(count, size, groups)
    least: Any = np.fmin if rows.dtype.kind == "f" else np.minimum  # NaN is the largest
    best = (np.maximum if largest else least).reduce(shaped, axis=1)
    place = groups - k if largest else k - 1
    order = np.argpartition(best, place, axis=1)
    chosen = order[:, place:] if largest else order[:, :k]
    chosen.sort(axis=1)
    within = chosen[:, None, :] + groups * np.arange(size)[:, None]
    rest = np.broadcast_to(np.arange(size * groups, n), (count, n - size * groups))
    return np.concatenate([within.reshape(count, size * k), rest], axis=1)


def _by_keys(rows: Array, numbers: Array, k: int, largest: bool) -> Array | None:
    """The column numbers (R, k) of the k first of each float32 row, or None if there is a NaN.

    The bits of a float, read as an integer, are in the floats' order; so are a negative float's
    once all bits but its sign are inverted. Such an integer in the upper half of 64 bits and the
    column number in the lower half make one key: a plain sort of keys sorts by value, equal
    values by column, and carries the columns along.

    Args:
        rows: float32 (R, C).
        numbers: the columns' numbers, of one row (C) for all, or of each (R, C).
        k: how many.
        largest: whether the largest come first, or the smallest.
    """
    zero = np.float32(0)  # adding it makes a copy in which −0 is 0
    values = np.subtract(zero, rows) if largest else np.add(rows, zero)
    flat = values.reshape(-1)
    if math.isnan(np.dot(flat, flat)):  # of squares, so that infinities don't meet
        return None
    bits = values.view(np.int32)
    signs = bits >> 31
    signs &= 0x7FFFFFFF
    bits ^= signs
    keys = bits.astype(np.int64)
    keys <<= 32
    keys |= numbers
    if keys.shape[1] > SHORT:
        keys.partition(k - 1, axis=1)
        keys = keys[:, :k]
    keys.sort(axis=1)
    return keys[:, :k].astype(np.int32).astype(np.int64)  # the lower halves


def _by_places(xp: Any, rows: Array, k: int, largest: bool) -> Array:
    """The columns (R, k) of the k first of each row (R, C), for any dtype and with NaN."""
    place = rows.shape[1] - k if largest else k - 1
    part = slice(place, None) if largest else slice(0, k)
    chosen = np.argpartition(rows, place, axis=1)[:, part]
    chosen.sort(axis=1)  # by place, so that equal ones keep their order
    order = plain(xp, np.take_along_axis(rows, chosen, axis=1), k, 1, largest)
    return np.take_along_axis(chosen, order, axis=1)
