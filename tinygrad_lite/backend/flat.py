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
