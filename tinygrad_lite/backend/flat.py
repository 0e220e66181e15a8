"""Arrays as what they are in memory: whose it is, and as one row of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def rows(first: Array, *others: Array | None) -> list[Array | None] | None:
    """Views of one dimension, neighbour beside neighbour in memory; None if there are none.

    The first array gives the order of the axes; the others must have it too.
    """
    arrays = [first, *others]
    shape = first.shape
    if not first.flags.c_contiguous:
        axes = sorted(range(first.ndim), key=first.strides.__getitem__, reverse=True)
        arrays = [a if a is None or a.shape != shape else a.transpose(axes) for a in arrays]
        shape = tuple(shape[axis] for axis in axes)
    for a in arrays:
        if a is not None and not (a.flags.c_contiguous and a.shape == shape):
            return None
    return [a if a is None else a.reshape(-1) for a in arrays]


def root(array: Any) -> Any:
    """The array that owns the memory: `array` itself, or the one that it is a view of.

    NumPy arrays over a buffer of something else (bytes, a mapped file) are such owners too.
    """
    kind = type(array)
    while isinstance(array.base, kind):
        array = array.base
    return array
