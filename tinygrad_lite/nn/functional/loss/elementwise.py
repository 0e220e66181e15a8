"""Losses between two tensors of one shape, with PyTorch's signatures.

Everywhere `reduction` is "none" (a loss for each element), "sum", or "mean" over all elements;
size_average and reduce are its old names in PyTorch, which bring its warning.
"""

from __future__ import annotations

import math
import warnings

from ....backend.dtypes import FLOATING
from ....ops import loss as ops
from ....tensor import Tensor, apply
from ....tensor.autocast import in_float32, is_autocast_enabled
from ....tensor.check import takes_tensors
from ....tensor.promote import common_dtype, to_dtype
from ....tensor.shown import called
from ....tensor.source_line import user_level
from .operands import check_same_shape, check_types, operands, weighted
from .reduction import named, reduced

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "smooth_l1_loss",
]


@in_float32
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """L = w (x − t)².

    Args:
        input: x, any shape; x or t floating point.
        target: t, of the same shape; one that only broadcasts brings PyTorch's warning.
        size_average, reduce: the reduction's old names, with PyTorch's warning.
        reduction: "none", "mean" (Σ L / Σ w) or "sum".
        weight: w, of the input's shape; None for 1. Beside it integers will do, booleans will not.

    Raises:
        ValueError: an unknown reduction, or a weight of another shape.
        NotImplementedError: no floating point.
        RuntimeError: shapes that do not broadcast, or booleans beside a weight.
        TypeError: not Tensors.

    Example:
        >>> F.mse_loss(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 1.0]))
        tensor(2.)
    """
    reduction = named(size_average, reduce, reduction)
    more = "" if weight is None else "iu"
    input, target = operands("mse_loss", input, target, reduction, more=more)
    losses = apply(ops.squared_error, input, target)
    return (
        reduced(losses, reduction) if weight is None else _weighed(losses, weight, input, reduction)
    )


@in_float32
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """L = w |x − t|; the derivative at x = t is 0. Arguments and errors as `mse_loss`.

    Complex numbers will do, and without a mean integers. Booleans raise RuntimeError, as their
    subtraction does.

    Example:
        >>> F.l1_loss(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 1.0]))
        tensor(1.)
    """
    reduction = named(size_average, reduce, reduction)
    input, target = operands("l1_loss", input, target, reduction, more="iuc")
    losses = (input - target).abs()
    return (
        reduced(losses, reduction) if weight is None else _weighed(losses, weight, input, reduction)
    )


def _weighed(
    losses: Tensor, weight: Tensor, input: Tensor, reduction: str, of_weights: bool = True
) -> Tensor:
    """Losses times weights, reduced; the mean is over Σ w, or over their number.

    Raises:
        ValueError: weights of another shape than the input's.
    """
    if weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    losses = losses * weight
    if reduction == "mean" and of_weights:
        return losses.sum() / weight.sum()
    return reduced(losses, reduction)


@in_float32
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """L = (x − t)² / 2β where |x − t| < β, else |x − t| − β/2.

    R. Girshick, "Fast R-CNN", ICCV 2015.

    Args:
        input, target, reduction: as `mse_loss`.
        beta: β, the error at which the parabola ends; 0 gives `l1_loss`.

    Raises:
        RuntimeError: β < 0; and as `mse_loss`.
    """
    reduction = named(size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss: beta must not be negative, but is {beta}")
    input, target = operands("smooth_l1_loss", input, target, reduction)
    if beta == 0:
        return reduced((input - target).abs(), reduction)
    loss = reduced(apply(ops.huber, input, target, delta=beta) / beta, reduction)
    return called(loss, "SmoothL1Loss")


@in_float32
@takes_tensors
def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """L = (x − t)² / 2 where |x − t| < δ, else δ (|x − t| − δ/2); times w.

    P. J. Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical Statistics
    35, 1964.

    Args:
        input, target, reduction: as `mse_loss`.
        delta: δ, the error at which the parabola ends.
        weight: w, of the input's shape; "mean" is over the number of elements.

    Raises:
        RuntimeError: δ ≤ 0; and as `mse_loss`.
    """
    if delta <= 0:
        raise RuntimeError(f"huber_loss: delta must be positive, but is {delta}")
    dtype = input.array.dtype  # the result's too, whatever the target's
    input, target = operands("huber_loss", input, target, reduction)
    if dtype.kind not in FLOATING:
        raise RuntimeError(f"huber_loss: a result of {target.dtype} can't be cast to {dtype}")
    losses = to_dtype(apply(ops.huber, input, target, delta=delta), dtype)
    if weight is not None:
        return _weighed(losses, weight, input, reduction, of_weights=False)
    return reduced(losses, reduction)


@in_float32
@takes_tensors
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """L = −w (t ln x + (1 − t) ln(1 − x)), with logarithms of at least −100.

    For logits `binary_cross_entropy_with_logits` is exact and faster.

    Args:
        input: x, probabilities of any shape; that they are in [0, 1] is checked, for which a GPU
            is waited for.
        target: t in [0, 1], of the same shape and dtype.
        weight: w, of a shape that broadcasts to theirs.
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: another shape, or an unknown reduction.
        RuntimeError: another dtype, a number that is not in [0, 1], a weight that does not fit,
            or use inside of `autocast` on a GPU.
        TypeError: not Tensors.
    """
    reduction = named(size_average, reduce, reduction)
    name = "binary_cross_entropy"
    if is_autocast_enabled(input.device.type) and input.device.type != "cpu":
        raise RuntimeError(
            f"{name}: unsafe to autocast, because float16 probabilities near 0 and 1 are 0 and 1; "
            "use binary_cross_entropy_with_logits, which takes what the sigmoid would be given"
        )
    check_same_shape(name, input, target, weight, reduction)
    if input.dtype != target.dtype or input.dtype.kind not in FLOATING:
        raise RuntimeError(
            f"{name}: expected input and target of one floating point dtype, but found "
            f"{input.dtype} and {target.dtype}"
        )
    for which, tensor in (("input", input), ("target", target)):
        if not tensor.is_meta and not ((tensor >= 0) & (tensor <= 1)).all().item():
            raise RuntimeError(f"{name}: all elements of {which} should be between 0 and 1")
    losses = apply(ops.binary_cross_entropy, input, target)
    return reduced(to_dtype(weighted(name, losses, weight), losses.array.dtype), reduction)


@in_float32
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """L = −w (p t ln σ(x) + (1 − t) ln(1 − σ(x))), without overflow or loss of digits.

    Computed as (1 − t) x − (1 + (p − 1) t) ln σ(x).

    Args:
        input: x, logits of any shape, floating point.
        target: t in [0, 1], of the same shape, floating point.
        weight: w, of a shape that broadcasts to theirs.
        reduction: "none", "mean" or "sum".
        pos_weight: p, the weight of positive answers, of a shape that broadcasts to theirs, such
            as (C) for (N, C).

    Raises:
        ValueError: another shape, or an unknown reduction.
        RuntimeError: no floating point, or weights that do not fit.
        TypeError: not Tensors.

    Example:
        >>> F.binary_cross_entropy_with_logits(torch.tensor([0.0, 100.0]), torch.tensor([1.0, 1.0]))
        tensor(0.3466)
    """
    reduction = named(size_average, reduce, reduction)
    name = "binary_cross_entropy_with_logits"
    check_same_shape(name, input, target, weight, reduction)
    if input.dtype.kind not in FLOATING or target.dtype.kind not in FLOATING:
        raise NotImplementedError(
            f"{name}: expected floating point input and target, but got {input.dtype} and "
            f"{target.dtype}"
        )
    if pos_weight is not None and pos_weight.dtype.kind == "b":
        raise RuntimeError(f"{name}: pos_weight must be numbers, but is {pos_weight.dtype}")
    given = [input, target] if pos_weight is None else [input, target, pos_weight]
    if pos_weight is not None:
        weighted(name, target.detach(), pos_weight.detach())  # whether it fits
    dtype = common_dtype(*given)
    alike = [to_dtype(x, dtype) for x in given]
    losses = apply(ops.logits_error, *alike, *([1.0] if pos_weight is None else []))
    # PyTorch multiplies 1 − t in place, so that the result has the target's dtype.
    losses = to_dtype(weighted(name, losses, weight), target.array.dtype)
    return called(reduced(losses, reduction), "BinaryCrossEntropyWithLogits")


@in_float32
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """L = t ln t − t x, the pointwise Kullback-Leibler divergence; t ln t is 0 where t = 0.

    S. Kullback and R. A. Leibler, "On Information and Sufficiency", Annals of Mathematical
    Statistics 22, 1951.

    Args:
        input: x, log-probabilities, floating point.
        target: t, probabilities, or with `log_target` their logarithms; the same shape.
        reduction: "none", "sum", "mean" over all elements (with PyTorch's warning), or
            "batchmean": the sum divided by the size of the first dimension, the divergence of a
            sample.
        log_target: the target holds logarithms: L = eᵗ (t − x).

    Raises:
        ValueError: an unknown reduction.
        RuntimeError: shapes that do not broadcast, or no floating point.
        TypeError: not Tensors.
    """
    reduction = named(size_average, reduce, reduction)
    if reduction == "mean":
        warnings.warn(
            "kl_div: reduction 'mean' divides the total loss by both the batch size and the "
            "support size; 'batchmean' divides only by the batch size, and aligns with the "
            "definition of the KL divergence.",
            stacklevel=user_level(),
        )
    batchmean = reduction == "batchmean"
    check_types("kl_div", input, target)
    if not input.is_floating_point() or not target.is_floating_point():
        raise RuntimeError(
            f"kl_div: Integral inputs not supported, but got {input.dtype} and {target.dtype}"
        )
    input, target = operands("kl_div", input, target, "sum" if batchmean else reduction, False)
    if log_target:
        losses = target.exp() * (target - input)
    else:
        losses = apply(ops.x_log_x, target) - target * input
    total = reduced(losses, "sum" if batchmean else reduction)
    return total / (input.shape[0] or math.nan) if batchmean and input.ndim else total
