"""Elementwise kernels on NumPy: block by block in the cache, on several threads."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import plain
from ._kernel import kernel
from .flat import Array, rows
from .threads import parallel

__all__ = ["relu", "relu_gradient"]

BLOCK = 1 << 15  # elements
SMALL = 1 << 16  # elements that one call of NumPy does sooner than a loop over blocks


@kernel
def relu(xp: Any, x: Array) -> Array:
    """See `plain.relu`."""
    flat = rows(x) if x.size > SMALL else None
    if flat is None:
        form: Array = plain.relu(xp, x)
        return form
    y = np.empty_like(x)
    (source,), (target,) = flat, rows(y) or [None]
    assert source is not None
    assert target is not None

    def part(first: int, last: int) -> None:
        np.maximum(source[first:last], 0, out=target[first:last])

    parallel(part, x.size, least=SMALL)
    return y


@kernel
def relu_gradient(xp: Any, g: Array, y: Array) -> Array:
    """See `plain.relu_gradient`."""
    flat = rows(y, g) if y.size > SMALL else None
    if flat is None:
        form: Array = plain.relu_gradient(xp, g, y)
        return form
    dx = np.empty_like(y)
    a, b, c = (*flat, *(rows(dx) or [None]))
    assert a is not None
    assert b is not None
    assert c is not None

    def part(first: int, last: int) -> None:
        for start in range(first, last, BLOCK):
            of = slice(start, min(start + BLOCK, last))
            np.multiply(b[of], a[of] != 0, out=c[of])

    parallel(part, y.size, least=SMALL)
    return dx
