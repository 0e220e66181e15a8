"""How arrays on CUDA lie in memory, and new ones of a shape and memory order known before.

`cupy.empty` works strides and sizes out anew each time, and an order of its own takes a transpose
and so a view. A `room` has done that once; what it makes is no view.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..layout import TO_CHWN

Shape = tuple[int, ...]


def strides_of(shape: Shape, itemsize: int, order: Sequence[int]) -> Shape:
    """The strides of an array whose axes lie in an order in memory, the slowest first."""
    steps = [0] * len(shape)
    for axis in reversed(order):
        steps[axis] = itemsize
        itemsize *= max(shape[axis], 1)
    return tuple(steps)


def dense_strides(shape: Shape, itemsize: int) -> Shape:
    """Those of an array in C's order."""
    return strides_of(shape, itemsize, range(len(shape)))


def chwn_strides(shape: Shape, itemsize: int) -> Shape:
    """Those of an array (N, C, …) that lies as (C, …, N)."""
    return strides_of(shape, itemsize, TO_CHWN[len(shape)])


@functools.lru_cache(maxsize=4096)
def has_no_gaps(shape: Shape, strides: Shape, itemsize: int) -> bool:
    """Whether an array's elements lie side by side, whatever the order of its axes in memory."""
    for stride, n in sorted(zip(strides, shape, strict=True)):
        if n > 1:
            if stride != itemsize:
                return False
            itemsize *= n
    return True


def room(
    xp: Any, shape: Shape, dtype: Any, order: Sequence[int] | None = None
) -> Callable[[], Any]:
    """Makes new arrays of a shape and dtype.

    Args:
        xp: the namespace.
        shape: theirs.
        dtype: theirs, or its name.
        order: of the axes in memory, the slowest first; C's if not given.
    """
    dtype = np.dtype(dtype)
    order = range(len(shape)) if order is None else order
    size = math.prod(shape)
    if xp.name == "cuda" and size:
        make, allocate = xp.library.ndarray, xp.library.cuda.alloc
        steps, count = strides_of(shape, dtype.itemsize, order), size * dtype.itemsize
        return lambda: make(shape, dtype, allocate(count), steps)
    lying = tuple(shape[axis] for axis in order)
    if tuple(order) == tuple(range(len(shape))):
        return lambda: xp.empty(lying, dtype=dtype)
    back = tuple(sorted(range(len(shape)), key=order.__getitem__))
    return lambda: xp.empty_like(xp.transpose(xp.empty(lying, dtype=dtype), back))
