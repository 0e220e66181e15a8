"""Dense arrays as one row of numbers, in the order in which they lie in memory."""

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
