"""Rows of what moves, joins, splits and indexes, and of what makes tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Call, Given
from .draw import ALL, Draw, dims, indices, numbers, several_dims, shapes, tensors
from .row import Row


def factors(n: int) -> list[tuple[int, ...]]:
    """Shapes of n elements."""
    if n == 0:
        return [(0,), (0, 3), (2, 0)]
    out: list[tuple[int, ...]] = [(n,), (1, n), (n, 1)]
    return out + [(a, n // a) for a in range(2, n) if n % a == 0] + ([()] if n == 1 else [])


@st.composite
def reshape(draw: Draw, name: str) -> Call:
    given = draw(tensors())
    shape = list(draw(st.sampled_from(factors(given.values.size))))
    if shape and draw(st.booleans()):
        shape[draw(st.integers(0, len(shape) - 1))] = -1
    dot = "." if name == "view" else draw(st.sampled_from(["", "."]))
    if dot and draw(st.booleans()):
        return Call(dot + name, (given, *shape))
    return Call(dot + name, (given, tuple(shape)))


@st.composite
def one_dim(draw: Draw, name: str) -> Call:
    """Functions of a tensor and one dim, or several."""
    given = draw(tensors())
    ndim = given.values.ndim
    dot = draw(st.sampled_from(["", "."]))
    word = draw(st.sampled_from(["dim", ""]))
    if name in ("squeeze", "flip", "unsqueeze"):
        if name == "squeeze" and draw(st.booleans()):
            return Call(dot + name, (given,))
        dim = draw(several_dims(ndim) if name != "unsqueeze" else dims(ndim + 1))
        dim = () if dim is None else dim
        if name == "flip":
            return (
                Call(dot + name, (given,), {"dims": dim})
                if word
                else Call(dot + name, (given, dim))
            )
        return Call(dot + name, (given,), {"dim": dim}) if word else Call(dot + name, (given, dim))
    if name == "flatten":
        args = draw(st.sampled_from([(), (0,), (1,), (0, -1), (1, 2), (-2,)]))
        return Call(dot + name, (given, *args))
    if name == "unbind":
        return Call(dot + name, (given,) if draw(st.booleans()) else (given, draw(dims(ndim))))
    raise AssertionError(name)


@st.composite
def two_dims(draw: Draw, name: str) -> Call:
    given = draw(tensors())
    ndim = given.values.ndim
    a, b = draw(dims(ndim)), draw(dims(ndim))
    if name in ("movedim", "moveaxis") and draw(st.booleans()):
        return Call(name, (given, [a], (b,)))
    return Call(draw(st.sampled_from(["", "."])) + name, (given, a, b))


@st.composite
def permute(draw: Draw, name: str) -> Call:
    given = draw(tensors())
    ndim = given.values.ndim
    order = list(draw(st.permutations(range(ndim))))
    if order and draw(st.booleans()):
        order = [a - ndim if draw(st.booleans()) else a for a in order]
    if draw(st.integers(0, 7)) == 0:
        order = order[:-1]
    if draw(st.booleans()):
        return Call(".permute", (given, *order))
    return Call("permute", (given, tuple(order)))


@st.composite
def expand(draw: Draw, name: str) -> Call:
    given = draw(tensors())
    shape = [n if n != 1 or draw(st.booleans()) else 3 for n in given.values.shape]
    shape = [-1 if draw(st.integers(0, 3)) == 0 else n for n in shape]
    shape = [2] * draw(st.integers(0, 2)) + shape
    if name == "repeat":
        shape = [draw(st.integers(0, 3)) for _ in range(len(shape))]
    if name == "tile":
        shape = [draw(st.integers(0, 3)) for _ in range(draw(st.integers(0, 4)))]
    if name in ("repeat", "expand") and draw(st.booleans()):
        return Call("." + name, (given, *shape))
    return Call("." + name, (given, tuple(shape)))


@st.composite
def joining(draw: Draw, name: str) -> Call:
    shape = draw(shapes(1 if name in ("cat", "concat") else 0, 3))
    dim = draw(dims(len(shape) + (name == "stack")))
    parts = []
    for _ in range(draw(st.integers(0 if draw(st.integers(0, 9)) == 0 else 1, 3))):
        own = list(shape)
        if name != "stack" and own and -len(own) <= dim < len(own):
            own[dim] = draw(st.integers(0, 3))
        if name in ("cat", "concat") and draw(st.integers(0, 8)) == 0:
            own = [0]
        parts.append(draw(tensors(tuple(own))))
    sequence: Any = tuple(parts) if draw(st.booleans()) else parts
    if name in ("hstack", "vstack", "dstack", "column_stack"):
        return Call(name, (sequence,))
    form = draw(st.sampled_from(["none", "dim", "positional", "axis"]))
    if form == "none":
        return Call(name, (sequence,))
    return (
        Call(name, (sequence, dim))
        if form == "positional"
        else Call(name, (sequence,), {form: dim})
    )


@st.composite
def splitting(draw: Draw, name: str) -> Call:
    given = draw(tensors())
    ndim = given.values.ndim
    dim = draw(dims(ndim))
    n = given.values.shape[dim] if -ndim <= dim < ndim else 2
    count: Any = draw(st.one_of(st.integers(1, 4), st.just(np.int64(2))))
    if name == "split" and draw(st.booleans()):
        first = draw(st.integers(0, n))
        count = [first, n - first]
    if name == "tensor_split" and draw(st.booleans()):
        count = (1, 3)
    word = draw(st.sampled_from(["dim", ""]))
    dot = draw(st.sampled_from(["", "."]))
    return (
        Call(dot + name, (given, count, dim))
        if not word
        else Call(dot + name, (given, count), {word: dim})
    )


@st.composite
def selecting(draw: Draw, name: str) -> Call:
    given = draw(tensors())
    ndim = given.values.ndim
    dim = draw(dims(ndim))
    n = given.values.shape[dim] if -ndim <= dim < ndim else 2
    dot = draw(st.sampled_from(["", "."]))
    if name == "select":
        return Call(dot + name, (given, dim, draw(st.integers(-n - 1, n))))
    if name == "narrow":
        start = draw(st.integers(-n, n))
        return Call(dot + name, (given, dim, start, draw(st.integers(0, n))))
    if name == "roll":
        if draw(st.booleans()):
            return Call(dot + name, (given, draw(st.integers(-5, 5))))
        return Call(dot + name, (given, draw(st.integers(-5, 5)), dim))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    low = -n if draw(st.integers(0, 5)) == 0 else 0
    high = n + (draw(st.integers(0, 9)) == 0)
    kind = draw(st.sampled_from(["int64", "int64", "int32"]))

    def index(shape: tuple[int, ...]) -> Given:
        count = math.prod(shape)
        drawn = (
            rng.integers(low, high, shape)
            if high > low
            else np.zeros(shape if not count else 0, int)
        )
        return Given(np.asarray(drawn).astype(kind))

    if name == "index_select":
        return Call(dot + name, (given, dim, index(draw(st.sampled_from([(2,), (0,), (5,), ()])))))
    smaller = tuple(draw(st.integers(0, max(m, 0))) for m in given.values.shape)
    if name == "take_along_dim":
        at = dim if -ndim <= dim < ndim else 0
        like = [draw(st.sampled_from([m, 1])) for m in given.values.shape]
        if like:
            like[at] = draw(st.integers(0, 3))
        return Call(dot + name, (given, index(tuple(like)), dim))
    return Call(dot + name, (given, dim, index(smaller)))


@st.composite
def getitem(draw: Draw, name: str) -> Call:
    given = draw(tensors(shapes(0, 4)))
    index = draw(indices(given.values.shape))
    return Call("operator.getitem", (given, index), function=lambda _, a, i: a[i])


@st.composite
def setitem(draw: Draw, name: str) -> Call:
    given = draw(tensors(shapes(0, 4), grad=False))
    index = draw(indices(given.values.shape))
    value = draw(st.one_of(numbers, numbers, tensors(shapes(0, 2)), tensors(())))

    def run(_: Any, a: Any, i: Any, v: Any) -> Any:
        a[i] = v
        return a

    return Call("operator.setitem", (given, index, value), function=run)


@st.composite
def plain(draw: Draw, name: str) -> Call:
    return Call("." + name, (draw(tensors()),))


@st.composite
def creation(draw: Draw, name: str) -> Call:
    words: dict[str, Any] = {}
    if draw(st.booleans()):
        words["dtype"] = np.dtype(draw(st.sampled_from(ALL)))
    if draw(st.integers(0, 4)) == 0:
        words["device"] = "cpu"
    if name == "arange":
        args = draw(
            st.lists(st.sampled_from([0, 1, 5, -3, 0.1, 2.5, -0.5, 10, 7]), min_size=1, max_size=3)
        )
        return Call(name, tuple(args), words)
    if name in ("linspace", "logspace"):
        ends = [draw(st.sampled_from([0, 1, -2, 0.5, 10])) for _ in range(2)]
        return Call(name, (*ends, draw(st.sampled_from([0, 1, 2, 5, -1]))), words)
    if name == "eye":
        return Call(
            name,
            tuple(draw(st.lists(st.sampled_from([0, 1, 3, -1]), min_size=1, max_size=2))),
            words,
        )
    size = draw(shapes(0, 3))
    if name == "full":
        return Call(name, (size, draw(numbers)), words)
    if name.endswith("_like"):
        args = (draw(tensors()),) + ((draw(numbers),) if name == "full_like" else ())
        return Call(name, args, words)
    if name.startswith(".new_"):
        args = (draw(tensors()), size) + ((draw(numbers),) if name == ".new_full" else ())
        return Call(name, args, words)
    if draw(st.integers(0, 3)) == 0:
        return Call(name, (), {"size": size} | words)
    return Call(name, (size,) if draw(st.booleans()) else size, words)


@st.composite
def tensor(draw: Draw, name: str) -> Call:
    leaf = st.one_of(numbers, st.integers(-3, 3))
    nested = st.recursive(leaf, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
    words: dict[str, Any] = {}
    if draw(st.booleans()):
        words["dtype"] = np.dtype(draw(st.sampled_from(ALL)))
    return Call(name, (draw(nested),), words)


def rows() -> list[Row]:
    """All rows of this file."""
    out = [Row(name, reshape(name)) for name in ("reshape", "view")]
    out += [Row(n, one_dim(n)) for n in ("squeeze", "unsqueeze", "flip", "flatten", "unbind")]
    out += [
        Row(n, two_dims(n)) for n in ("transpose", "swapaxes", "swapdims", "movedim", "moveaxis")
    ]
    out += [Row("permute", permute(""))]
    out += [Row("." + n, expand(n)) for n in ("expand", "repeat", "broadcast_to", "tile")]
    out += [
        Row(n, joining(n))
        for n in ("cat", "concat", "stack", "hstack", "vstack", "dstack", "column_stack")
    ]
    out += [Row(n, splitting(n)) for n in ("split", "chunk", "tensor_split")]
    selections = """select narrow roll index_select gather take_along_dim""".split()
    out += [Row(n, selecting(n)) for n in selections]
    out += [Row("operator.getitem", getitem("")), Row("operator.setitem", setitem(""))]
    alone = [
        "t",
        "contiguous",
        "to_dense",
        "ravel",
        "nonzero",
        "item",
        "tolist",
        "numel",
        "dim",
        "size",
        "is_contiguous",
        "fliplr",
        "flipud",
    ]
    out += [Row("." + n, plain(n)) for n in alone]
    makers = """arange linspace eye full zeros ones zeros_like ones_like full_like
    .new_zeros .new_ones .new_full"""
    out += [Row(n, creation(n)) for n in makers.split()]
    return out + [Row(n, tensor(n)) for n in ("tensor", "as_tensor")]
