"""Arrays as they lie in memory: as one row of numbers, and which array owns the memory."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def rows(first: Array, *others: Array | None) -> list[Array | None] | None:
    """Arrays of one shape as views of one dimension, in the order in which they lie in memory.

    Elements at one place in the rows are then at one place in the arrays.

    Args:
        first: its memory gives the order of the axes.
        others: the other arrays; None stands for one that is missing, and stays None.

    Returns:
        The views; None if an array has gaps, another shape or another order than the first.
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


def address(array: Any) -> int:
    """The memory address of an array's first element, on its device."""
    if isinstance(array, np.ndarray):
        return int(array.__array_interface__["data"][0])
    return int(array.data.ptr)


Place = tuple[int, tuple[int, ...], tuple[int, ...], str]
"""Where in some memory an array is: offset in bytes, shape, strides in bytes, dtype."""


def whole(array: Any) -> tuple[Any, Place | None]:
    """The memory of an array as one array, and the place in it where the array is.

    The array itself and None if it is all of it, if its dtype has no name in NumPy that tells it,
    or if a copy of the memory might lie in another order, so that a place would mean something
    else in it.
    """
    owner, host = root(array), isinstance(array, np.ndarray)
    alike = owner.flags.forc if host else owner.flags.c_contiguous  # in which order copies lie
    named = "V" not in (owner.dtype.kind, array.dtype.kind) or owner.dtype == array.dtype
    if (owner is array and alike) or not named:
        return array, None
    memory = owner
    if not alike:  # a pickle, or a device's copy, would have it row by row
        lying = _lying.get(id(owner))
        if lying is None:
            order = sorted(range(owner.ndim), key=lambda axis: -owner.strides[axis])
            lying = owner.transpose(order)
            if not lying.flags.c_contiguous:
                return array, None
            _lying[id(owner)] = lying
        memory = lying
    offset, size = address(array) - address(owner), array.dtype.itemsize
    numbers = (offset, owner.nbytes, *array.strides)
    if not host and (not array.size or min(numbers) < 0 or any(n % size for n in numbers)):
        return array, None  # which `as_strided` does not take
    return memory, (offset, array.shape, array.strides, array.dtype.str)


_lying: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
"""By the `id` of an owner its memory in the order in which it lies: one array while it lives, so
that copies of all that shares it share its copy."""


def within(memory: Any, place: Place | None) -> Any:
    """The array at a place that `whole` gave, in that memory or in a copy of it."""
    if place is None:
        return memory
    offset, shape, strides, name = place
    dtype = memory.dtype if name == memory.dtype.str else np.dtype(name)
    line = (memory if memory.flags.c_contiguous else memory.T).reshape(-1)
    if isinstance(memory, np.ndarray):
        return np.ndarray(shape, dtype, line.view(np.uint8), offset, strides)
    from .devices import namespace  # which takes this module's functions

    size = dtype.itemsize
    steps = tuple([stride // size for stride in strides])
    return namespace(memory).as_strided(line.view(dtype), shape, steps, offset // size)
