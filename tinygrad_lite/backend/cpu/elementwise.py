"""Elementwise kernels on NumPy: block by block in the cache, on several threads."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..flat import Array, rows
from ..kernel import kernel
from ..layout import from_chwn
from ..plain import elementwise as plain
from .channels import to_chwn
from .threads import parallel
from .workspace import scratch

__all__ = ["gelu", "gelu_gradient", "in_blocks", "relu", "relu_gradient", "zeros"]

BLOCK = 1 << 18  # elements; fewer pay more for calls than the cache gives back
SMALL = 1 << 10  # elements; up to here cutting into blocks takes longer than the work
SHARED = 1 << 20  # elements that are worth another thread
LONG_BLOCK = 1 << 14  # elements of what takes dozens of passes, with a few temporaries in the cache
LONG_SHARED = 1 << 15


@functools.cache
def zeros(dtype: Any, size: int) -> Array:
    """An array of zeros: NumPy's maximum of two arrays is faster than that of one and a number."""
    return np.zeros(size, dtype)


@kernel("cpu")
def relu(xp: Any, x: Array) -> Array:
    """See `plain.elementwise.relu`."""
    flat = rows(x) if x.size > SMALL else None
    if flat is None or x.dtype.kind != "f":
        form: Array = plain.relu(xp, x)
        return form
    y, floor = np.empty_like(x), zeros(x.dtype, BLOCK)
    (source,), (target,) = flat, rows(y) or [None]
    assert source is not None
    assert target is not None

    def part(first: int, last: int) -> None:
        for start in range(first, last, BLOCK):
            of = slice(start, min(start + BLOCK, last))
            np.maximum(floor[: of.stop - start], source[of], out=target[of])

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
    if flat is None and y.ndim > 2:  # g comes from a layer that has a row for each image
        flat = rows(y, from_chwn(xp, to_chwn(g)))
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
def gelu(xp: Any, x: Array, recorded: bool) -> tuple[Array, Array | None]:
    """See `plain.elementwise.gelu`; what is kept is the slope Φ(x) + x φ(x), made along with Φ."""
    flat = rows(x) if x.dtype == np.float32 and x.size else None
    if flat is None:
        y = in_blocks(lambda x: x * plain.normal(xp, x), x)
        return y, in_blocks(lambda x: plain.gelu_slope(xp, x), x) if recorded else None
    y, slope = np.empty_like(x), np.empty_like(x) if recorded else None
    source, target, slopes = rows(x, y, slope) or flat * 3
    assert source is not None
    assert target is not None

    def part(first: int, last: int) -> None:
        with np.errstate(over="ignore"):  # 1 / Φ may be infinite
            for start in range(first, last, BLOCK):
                of = slice(start, min(start + BLOCK, last))
                _gelu_block(source[of], target[of], None if slopes is None else slopes[of])

    parallel(part, x.size, least=LONG_SHARED)
    return y, slope


# Φ(x) = 1 / (1 + exp(x p(x²))): the polynomial p, highest power first, for which the largest error
# of Φ is least, 3e-8 (weighted least squares, by Lawson's algorithm). Where |x| is large Φ' is
# small, so that few powers are enough; beyond 5.7, where Φ rounds to 0 or 1, p only stays below 0.
NORMAL = (-3.51255258e-09, 2.64532478e-07, -7.92954536e-06, 1.106126286e-04, 6.51895004e-05,
          -7.26661688e-02, -1.595769882)  # fmt: skip


def _gelu_block(x: Array, y: Array, slope: Array | None) -> None:
    """y ← x Φ(x), and slope ← Φ(x) + x φ(x) unless it is None, for a row x of float32.

    The errors of Φ and of the slope are up to 2e-7, of PyTorch's up to 4e-7 and 3e-7.
    """
    square, power = scratch("gelu", (2, x.size), x.dtype)
    np.multiply(x, x, square)
    np.multiply(square, NORMAL[0], power)
    for c in NORMAL[1:-1]:
        np.add(power, c, power)
        np.multiply(power, square, power)
    np.add(power, NORMAL[-1], power)
    np.multiply(power, x, power)
    np.exp(power, power)
    np.add(power, 1, power)  # 1 / Φ
    np.divide(x, power, y)
    if slope is None:
        return
    normal = np.divide(1, power, power)
    np.multiply(square, -0.5, square)
    np.exp(square, square)  # √(2π) φ
    np.multiply(square, x, square)
    np.multiply(square, 0.3989422804014327, square)
    np.add(square, normal, slope)


@kernel("cpu")
def gelu_gradient(xp: Any, g: Array, kept: Array) -> Array:
    """See `plain.elementwise.gelu_gradient`; the slope was kept."""
    flat = rows(kept, g) if g.dtype == kept.dtype else None
    if flat is None:
        return kept * g
    dx = np.empty_like(kept)
    a, b, c = (*flat, *(rows(dx) or [None]))
    assert a is not None
    assert b is not None
    assert c is not None

    def part(first: int, last: int) -> None:
        np.multiply(a[first:last], b[first:last], out=c[first:last])

    parallel(part, kept.size, least=SHARED)
    return dx


def in_blocks(form: Callable[..., Array], *arrays: Array) -> Array:
    """`form` of arrays of one shape, elementwise, computed block by block in the cache.

    The result has the memory order of the first array.
    """
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
