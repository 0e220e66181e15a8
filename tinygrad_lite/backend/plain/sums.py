"""Sums in their plain form: many numbers of float32 are added up in float64.

NumPy adds row by row along all axes but the last in memory. In float32 the error then grows with
the number of rows, and a sum of ones stays at 2²⁴ for ever.
"""

from __future__ import annotations

from typing import Any

from ..kernel import kernel

__all__ = ["cumprod", "cumsum", "sum"]

WIDER = {"float32": "float64", "complex64": "complex128"}  # in which many numbers are added
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
    """Σ a over an axis, several, or all (None).

    Args:
        xp: the namespace of a.
        a: of any shape.
        axis: an integer, a tuple of them, or None.
        dtype: of the result; None for a's (or what the library makes of small integers).
        keepdims: whether the axes stay, with the size 1.
    """
    as_dtype = a.dtype if dtype is None else dtype
    wider = None if count(a, axis) < MANY else WIDER.get(str(as_dtype))
    if wider is None:
        return xp.library.sum(a, axis=axis, dtype=dtype, keepdims=keepdims)
    y = xp.library.sum(a, axis=axis, dtype=wider, keepdims=keepdims)
    return xp.asarray(y).astype(as_dtype)


@kernel("plain")
def cumprod(xp: Any, a: Any, axis: int) -> Any:
    """Running products along an axis, of the dtype of a."""
    if a.dtype != "float32":
        return a.cumprod(axis=axis)
    return a.cumprod(axis=axis, dtype="float64").astype("float32")


@kernel("plain")
def cumsum(xp: Any, a: Any, axis: int) -> Any:
    """Running sums along an axis, of the dtype of a."""
    wider = WIDER.get(a.dtype.name)
    if wider is None:
        return a.cumsum(axis=axis)
    return a.cumsum(axis=axis, dtype=wider).astype(a.dtype)
