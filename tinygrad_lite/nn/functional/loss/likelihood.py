"""Negative log likelihoods of normal and Poisson distributions; compositions."""

from __future__ import annotations

import math
from typing import Any

from ....tensor import Tensor
from ....tensor.create import full_like
from .reduction import check_reduction, named, reduced

__all__ = ["gaussian_nll_loss", "poisson_nll_loss"]


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """L = (ln v + (x − t)² / v) / 2, v = max(var, ε), for means x, with `full` + ln(2π) / 2.

    Args:
        input: x, any shape.
        target: t, of the same shape or one that broadcasts.
        var: variances, of the input's shape, without its last size, or with 1 there; or a number.
        full: add the constant.
        eps: ε; no gradient flows through the bound.
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: a variance that is negative or of another shape, or an unknown reduction.
    """
    v: Any = var if isinstance(var, Tensor) else full_like(input.detach(), float(var))
    if v.shape != input.shape:
        if input.shape[:-1] == v.shape:
            v = v.unsqueeze(-1)
        elif input.shape[:-1] != v.shape[:-1] or v.shape[-1] != 1:
            raise ValueError("var is of incorrect size")
    check_reduction(reduction)
    if (v < 0).any().item():
        raise ValueError("var has negative entry/entries")
    v = v + (v.detach().clamp(min=eps) - v.detach())
    error = input - target
    losses = (v.log() + error * error / v) * 0.5
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """L = eˣ − t x for logarithms x of rates, or x − t ln(x + ε) for rates x.

    Args:
        input: x, any shape.
        target: t, the counts, of the same shape.
        log_input: whether x are logarithms.
        full: add Stirling's t ln t − t + ln(2π t) / 2 where t > 1.
        size_average, reduce: the old names of the reduction.
        eps: ε.
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: an unknown reduction.
    """
    reduction = named(size_average, reduce, reduction)
    check_reduction(reduction)
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        small = target <= 1
        t = target.masked_fill(small, 1)
        stirling = t * t.log() - t + (t * (2 * math.pi)).log() * 0.5
        losses = losses + stirling.masked_fill(small, 0)
    return reduced(losses, reduction)
