"""What the rows of layers draw: sizes, batches, keywords."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Given
from .draw import Draw, Shape, tensors, values
from .experiment import Experiment, function, layer

DTYPES = ("float32", "float32", "float64", "float64", "float16")


def pick(draw: Draw, *options: Any) -> Any:
    """One of several."""
    return draw(st.sampled_from(options))


def some(draw: Draw, /, **options: Any) -> dict[str, Any]:
    """Some of the keywords, each with one of its values."""
    return {k: pick(draw, *v) for k, v in options.items() if v and draw(st.booleans())}


def positional(draw: Draw, needed: tuple[Any, ...], kwargs: dict[str, Any], order: str) -> Any:
    """The keywords by position, as far as they are there without a gap, now and then."""
    if draw(st.integers(0, 3)):
        return needed, kwargs
    args, left = list(needed), dict(kwargs)
    for name in order.split():
        if name not in left:
            break
        args.append(left.pop(name))
    return tuple(args), left


def batch(draw: Draw, low: int = 0) -> Shape:
    """No batch, or one of 0 to 3."""
    return pick(draw, (), (low,), (1,), (2,), (2,), (3,))  # type: ignore[no-any-return]


def spatial(draw: Draw, dims: int, low: int = 1, high: int = 7) -> Shape:
    """Sizes of images."""
    return tuple(draw(st.integers(low, high)) for _ in range(dims))


def given(
    draw: Draw,
    shape: Shape,
    dtype: str = "float32",
    *,
    grad: bool | None = None,
    special: bool | None = None,
) -> Given:
    """A tensor of a shape; with special values if `special` says so (None: seldom)."""
    if special is None:
        special = draw(st.integers(0, 7)) == 0
    out: Given = draw(tensors(shape, (dtype,), special=special, grad=grad))
    return out


def labels(draw: Draw, shape: Shape, classes: int, *ignored: int, dtype: str = "int64") -> Given:
    """Classes, some of which may be ignored."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    array = rng.integers(0, max(classes, 1), shape)
    if ignored:
        array = np.where(rng.random(shape) < draw(st.sampled_from([0.3, 1.0])), ignored[0], array)
    return Given(np.asarray(array).astype(dtype))


def size(draw: Draw, dims: int, low: int, high: int) -> Any:
    """An integer for all dimensions, or a tuple."""
    if draw(st.booleans()):
        return draw(st.integers(low, high))
    return tuple(draw(st.integers(low, high)) for _ in range(dims))


def seed(draw: Draw) -> int:
    """Of the weights and cotangents."""
    return draw(st.integers(0, 999))  # type: ignore[no-any-return]


Made = tuple[tuple[Any, ...], dict[str, Any], tuple[Any, ...]]
Maker = Callable[..., Made]


@st.composite
def layers(draw: Draw, name: str, maker: Maker, **more: Any) -> Experiment:
    """A layer of a maker: (draw, dtype, **more) gives its arguments, keywords and inputs."""
    dtype = pick(draw, *DTYPES)
    args, kwargs, inputs = maker(draw, dtype, **more)
    return layer(
        name, args, kwargs, inputs, dtype=dtype, train=draw(st.booleans()), seed=seed(draw)
    )


@st.composite
def functions(draw: Draw, name: str, maker: Maker, **more: Any) -> Experiment:
    """A function of a maker of layers without weights: its input first, then the arguments."""
    args, kwargs, inputs = maker(draw, pick(draw, *DTYPES), **more)
    return function(name, (*inputs, *args), kwargs, seed(draw))


def mild(draw: Draw, shape: Shape, dtype: str, low: float, high: float, grad: Any = None) -> Given:
    """Elements within bounds."""
    grad = draw(st.booleans()) if grad is None else grad
    return Given(values(seed(draw), shape, dtype, False, low, high), "plain", grad)
