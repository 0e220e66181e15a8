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

__all__ = ["gelu", "gelu_gradient", "in_blocks", "relu", "relu_gradient"]

BLOCK = 1 << 18  # elements; fewer pay more for calls than the cache gives back
SMALL = 1 << 10  # elements; up to here cutting into blocks takes longer than the work
SHARED = 1 << 20  # elements that are worth another thread
LONG_BLOCK = 1 << 14  # elements of what takes dozens of passes, with a few temporaries in the cache
LONG_SHARED = 1 << 15
SIGN = np.int32(-(1 << 31))  # the bit of a float32


@functools.cache
def _zeros(dtype: Any, size: int) -> Array:
    """An array of zeros: NumPy's maximum of two arrays is faster than that of one and a number."""
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
            np.maximum(zeros[: of.stop - start], source[of], out=target[of])

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
        for start in range(first, last, BLOCK):
            of = slice(start, min(start + BLOCK, last))
            _gelu_block(source[of], target[of], None if slopes is None else slopes[of])

    parallel(part, x.size, least=LONG_SHARED)
    return y, slope


# 1 − Φ(a) = exp(−a²/2) (c₁s + … + c₆s⁶) for a ≥ 0 with s = 1 / (a + 3.6), to 9e-9: Hastings's form
# ("Approximations for Digital Computers", 1955); the cᵢ minimise the largest error, by Lawson's
# algorithm. Highest power first.
SHIFT = 3.6
TAIL = (-240.61430768, 253.81812113, -47.363175094, 14.008560526, 0.71615256541, 0.42208298171)


def _gelu_block(x: Array, y: Array, slope: Array | None) -> None:
    """y ← x Φ(x), and slope ← Φ(x) + x φ(x) unless it is None, for a row x of float32.

    The errors of Φ and of the slope are about 6e-8, like PyTorch's.
    """
    density, tail, s, sign = scratch("gelu", (4, x.size), x.dtype)
    np.multiply(x, x, out=density)
    np.multiply(density, -0.5, out=density)
    np.exp(density, out=density)  # √(2π) φ
    np.abs(x, out=s)
    np.add(s, SHIFT, out=s)
    np.divide(1, s, out=s)
    np.multiply(s, TAIL[0], out=tail)
    for c in TAIL[1:]:
        np.add(tail, c, out=tail)
        np.multiply(tail, s, out=tail)
    np.multiply(tail, density, out=tail)  # 1 − Φ(|x|)
    normal = np.subtract(0.5, tail, out=tail)  # Φ(|x|) − 1/2, which changes its sign with x
    bits, signs = normal.view(np.int32), sign.view(np.int32)
    np.bitwise_and(x.view(np.int32), SIGN, out=signs)  # a third of the time of `copysign`
    np.bitwise_xor(bits, signs, out=bits)
    np.add(normal, 0.5, out=normal)
    np.multiply(x, normal, out=y)
    if slope is not None:
        np.multiply(density, x, out=density)
        np.multiply(density, 0.3989422804014327, out=density)
        np.add(normal, density, out=slope)


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
