"""Memory read with strides of one's own, and which elements that are."""

from __future__ import annotations

from typing import Any

from ..kernel import kernel

Ints = tuple[int, ...]


@kernel("plain")
def as_strided(xp: Any, x: Any, size: Ints, stride: Ints, offset: int) -> Any:
    """A view of x, which is in row-major order: element i is x's Σ iₖ strideₖ + offset -th."""
    line = xp.reshape(x, (-1,))[offset:]
    steps = tuple(s * x.dtype.itemsize for s in stride)
    return xp.library.lib.stride_tricks.as_strided(line, size, steps)


@kernel("plain")
def strided_places(xp: Any, x: Any, size: Ints, stride: Ints, offset: int) -> Any:
    """Which elements these are, int64 of the view's shape."""
    places = xp.zeros((), dtype="int64") + offset
    for n, step in zip(size, stride, strict=True):
        places = places[..., None] + xp.arange(n) * step
    return places


@kernel("plain")
def windows(xp: Any, x: Any, axis: int, size: int, step: int) -> Any:
    """A view of x whose last dimension is a window of an axis; they begin `step` apart."""
    return xp.library.lib.stride_tricks.as_strided(x, *windows_of(x, axis, size, step))


def windows_of(x: Any, axis: int, size: int, step: int) -> tuple[Ints, Ints]:
    """The shape of `windows`, and its strides in bytes."""
    shape, strides = list(x.shape), list(x.strides)
    shape[axis] = (shape[axis] - size) // step + 1
    strides[axis] *= step
    return (*shape, size), (*strides, x.strides[axis])
