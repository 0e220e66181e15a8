"""Sums on CUDA: those that gradients of biases are, in one short launch; CuPy does all others."""

from __future__ import annotations

from typing import Any

from ..kernel import kernel
from .source import launch, supports

__all__ = ["sum"]

Axis = int | tuple[int, ...]

MOST_ROWS = 1024  # for more CuPy cuts the rows up as well


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
