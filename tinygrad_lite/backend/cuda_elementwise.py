"""Elementwise kernels on CUDA, which keep the memory order they find (CuPy's own do not)."""

from __future__ import annotations

from typing import Any

from . import plain, plain_erf
from ._kernel import kernel
from .cuda_source import launch, supports
from .flat import rows

__all__ = ["erf", "relu", "relu_gradient"]


def dense(xp: Any, a: Any) -> Any:
    """The array itself if it fills its memory without gaps, in any order of its axes; or a copy."""
    return a if rows(a) is not None else xp.ascontiguousarray(a)


@kernel
def relu(xp: Any, x: Any) -> Any:
    """See `plain.relu`."""
    return _of_one(xp, "relu", x) if supports(x) else plain.relu(xp, x)


@kernel
def erf(xp: Any, x: Any) -> Any:
    """See `plain_erf.erf`."""
    return _of_one(xp, "error_function", x) if supports(x) else plain_erf.erf(xp, x)


def _of_one(xp: Any, name: str, x: Any) -> Any:
    a = dense(xp, x)
    y = xp.empty_like(a)
    launch(xp, "elementwise", name, x.dtype, (a, y, x.size), count=x.size)
    return y


@kernel
def relu_gradient(xp: Any, g: Any, y: Any) -> Any:
    """See `plain.relu_gradient`."""
    if not supports(g, y) or g.shape != y.shape:
        return plain.relu_gradient(xp, g, y)
    b = dense(xp, y)
    a = g
    if rows(b, g) is None:  # in the order of y
        a = xp.empty_like(b)
        a[...] = g
    dx = xp.empty_like(b)
    launch(xp, "elementwise", "relu_gradient", y.dtype, (a, b, dx, y.size), count=y.size)
    return dx
