"""What the property tests draw: shapes, dimensions, indices, and values away from trouble.

Hypothesis draws the structure (shapes, dimensions, flags, indices) and a seed; the values
come from a NumPy generator of that seed, which is fast and makes ties as unlikely as needed.
A *domain* is a function `(rng, shape) -> float64 array` of the values that an op is smooth at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

Array = np.ndarray[Any, Any]
Domain = Callable[[np.random.Generator, tuple[int, ...]], Array]
Arguments = tuple[tuple[Array, ...], dict[str, Any]]
Draw = st.DrawFn


def examples(share: float) -> settings:
    """Settings that draw a share of the profile's examples (25 in `ci`), at least one."""
    return settings(max_examples=max(1, round(share * settings.default.max_examples)))


# Domains


def real(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Any number."""
    return np.asarray(rng.standard_normal(shape))


def positive(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Between 0.3 and 2.3."""
    return np.asarray(rng.uniform(0.3, 2.3, shape))


def nonzero(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Of either sign, 0.3 or more away from 0."""
    return positive(rng, shape) * rng.choice([-1.0, 1.0], shape)


def distinct(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """No two equal (0.25 apart or more), and none within 0.1 of a multiple of 0.25."""
    n = int(np.prod(shape))
    return ((rng.permutation(n) - n // 2) * 0.25 + 0.125).reshape(shape)


def between(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """No element equals one of `distinct`, nor 0."""
    return distinct(rng, shape) + rng.choice([0.08, 0.03], shape)


def whole(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Small integers, with zeros and repeats, as floats."""
    return np.asarray(rng.integers(-2, 3, shape), dtype=np.float64)


def truth(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Booleans."""
    return np.asarray(rng.integers(0, 2, shape), dtype=bool)


# Structure


def usually(default: Any, others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The default at times and, being the simplest, in the first example of every test."""
    return st.integers(0, 4).flatmap(lambda k: others if k else st.just(default))


def shapes(
    min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 3
) -> st.SearchStrategy[tuple[int, ...]]:
    """A shape; sizes 0 and 1 included."""
    found = hnp.array_shapes(
        min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side
    )
    return usually((2,) * (max_dims - 2) + (max_side, 2)[-max_dims:], found)


def broadcastable(count: int, **limits: Any) -> st.SearchStrategy[tuple[tuple[int, ...], ...]]:
    """Shapes that broadcast against each other."""
    limits = {"min_dims": 0, "max_dims": 3, "min_side": 0, "max_side": 3} | limits
    found = hnp.mutually_broadcastable_shapes(num_shapes=count, **limits)
    default = [(2, 1), (2,), (1, 2)] if limits["max_dims"] > 1 else [(2,), (1,), (2,)]
    return usually(tuple(default[:count]), found.map(lambda b: b.input_shapes))


@st.composite
def sources(draw: Draw) -> np.random.Generator:
    """A NumPy generator of a drawn seed."""
    return np.random.default_rng(draw(st.integers(0, 2**16)))


@st.composite
def values(draw: Draw, *domains: Domain) -> Arguments:
    """An array for each domain, of shapes that broadcast against each other."""
    many = len(domains) > 1
    found = draw(broadcastable(len(domains))) if many else (draw(shapes()),)
    rng = draw(sources())
    return tuple(d(rng, s) for d, s in zip(domains, found, strict=True)), {}


@st.composite
def shaped(
    draw: Draw, domain: Domain, keywords: Any, *, count: int = 1, **limits: Any
) -> Arguments:
    """`count` arrays of one shape, with the keywords that `keywords(draw, shape)` draws."""
    shape = draw(shapes(**limits))
    rng = draw(sources())
    return tuple(domain(rng, shape) for _ in range(count)), keywords(draw, shape)


def fixed(domain: Domain, shape: tuple[int, ...], **keywords: Any) -> st.SearchStrategy[Arguments]:
    """One array of one shape, with given keywords."""
    return sources().map(lambda rng: ((domain(rng, shape),), keywords))


def dim(draw: Draw, shape: tuple[int, ...]) -> int:
    """One dimension, counted from either end; 0 or −1 for 0-d.

    The simplest is the last: of the first, much that is wrong is right.
    """
    return draw(_some_dim(max(len(shape), 1)))


def _some_dim(n: int) -> st.SearchStrategy[int]:
    return st.sampled_from([n - 1, *range(-n, n - 1)])


def dims(draw: Draw, shape: tuple[int, ...]) -> Any:
    """Dimensions to reduce over: one, several, or None for all."""
    n = len(shape)
    if n == 0:
        return draw(st.sampled_from([None, 0, -1]))
    some = st.lists(st.integers(0, n - 1), min_size=1, max_size=n, unique=True)
    signed = some.map(lambda ds: tuple(d - n if d % 2 else d for d in ds))
    return draw(st.one_of(_some_dim(n), st.none(), signed))


def reduction(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    """`dim` and `keepdim`."""
    return {"dim": dims(draw, shape), "keepdim": draw(st.booleans())}


def reduction_of_one(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    """`dim`, an int, and `keepdim`."""
    return {"dim": dim(draw, shape), "keepdim": draw(st.booleans())}


def only_dim(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    """`dim`, an int."""
    return {"dim": dim(draw, shape)}


# Indices


def basic_index(draw: Draw, shape: tuple[int, ...]) -> Any:
    """Integers, slices, new axes and an ellipsis."""
    steps = (slice(None, None, 2), None, ..., slice(0, 1))
    default = steps[: len(shape) + 1] if shape else (None, ...)
    drawn = draw(usually(default, hnp.basic_indices(shape, allow_newaxis=True, max_dims=4)))
    parts = tuple(forward(p) for p in (drawn if isinstance(drawn, tuple) else (drawn,)))
    return parts if isinstance(drawn, tuple) else parts[0]


def forward(part: Any) -> Any:
    """A slice with a positive step; anything else as it is."""
    if isinstance(part, slice) and part.step is not None and part.step < 0:
        return slice(None, None, -part.step)
    return part


def advanced_index(draw: Draw, shape: tuple[int, ...]) -> Any:
    """An integer array (repeats included) at some dimensions, slices or ints at the others."""
    if shape[0] and draw(st.integers(0, 4)) == 0:
        return np.array([0, -1, 0])
    side = draw(st.integers(0, 3))
    parts: list[Any] = []
    for n in shape[: draw(st.integers(1, len(shape)))]:
        kind = draw(st.sampled_from("asi")) if n else "s"
        if kind == "a":
            numbers = st.lists(st.integers(-n, n - 1), min_size=side, max_size=side)
            parts.append(np.array(draw(numbers), dtype=np.int64))
        else:
            parts.append(
                draw(st.integers(-n, n - 1)) if kind == "i" else forward(draw(st.slices(n)))
            )
    if draw(st.booleans()):
        parts.append(Ellipsis)
    return tuple(parts)


def mask_index(draw: Draw, shape: tuple[int, ...]) -> Any:
    """A boolean array over the first dimensions."""
    over = shape[: draw(st.integers(1, max(len(shape), 1)))]
    return draw(sources()).integers(0, 2, over).astype(bool)


# Memory

Layout = Callable[[Any, Array], Any]


def _fortran(xp: Any, host: Array) -> Any:
    return xp.asarray(np.array(host.T, order="C")).transpose()


def _swapped(xp: Any, host: Array) -> Any:
    if host.ndim < 2:
        return xp.asarray(host)
    return xp.swapaxes(xp.asarray(np.array(host.swapaxes(0, 1), order="C")), 0, 1)


def _reversed(xp: Any, host: Array) -> Any:
    back = (slice(None, None, -1),) * host.ndim
    return xp.asarray(np.array(host[(*back, ...)], order="C"))[(*back, ...)]


def _strided(xp: Any, host: Array) -> Any:
    wide = np.zeros([2 * n + 1 for n in host.shape], dtype=host.dtype)
    odd = (slice(1, None, 2),) * host.ndim
    wide[(*odd, ...)] = host
    return xp.asarray(wide)[(*odd, ...)]


def _repeated(xp: Any, host: Array) -> Any:
    first = host[(slice(0, 1),) * host.ndim + (...,)]
    return xp.broadcast_to(xp.asarray(np.array(first)), host.shape)


LAYOUTS: dict[str, Layout] = {
    "Fortran order": _fortran,
    "two axes swapped": _swapped,
    "negative steps": _reversed,
    "every second element": _strided,
    "broadcast (stride 0)": _repeated,
}
"""Each makes a device array of a host array's values in an unusual memory order; the last
repeats the first element of the host array instead."""
