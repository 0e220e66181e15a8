"""Tensors of a checkpoint that are different views of one memory, which is stored once.

In the file's structure a view is `{"view": [name, offset, shape, strides]}`, counted in elements of
the entry of that name, which holds the memory as one row.
"""

from __future__ import annotations

import math
from typing import Any

from ..backend import Array, numpy, root, to_host, whole, within
from ..files import Malformed, about

_MOST_DIMS = 64


class Views:
    """The tensors that `save` has met, grouped by the memory that they are views of."""

    def __init__(self) -> None:
        self._met: dict[int, tuple[Array, dict[Any, tuple[str, list[dict[str, Any]]]]]] = {}

    def note(self, source: Array, name: str, code: dict[str, Any]) -> None:
        """Remember a tensor that was met.

        Args:
            source: its array.
            name: of the entry that would hold it.
            code: its part of the structure, which names the entry; `settle` may rewrite it.
        """
        if source.dtype.kind == "V":  # bfloat16, which is stored as other numbers
            return
        memory, place = whole(source)
        if place is None:
            if root(source) is not source or not source.flags.c_contiguous:
                return
            place = 0, source.shape, source.strides, source.dtype.str
        if source.size and min(place[2], default=0) >= 0:
            _, places = self._met.setdefault(id(memory), (memory, {}))
            places.setdefault(place, (name, []))[1].append(code)

    def settle(self, arrays: dict[str, Any]) -> None:
        """Join entries whose views overlap to one that holds their memory, and rewrite their codes.

        Args:
            arrays: the entries by name, changed in place.
        """
        for memory, places in self._met.values():
            if len(places) > 1 and len({place[3] for place in places}) == 1:
                for group in _overlapping(places):
                    self._join(memory, {place: places[place] for place in group}, arrays)

    def _join(self, memory: Array, places: dict[Any, Any], arrays: dict[str, Any]) -> None:
        low, high = min(p[0] for p in places), max(_end(p) for p in places)
        dtype = next(iter(places))[3]
        size = numpy.dtype(dtype).itemsize
        steps = [n for p in places for n in (p[0] - low, *p[2])]
        if len(places) < 2 or any(n % size for n in steps) or _too_many(places, high - low, size):
            return
        names = [name for name, _ in places.values()]
        row = to_host(within(memory, (low, ((high - low) // size,), (size,), dtype)))
        arrays[names[0]] = row.astype(row.dtype.newbyteorder("<"), copy=False)
        for name in names[1:]:
            arrays.pop(name, None)
        for (offset, shape, strides, _), (_, codes) in places.items():
            where = [names[0], (offset - low) // size, [*shape], [n // size for n in strides]]
            for code in codes:
                code.clear()
                code["view"] = where


def _overlapping(places: Any) -> list[list[Any]]:
    groups: list[list[Any]] = []
    end = -1
    for place in sorted(places, key=lambda p: p[0]):
        if place[0] >= end:
            groups.append([])
        groups[-1].append(place)
        end = max(end, _end(place))
    return groups


def _end(place: Any) -> int:
    """Where a view ends: the offset behind its last byte."""
    offset, shape, strides, dtype = place
    last = sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    return int(offset + last + numpy.dtype(dtype).itemsize)


def _too_many(places: Any, width: int, size: int) -> bool:
    """Whether a view has more elements than its memory, as one made by `expand` has."""
    return any(math.prod(place[1]) * size > width for place in places)


def view_of(row: Array, offset: Any, shape: Any, strides: Any) -> Array:
    """A view of an entry, from a file that nobody vouches for.

    Args:
        row: the entry, one-dimensional.
        offset, shape, strides: of the view, counted in elements.

    Raises:
        Malformed: they are no integers that fit, or the view does not lie inside.
    """
    lists = type(shape) is list and type(strides) is list and len(shape) == len(strides)
    numbers = [offset, *shape, *strides] if lists else []
    if not lists or len(shape) > _MOST_DIMS or not all(type(n) is int and n >= 0 for n in numbers):
        raise Malformed(f"its structure has a view of {about([offset, shape, strides])}")
    last = sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if row.ndim != 1 or not all(shape) or max(math.prod(shape), offset + last + 1) > row.size:
        raise Malformed(f"its structure has a view {about(shape)} beyond its {row.size} elements")
    size = row.dtype.itemsize
    place = offset * size, tuple(shape), tuple(n * size for n in strides), row.dtype.str
    out: Array = within(row, place)
    return out
