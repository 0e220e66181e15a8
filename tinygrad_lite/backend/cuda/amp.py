"""The loss scaler's kernels on CUDA: one launch for each gradient."""

from __future__ import annotations

from typing import Any

from ..kernel import kernel
from ..plain import amp as plain
from .source import launch, supports

__all__ = ["amp_unscale", "amp_update"]


def _is_dense(a: Any) -> bool:
    """Whether the elements lie without gaps, in any order of the axes."""
    step = a.itemsize
    for stride, n in sorted(zip(a.strides, a.shape, strict=True)):
        if n != 1 and stride != step:
            return False
        step *= n
    return True


@kernel("cuda")
def amp_unscale(xp: Any, grad: Any, inverse: Any, found: Any) -> None:
    """See `plain.amp.amp_unscale`."""
    if not (supports(grad) and _is_dense(grad)):
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
