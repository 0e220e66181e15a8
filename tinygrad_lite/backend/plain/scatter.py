"""Rows from given places, and what goes there: sums, products, extremes where several meet."""

from __future__ import annotations

import math
from typing import Any

from ..dtypes import narrow, wide
from ..kernel import kernel


@kernel("plain")
def scatter(xp: Any, g: Any, index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Zeros of a shape, with g added at an index: the gradient of x[index].

    Where places repeat in the index, all that goes there is added up, in float32 for 16 bits.
    """
    if any(hasattr(part, "dtype") for part in index):
        if g.dtype.kind == "c":  # which CuPy's `add.at` does not take
            return xp.complex_of(*(xp.scatter(p, index, shape) for p in (xp.real(g), xp.imag(g))))
        y = xp.zeros(shape, dtype=wide(g).dtype)
        xp.add.at(y, index, wide(g))
        return narrow(y, g)
    y = xp.zeros(shape, dtype=g.dtype)
    y[index] = g
    return y


@kernel("plain")
def take_rows(xp: Any, a: Any, index: Any) -> Any:
    """a[index], the rows of `a` at places ≥ 0."""
    return a[index]


@kernel("plain")
def scatter_along(xp: Any, g: Any, index: Any, *, axis: int, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape, with g added at an index (of g's shape) along an axis.

    It is the gradient of `take_along_axis`.
    """
    if g.dtype.kind == "c":
        parts = (xp.real(g), xp.imag(g))
        return xp.complex_of(*(xp.scatter_along(p, index, axis=axis, shape=shape) for p in parts))
    y = xp.zeros(shape, dtype=wide(g).dtype)
    places = []
    for a, n in enumerate(index.shape):
        places.append(xp.reshape(xp.arange(n), (-1,) + (1,) * (index.ndim - a - 1)))
    places[axis] = index
    xp.add.at(y, tuple(places), wide(g))
    return narrow(y, g)


@kernel("plain")
def scatter_reduce(xp: Any, x: Any, src: Any, index: tuple[Any, ...], ufunc: str) -> Any:
    """A copy of x in which each element is joined with all elements of src that go to its place.

    CuPy's `ufunc.at` knows few functions and dtypes. So what goes to one place is sorted to be
    side by side, and neighbours are joined in pairs, pairs in fours, and so on.

    Args:
        xp: the namespace of the arrays.
        x: of any shape.
        src: elements, broadcast to the index's shape.
        index: of x, where they go.
        ufunc: what joins two elements: "multiply", "maximum" or "minimum".
    """
    combine = getattr(xp, ufunc)
    every = xp.arange(x.size)
    places = xp.reshape(every, x.shape)[index]
    if not places.size:
        return xp.copy(x)
    order = xp.argsort(xp.ravel(places))
    place = xp.ravel(places)[order]
    parts = xp.ravel(xp.broadcast_to(src, places.shape))[order]
    rank = xp.arange(place.size) - xp.searchsorted(place, place)
    step = 1
    while step < place.size:
        joined = (rank[:-step] % (2 * step) == 0) & (place[:-step] == place[step:])
        both = combine(parts[:-step], parts[step:])
        parts[:-step] = xp.where(joined, both, parts[:-step])
        step *= 2
    first = xp.minimum(xp.searchsorted(place, every), place.size - 1)
    flat = xp.ravel(x)
    y = xp.where(place[first] == every, combine(flat, parts[first]), flat)
    return xp.reshape(y, x.shape)


@kernel("plain")
def turns(xp: Any, index: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[Any, int]:
    """For each element of an index of x how many before it go to the same place.

    Also how many go to one place at most. With them an assignment can be done in turns, in none of
    which a place repeats. `shape` is x's.
    """
    places = xp.reshape(xp.arange(math.prod(shape)), shape)[index]
    flat = xp.ravel(places)
    if not flat.size:
        return places, 0
    order = xp.argsort(flat)
    ranks = xp.arange(flat.size)
    ordered = flat[order]
    first = xp.searchsorted(ordered, ordered)
    turn = xp.empty_like(flat)
    turn[order] = ranks - first
    return xp.reshape(turn, places.shape), int(turn.max()) + 1
