"""Sums on CUDA: over whatever axes, each element read once, many of them added up in float64.

CuPy leaves the sum down a column to a single block, and adds float32 row by row.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any, NamedTuple

from ..kernel import kernel
from ..plain import loss, sums
from .arrays import has_no_gaps
from .source import BLOCK, launch, supports

__all__ = ["mean_of_all", "sum"]

Axis = int | tuple[int, ...]
Shape = tuple[int, ...]

MOST = 4096  # elements that one block sums alone
MOST_ROWS = 1024  # for the kernel that adds up a whole column in one block
BLOCKS = 1024  # enough for any GPU; a fixed number, so that each GPU adds in the same order
ROWS = 16  # rows that a thread sums at least; rows are cut into no more runs than that allows
WARPS = BLOCK // 32


class Plan(NamedTuple):
    """A sum as `kernels/sums.cu` sees it: of an array (first, outer, rows, columns) in memory.

    It is summed over `first` and `rows`; `shape` is that of the result, in memory order.
    """

    first: int
    outer: int
    rows: int
    columns: int
    shape: Shape
    keeping: Shape  # the same with ones for the axes that are gone


@kernel("cuda")
def sum(
    xp: Any, a: Any, axis: Axis | None = None, dtype: Any = None, keepdims: bool = False
) -> Any:
    """See `plain.sums.sum`; 16 bits are added up in more here, and rounded once."""
    plan = None
    if supports(a) and (dtype is None or dtype == a.dtype):
        plan = _plan(a.shape, a.strides, a.itemsize, axis)
    if plan is None:
        return sums.sum(xp, a, axis=axis, dtype=dtype, keepdims=keepdims)
    y = xp.empty(plan.keeping if keepdims else plan.shape, dtype=a.dtype)
    if plan.first * plan.outer == 1 and plan.rows <= MOST_ROWS:
        launch(
            xp, "sums", "sum_rows", a.dtype, (a, y, plan.rows, plan.columns),
            grid=-(-plan.columns // 32), block=1024,
        )  # fmt: skip
        return y
    width = min(plan.columns, BLOCK)
    across = -(-plan.columns // width)
    blocks = plan.first * plan.outer * across
    runs = max(1, min(BLOCKS // blocks, plan.rows // (BLOCK // width * ROWS)))
    chunk = -(-plan.rows // runs)
    runs = -(-plan.rows // chunk)
    outputs, count = plan.first * plan.outer * plan.columns, plan.first * runs
    parts = None if count == 1 else xp.empty((runs * outputs,), dtype="float64")
    cut = (plan.rows, plan.columns, width, across, runs, chunk, outputs)
    launch(xp, "sums", "sum_runs", a.dtype, (a, parts, y, *cut), grid=blocks * runs)
    if parts is not None:
        launch(
            xp, "sums", "sum_parts", a.dtype, (parts, y, count, outputs // plan.first),
            grid=-(-outputs // plan.first // WARPS),
        )  # fmt: skip
    return y


@functools.lru_cache(maxsize=4096)
def _plan(shape: Shape, strides: Shape, itemsize: int, axis: Axis | None) -> Plan | None:
    """How our kernels sum such an array; None if CuPy's do it as well, or ours can't."""
    gone = range(len(shape)) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
    if any(not -len(shape) <= k < len(shape) for k in gone) or 0 in shape:
        return None
    over = {k % len(shape) for k in gone}
    order = sorted((k for k, n in enumerate(shape) if n > 1), key=lambda k: -strides[k])
    left = [k for k in order if k not in over]
    if left != sorted(left) or not has_no_gaps(shape, strides, itemsize):
        return None
    # Neighbours in memory of one kind are one axis.
    kinds = [(k in over, shape[k]) for k in order]
    merged = [
        (summed, math.prod(n for _, n in group))
        for summed, group in itertools.groupby(kinds, key=lambda kind: kind[0])
    ]
    first = merged.pop(0)[1] if len(merged) > 2 and merged[0][0] else 1
    outer = merged.pop(0)[1] if merged and not merged[0][0] else 1
    rows = merged.pop(0)[1] if merged else 1
    columns = merged.pop(0)[1] if merged else 1
    if merged or rows == 1 or (first == columns == 1 and rows <= MOST_ROWS):
        return None
    if first * outer > 1 and rows * min(columns, BLOCK) < BLOCK:
        return None
    kept = tuple(n for k, n in enumerate(shape) if k not in over)
    keeping = tuple(1 if k in over else n for k, n in enumerate(shape))
    return Plan(first, outer, rows, columns, kept, keeping)


@kernel("cuda")
def mean_of_all(xp: Any, a: Any) -> Any:
    """See `plain.loss.mean_of_all`."""
    if not supports(a) or not 0 < a.size <= MOST or not a.flags.c_contiguous:
        return loss.mean_of_all(xp, a)
    y = xp.empty((), dtype=a.dtype)
    launch(xp, "sums", "mean_of_all", a.dtype, (a, y, a.size))
    return y
