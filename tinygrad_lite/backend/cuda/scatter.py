"""Gradients of indexing on CUDA, where places repeat: gathers, without atomics.

The places are sorted first, so that those who share one are neighbours, in their own order;
sums are then the same in every run.
"""

from __future__ import annotations

import math
from typing import Any

from ..kernel import kernel
from ..plain import scatter as plain
from .source import launch, supports

__all__ = ["scatter", "scatter_along"]

LONGEST = 2048  # elements that every place looks through, rather than have them sorted


@kernel("cuda")
def scatter(xp: Any, g: Any, index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """See `plain.scatter.scatter`."""
    arrays = [part for part in index if hasattr(part, "dtype")]
    if not arrays or not supports(g):
        return plain.scatter(xp, g, index, shape)
    y = xp.zeros(shape, dtype=g.dtype)
    if len(arrays) == 1 and arrays[0].dtype == bool:  # no place twice
        y[index] = g
        return y
    taken = _taken(index, len(shape))
    head, width = shape[:taken], math.prod(shape[taken:])
    if len(index) == 1:
        places = index[0].astype("int64") % max(head[0], 1)
    else:
        places = xp.arange(math.prod(head), dtype="int64").reshape(head)[index]
    _add_rows(xp, g, places, y, width)
    return y


def _taken(index: tuple[Any, ...], ndim: int) -> int:
    """How many of the first dimensions an index speaks of; the rest are whole rows."""
    if any(part is Ellipsis for part in index):
        return ndim
    sizes = (
        part.ndim if hasattr(part, "dtype") and part.dtype == bool else int(part is not None)
        for part in index
    )
    return sum(sizes)


def _add_rows(xp: Any, g: Any, places: Any, y: Any, width: int) -> None:
    """Add rows of g, each of `width` elements, to the rows of zeros y that `places` names."""
    flat = xp.ascontiguousarray(places.astype("int64")).reshape(-1)
    order = xp.argsort(flat).astype("int64")
    arrays = (xp.ascontiguousarray(g), flat, order, y, g.size, flat.size, width)
    launch(xp, "scatter", "scatter_rows", g.dtype, arrays, count=g.size)


@kernel("cuda")
def scatter_along(xp: Any, g: Any, index: Any, *, axis: int, shape: tuple[int, ...]) -> Any:
    """See `plain.scatter.scatter_along`."""
    if not supports(g) or not g.ndim or not g.size:
        return plain.scatter_along(xp, g, index, axis=axis, shape=shape)
    axis %= g.ndim
    part = (*index.shape[:axis], shape[axis], *index.shape[axis + 1 :])
    if part != tuple(shape):  # the index leaves out what is at the end of other dimensions
        y = xp.zeros(shape, dtype=g.dtype)
        whole = scatter_along(xp, g, index, axis=axis, shape=part)
        y[tuple(slice(n) for n in part)] = whole
        return y
    outer, inner = math.prod(part[:axis]), math.prod(part[axis + 1 :])
    length, size = index.shape[axis], shape[axis]
    rows = xp.ascontiguousarray(index.astype("int64"))
    if length > LONGEST:
        y = xp.zeros(shape, dtype=g.dtype)
        first = xp.arange(outer, dtype="int64").reshape(outer, 1, 1) * size
        places = (rows.reshape(outer, length, inner) % size + first) * inner
        places += xp.arange(inner, dtype="int64")
        _add_rows(xp, g, places, y, 1)
        return y
    y = xp.empty(shape, dtype=g.dtype)
    arrays = (xp.ascontiguousarray(g), rows, y, y.size, length, size, inner)
    launch(xp, "scatter", "scatter_along", g.dtype, arrays, count=y.size)
    return y
