"""The variance, and the mean beside it, in their plain form."""

from __future__ import annotations

import math
from typing import Any

from ..kernel import kernel
from .sums import count

__all__ = ["variance", "variance_and_mean"]


@kernel("plain")
def variance(xp: Any, x: Any, axis: tuple[int, ...], free: float, keepdims: bool = False) -> Any:
    """Σ (x − x̄)² / free over some axes, less what x̄ was rounded by: (Σ (x − x̄))² / n, nearly 0.

    Of float32 on the CPU it is added and given back in float64: PyTorch too rounds only once
    there, and a variance may overflow where its root does not.
    (Chan, Golub & LeVeque 1983.)
    """
    if xp.name == "cpu" and x.dtype == "float32":
        x = x.astype("float64")
    n = count(x, axis) or math.nan
    t = x - xp.sum(x, axis=axis, keepdims=True) / n
    rest = xp.sum(t, axis=axis, keepdims=keepdims) ** 2 / n
    return (xp.sum(t * t, axis=axis, keepdims=keepdims) - rest) / free


@kernel("plain")
def variance_and_mean(
    xp: Any, x: Any, axis: tuple[int, ...], free: float, keepdims: bool = False
) -> Any:
    """[variance, x̄] over some axes, (2, …): as `variance`, and both rounded as often."""
    if xp.name == "cpu" and x.dtype == "float32":
        x = x.astype("float64")
    mean = xp.sum(x, axis=axis, keepdims=keepdims) / (count(x, axis) or math.nan)
    return xp.stack([xp.variance(x, axis, free, keepdims), mean], axis=0)
