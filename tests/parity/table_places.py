"""Rows of what writes at indices, and of what repeats, turns, pairs and lays on diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Call, Given
from .draw import Draw, broadcastable, dims, shapes, tensors, values
from .row import Row

DTYPES = ("float32", "float64", "int64")


def _dot(draw: Draw) -> str:
    return draw(st.sampled_from(["", "."]))


@st.composite
def scattering(draw: Draw, name: str) -> Call:
    """An index (rarely out of range) no larger than input and source, but along the dim."""
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(shapes(0, 3))
    dim = draw(dims(len(shape)))
    at = dim if -len(shape) <= dim < len(shape) else 0
    index_shape = [draw(st.integers(0, n)) for n in shape]
    if shape:
        index_shape[at] = draw(st.integers(0, 3))
    n = shape[at] if shape else 1
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    high = n + (draw(st.integers(0, 9)) == 0)
    if not high:
        index_shape = [0] * len(shape)
    index = Given(np.asarray(rng.integers(0, max(high, 1), tuple(index_shape))))
    larger = tuple(m + draw(st.integers(0, 1)) for m in index_shape)
    given = draw(tensors(shape, (dtype,), special=False))
    # PyTorch has no gradient for a source that is larger than the index.
    grad = None if larger == tuple(index_shape) else False
    source: Any = draw(tensors(larger, (dtype,), special=False, grad=grad))
    words: dict[str, Any] = {}
    if name == "scatter" and draw(st.booleans()):
        source = draw(st.sampled_from([0, 1, 2.5]))
    args: tuple[Any, ...] = (given, dim, index, source)
    if name == "scatter_reduce":
        args += (draw(st.sampled_from(["sum", "mean", "amax", "amin", "prod"])),)
        words = {"include_self": draw(st.booleans())}
    return Call(_dot(draw) + name, args, words)


@st.composite
def at_rows(draw: Draw, name: str) -> Call:
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(shapes(1, 3))
    dim = draw(st.integers(-len(shape), len(shape) - 1))
    n = shape[dim]
    count = draw(st.integers(0, 3)) if n else 0
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    index = (
        rng.permutation(n)[:count] if name == "index_copy" else rng.integers(0, max(n, 1), count)
    )
    own = list(shape)
    own[dim] = len(index)
    given = draw(tensors(shape, (dtype,), special=False))
    last: Any = draw(tensors(tuple(own), (dtype,), special=False))
    if name == "index_fill":
        last = draw(st.sampled_from([0, 2]))
    words = {"alpha": 2} if name == "index_add" and draw(st.booleans()) else {}
    return Call(_dot(draw) + name, (given, dim, Given(index), last), words)


@st.composite
def masked(draw: Draw, name: str) -> Call:
    given = draw(tensors(shapes(0, 3), DTYPES, special=False))
    mask = Given(values(draw(st.integers(0, 99)), draw(broadcastable(given.values.shape)), "bool"))
    if name == "masked_select":
        return Call(_dot(draw) + name, (given, mask))
    source = draw(tensors((given.values.size,), (given.values.dtype.name,), special=False))
    return Call(_dot(draw) + name, (given, mask, source))


@st.composite
def turned(draw: Draw, name: str) -> Call:
    given = draw(tensors(shapes(0, 4)))
    ndim = given.values.ndim
    if name == "rot90":
        pair = [draw(dims(ndim)), draw(dims(ndim))]
        return Call(_dot(draw) + name, (given, draw(st.integers(-3, 5)), pair))
    if name == "diagonal":
        args = (given, draw(st.integers(-2, 2)))
        args += (draw(dims(ndim)), draw(dims(ndim))) if draw(st.booleans()) else ()
        return Call(_dot(draw) + name, args)
    if name == "diag_embed":
        return Call(_dot(draw) + name, (given, draw(st.integers(-2, 2))))
    if name == "repeat_interleave":
        return Call(_dot(draw) + name, (given, draw(st.integers(0, 3)), draw(dims(ndim))))
    if name == "unfold":
        sizes = draw(st.integers(0, 4)), draw(st.integers(1, 3))
        return Call(".unfold", (given, draw(dims(ndim)), *sizes))
    return Call(name, (given,))


@st.composite
def several(draw: Draw, name: str) -> Call:
    count = draw(st.integers(1, 3))
    dtype = draw(st.sampled_from(DTYPES))
    if name == "broadcast_tensors":
        shape = draw(shapes(0, 3))
        parts = [draw(tensors(draw(broadcastable(shape)), (dtype,))) for _ in range(count)]
        return Call(name, tuple(parts))
    low = int(name == "cartesian_prod")
    parts = [draw(tensors(shapes(low, 1), (dtype,))) for _ in range(count)]
    words = {} if name == "cartesian_prod" else {"indexing": draw(st.sampled_from(["ij", "xy"]))}
    return Call(name, tuple(parts), words)


@st.composite
def triangle(draw: Draw, name: str) -> Call:
    sizes = draw(st.integers(0, 4)), draw(st.integers(0, 4)), draw(st.integers(-3, 3))
    return Call(name, sizes)


def rows() -> list[Row]:
    """All rows of this file."""
    out = [Row(n, scattering(n)) for n in ("scatter", "scatter_add", "scatter_reduce")]
    out += [Row(n, at_rows(n)) for n in ("index_add", "index_copy", "index_fill")]
    out += [Row(n, masked(n)) for n in ("masked_select", "masked_scatter")]
    alone = "rot90 diagonal diag_embed repeat_interleave atleast_1d atleast_2d atleast_3d"
    out += [Row(n, turned(n)) for n in alone.split()] + [Row(".unfold", turned("unfold"))]
    out += [Row(n, several(n)) for n in ("broadcast_tensors", "meshgrid", "cartesian_prod")]
    return out + [Row(n, triangle(n)) for n in ("tril_indices", "triu_indices")]
