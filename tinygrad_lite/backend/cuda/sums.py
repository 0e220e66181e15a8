"""Sums on CUDA that a small step has: of a bias's gradient, and the mean loss; CuPy does others."""

from __future__ import annotations

from typing import Any

from ..kernel import kernel
from ..plain import loss as plain
from .source import launch, supports

__all__ = ["mean_of_all", "sum"]

Axis = int | tuple[int, ...]

MOST_ROWS = 1024  # for more CuPy cuts the rows up as well
MOST = 4096  # elements for one block


@kernel("cuda")
def sum(
    xp: Any, a: Any, axis: Axis | None = None, dtype: Any = None, keepdims: bool = False
) -> Any:
    """`cupy.sum`; 16 bits are added up in float32 here, and rounded once."""
    rows = axis in (0, (0,)) and a.ndim == 2 and dtype is None and not keepdims
    if not rows or not supports(a) or not 0 < len(a) <= MOST_ROWS or not a.flags.c_contiguous:
        return xp.library.sum(a, axis=axis, dtype=dtype, keepdims=keepdims)
    y = xp.empty(a.shape[1:], dtype=a.dtype)
    launch(
        xp, "sums", "sum_rows", a.dtype, (a, y, len(a), a.shape[1]),
        grid=-(-a.shape[1] // 32), block=1024,
    )  # fmt: skip
    return y


@kernel("cuda")
def mean_of_all(xp: Any, a: Any) -> Any:
    """See `plain.loss.mean_of_all`."""
    if not supports(a) or not 0 < a.size <= MOST or not a.flags.c_contiguous:
        return plain.mean_of_all(xp, a)
    y = xp.empty((), dtype=a.dtype)
    launch(xp, "sums", "mean_of_all", a.dtype, (a, y, a.size))
    return y
