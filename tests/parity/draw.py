"""What the rows draw: tensors of every dtype, shape and layout, numbers, dims, indices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Given

Draw = st.DrawFn
Shape = tuple[int, ...]

FLOATS = ("float32", "float32", "float64", "float16")
INTEGERS = ("int64", "int64", "int32", "uint8", "int8", "int16")
ALL = (*FLOATS, *INTEGERS, "bool")

SPECIAL = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    2.0,
    math.inf,
    -math.inf,
    math.nan,
    1e4,
    -1e4,
    1e-4,
    88.0,
    1e38,
)

sizes = st.sampled_from([0, 1, 1, 2, 2, 3, 3, 4, 5])


def shapes(low: int = 0, high: int = 4) -> st.SearchStrategy[Shape]:
    """Shapes of `low` to `high` dimensions of 0 to 5 elements."""
    return st.integers(low, high).flatmap(lambda n: st.tuples(*[sizes] * n))


def values(
    seed: int, shape: Shape, dtype: str, special: bool = False, low: float = -3, high: float = 3
) -> np.ndarray[Any, Any]:
    """Elements of a dtype: usual ones, or with many zeros, ties, infinities and extremes."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype).kind
    if kind == "b":
        return np.asarray(rng.random(shape) < 0.5)
    if kind in "iu":
        info = np.iinfo(dtype)
        out = rng.integers(0 if kind == "u" else -4, 6, shape)
        if special:
            extremes = rng.choice([info.min, info.max, 0, 1], shape)
            out = np.where(rng.random(shape) < 0.3, extremes, out)
        return np.asarray(out).astype(dtype)
    out = rng.uniform(low, high, shape)
    if special:
        extremes = rng.choice(SPECIAL, shape)
        out = np.where(rng.random(shape) < 0.4, extremes, out)
    with np.errstate(over="ignore"):
        return np.asarray(out).astype(dtype)


@st.composite
def tensors(
    draw: Draw,
    shape: st.SearchStrategy[Shape] | Shape | None = None,
    dtypes: tuple[str, ...] = ALL,
    *,
    special: bool | None = None,
    grad: bool | None = None,
    low: float = -3,
    high: float = 3,
) -> Given:
    """A tensor of a drawn shape, dtype and layout."""
    drawn = draw(shapes() if shape is None else shape) if not isinstance(shape, tuple) else shape
    dtype = draw(st.sampled_from(dtypes))
    special = draw(st.booleans()) if special is None else special
    array = values(draw(st.integers(0, 10_000)), drawn, dtype, special, low, high)
    layouts = ["plain", "plain", "turned"] + (["spread", "offset"] if drawn else [])
    floating = np.dtype(dtype).kind == "f"
    grad = floating and (draw(st.booleans()) if grad is None else grad)
    return Given(array, draw(st.sampled_from(layouts)), grad)


@st.composite
def broadcastable(draw: Draw, shape: Shape) -> Shape:
    """A shape that broadcasts against another: sizes become 1, leading ones go."""
    out = tuple(n if draw(st.integers(0, 3)) else 1 for n in shape)
    return out[draw(st.integers(0, len(out))) if draw(st.booleans()) else 0 :]


python_numbers = st.sampled_from(
    [
        0,
        1,
        2,
        -1,
        3,
        0.5,
        -1.5,
        2.0,
        0.0,
        True,
        False,
        math.inf,
        -math.inf,
        math.nan,
        300,
        -129,
        1e40,
    ]
)
numpy_numbers = st.sampled_from(
    [np.int64(2), np.float32(1.5), np.float64(-0.5), np.int32(-1), np.bool_(True), np.uint8(200)]
)
numbers = st.one_of(python_numbers, python_numbers, numpy_numbers)


@st.composite
def pairs(draw: Draw, dtypes: tuple[str, ...] = ALL) -> tuple[Any, Any]:
    """Two operands: two tensors that broadcast (a few do not), or a tensor and a number."""
    first = draw(tensors(dtypes=dtypes))
    choice = draw(st.integers(0, 9))
    if choice < 4:
        second: Any = draw(numbers)
        return first, second
    if choice == 9:
        second = draw(tensors(dtypes=dtypes))
        return _mild(first, second), _mild(second, first)
    second = draw(tensors(broadcastable(first.values.shape), dtypes))
    return _mild(first, second), _mild(second, first)


def _mild(given: Given, other: Given) -> Given:
    """Integers without extremes beside what requires a gradient: PyTorch's formulas overflow."""
    if given.values.dtype.kind not in "iu" or not other.requires_grad:
        return given
    if given.values.dtype.kind == "u":  # which they negate
        return Given(given.values.clip(0, 9).astype("int16"), given.layout)
    return Given(given.values.clip(-9, 9), given.layout)


def finite(given: Given) -> Given:
    """Numbers in place of infinities and NaN."""
    if given.values.dtype.kind != "f":
        return given
    calm = np.where(np.isfinite(given.values), given.values, given.values.dtype.type(0.5))
    return Given(calm, given.layout, given.requires_grad)


def dims(ndim: int) -> st.SearchStrategy[int]:
    """A dim in range, from either end, and now and then one beyond."""
    usual = st.integers(-ndim, max(ndim - 1, 0)) if ndim else st.sampled_from([0, -1])
    return st.one_of(usual, usual, usual, usual, st.sampled_from([-ndim - 1, ndim, 7]))


def several_dims(ndim: int) -> st.SearchStrategy[Any]:
    """No dim, one, or a tuple or list of them (a few repeated or out of range)."""

    def one_mistake(found: list[int]) -> bool:
        """Which of two PyTorch finds first depends on the operation."""
        n = max(ndim, 1)
        places = [d % n for d in found]
        return len({*places}) == len(places) or all(-n <= d < n for d in found)

    many = st.lists(dims(ndim), max_size=3).filter(one_mistake)
    return st.one_of(st.none(), dims(ndim), dims(ndim), many, many.map(tuple))


@st.composite
def indices(draw: Draw, shape: Shape) -> Any:
    """What may stand in brackets: integers, slices, None, ..., lists, masks, index tensors."""
    parts: list[Any] = []
    axis, left = 0, len(shape)
    dots = False
    while left and draw(st.integers(0, 4)):
        kind = draw(st.sampled_from("""int slice slice list tensor mask none dots""".split()))
        n = shape[axis]
        if kind == "none":
            parts.append(None)
            continue
        if kind == "dots":
            if dots:
                continue
            dots = True
            skip = draw(st.integers(0, left))
            parts.append(...)
            axis, left = axis + skip, left - skip
            continue
        if kind == "int":
            parts.append(draw(st.integers(-n, max(n - 1, 0))))
        elif kind == "slice":
            ends = st.one_of(st.none(), st.integers(-n - 1, n + 1))
            parts.append(slice(draw(ends), draw(ends), draw(st.sampled_from([None, 1, 2]))))
        elif kind == "list":
            parts.append(draw(st.lists(st.integers(-n, n - 1), max_size=3)) if n else [])
        elif kind == "tensor":
            size = draw(st.sampled_from([(), (2,), (1,), (0,), (2, 1)]))
            rng = np.random.default_rng(draw(st.integers(0, 99)))
            array = rng.integers(-n, n, size) if n else np.zeros((0,), int)
            parts.append(Given(np.asarray(array, draw(st.sampled_from(["int64", "int32"])))))
        else:
            count = draw(st.integers(1, min(2, left)))
            array = values(draw(st.integers(0, 99)), shape[axis : axis + count], "bool")
            dtype = draw(st.sampled_from(["bool", "bool", "bool", "uint8"]))
            parts.append(Given(array.astype(dtype)))
            axis, left = axis + count - 1, left - count + 1
        axis, left = axis + 1, left - 1
    if dots and left:  # what follows `...` counts from the end: leave it at what was drawn
        return tuple(p for p in parts if p is not ...)
    if len(parts) == 1 and draw(st.booleans()):
        return parts[0]
    return tuple(parts)
