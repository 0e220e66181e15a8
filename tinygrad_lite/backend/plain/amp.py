"""The loss scaler's kernels in their plain form. Nothing here waits for the device."""

from __future__ import annotations

from typing import Any

from ..kernel import kernel

__all__ = ["amp_unscale", "amp_update"]


@kernel("plain")
def amp_unscale(xp: Any, grad: Any, inverse: Any, found: Any) -> None:
    """g ← g · inverse in place; found ← 1 if an element of g is not finite then.

    Args:
        xp: the namespace of all arrays.
        grad: g, of any shape.
        inverse, found: float32 (1).
    """
    grad *= inverse.astype(grad.dtype)
    xp.maximum(found, 1 - xp.isfinite(grad).all().astype("float32"), out=found)


@kernel("plain")
def amp_update(
    xp: Any,
    scale: Any,
    tracker: Any,
    found: Any,
    growth_factor: float,
    backoff_factor: float,
    growth_interval: int,
) -> None:
    """Change the loss scale after a step, in place.

    If a gradient was not finite (found > 0): scale ← scale · backoff, tracker ← 0. Otherwise
    tracker ← tracker + 1, and when that reaches the interval, scale ← scale · growth (unless it
    overflows) and tracker ← 0.

    Args:
        xp: the namespace of all arrays.
        scale, tracker, found: float32 (1); `tracker` counts good steps in a row.
        growth_factor, backoff_factor: growth, above 1, and backoff, below 1.
        growth_interval: the interval, in steps.
    """
    bad = found > 0
    counted = tracker + 1
    due = counted >= growth_interval
    grown = scale * growth_factor
    grown = xp.where(due & xp.isfinite(grown), grown, scale)
    scale[...] = xp.where(bad, scale * backoff_factor, grown)
    tracker[...] = xp.where(bad | due, xp.zeros_like(counted), counted)
