"""Negative log likelihood and cross entropy."""

from __future__ import annotations

import math

from ....backend import namespace, numpy, to_host
from ....backend.dtypes import FLOATING
from ....ops import loss as ops
from ....ops.elementwise import hinge
from ....tensor import Tensor, apply
from ....tensor.autocast import in_float32, need_one_dtype
from ....tensor.promote import pair_dtype, to_dtype
from ....tensor.shown import called
from .operands import check_types
from .reduction import REDUCTIONS, check_reduction, named, reduced

__all__ = ["cross_entropy", "nll_loss"]

LABELS = frozenset(map(numpy.dtype, ("int64", "uint8")))  # the dtypes of class targets


@in_float32
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """L = −Σ_c w_c q_c ln softmax(x)_c, q the class t as a one-hot vector, or probabilities.

    With smoothing ε, q becomes (1 − ε) q + ε / C (Szegedy et al., "Rethinking the Inception
    Architecture for Computer Vision", 2016). The derivation for one class is the report's
    equations 3 to 11; `ops.loss.cross_entropy` has the rule.

    Args:
        input: logits, (C), (N, C) or (N, C, d₁, …), floating point.
        target: classes in [0, C), integers of shape (), (N) or (N, d₁, …); or probabilities
            of the input's shape and floating point.
        weight: w, a weight for each class, (C); None for 1.
        size_average, reduce: the reduction's old names, with PyTorch's warning.
        ignore_index: a class whose samples are left out, also of the mean (class targets only).
        reduction: "none", "sum", or "mean": for classes Σ L / Σ w_t over the samples that are not
            ignored, for probabilities Σ L / the number of samples.
        label_smoothing: ε in [0, 1].

    Returns:
        0-d, or the losses () (of one sample), (N) or (N, d₁, …) for "none".

    Raises:
        IndexError: a class is out of range.
        ValueError: another batch size, or an unknown reduction.
        RuntimeError: other shapes or dtypes that do not fit, or ε out of range.

    Example:
        >>> logits = torch.tensor([[2.0, 0.0], [0.0, 0.0]])
        >>> F.cross_entropy(logits, torch.tensor([0, 1]), reduction="none")
        tensor([0.1269, 0.6931])
    """
    reduction = named(size_average, reduce, reduction)
    check_types("cross_entropy", input, target, weight)
    x, t = input.array, target.array
    if (
        weight is None
        and not label_smoothing
        and x.ndim == 2
        and x.shape[1]
        and x.shape[:1] == t.shape
        and t.dtype in LABELS
        and x.dtype.kind in FLOATING
        and reduction in REDUCTIONS
        and not 0 <= ignore_index < x.shape[1]
        and namespace(t).all_below(t, x.shape[1], looked_up=True)
    ):
        return apply(ops.cross_entropy, input, target, reduction=reduction)
    _check("cross_entropy", input, weight, reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(
            f"cross_entropy: label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}"
        )
    if input.shape == target.shape:
        return _probabilities(input, target, weight, ignore_index, reduction, label_smoothing)
    log_p = input.log_softmax(0 if input.ndim == 1 else 1)
    return _nll("cross_entropy", log_p, target, weight, ignore_index, reduction, label_smoothing)


@in_float32
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """L = −w_t x_t: the negative log likelihood of class t for log-probabilities x.

    Args:
        input: log-probabilities, (C), (N, C) or (N, C, d₁, …), floating point.
        target: classes in [0, C), integers of shape (), (N) or (N, d₁, …).
        weight, size_average, reduce, ignore_index, reduction: as `cross_entropy`.

    Returns:
        As `cross_entropy`.

    Raises:
        IndexError, ValueError, RuntimeError: as `cross_entropy`.

    Example:
        >>> log_p = torch.tensor([[0.25, 0.75]]).log()
        >>> F.nll_loss(log_p, torch.tensor([1]))
        tensor(0.2877)
    """
    reduction = named(size_average, reduce, reduction)
    check_types("nll_loss", input, target, weight)
    _check("nll_loss", input, weight, reduction)
    return _nll("nll_loss", apply(hinge, input), target, weight, ignore_index, reduction, 0.0)


def _probabilities(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    smoothing: float,
) -> Tensor:
    """The cross entropy of logits and probabilities of one shape."""
    if target.dtype.kind not in FLOATING:
        raise RuntimeError(
            "cross_entropy: Expected floating point type for target with class probabilities, got "
            f"{target.dtype}"
        )
    if ignore_index >= 0:
        raise RuntimeError("cross_entropy: ignore_index is not supported for floating point target")
    if input.ndim == 1:
        input, target = input.unsqueeze(0), target.unsqueeze(0)
        reduction = "sum" if reduction == "none" else reduction  # of the only sample: no dims
    if smoothing:
        target = target * (1 - smoothing) + smoothing / (input.shape[1] or math.nan)
    if weight is not None:
        target = target * _along_classes(weight, input)
    dtype = pair_dtype(input, target)
    pair = to_dtype(input, dtype), to_dtype(target, dtype)
    if not input.shape[1]:  # an empty sum of classes, and the mean of nothing
        losses = -(pair[0] * pair[1]).sum(1)
        return losses.sum() * math.nan if reduction == "mean" else reduced(losses, reduction)
    return apply(ops.cross_entropy_probabilities, *pair, reduction=reduction)


def _nll(
    name: str,
    log_p: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    smoothing: float,
) -> Tensor:
    """The negative log likelihood of class targets, composed of elementary operations.

    It takes what `ops.cross_entropy` does not: weights, ignored classes, smoothing, other shapes.
    """
    _check_classes(name, log_p, target)
    need_one_dtype(name, input=log_p, weight=weight)
    node = "Add" if smoothing else "NllLoss2D" if log_p.ndim > 2 else "NllLoss"
    target = target.long()  # as an index uint8 would be a mask
    shape = target.shape if log_p.ndim > 1 else ()
    if log_p.ndim == 1:
        log_p, target = log_p.unsqueeze(0), target.reshape(1)
    ignored = target == ignore_index
    classes = target.masked_fill(ignored, 0)
    if log_p.shape[1]:
        _check_range(name, classes, log_p.shape[1])
        losses = -log_p.gather(1, classes.unsqueeze(1)).squeeze(1)
    else:  # no classes: all must be ignored
        _check_range(name, target[~ignored], 0)
        losses = log_p.sum(1)
    counted = (~ignored).to(dtype=log_p.dtype)
    if weight is not None:
        weights = weight[classes] if log_p.shape[1] else losses
        losses = losses * weights
        counted = counted * weights
    if smoothing:
        spread = log_p if weight is None else log_p * _along_classes(weight, log_p)
        losses = losses * (1 - smoothing) - spread.sum(1) * (
            smoothing / (log_p.shape[1] or math.nan)
        )
    losses = losses.masked_fill(ignored, 0)
    if reduction == "none":
        return called(losses.reshape(shape), node)
    total = losses.sum()
    return called(total / counted.sum() if reduction == "mean" else total, node)


def _along_classes(weight: Tensor, input: Tensor) -> Tensor:
    """The weights (C) in a shape that broadcasts against (N, C, d₁, …)."""
    return weight.reshape(-1, *(1,) * (input.ndim - 2))


def _check(name: str, input: Tensor, weight: Tensor | None, reduction: str) -> None:
    """Check the reduction, the input's rank and dtype, and that the weights fit its classes."""
    check_reduction(reduction)
    if input.ndim == 0:
        raise ValueError(f"{name}: Expected 1 or more dimensions (got 0)")
    if input.dtype.kind not in FLOATING:
        raise NotImplementedError(f"{name}: expected floating point input, but got {input.dtype}")
    c = input.shape[min(input.ndim - 1, 1)]
    if weight is not None and weight.shape != (c,):
        raise RuntimeError(
            f"{name}: weight tensor should be defined either for all {c} classes or no classes but "
            f"got weight tensor of shape: {tuple(weight.shape)}"
        )


def _check_classes(name: str, input: Tensor, target: Tensor) -> None:
    """Check the shape and the dtype of class targets (N, d₁, …) for an input (N, C, d₁, …)."""
    if input.ndim > 1 and target.shape[:1] != input.shape[:1]:
        raise ValueError(
            f"{name}: Expected input batch_size ({input.shape[0]}) to match target batch_size "
            f"({target.shape[0] if target.ndim else 'none'})."
        )
    expected = (*input.shape[:1], *input.shape[2:]) if input.ndim > 1 else ()
    if target.shape != expected and not (input.ndim == 1 and target.shape == (1,)):
        raise RuntimeError(
            f"{name}: Expected target size {list(expected)}, got {list(target.shape)} (for input "
            f"of size {list(input.shape)})"
        )
    if target.array.dtype not in LABELS:
        raise RuntimeError(
            f"{name}: expected target dtype to be int64 (or uint8), but got {target.dtype}; use "
            ".long()"
        )


def _check_range(name: str, classes: Tensor, c: int) -> None:
    """Check that classes are in [0, c).

    Raises:
        IndexError: naming one that is not.
    """
    array = classes.array
    if not namespace(array).all_below(array, c):
        host = to_host(array)
        bad = host[(host < 0) | (host >= c)][0]
        raise IndexError(f"{name}: Target {bad} is out of bounds. (C = {c}, so 0 to {c - 1})")
