"""A few of many in order, without putting all in order."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import kernel
from ..plain.sorting import argtopk as plain

__all__ = ["argtopk"]

FEW = 8  # one of so many, at least: then the others need no order


@kernel("cpu")
def argtopk(xp: Any, a: Any, k: int, axis: int, largest: bool) -> Any:
    """The indices of the k largest (or smallest) along an axis, in order; NaN is the largest."""
    n = a.shape[axis]
    if k == 0 or n < FEW * k or a.dtype.kind == "V":
        return plain(xp, a, k, axis, largest)
    place = n - k if largest else k - 1
    part = slice(place, None) if largest else slice(0, k)
    chosen = np.argpartition(a, place, axis=axis)[(slice(None),) * axis + (part,)]
    chosen.sort(axis=axis)  # by place, so that equal ones keep their order
    order = plain(xp, np.take_along_axis(a, chosen, axis=axis), k, axis, largest)
    return np.take_along_axis(chosen, order, axis=axis)
