"""Rows of what moves elements: shapes, indexing and joining."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

import tinygrad_lite as tg
from tests import strategies as some
from tests.op_table._row import Row
from tests.strategies import Draw, fixed, real, shaped, values
from tinygrad_lite.ops import RULES
from tinygrad_lite.ops.shape import Hole
from tinygrad_lite.tensor import apply


def _none(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    return {}


def _windows(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    axis = some.dim(draw, shape)
    size, step = draw(st.integers(0, shape[axis])), draw(st.integers(1, 3))
    return {"axis": axis, "size": size, "step": step}


def _windowed(x: Any, axis: int, size: int, step: int) -> Any:
    n = x.shape[axis] - size
    parts = [np.take(x, range(i, i + size), axis) for i in range(0, n + 1, step)]
    return np.stack([np.moveaxis(part, axis, -1) for part in parts], axis % x.ndim)


def _new_shape(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    n = math.prod(shape)
    found = [(n,), (1, n), (n, 1), (-1,) if n else (n,), (*shape, 1), shape[::-1]]
    found += [(2, n // 2)] if n % 2 == 0 else []
    return {"shape": draw(st.sampled_from(found))}


def _order(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"order": tuple(draw(st.permutations(range(len(shape)))))}


def _two_dims(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"a": some.dim(draw, shape), "b": some.dim(draw, shape)}


def _some_dims(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    each = st.integers(0, len(shape) - 1)
    return {"over": tuple(draw(st.lists(each, unique=True, min_size=1)))}


def _insert(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"dim": draw(st.integers(-len(shape) - 1, len(shape)))}


def _grow(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    sizes = [draw(st.integers(0, 3)) if n == 1 else n for n in shape]
    return {"shape": (*draw(st.lists(st.integers(0, 3), max_size=2)), *sizes)}


def _repeats(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    n = len(shape)
    counts = st.lists(st.integers(0, 2), min_size=n, max_size=n + 1)
    return {"counts": tuple(draw(counts))}


def _range(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    dim = some.dim(draw, shape)
    start = draw(st.integers(0, shape[dim]))
    return {"dim": dim, "start": start, "length": draw(st.integers(0, shape[dim] - start))}


def _position(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    dim = some.dim(draw, shape)
    return {"dim": dim, "index": draw(st.integers(-shape[dim], shape[dim] - 1))}


def _pieces(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"size": draw(st.integers(1, 3)), "dim": some.dim(draw, shape)}


def _in_two_steps(x: Any, index: Any) -> Any:
    """PyTorch's reading of an index: integers and slices first, then arrays."""
    parts = index if isinstance(index, tuple) else (index,)
    view = tuple(slice(None) if isinstance(p, np.ndarray) else p for p in parts)
    places = tuple(
        p if isinstance(p, np.ndarray | type(...)) else slice(None)
        for p in parts
        if not isinstance(p, int)
    )
    return x[view][places]


def _index(strategy: Any) -> Any:
    return lambda draw, shape: {"index": strategy(draw, shape)}


def _on(x: Any, index: Any) -> Any:
    """The index with its arrays as tensors on x's device."""
    if isinstance(index, tuple):
        return tuple(_on(x, part) for part in index)
    return tg.tensor(index, device=x.device) if isinstance(index, np.ndarray) else index


@st.composite
def _gathered(draw: Draw, own: bool) -> some.Arguments:
    """A tensor, an index of as many dimensions, and dim; for a scatter (not `own`) the reverse."""
    shape = draw(some.shapes(min_dims=1, min_side=1))
    dim = len(shape) - 1 - draw(st.integers(0, len(shape) - 1))
    index_shape = tuple(draw(st.integers(0, 3)) if d == dim else n for d, n in enumerate(shape))
    rng = draw(some.sources())
    index = rng.integers(0, shape[dim], index_shape)
    if own:
        return (real(rng, shape), index), {"dim": dim}
    return (real(rng, index_shape), index), {"dim": dim, "shape": shape}


def _scatter_along(g: Any, index: Any, dim: int, shape: tuple[int, ...]) -> Any:
    y = np.zeros(shape)
    for place in np.ndindex(*index.shape):
        y[(*place[:dim], index[place], *place[dim + 1 :])] += g[place]
    return y


@st.composite
def _picked(draw: Draw) -> some.Arguments:
    shape = draw(some.shapes(min_dims=1, min_side=1))
    dim = draw(st.integers(0, len(shape) - 1))
    rng = draw(some.sources())
    index = rng.integers(0, shape[dim], draw(st.integers(0, 4)))
    return (real(rng, shape), index), {"dim": dim}


@st.composite
def _scattered(draw: Draw) -> some.Arguments:
    shape = draw(some.shapes(min_dims=1, min_side=1, max_dims=2))
    rng = draw(some.sources())
    index = rng.integers(0, shape[0], draw(st.integers(0, 4)))
    return (real(rng, (len(index), *shape[1:])), index), {"shape": shape}


@st.composite
def _reduced(draw: Draw, domain: Any, **words: Any) -> some.Arguments:
    """A tensor, what goes to its rows, and to which; all elements of one draw from the domain."""
    shape = draw(some.shapes(min_dims=1, min_side=1, max_dims=2))
    rng = draw(some.sources())
    index = rng.integers(-shape[0], shape[0], draw(st.integers(0, 4)))
    drawn = domain(rng, (shape[0] + len(index), *shape[1:]))
    return (drawn[: shape[0]], drawn[shape[0] :], index), {"spec": (Hole(0),), **words}


def _reduction_at(rule: str) -> dict[str, Any]:
    """How NumPy and how we reduce elements at places."""

    def reference(x: Any, src: Any, index: Any, spec: Any, largest: bool | None = None) -> Any:
        y = x.copy()
        {None: np.multiply, True: np.maximum, False: np.minimum}[largest].at(y, index, src)
        return y

    def call(x: Any, src: Any, index: Any, **words: Any) -> Any:
        before = () if rule == "scatter_prod" else (x.detach(),)
        return apply(RULES[rule], x, src, *before, index, **words)

    return {"reference": reference, "call": call, "rule": rule}


def _scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    y = np.zeros(shape)
    np.add.at(y, index, g)
    return y


@st.composite
def _joined(draw: Draw, stacked: bool) -> some.Arguments:
    shape = draw(some.shapes(min_dims=0 if stacked else 1))
    dim = draw(st.integers(0, len(shape) if stacked else len(shape) - 1))
    rng, arrays = draw(some.sources()), []
    for _ in range(draw(st.integers(1, 3))):
        size = shape if stacked else (*shape[:dim], draw(st.integers(0, 3)), *shape[dim + 1 :])
        arrays.append(real(rng, size))
    return tuple(arrays), {"dim": dim - len(shape) - stacked if draw(st.booleans()) else dim}


MOVES = [
    Row("reshape", shaped(real, _new_shape), lambda x, shape: x.reshape(shape),
        call=lambda x, shape: x.reshape(*shape) if shape else x.reshape(())),
    Row("view", shaped(real, _new_shape), lambda x, shape: x.reshape(shape),
        call=lambda x, shape: x.view(shape), rule="reshape"),
    Row("reshape_as", fixed(real, (2, 3)), lambda x: x.reshape(3, 2),
        call=lambda x: x.reshape_as(tg.zeros(3, 2)), rule="reshape"),
    Row("view_as", fixed(real, (2, 3)), lambda x: x.reshape(3, 2),
        call=lambda x: x.view_as(tg.zeros(3, 2)), rule="reshape"),
    Row("flatten", shaped(real, _none, min_dims=2, max_dims=4, max_side=2),
        lambda x: x.reshape(x.shape[0], math.prod(x.shape[1:])), call=lambda x: x.flatten(1),
        rule="reshape"),
    Row("flatten[all]", shaped(real, _none), np.ravel, call=lambda x: x.flatten()),
    Row("ravel", shaped(real, _none), np.ravel, rule="reshape"),
    Row("unflatten", fixed(real, (3, 4)), lambda x: x.reshape(3, 2, 2),
        call=lambda x: x.unflatten(-1, (2, 2)), rule="reshape"),
    Row("permute", shaped(real, _order), lambda x, order: x.transpose(order),
        call=lambda x, order: x.permute(order), rule="transpose"),
    Row("transpose", shaped(real, _two_dims, min_dims=1), lambda x, a, b: x.swapaxes(a, b),
        call=lambda x, a, b: x.transpose(a, b)),
    Row("swapaxes", shaped(real, _two_dims, min_dims=1), lambda x, a, b: x.swapaxes(a, b),
        call=lambda x, a, b: x.swapaxes(a, b), rule="transpose"),
    Row("movedim", shaped(real, _two_dims, min_dims=1), lambda x, a, b: np.moveaxis(x, a, b),
        call=lambda x, a, b: x.movedim(a, b), rule="transpose"),
    Row("t", shaped(real, _none, max_dims=2), np.transpose, rule="transpose"),
    Row("T", shaped(real, _none), np.transpose, call=lambda x: x.T, rule="transpose"),
    Row("mT", shaped(real, _none, min_dims=2), lambda x: x.swapaxes(-1, -2),
        call=lambda x: x.mT, rule="transpose"),
    Row("squeeze", shaped(real, _none), np.squeeze, rule="reshape"),
    Row("squeeze[dim]", shaped(real, some.only_dim, min_dims=1),
        lambda x, dim: np.squeeze(x, dim) if x.shape[dim] == 1 else x),
    Row("unsqueeze", shaped(real, _insert), lambda x, dim: np.expand_dims(x, dim),
        rule="reshape"),
    Row("expand", shaped(real, _grow), lambda x, shape: np.broadcast_to(x, shape),
        call=lambda x, shape: x.expand(shape)),
    Row("unfold", shaped(real, _windows, min_dims=1), _windowed,
        call=lambda x, axis, size, step: x.unfold(axis, size, step) * 1, rule="windows"),
    Row("broadcast_to", shaped(real, _grow), lambda x, shape: np.broadcast_to(x, shape),
        call=lambda x, shape: x.broadcast_to(shape), rule="expand"),
    Row("expand_as", fixed(real, (3, 1)), lambda x: np.broadcast_to(x, (2, 3, 4)),
        call=lambda x: x.expand_as(tg.zeros(2, 3, 4)), rule="expand"),
    Row("repeat", shaped(real, _repeats), lambda x, counts: np.tile(x, counts),
        call=lambda x, counts: x.repeat(counts), rule="expand"),
    Row("flip", shaped(real, _some_dims, min_dims=1), lambda x, over: np.flip(x, over),
        call=lambda x, over: x.flip(over)),
    Row("as_strided", values(real),
        lambda x: np.stack([x.ravel()[:-1], x.ravel()[1:]], -1),
        call=lambda x: x.contiguous().as_strided((max(x.numel() - 1, 0), 2), (1, 1))),
    Row("contiguous", shaped(real, _none, min_dims=2, min_side=2), np.transpose,
        call=lambda x: x.T.contiguous()),
]  # fmt: skip

PICKS = [
    Row("__getitem__", shaped(real, _index(some.basic_index)), lambda x, index: x[index],
        call=lambda x, index: x[index], rule="getitem"),
    Row("__getitem__[arrays]", shaped(real, _index(some.advanced_index), min_dims=1),
        _in_two_steps, call=lambda x, index: x[_on(x, index)]),
    Row("__getitem__[mask]", shaped(real, _index(some.mask_index), min_dims=1),
        lambda x, index: x[index], call=lambda x, index: x[_on(x, index)], syncs=True),
    Row("__iter__", shaped(real, _none, min_dims=1, min_side=1), list,
        call=lambda x: list(x), rule="getitem"),
    Row("narrow", shaped(real, _range, min_dims=1),
        lambda x, dim, start, length: np.take(x, range(start, start + length), dim),
        rule="getitem"),
    Row("select", shaped(real, _position, min_dims=1, min_side=1),
        lambda x, dim, index: np.take(x, index, dim), rule="getitem"),
    Row("split", shaped(real, _pieces, min_dims=1, min_side=1),
        lambda x, size, dim: np.split(x, range(size, x.shape[dim], size), dim),
        call=lambda x, size, dim: x.split(size, dim), rule="getitem"),
    Row("split[sizes]", fixed(real, (2, 3)), lambda x: (x[:, :1], x[:, 1:]),
        call=lambda x: x.split([1, 2], 1)),
    Row("chunk", fixed(real, (2, 5)), lambda x: (x[:, :2], x[:, 2:4], x[:, 4:]),
        call=lambda x: x.chunk(3, 1), rule="getitem"),
    Row("unbind", shaped(real, some.only_dim, min_dims=1, min_side=1),
        lambda x, dim: list(np.moveaxis(x, dim, 0)), rule="getitem"),
    Row("gather", _gathered(True), lambda x, index, dim: np.take_along_axis(x, index, dim),
        call=lambda x, index, dim: x.gather(dim, index)),
    Row("index_select", _picked(), lambda x, index, dim: np.take(x, index, dim),
        call=lambda x, index, dim: x.index_select(dim, index), rule="getitem"),
    Row("masked_select", values(real, some.truth).filter(
            lambda drawn: np.broadcast_shapes(*(a.shape for a in drawn[0])) == drawn[0][0].shape),
        lambda x, mask: x[np.broadcast_to(mask, x.shape)], rule="getitem", syncs=True),
    Row("rule:scatter", _scattered(), _scatter, call=lambda g, index, shape: apply(
        RULES["scatter"], g, index, spec=(Hole(0),), shape=shape), rule="scatter"),
    Row("rule:scatter[slices]", fixed(real, (2, 1)),
        lambda g: np.array([[0, g[0, 0], 0], [0, 0, 0], [0, g[1, 0], 0], [0, 0, 0]]),
        call=lambda g: apply(
            RULES["scatter"], g, spec=(slice(None, None, 2), slice(1, 2)), shape=(4, 3))),
    Row("rule:scatter_prod", _reduced(some.whole), **_reduction_at("scatter_prod")),
    Row("rule:scatter_extreme", _reduced(some.distinct, largest=True),
        **_reduction_at("scatter_extreme")),
    Row("rule:scatter_extreme[min]", _reduced(some.distinct, largest=False),
        **_reduction_at("scatter_extreme")),
    Row("rule:scatter_along", _gathered(False), _scatter_along,
        call=lambda g, index, dim, shape: apply(
            RULES["scatter_along"], g, index, axis=dim, shape=shape), rule="scatter_along"),
]  # fmt: skip

JOINS = [
    Row("cat", _joined(False), lambda *xs, dim: np.concatenate(xs, dim),
        call=lambda *xs, dim: tg.cat(xs, dim), rule="concatenate"),
    Row("stack", _joined(True), lambda *xs, dim: np.stack(xs, dim),
        call=lambda *xs, dim: tg.stack(xs, dim)),
]  # fmt: skip

ROWS = [*MOVES, *PICKS, *JOINS]
