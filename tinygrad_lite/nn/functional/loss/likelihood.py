"""Negative log likelihoods of normal and Poisson distributions; compositions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ....ops.elementwise import where
from ....ops.loss import poisson_error
from ....tensor import Tensor, apply
from ....tensor.check import takes_tensors
from ....tensor.create import full_like
from ....tensor.promote import as_float, pair
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
    """L = (ln v + (x − t)² / v) / 2, v = max(var, ε): −ln p of a normal distribution.

    Args:
        input: x, the means, any shape, floating point.
        target: t, of the same shape or one that broadcasts.
        var: the variances, of the input's shape, or of that without the last size or with 1 in
            one place; or a number.
        full: add ln(2π) / 2, which makes L the whole −ln p.
        eps: ε; the gradient of var is as if it were not bounded.
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: a variance that is negative or of another shape, or an unknown reduction.
    """
    v: Any = var if isinstance(var, Tensor) else full_like(input.detach(), float(var))
    if v.shape != input.shape:
        if input.shape[:-1] == v.shape:
            v = v.unsqueeze(-1)
        elif not _but_for_a_one(v.shape, input.shape):
            raise ValueError(
                f"gaussian_nll_loss: var is of incorrect size {tuple(v.shape)} for an input of "
                f"{tuple(input.shape)}"
            )
    check_reduction(reduction)
    if v.dtype.kind in "iu":
        raise RuntimeError("gaussian_nll_loss: ε can't be cast to the integers that var has")
    if not v.is_meta and (v < 0).any().item():
        raise ValueError("var has negative entry/entries")
    v = apply(where, v < eps, v + (eps - v.detach()), v)  # max(v, ε), with the gradient of v
    error = input - target
    losses = (v.log() + error * error / v) * 0.5
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def _but_for_a_one(shape: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two shapes are the same, but that the first has a 1 in one place."""
    if len(shape) != len(other):
        return False
    return [n for n, m in zip(shape, other, strict=True) if n != m] == [1]


@takes_tensors
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
    """L = eˣ − t x, or x − t ln(x + ε): −ln p of a Poisson distribution, less ln t!.

    Args:
        input: x, the logarithms of the rates, or the rates; any shape, floating point.
        target: t, the counts, of the same shape.
        log_input: x are logarithms.
        full: add Stirling's approximation of ln t!, t ln t − t + ln(2π t) / 2, where t > 1.
        size_average, reduce: the reduction's old names, with PyTorch's warning.
        eps: ε, so that a rate of 0 has a logarithm.
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: an unknown reduction.
    """
    reduction = named(size_average, reduce, reduction)
    check_reduction(reduction)
    if log_input:
        if (input.dtype.kind, target.dtype.kind) == ("b", "b"):
            raise RuntimeError("poisson_nll_loss: booleans have no subtraction")
        losses = apply(poisson_error, *pair("poisson_nll_loss", as_float(input), target))
    else:
        losses = input - target * (input + eps).log()
    if full:
        small = target <= 1
        t = target.masked_fill(small, 1)
        stirling = t * t.log() - t + (t * (2 * math.pi)).log() * 0.5
        losses = losses + stirling.masked_fill(small, 0)
    return reduced(losses, reduction)
