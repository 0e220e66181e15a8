"""Functions in float64 on NumPy, some positions of an axis at a time, so that all stays cached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..flat import Array
from ..kernel import kernel
from ..plain import wide as plain
from .threads import parallel

__all__ = ["few", "in_float64", "widened"]

BLOCK = 1 << 16  # elements at a time: of fewer, calls take longer than the cache saves
SHARED = 1 << 17  # elements that are worth another thread
FEW = 1 << 11  # float32 elements whose digits cost less time than the calls


def few(x: Array) -> bool:
    """Whether x is float32 and so small that a kernel had better be calculated in float64."""
    return x.dtype == np.float32 and x.size <= FEW


def widened(form: Callable[..., Any], xp: Any, *given: Any) -> Any:
    """`form(xp, …)` with float32 arrays made float64; the result is left in float64."""
    return form(xp, *[a.astype(np.float64) if _is_float32(a) else a for a in given])


def _is_float32(a: Any) -> bool:
    return isinstance(a, np.ndarray) and a.dtype == np.float32


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
