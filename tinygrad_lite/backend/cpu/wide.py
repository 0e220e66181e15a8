"""Functions in float64 on NumPy, some positions of an axis at a time, so that all stays cached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..flat import Array
from ..kernel import kernel
from ..plain import wide as plain
from .threads import parallel

__all__ = ["in_float64"]

BLOCK = 1 << 16  # elements at a time: of fewer, calls take longer than the cache saves
SHARED = 1 << 17  # elements that are worth another thread


@kernel("cpu")
def in_float64(xp: Any, form: Callable[..., Any], axis: int, *arrays: Array) -> Array:
    """See `plain.wide.in_float64`."""
    x = arrays[0]
    if x.dtype != np.float32 or x.size <= BLOCK:
        return plain.in_float64(xp, form, axis, *arrays)  # type: ignore[no-any-return]
    y, count = np.empty_like(x), x.shape[axis]
    step = max(1, BLOCK * count // x.size)

    def part(first: int, last: int) -> None:
        for start in range(first, last, step):
            of = (*[slice(None)] * axis, slice(start, min(start + step, last)))
            y[of] = form(*[xp.astype(a[of], np.float64) for a in arrays])

    parallel(part, count, least=1 + SHARED * count // x.size)
    return y
