"""Memory order of activations: logically N, C, spatial…; in memory C, spatial…, N.

With the batch innermost, every slice of a window and every channel is made of long
contiguous runs, and a convolution is one matrix product whose result is in the next
layer's order already.
"""

from __future__ import annotations

from typing import Any


def to_chwn(xp: Any, x: Any) -> Any:
    """An array (N, C, …) as a contiguous one (C, …, N); no copy if it lies so in memory."""
    return xp.ascontiguousarray(xp.transpose(x, (*range(1, x.ndim), 0)))


def from_chwn(xp: Any, a: Any) -> Any:
    """An array (C, …, N) seen as (N, C, …)."""
    return xp.transpose(a, (a.ndim - 1, *range(a.ndim - 1)))
