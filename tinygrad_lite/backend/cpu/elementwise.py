"""Elementwise kernels on NumPy: block by block in the cache, on several threads."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..flat import Array, rows
from ..kernel import kernel
from ..plain import elementwise as plain
from .threads import parallel

__all__ = ["erf", "gelu", "gelu_gradient", "relu", "relu_gradient"]

BLOCK = 1 << 18  # elements; fewer pay more for calls than the cache gives back
SMALL = 1 << 10  # elements; up to here cutting into blocks takes longer than the work
SHARED = 1 << 20  # elements that are worth another thread
LONG_BLOCK = 1 << 14  # elements of what takes dozens of passes, with a few temporaries in the cache
LONG_SHARED = 1 << 15


@functools.cache
def _zeros(dtype: Any, size: int) -> Array:
    """A block of zeros: the maximum of two arrays is faster than that of one and a number."""
    return np.zeros(size, dtype)


@kernel("cpu")
def relu(xp: Any, x: Array) -> Array:
    """See `plain.elementwise.relu`."""
    flat = rows(x) if x.size > SMALL else None
    if flat is None or x.dtype.kind != "f":
        form: Array = plain.relu(xp, x)
        return form
    y, zeros = np.empty_like(x), _zeros(x.dtype, BLOCK)
    (source,), (target,) = flat, rows(y) or [None]
    assert source is not None
    assert target is not None

    def part(first: int, last: int) -> None:
        for start in range(first, last, BLOCK):
            of = slice(start, min(start + BLOCK, last))
            np.maximum(source[of], zeros[: of.stop - start], out=target[of])

    parallel(part, x.size, least=SHARED)
    return y


@kernel("cpu")
def relu_gradient(xp: Any, g: Array, y: Array) -> Array:
    """See `plain.elementwise.relu_gradient`."""
    if y.size <= SMALL:  # `where` takes longer to look at what it is given
        small = np.array(g)
        small[y == 0] = 0
        return small
    flat = rows(y, g)
    if flat is None:
        form: Array = plain.relu_gradient(xp, g, y)
        return form
    dx = np.empty_like(y)
    a, b, c = (*flat, *(rows(dx) or [None]))
    assert a is not None
    assert b is not None
    assert c is not None

    def part(first: int, last: int) -> None:
        for start in range(first, last, BLOCK):
            of = slice(start, min(start + BLOCK, last))
            np.copyto(c[of], a[of] != 0)
            np.multiply(c[of], b[of], out=c[of])
            # A product is the fastest choice, but not where g is infinite or NaN.
            if not math.isfinite(np.dot(c[of], c[of])):
                c[of] = plain.relu_gradient(xp, b[of], a[of])

    parallel(part, y.size, least=SHARED)
    return dx


@kernel("cpu")
def erf(xp: Any, x: Array) -> Array:
    """See `plain.elementwise.erf`."""
    return _in_blocks(lambda x: plain.erf(xp, x), x)


@kernel("cpu")
def gelu(xp: Any, x: Array) -> Array:
    """See `plain.elementwise.gelu`."""
    return _in_blocks(lambda x: plain.gelu(xp, x), x)


@kernel("cpu")
def gelu_gradient(xp: Any, g: Array, x: Array) -> Array:
    """See `plain.elementwise.gelu_gradient`."""
    return _in_blocks(lambda x, g: plain.gelu_gradient(xp, g, x), x, g)


def _in_blocks(form: Callable[..., Array], *arrays: Array) -> Array:
    """An elementwise function of arrays of one shape, in the memory order of the first."""
    first = arrays[0]
    flat = rows(*arrays) if first.size > LONG_BLOCK else None
    if flat is None or len({a.dtype for a in arrays}) > 1:
        return form(*arrays)
    y = np.empty_like(first)
    (target,) = rows(y) or [None]
    assert target is not None

    def part(start: int, stop: int) -> None:
        for low in range(start, stop, LONG_BLOCK):
            of = slice(low, min(low + LONG_BLOCK, stop))
            target[of] = form(*(row[of] for row in flat if row is not None))

    parallel(part, first.size, least=LONG_SHARED)
    return y
