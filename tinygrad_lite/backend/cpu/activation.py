"""Activations of one exponential on NumPy: a block at a time, in few passes, on several threads.

A pass is one call of NumPy into memory that is there. Blocks are long, though a few of their
arrays leave the fastest caches: two threads of Python with calls of a few µs wait for each other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..flat import Array, rows
from ..kernel import kernel
from ..plain import activation as plain
from .elementwise import BLOCK, SMALL, zeros
from .threads import parallel
from .workspace import scratch

__all__ = [
    "sigmoid",
    "sigmoid_gradient",
    "silu",
    "silu_gradient",
    "softplus",
    "softplus_gradient",
]

SHARED = 1 << 17  # elements, with an exponential of each, that are worth another thread
LIGHT = 1 << 19  # and without one
WHOLE = 1 << 15  # elements up to which there is one block, without a look at the threads
# The bit of a float's sign, by its size in bytes.
SIGN: dict[int, Any] = {4: np.int32(-(1 << 31)), 8: np.int64(-(1 << 63))}
# βx from which on ln(1 + e^(βx)) is βx to the last digit, by the size of a float.
LINEAR = {4: 16.0, 8: 37.0}


def _in_blocks(task: Callable[..., None], least: int, *arrays: Array) -> bool:
    """Call `task` on blocks of rows of arrays of one shape, on several threads.

    Args:
        task: takes the same block of each array; it writes to some of them.
        least: elements that are worth another thread.
        arrays: of one dtype.

    Returns:
        Whether that was done: not of few numbers, of no floats, or where orders of memory differ.
    """
    first = arrays[0]
    size, dtype = first.size, first.dtype
    if size <= SMALL or dtype.char not in "fd":
        return False
    for a in arrays:
        if a.dtype != dtype:
            return False
    flat: Any = rows(*arrays)
    if flat is None:
        return False
    if size <= WHOLE:
        with np.errstate(over="ignore"):
            task(*flat)
        return True

    def part(start: int, stop: int) -> None:
        with np.errstate(over="ignore"):  # e⁻ˣ may be infinite: the result is 0 then
            for low in range(start, stop, BLOCK):
                high = min(low + BLOCK, stop)
                task(*[row[low:high] for row in flat])

    parallel(part, size, least=least)
    return True


@kernel("cpu")
def sigmoid(xp: Any, x: Array) -> Array:
    """See `plain.activation.sigmoid`."""
    if x.size > WHOLE:  # of fewer, four calls into new memory take less
        y = np.empty_like(x)
        if _in_blocks(_sigmoid, SHARED, x, y):
            return y
    form: Array = plain.sigmoid(xp, x)
    return form


def _sigmoid(x: Array, y: Array) -> None:
    np.negative(x, y)
    np.exp(y, y)
    np.add(y, 1, y)
    np.divide(1, y, y)


@kernel("cpu")
def sigmoid_gradient(xp: Any, g: Array, y: Array) -> Array:
    """See `plain.activation.sigmoid_gradient`."""
    if y.size > WHOLE:
        dx = np.empty_like(y)
        if _in_blocks(_sigmoid_gradient, LIGHT, y, g, dx):
            return dx
    form: Array = plain.sigmoid_gradient(xp, g, y)
    return form


def _sigmoid_gradient(y: Array, g: Array, dx: Array) -> None:
    np.subtract(1, y, dx)
    np.multiply(dx, y, dx)
    np.multiply(dx, g, dx)


@kernel("cpu")
def silu(xp: Any, x: Array, recorded: bool) -> tuple[Array, Any]:
    """See `plain.activation.silu`; of many numbers the slope is kept, made along with σ."""
    if x.size > SMALL:
        y = np.empty_like(x)
        if not recorded:
            if _in_blocks(_silu, SHARED, x, y):
                return y, None
        elif _in_blocks(_silu_slope, SHARED, x, y, slope := np.empty_like(x)):
            return y, slope
    form: tuple[Array, Any] = plain.silu(xp, x, recorded)
    return form


def _silu(x: Array, y: Array) -> None:
    np.negative(x, y)
    np.exp(y, y)
    np.add(y, 1, y)
    np.divide(x, y, y)


def _silu_slope(x: Array, y: Array, slope: Array) -> None:
    """y ← x σ(x), slope ← σ(x) (1 + x (1 − σ(x))) = σ(x) + y (1 − σ(x))."""
    s: Array = scratch("silu", x.shape, x.dtype)
    np.negative(x, s)
    np.exp(s, s)
    np.add(s, 1, s)
    np.divide(x, s, y)
    np.divide(1, s, s)
    np.subtract(1, s, slope)
    np.multiply(slope, y, slope)
    np.add(slope, s, slope)


@kernel("cpu")
def silu_gradient(xp: Any, g: Array, kept: Any) -> Array:
    """See `plain.activation.silu_gradient`."""
    if isinstance(kept, tuple):
        form: Array = plain.silu_gradient(xp, g, kept)
        return form
    dx: Array = np.empty_like(kept)
    if not _in_blocks(_multiply, LIGHT, kept, g, dx):
        np.multiply(g, kept, dx)
    return dx


def _multiply(a: Array, b: Array, out: Array) -> None:
    np.multiply(a, b, out)


@kernel("cpu")
def softplus(xp: Any, x: Array, beta: float, threshold: float) -> Array:
    """See `plain.activation.softplus`."""
    if x.size > SMALL:
        y = np.empty_like(x)
        if _in_blocks(functools.partial(_softplus, beta, threshold), SHARED, x, y):
            return y
    form: Array = plain.softplus(xp, x, beta, threshold)
    return form


def _softplus(beta: float, threshold: float, x: Array, y: Array) -> None:
    z, word = x, SIGN[x.itemsize]
    high: Array = scratch("softplus", x.shape, x.dtype)
    if beta != 1:
        z = scratch("softplus z", x.shape, x.dtype)
        np.multiply(x, beta, z)
    np.bitwise_or(z.view(word.dtype), word, y.view(word.dtype))  # −|z|, in one pass
    np.exp(y, y)
    np.log1p(y, y)
    np.maximum(z, zeros(z.dtype, BLOCK)[: z.size], out=high)
    np.add(y, high, y)
    if beta != 1:
        np.divide(y, beta, y)
    if beta != 1 or threshold < LINEAR[x.itemsize]:
        np.copyto(y, x, where=z > threshold)


@kernel("cpu")
def softplus_gradient(xp: Any, g: Array, x: Array, beta: float, threshold: float) -> Array:
    """See `plain.activation.softplus_gradient`; g / (1 + e^(−βx))."""
    if x.size > SMALL:
        dx = np.empty_like(x)
        task = functools.partial(_softplus_gradient, beta, threshold)
        if _in_blocks(task, SHARED, x, g, dx):
            return dx
    form: Array = plain.softplus_gradient(xp, g, x, beta, threshold)
    return form


def _softplus_gradient(beta: float, threshold: float, x: Array, g: Array, dx: Array) -> None:
    np.multiply(x, -beta, dx)
    np.exp(dx, dx)
    np.add(dx, 1, dx)
    np.divide(g, dx, dx)
    if threshold < LINEAR[x.itemsize]:
        np.copyto(dx, g, where=x * beta > threshold)
