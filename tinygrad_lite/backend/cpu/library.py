"""The array library's own functions by the short way: the ufunc or method that does the work.

`np.amax`, `np.reshape` and the like look for other kinds of arrays and arguments first, which for
a few elements takes as long as the work, or longer. The results are theirs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..kernel import kernel
from .threads import here, parallel, pool

__all__ = ["affine", "amax", "broadcast_to", "expand_dims", "join", "matmul", "power", "reshape",
           "stack", "swapaxes", "take_along_axis", "transpose"]  # fmt: skip

Array = np.ndarray[Any, Any]
Axis = int | tuple[int, ...]

SHARED = 9000  # multiplications: BLAS keeps fewer to one thread, of vectors too
BATCHED = 1 << 24  # multiplications of several products that are worth our own threads,
LARGE = 1 << 22  # and of one product that BLAS's threads do as well

_maximum: Any = np.maximum.reduce  # (a, axis, dtype, out, keepdims)


@kernel("cpu")
def amax(xp: Any, a: Array, axis: Axis | None = None, keepdims: Any = False) -> Any:
    """`np.amax`."""
    return _maximum(a, axis, None, None, keepdims)


@kernel("cpu")
def power(xp: Any, a: Any, b: Any) -> Any:
    """`np.power`, which takes the root where ½ is the exponent of a whole row: −0 and NaN.

    Of −0 and −∞ the powers are 0 and ∞, as they are where each has an exponent of its own.
    """
    y = np.power(a, b)
    half = np.equal(b, 0.5)
    if half.any() and y.dtype.kind == "f":
        y = np.where(half, np.where(np.isinf(a), np.inf, np.abs(y)), y)
    return y


MANY, SMALL = 8, 1 << 17  # arrays, and bytes: those are copied twice before these are looked at


def _lined_up(arrays: Sequence[Array], shape: tuple[int, ...]) -> Array | None:
    """Many small arrays of one dtype and shape, one after another in memory, if contiguous."""
    first = arrays[0]
    if len(arrays) < MANY or first.nbytes * len(arrays) > SMALL:
        return None
    try:
        memory: Any = arrays  # of which the types do not say that they are buffers
        return np.frombuffer(b"".join(memory), first.dtype).reshape(shape).copy()
    except (BufferError, TypeError, ValueError):  # not contiguous, or no buffer of its dtype
        return None


@kernel("cpu")
def join(xp: Any, arrays: Sequence[Array]) -> Array:
    """Arrays of one dtype and shape, one after another along their first axis."""
    n, *rest = arrays[0].shape
    y = _lined_up(arrays, (len(arrays) * n, *rest))
    return np.concatenate(arrays) if y is None else y


@kernel("cpu")
def stack(xp: Any, arrays: Sequence[Array], axis: int = 0) -> Array:
    """`np.stack`, of arrays of one dtype and shape."""
    y = _lined_up(arrays, (len(arrays), *arrays[0].shape)) if axis == 0 else None
    return np.stack(arrays, axis) if y is None else y


@kernel("cpu")
def reshape(xp: Any, a: Array, shape: tuple[int, ...]) -> Any:
    """`np.reshape`."""
    return a.reshape(shape)


@kernel("cpu")
def take_along_axis(xp: Any, a: Array, index: Array, axis: int) -> Any:
    """`np.take_along_axis`, which of rows takes several times the time of this."""
    if a.ndim == 1 == index.ndim:
        return a[index]
    if a.ndim == 2 == index.ndim and axis in (1, -1) and len(a) == len(index):
        return a[np.arange(len(a))[:, None], index]
    return np.take_along_axis(a, index, axis)


@kernel("cpu")
def transpose(xp: Any, a: Array, axes: tuple[int, ...]) -> Any:
    """`np.transpose`."""
    return a.transpose(axes)


@kernel("cpu")
def swapaxes(xp: Any, a: Array, axis1: int, axis2: int) -> Any:
    """`np.swapaxes`."""
    return a.swapaxes(axis1, axis2)


@kernel("cpu")
def broadcast_to(xp: Any, a: Array, shape: tuple[int, ...]) -> Any:
    """`np.broadcast_to`."""
    added = len(shape) - a.ndim
    if type(a) is not np.ndarray or not a.flags.c_contiguous or added < 0:
        return np.broadcast_to(a, shape)  # not a buffer that a view can be made of
    strides = [0] * added
    for n, stride, wanted in zip(a.shape, a.strides, shape[added:], strict=True):
        if n not in (1, wanted):
            return np.broadcast_to(a, shape)  # which says so
        strides.append(stride if n == wanted else 0)
    view: Array = np.ndarray(shape, a.dtype, a, 0, strides)
    view.flags.writeable = False
    return view


@kernel("cpu")
def expand_dims(xp: Any, a: Array, axis: Axis) -> Any:
    """`np.expand_dims`."""
    places = axis if isinstance(axis, tuple) else (axis,)
    shape = list(a.shape)
    rank = len(shape) + len(places)
    for place in sorted([place % rank for place in places]):
        shape.insert(place, 1)
    return a.reshape(shape)


@kernel("cpu")
def matmul(xp: Any, a: Array, b: Array, out: Array | None = None) -> Any:
    """`np.matmul`, in a turn of its own (see `threads`) where BLAS may share it out."""
    work = a.size * (b.shape[-1] if b.ndim > 1 else 1)
    if here.has_turn or work < SHARED:
        return np.matmul(a, b, out=out)
    if work >= BATCHED and a.ndim > 2 < b.ndim and out is None and a.dtype == b.dtype:
        y = _batched(a, b)
        if y is not None:
            return y
    with pool.turn:
        return np.matmul(a, b, out=out)


def _batched(a: Array, b: Array) -> Array | None:
    """Many small products, each thread some of them; None where BLAS shares out each by itself.

    It does so with products of 2¹⁸ multiplications already, whose halves are too short for it.
    """
    m, k, n = a.shape[-2], a.shape[-1], b.shape[-1]
    if m * k * n > LARGE or a.dtype.char not in "fd" or k != b.shape[-2]:
        return None
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    y = np.empty((*batch, m, n), a.dtype)
    count = max(batch)
    cut = batch.index(count) - y.ndim  # the longest axis, from the end
    each = m * k * n * math.prod(batch) // count

    def part(first: int, last: int) -> None:
        of: Any = (..., slice(first, last), *(slice(None),) * (-1 - cut))
        of_a, of_b = (x[of] if -cut <= x.ndim and x.shape[cut] > 1 else x for x in (a, b))
        np.matmul(of_a, of_b, out=y[of])

    parallel(part, count, least=max(1, BATCHED // 2 // each))
    return y


@kernel("cpu")
def affine(xp: Any, x: Array, weight: Array, bias: Array | None, relu: bool = False) -> Array:
    """See `plain.linear.affine`; `matmul` is said again here, which spares small layers a call."""
    rows = x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    y: Array
    if here.has_turn or rows.size * len(weight) < SHARED:
        y = np.matmul(rows, weight.T)
    else:
        with pool.turn:
            y = np.matmul(rows, weight.T)
    if bias is not None:
        y += bias
    y = xp.relu(y) if relu else y
    return y if x.ndim == 2 else y.reshape(*x.shape[:-1], len(weight))
