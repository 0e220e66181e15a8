"""Gradient clipping."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ...tensor import Tensor, no_grad
from ...tensor.concatenate import stack
from ...tensor.create import zeros

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
]


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    tensors = [parameters] if isinstance(parameters, Tensor) else parameters
    return [tensor.grad for tensor in tensors if tensor.grad is not None]


@no_grad()
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients, in place, so that their joint norm is at most `max_norm`.

    R. Pascanu et al., "On the difficulty of training recurrent neural networks", ICML 2013.

    Args:
        parameters: tensors whose `.grad` is scaled; those without one are left out.
        max_norm: the largest norm.
        norm_type: p of the p-norm, or `inf`.
        error_if_nonfinite: raise if the norm is NaN or infinite.
        foreach: without effect; PyTorch chooses its implementation by it.

    Returns:
        The norm before scaling, 0-d.

    Raises:
        RuntimeError: a norm that is not finite, if so asked.
    """
    grads, p = _gradients(parameters), float(norm_type)
    if not grads:
        return zeros(())
    total = _norm(stack([_norm(grad, p).to(grads[0].device) for grad in grads]), p)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise RuntimeError(
            f"clip_grad_norm_: the total norm of order {p} of the gradients is {total.item()}, so "
            "they cannot be clipped; error_if_nonfinite=False scales them anyway"
        )
    # No `if`: reading the norm would make a GPU wait.
    scale = (max_norm / (total + 1e-6)).clamp(max=1.0)
    for grad in grads:
        grad.mul_(scale.to(grad.device))
    return total


def _norm(x: Tensor, p: float) -> Tensor:
    if p == math.inf:
        return x.abs().amax() if x.numel() else x.sum()
    return x.norm(p)


@no_grad()
def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """Limit every element of the gradients to [−clip_value, clip_value], in place.

    `foreach` has no effect.
    """
    for grad in _gradients(parameters):
        grad.clamp_(-clip_value, clip_value)
