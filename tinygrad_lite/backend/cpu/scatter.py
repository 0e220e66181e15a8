"""Rows of a table, and zeros with rows added at given places (an embedding and its gradient).

`np.add.at` does it one element at a time; here rows are sorted by their place and added whole.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kernel import kernel
from ..plain.scatter import scatter as plain

__all__ = ["scatter", "scatter_reduce", "take_rows"]

LEAST = 1 << 12  # elements; for fewer, sorting the rows by place takes longer than it saves
WIDTH = 8  # elements of a row, at least, for the same reason
DEEP = 32  # rows of one place; where there are more, they are summed at once


@kernel("cpu")
def scatter(xp: Any, g: Any, index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Zeros of a shape with g added at an index; see `ops.shape.scatter`."""
    rows: Any = index[0] if len(index) == 1 else None
    if getattr(rows, "dtype", None) not in ("int64", "int32") or g.size < LEAST:
        return plain(xp, g, index, shape)
    width = math.prod(shape[1:])
    if width < WIDTH or g.dtype.itemsize == 2:
        return plain(xp, g, index, shape)
    places = rows.reshape(-1)
    if int(places.min()) < 0:
        places = np.where(places < 0, places + shape[0], places)
    y = np.zeros((shape[0], width), g.dtype)
    _add_rows(y, places, g.reshape(-1, width))
    return y.reshape(shape) if len(shape) != 2 else y


@kernel("cpu")
def take_rows(xp: Any, a: Any, index: Any) -> Any:
    """a[index], the rows of `a` at places ≥ 0: `np.take` needs two thirds of an index's time.

    Of what does not lie in one piece it would first copy the whole.
    """
    return np.take(a, index, axis=0) if a.flags.c_contiguous else a[index]


@kernel("cpu")
def scatter_reduce(xp: Any, x: Any, src: Any, index: tuple[Any, ...], ufunc: str) -> Any:
    """See `plain.scatter.scatter_reduce`; NumPy needs no sorting for it."""
    y = np.copy(x)
    getattr(np, ufunc).at(y, index, src)
    return y


def _add_rows(y: Any, places: Any, g: Any) -> None:
    """y[places[i]] += g[i] for all i, in ascending order of i for each place.

    A place that occurs more than `DEEP` times gets the sum of its rows at once. Of all others the
    first row is stored, then the second ones are added, all places together, then the third …:
    within one such round no place repeats, so that NumPy's indexed `+=` is right.

    Args:
        y: zeros (P, W), written to.
        places: integers (R), 0 ≤ place < P.
        g: (R, W).
    """
    few = len(y) <= 1 << 16  # numbers of 16 bits are sorted without comparing them
    order = np.argsort(places.astype(np.uint16) if few else places, kind="stable")
    line = places[order]
    starts = np.flatnonzero(np.concatenate([[True], line[1:] != line[:-1]]))
    counts = np.diff(starts, append=len(line))
    deep = counts > DEEP  # e.g. the letters in a batch of text
    for start, count in zip(starts[deep].tolist(), counts[deep].tolist(), strict=True):
        np.add.reduce(g[order[start : start + count]], 0, None, y[line[start]])
    starts, counts = starts[~deep], counts[~deep]
    y[line[starts]] = np.take(g, order[starts], axis=0)
    for k in range(1, DEEP):
        more = counts > k
        starts, counts = starts[more], counts[more]
        if not starts.size:
            break
        rows = line[starts]
        y[rows] = np.take(y, rows, axis=0) + np.take(g, order[starts + k], axis=0)
