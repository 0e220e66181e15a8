"""`where` of a number and a large array: masks on the elements' bits, block by block.

NumPy chooses element by element, and 1.4 ns for each of them is what a masked attention pays twice.
An `and` with a mask of all bits or none is exact for all values, NaN and −0 among them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..flat import Array
from ..kernel import kernel
from .threads import parallel

__all__ = ["where"]

LEAST = 1 << 15  # elements; fewer cost less than the masks' calls
BLOCK = 1 << 17  # elements of a block, which stays in the cache
SHARED = 1 << 18  # elements that are worth another thread
WORDS = {4: np.int32, 8: np.int64}


@kernel("cpu")
def where(xp: Any, condition: Array, a: Any, b: Any) -> Any:
    """`np.where`."""
    x, number = (b, a) if isinstance(b, np.ndarray) and b.ndim else (a, b)
    if not (isinstance(x, np.ndarray) and x.size >= LEAST and _is_ours(condition, x, number)):
        return np.where(condition, a, b)
    ones = next(i for i, n in enumerate(x.shape) if n > 1)  # axes of 1 in front say nothing
    rows = x.reshape(x.shape[ones:])
    chosen = condition.reshape((1,) * (x.ndim - condition.ndim) + condition.shape)
    chosen = chosen.reshape(chosen.shape[ones:]).view(np.int8)
    word: Any = WORDS[x.itemsize]
    bits = np.array(number, x.dtype).view(word)
    y = np.empty_like(rows)
    source, target, is_other = rows.view(word), y.view(word), x is b
    step = max(1, BLOCK // rows[0].size)

    def part(first: int, last: int) -> None:
        for low in range(first, last, step):
            of = slice(low, min(low + step, last))
            mask = np.negative(chosen if len(chosen) == 1 else chosen[of], dtype=word)
            mask = np.invert(mask, out=mask) if is_other else mask
            np.bitwise_and(source[of], mask, out=target[of])
            if bits:
                np.bitwise_and(np.invert(mask, out=mask), bits, out=mask)
                np.bitwise_or(target[of], mask, out=target[of])

    parallel(part, len(rows), least=max(1, SHARED // rows[0].size))
    return y.reshape(x.shape)


def _is_ours(condition: Any, x: Array, number: Any) -> bool:
    """Whether it is an array of floats and a number, and a condition that makes no more of it."""
    if type(number) not in (float, int) and getattr(number, "dtype", None) != x.dtype:
        return False
    if x.dtype.char not in "fd" or not x.flags.c_contiguous or np.ndim(number):
        return False
    if not isinstance(condition, np.ndarray) or condition.dtype.kind != "b":
        return False
    added = x.ndim - condition.ndim
    return added >= 0 and all(
        m in (1, n) for m, n in zip(condition.shape, x.shape[added:], strict=True)
    )
