"""Gradient clipping."""

from __future__ import annotations

import math
import warnings
from collections.abc import Generator, Iterable

from ...tensor import Tensor, no_grad
from ...tensor.concatenate import stack
from ...tensor.create import zeros
from ...tensor.source_line import user_level

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
]


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """The gradients of those parameters that have one."""
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

    Example:
        >>> w = nn.Parameter(torch.zeros(2))
        >>> w.grad = torch.tensor([3.0, 4.0])
        >>> nn.utils.clip_grad_norm_([w], max_norm=1.0)
        tensor(5.)
        >>> w.grad
        tensor([0.6000, 0.8000])
    """
    if isinstance(parameters, Generator):
        parameters = list(parameters)
        if not parameters:  # as of one that was read to its end before
            warnings.warn(
                "`parameters` is an empty generator, no gradient clipping will occur.",
                stacklevel=user_level(),
            )
    grads = _gradients(parameters)
    total = get_total_norm(grads, norm_type, error_if_nonfinite)
    _scale(grads, max_norm, total)
    return total


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The old name of `clip_grad_norm_`; arguments as there."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of "
        "`torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=user_level(),
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite)


@no_grad()
def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all elements of some tensors as if they were one vector, 0-d; 0 of no tensors.

    Args:
        tensors: such as gradients.
        norm_type: p of the p-norm, or `inf`.
        error_if_nonfinite: raise if the norm is NaN or infinite.
        foreach: without effect; PyTorch chooses its implementation by it.

    Raises:
        RuntimeError: a norm that is not finite, if so asked.
    """
    many, p = [tensors] if isinstance(tensors, Tensor) else list(tensors), float(norm_type)
    if not many:
        return zeros(())
    total = _norm(stack([_norm(tensor, p).to(many[0].device) for tensor in many]), p)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise RuntimeError(
            f"clip_grad_norm_: the total norm of order {p} of the gradients is {total.item()}, so "
            "they cannot be clipped; error_if_nonfinite=False scales them anyway"
        )
    return total


@no_grad()
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    total_norm: Tensor,
    foreach: bool | None = None,
) -> None:
    """Scale all gradients, in place, by max_norm / total_norm if that is below 1.

    Args:
        parameters: tensors whose `.grad` is scaled; those without one are left out.
        max_norm: the largest norm.
        total_norm: the gradients' norm, as of `get_total_norm`.
        foreach: without effect.
    """
    _scale(_gradients(parameters), max_norm, total_norm)


def _scale(grads: list[Tensor], max_norm: float, total: Tensor) -> None:
    """Scale gradients of the norm `total` to one of at most `max_norm`, in place."""
    # No `if`: reading the norm would make a GPU wait.
    scale = (max_norm / (total + 1e-6)).clamp(max=1.0)
    for grad in grads:
        grad.mul_(scale.to(grad.device))


def _norm(x: Tensor, p: float) -> Tensor:
    """The p-norm of all elements; 0 of none, also for p = ∞."""
    if p == math.inf:
        return x.abs().amax() if x.numel() else x.sum()
    return x.norm(p)


@no_grad()
def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """Limit every element of the gradients to [−clip_value, clip_value], in place.

    Args:
        parameters: tensors whose `.grad` is limited; those without one are left out.
        clip_value: the largest magnitude.
        foreach: without effect.

    Example:
        >>> w = nn.Parameter(torch.zeros(2))
        >>> w.grad = torch.tensor([3.0, -0.5])
        >>> nn.utils.clip_grad_value_([w], 1.0)
        >>> w.grad
        tensor([ 1.0000, -0.5000])
    """
    for grad in _gradients(parameters):
        grad.clamp_(-clip_value, clip_value)
