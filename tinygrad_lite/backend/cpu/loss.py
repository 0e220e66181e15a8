"""Softmax, its logarithm, cross entropy and Poisson's error on NumPy.

Of many elements a part goes through all passes while in the cache. Of few, and of rows of two,
everything is float64 and rounded once: NumPy's exponential in float32 is up to 2.5 last digits off.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..flat import Array, rows
from ..kernel import kernel
from ..plain import loss as plain
from .sums import row_dots, row_sums
from .threads import parallel
from .wide import few, widened
from .workspace import scratch

__all__ = [
    "log_softmax",
    "log_softmax_gradient",
    "logsumexp",
    "poisson_error",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_gradient",
    "softmax_cross_entropy_probabilities",
    "softmax_cross_entropy_probabilities_gradient",
    "softmax_gradient",
]

BLOCK = 1 << 21  # bytes of rows at a time: in short calls two threads wait for each other
SMALL = 1 << 12  # elements; up to here cutting into blocks takes longer than the work
ROW = 64  # elements of a row; longer ones take longer in float64
TINIEST = 256  # elements; of fewer, a look at how large they are takes longer than the work
SHARED = 1 << 16  # elements that are worth another thread
LONG = 512  # elements of a row, of which the largest of each takes no longer than that of all
TERMS = 32  # exponentials, of which the roundings even out: of fewer one had better be exactly 1
SAFE, TINY = 40.0, 1e-20  # the largest element whose exponential is taken as it is, the least sum
LEAST = 1e-4  # where they are divided by it: probabilities from 1e-34 on keep their digits
WIDE_SAFE = 300.0  # and in float64, also of a difference of two; their least sum is then e⁻³⁰⁰


def _is_plain(x: Array, axis: int) -> bool:
    """Whether `plain.loss` does it: for few elements, another memory order, or 16-bit floats."""
    return _turned(x, axis) or x.size <= SMALL or x.dtype.char not in "fd"


def _turned(x: Array, axis: int) -> bool:
    """Whether the axis isn't the last one of memory in one piece."""
    return axis not in (-1, x.ndim - 1) or not x.flags.c_contiguous


def _is_short(x: Array) -> bool:
    """Whether float64 takes no longer: for few elements in short rows."""
    return x.size <= SMALL and x.shape[-1] <= ROW


def _by_rows(task: Any, matrix: Array) -> None:
    """Call `task(start, stop)` on ranges that cover all rows, on several threads."""
    count, length = matrix.shape
    step = max(1, BLOCK // (length * matrix.itemsize))

    def part(first: int, last: int) -> None:
        for start in range(first, last, step):
            task(start, min(start + step, last))

    parallel(part, count, least=1 + SHARED // length)


def _once(form: Any, xp: Any, axis: Any, *arrays: Array) -> Array:
    """`form(xp, *arrays, axis)` in float64, rounded to float32."""
    found: Array = form(xp, *[a.astype(np.float64) for a in arrays], axis)
    return found.astype(np.float32)


def _pair(form: Any, xp: Any, *given: Any) -> tuple[Array, Array]:
    """`form(xp, …)` in float64: losses, rounded, and p, which stays so for the gradient."""
    losses, p = widened(form, xp, *given)
    return losses.astype(np.float32), p


@kernel("cpu")
def softmax(xp: Any, x: Array, axis: int) -> Array:
    """See `plain.loss.softmax`.

    Where no element is large and no sum tiny, exponentials are taken without looking for the
    largest element of each row, which takes as long as they do.
    """
    if x.size > TINIEST and x.dtype == np.float32 and not _turned(x, axis):
        length = x.shape[-1]
        if (length == 2 or _is_short(x)) and _is_safe(x):
            return _of_pairs(x) if length == 2 else _without_largest(x)
    if few(x):
        return _once(plain.softmax, xp, axis, x)
    if _is_plain(x, axis):
        form: Array = plain.softmax(xp, x, axis)
        return form
    matrix = x.reshape(-1, x.shape[-1])
    whole = np.empty_like(x)
    y = whole.reshape(matrix.shape)

    def task(start: int, stop: int) -> None:
        a, out = matrix[start:stop], y[start:stop]
        total: Any = None
        if np.maximum.reduce(a, None) <= SAFE:
            total = row_sums(np.exp(a, out=out))
        if total is None or not total.min() > LEAST:
            np.subtract(a, np.maximum.reduce(a, 1, keepdims=True), out=out)
            total = row_sums(np.exp(out, out=out))
        np.multiply(out, (1 / total)[:, None], out=out)

    _by_rows(task, matrix)
    return whole


def _is_safe(x: Array) -> bool:
    """Whether no eˣ and no eˣ⁻ˣ' is infinite or 0 in float64; false of infinities and NaN."""
    least, most = np.minimum.reduce(x, None), np.maximum.reduce(x, None)
    return bool(least >= -WIDE_SAFE and most <= WIDE_SAFE)


def _of_pairs(x: Array) -> Array:
    """Softmax of rows of two, (a, b) ↦ 1 / (1 + eᵇ⁻ᵃ), 1 / (1 + eᵃ⁻ᵇ), in float64."""
    pairs = x.reshape(-1, 2)
    y = np.empty_like(pairs)

    step = max(1, BLOCK // 16)

    def part(first: int, last: int) -> None:
        for start in range(first, last, step):
            of = slice(start, min(start + step, last))
            wide: Array = scratch("pairs", (of.stop - start, 2), np.float64)
            np.subtract(pairs[of, ::-1], pairs[of], out=wide, dtype=np.float64)
            np.add(np.exp(wide, out=wide), 1, out=wide)
            np.divide(1, wide, out=y[of], casting="same_kind")

    parallel(part, len(pairs), least=1 + SHARED // 2)
    return y.reshape(x.shape)


def _without_largest(x: Array) -> Array:
    """Softmax along the last axis, eˣ / Σ eˣ in float64."""
    matrix = x.reshape(-1, x.shape[-1]).astype(np.float64)
    np.exp(matrix, out=matrix)
    matrix *= (1 / row_sums(matrix))[:, None]
    return matrix.astype(np.float32).reshape(x.shape)


@kernel("cpu")
def softmax_gradient(xp: Any, g: Array, y: Array, axis: int) -> Array:
    """See `plain.loss.softmax_gradient`; of few elements g − Σ g y, which cancels, is float64."""
    if y.size and y.dtype == g.dtype == np.float32 and not _turned(y, axis) and _is_short(y):
        wide, p = g.astype(np.float64), y.astype(np.float64)
        wide -= np.vecdot(wide, p)[..., None]
        return np.multiply(wide, p, out=wide).astype(np.float32)
    if few(y):
        return _once(plain.softmax_gradient, xp, axis, g, y)
    if _is_plain(y, axis) or g.dtype != y.dtype:
        form: Array = plain.softmax_gradient(xp, g, y, axis)
        return form
    matrix = y.reshape(-1, y.shape[-1])
    given = np.ascontiguousarray(g).reshape(matrix.shape)
    whole = np.empty_like(y)  # no view: the walk copies those
    dx = whole.reshape(matrix.shape)

    def task(start: int, stop: int) -> None:
        p, h, out = matrix[start:stop], given[start:stop], dx[start:stop]
        np.subtract(h, row_dots(h, p)[:, None], out=out)
        np.multiply(out, p, out=out)

    _by_rows(task, matrix)
    return whole


@kernel("cpu")
def poisson_error(xp: Any, x: Array, t: Array) -> tuple[Array, Array]:
    """See `plain.loss.poisson_error`; eˣ in float64, for NumPy's float32 is 2.5 last digits off."""
    if x.dtype != np.float32:
        return plain.poisson_error(xp, x, t)
    flat = rows(x, t) if x.size > SMALL else None
    if flat is None:
        e = np.exp(x, dtype=np.float64).astype(np.float32)
        return e - t * x, e
    y, e = np.empty_like(x), np.empty_like(x)
    a, b, c, d = (*flat, *(rows(y, e) or flat))
    assert a is not None
    assert b is not None
    assert c is not None
    assert d is not None

    def part(first: int, last: int) -> None:
        step = max(1, BLOCK // a.itemsize)
        for start in range(first, last, step):
            of = slice(start, min(start + step, last))
            wide: Array = scratch("poisson", (of.stop - start,), np.float64)
            wide[...] = a[of]
            d[of] = np.exp(wide, out=wide)
            np.multiply(a[of], b[of], out=c[of])
            np.subtract(d[of], c[of], out=c[of])

    parallel(part, x.size, least=SHARED)
    return y, e


@kernel("cpu")
def log_softmax(xp: Any, x: Array, axis: int) -> Array:
    """See `plain.loss.log_softmax`.

    Without the largest elements, where `softmax` does without: what ln Σ eˣ loses in rounding to
    x's dtype is taken away after it, so that results near 0 keep their digits.
    None is above 0, though an exponential that is nearly all of its sum may be rounded down.
    """
    if few(x):
        return _once(plain.log_softmax, xp, axis, x)
    if _is_plain(x, axis):
        form: Array = plain.log_softmax(xp, x, axis)
        return form
    matrix = x.reshape(-1, x.shape[-1])
    whole = np.empty_like(x)
    y = whole.reshape(matrix.shape)

    def task(start: int, stop: int) -> None:
        a, out = matrix[start:stop], y[start:stop]
        by_row = a.shape[1] >= LONG
        if a.shape[1] >= TERMS:
            largest = np.maximum.reduce(a, 1 if by_row else None)
            if largest.max() <= SAFE:
                total = row_sums(np.exp(a, out=out))
                if total.min() > TINY:
                    logs = np.log(total.astype(np.float64))
                    if by_row:
                        np.maximum(logs, largest, out=logs)
                    high = logs.astype(a.dtype)
                    np.subtract(a, high[:, None], out=out)
                    np.subtract(out, (logs - high).astype(a.dtype)[:, None], out=out)
                    if not by_row and np.maximum.reduce(out, None) > 0:
                        np.minimum(out, 0, out=out)
                    return
        np.subtract(a, np.maximum.reduce(a, 1, keepdims=True), out=out)
        total = row_sums(np.exp(out, out=scratch("log softmax", out.shape, out.dtype)))
        np.subtract(out, np.log(total)[:, None], out=out)

    _by_rows(task, matrix)
    return whole


@kernel("cpu")
def log_softmax_gradient(xp: Any, g: Array, y: Array, axis: int) -> Array:
    """See `plain.loss.log_softmax_gradient`."""
    if few(y):
        return _once(plain.log_softmax_gradient, xp, axis, g, y)
    if _is_plain(y, axis) or g.dtype != y.dtype:
        form: Array = plain.log_softmax_gradient(xp, g, y, axis)
        return form
    matrix = y.reshape(-1, y.shape[-1])
    given = np.ascontiguousarray(g).reshape(matrix.shape)
    whole = np.empty_like(y)  # no view: the walk copies those
    dx = whole.reshape(matrix.shape)

    def task(start: int, stop: int) -> None:
        h, out = given[start:stop], dx[start:stop]
        np.exp(matrix[start:stop], out=out)
        np.multiply(out, row_sums(h)[:, None], out=out)
        np.subtract(h, out, out=out)

    _by_rows(task, matrix)
    return whole


@kernel("cpu")
def logsumexp(xp: Any, x: Array, axis: tuple[int, ...]) -> Array:
    """See `plain.loss.logsumexp`."""
    form = plain.logsumexp
    return _once(form, xp, axis, x) if few(x) else form(xp, x, axis)


@kernel("cpu")
def softmax_cross_entropy(xp: Any, x: Array, target: Array) -> tuple[Array, Array]:
    """See `plain.loss.softmax_cross_entropy`; p of few elements is float64, as p − 1 cancels."""
    form = plain.softmax_cross_entropy
    return _pair(form, xp, x, target) if few(x) else form(xp, x, target)


@kernel("cpu")
def softmax_cross_entropy_gradient(
    xp: Any, g: Array, p: Array, target: Array, share: float = 1.0
) -> Array:
    """See `plain.loss.softmax_cross_entropy_gradient`."""
    dx: Array = plain.softmax_cross_entropy_gradient(
        xp, g.astype(p.dtype, copy=False), p, target, share
    )
    return dx.astype(g.dtype, copy=False)


@kernel("cpu")
def softmax_cross_entropy_probabilities(xp: Any, x: Array, target: Array) -> tuple[Array, Array]:
    """See `plain.loss.softmax_cross_entropy_probabilities`; p as in `softmax_cross_entropy`."""
    form = plain.softmax_cross_entropy_probabilities
    return _pair(form, xp, x, target) if few(x) else form(xp, x, target)


@kernel("cpu")
def softmax_cross_entropy_probabilities_gradient(
    xp: Any, g: Array, p: Array, target: Array
) -> Array:
    """See `plain.loss.softmax_cross_entropy_probabilities_gradient`."""
    given = [a.astype(p.dtype, copy=False) for a in (g, target)]
    dx: Array = plain.softmax_cross_entropy_probabilities_gradient(xp, given[0], p, given[1])
    return dx.astype(g.dtype, copy=False)
