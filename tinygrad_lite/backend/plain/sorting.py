"""Sorting in 16 bits, which CuPy refuses for bfloat16: in float32, which orders alike."""

from __future__ import annotations

from typing import Any

from ..dtypes import is_half
from ..kernel import kernel


def _sortable(a: Any) -> Any:
    return a.astype("float32") if is_half(a.dtype) else a


@kernel("plain")
def argsort(xp: Any, a: Any, axis: int = -1) -> Any:
    """The indices that sort along an axis; equal elements keep their order."""
    return xp.library.argsort(_sortable(a), axis=axis, kind="stable")


@kernel("plain")
def unique(xp: Any, a: Any, return_inverse: bool = False, return_counts: bool = False) -> Any:
    """`numpy.unique`: the different elements in order, in the array's dtype; NaNs differ."""
    found = xp.library.unique(
        _sortable(a),
        return_inverse=return_inverse,
        return_counts=return_counts,
        equal_nan=False,
    )
    if not (return_inverse or return_counts):
        return found.astype(a.dtype)
    return (found[0].astype(a.dtype), *found[1:])


@kernel("plain")
def argtopk(xp: Any, a: Any, k: int, axis: int, largest: bool) -> Any:
    """The indices of the k largest (or smallest) along an axis, in order; NaN is the largest."""
    n = a.shape[axis]
    part = (slice(None),) * axis + (slice(0, k),)
    if not largest:
        return xp.argsort(a, axis)[part]
    order = xp.flip(xp.argsort(xp.flip(a, axis), axis), axis)  # equal ones keep their order
    return n - 1 - order[part]
