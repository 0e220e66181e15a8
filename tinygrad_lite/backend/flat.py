"""Arrays as what they are in memory: whose it is, and as one row of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def rows(first: Array, *others: Array | None) -> list[Array | None] | None:
    """Views of one dimension, neighbour beside neighbour in memory; None if there are none.

    The first array gives the order of the axes; the others must have it too.
    """
    shape, axes = first.shape, None
    if not first.flags.c_contiguous:
        axes = sorted(range(first.ndim), key=first.strides.__getitem__, reverse=True)
    found: list[Array | None] = []
    for a in (first, *others):
        if a is None:
            found.append(None)
            continue
        turned = a if axes is None or a.shape != shape else a.transpose(axes)
        if a.shape != shape or not turned.flags.c_contiguous:
            return None
        found.append(turned.reshape(-1))
    return found


def root(array: Any) -> Any:
    """The array that owns the memory: `array` itself, or the one that it is a view of.

    NumPy arrays over a buffer of something else (bytes, a mapped file) are such owners too.
    """
    kind = type(array)
    while isinstance(array.base, kind):
        array = array.base
    return array


Place = tuple[int, tuple[int, ...], tuple[int, ...], str]  # offset in bytes, shape, strides, dtype


def whole(array: Any) -> tuple[Any, Place | None]:
    """The memory that a NumPy array is in, as one array, and where in it the array is.

    The place is None, and the array is given as it is, if it is all there is, or of another
    library, or if a copy of the memory might lie in another order.
    """
    owner = root(array) if isinstance(array, np.ndarray) else array
    if owner is array or not owner.flags.forc or "V" in (owner.dtype.kind, array.dtype.kind):
        return array, None
    offset = array.ctypes.data - owner.ctypes.data
    return owner, (offset, array.shape, array.strides, array.dtype.str)


def within(memory: Array, place: Place | None) -> Array:
    """The array at a place of a memory, or of a copy of it."""
    if place is None:
        return memory
    offset, shape, strides, dtype = place
    flat = memory if memory.flags.c_contiguous else memory.T
    return np.ndarray(shape, dtype, flat, offset, strides)
