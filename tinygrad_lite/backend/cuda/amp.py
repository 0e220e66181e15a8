"""The loss scaler's kernels on CUDA: one launch for each gradient."""

from __future__ import annotations

from typing import Any

from ..kernel import kernel
from ..plain import amp as plain
from .arrays import has_no_gaps
from .source import launch, supports

__all__ = ["amp_unscale", "amp_update"]


@kernel("cuda")
def amp_unscale(xp: Any, grad: Any, inverse: Any, found: Any) -> None:
    """See `plain.amp.amp_unscale`."""
    if not (supports(grad) and has_no_gaps(grad.shape, grad.strides, grad.itemsize)):
        plain.amp_unscale(xp, grad, inverse, found)
        return
    args = (grad, inverse, found, grad.size)
    launch(xp, "amp", "unscale", grad.dtype, args, count=grad.size)


@kernel("cuda")
def amp_update(
    xp: Any,
    scale: Any,
    tracker: Any,
    found: Any,
    growth_factor: float,
    backoff_factor: float,
    growth_interval: int,
) -> None:
    """See `plain.amp.amp_update`."""
    factors = float(growth_factor), float(backoff_factor), int(growth_interval)
    launch(xp, "amp", "update", "float32", (scale, tracker, found, *factors), count=1)
