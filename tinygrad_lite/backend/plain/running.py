"""Running maxima and minima, for which CuPy has no `accumulate`."""

from __future__ import annotations

from typing import Any

from ..kernel import kernel


@kernel("plain")
def running_extreme(xp: Any, x: Any, largest: bool) -> tuple[Any, Any]:
    """The largest (or smallest) of x₀ … xᵢ along the last axis, and where it came last.

    By doubling: after k rounds each element knows the extreme of the last 2ᵏ. NaN is more extreme
    than all numbers.

    Returns:
        Both of x's shape; places are integers along the last axis.
    """
    n = x.shape[-1] if x.ndim else 0
    y, place = x, xp.array(xp.broadcast_to(xp.arange(n), x.shape))
    step = 1
    while step < n:
        early, late = y[..., :-step], y[..., step:]
        keeps = (late >= early if largest else late <= early) & (early == early) | (late != late)
        y = xp.concatenate([y[..., :step], xp.where(keeps, late, early)], axis=-1)
        later = xp.where(keeps, place[..., step:], place[..., :-step])
        place = xp.concatenate([place[..., :step], later], axis=-1)
        step *= 2
    return y, place
