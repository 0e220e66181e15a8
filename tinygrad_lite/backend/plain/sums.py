"""Sums in their plain form: of many numbers in float64, so that none of float32's digits are lost.

Adding up row by row, as NumPy does along all axes but the fastest, an error grows with the number
of rows, and from 2²⁴ ones on a float32 sum stands still.
"""

from __future__ import annotations

from typing import Any

from ..kernel import kernel

__all__ = ["cumprod", "cumsum", "sum"]

MANY = 4096  # fewer numbers are added as the library does
Axis = int | tuple[int, ...] | None


def count(a: Any, axis: Axis) -> int:
    """How many elements go into each sum over an axis, several, or all."""
    if axis is None:
        return int(a.size)
    terms = 1
    for k in axis if isinstance(axis, tuple) else (axis,):
        terms *= a.shape[k]
    return terms


@kernel("plain")
def sum(xp: Any, a: Any, axis: Axis = None, dtype: Any = None, keepdims: Any = False) -> Any:
    """Σ a over an axis, several, or all; in a dtype if one is given."""
    as_dtype = a.dtype if dtype is None else dtype
    if as_dtype != "float32" or count(a, axis) < MANY:
        return xp.library.sum(a, axis=axis, dtype=dtype, keepdims=keepdims)
    y = xp.library.sum(a, axis=axis, dtype="float64", keepdims=keepdims)
    return xp.asarray(y).astype("float32")


@kernel("plain")
def cumprod(xp: Any, a: Any, axis: int) -> Any:
    """Running products along an axis, of the dtype of a."""
    if a.dtype != "float32":
        return xp.library.cumprod(a, axis=axis)
    return xp.library.cumprod(a, axis=axis, dtype="float64").astype("float32")


@kernel("plain")
def cumsum(xp: Any, a: Any, axis: int) -> Any:
    """Running sums along an axis, of the dtype of a."""
    if a.dtype != "float32":
        return xp.library.cumsum(a, axis=axis)
    return xp.library.cumsum(a, axis=axis, dtype="float64").astype("float32")
