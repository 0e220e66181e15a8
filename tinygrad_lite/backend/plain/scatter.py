"""Gradients of indexing: places may repeat, and what arrives at one place is added."""

from __future__ import annotations

from typing import Any

from ..dtypes import narrow, wide
from ..kernel import kernel


@kernel("plain")
def scatter(xp: Any, g: Any, index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Zeros of a shape with g added at an index; see `ops.shape.scatter`."""
    if any(hasattr(part, "dtype") for part in index):
        y = xp.zeros(shape, dtype=wide(g).dtype)
        xp.add.at(y, index, wide(g))
        return narrow(y, g)
    y = xp.zeros(shape, dtype=g.dtype)
    y[index] = g
    return y


@kernel("plain")
def scatter_along(xp: Any, g: Any, index: Any, *, axis: int, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape with g added at an index along an axis; see `ops.shape.scatter_along`."""
    y = xp.zeros(shape, dtype=wide(g).dtype)
    places = []
    for a, n in enumerate(index.shape):
        places.append(xp.reshape(xp.arange(n), (-1,) + (1,) * (index.ndim - a - 1)))
    places[axis] = index
    xp.add.at(y, tuple(places), wide(g))
    return narrow(y, g)
