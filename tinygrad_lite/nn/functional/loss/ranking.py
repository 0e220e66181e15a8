"""Losses of pairs, triplets and margins; compositions. Arguments in PyTorch's order.

Everywhere `reduction` is "none", "sum" or "mean"; size_average and reduce are its old names in
PyTorch, which bring its warning. Another name raises ValueError.
"""

from __future__ import annotations

from collections.abc import Callable

from ....backend.dtypes import FLOATING
from ....tensor import Tensor
from ....tensor.autocast import need_one_dtype
from ....tensor.check import takes_tensors
from ....tensor.operation import refuse
from ....tensor.promote import coefficient, filling, to_dtype
from ....tensor.shown import called
from ..activation import logsigmoid
from ..distance import pairwise_distance
from .reduction import check_reduction, named, reduced

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


def _finished(
    losses: Tensor, size_average: bool | None, reduce: bool | None, reduction: str
) -> Tensor:
    """The losses, reduced as the arguments say, old names included."""
    reduction = named(size_average, reduce, reduction)
    check_reduction(reduction)
    return reduced(losses, reduction)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """L = max(0, −t (x₁ − x₂) + margin): scores x₁ and x₂, of which one should be larger.

    Args:
        input1, input2: x₁ and x₂, of one rank.
        target: t, 1 where x₁ should be larger, −1 where x₂ should.
        margin: by how much.

    Raises:
        RuntimeError: inputs and target of different ranks.
    """
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.shape}, input2: {input2.shape}, target: {target.shape} "
        )
    losses = (-target * (input1 - input2) + float(margin)).clamp_min(0)
    return _finished(losses, size_average, reduce, reduction)


@takes_tensors
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """L = x where t = 1, max(0, margin − x) where t = −1, for distances x.

    Args:
        input: x, any shape.
        target: t, 1 for like things, −1 for unlike ones; of the same shape.
        margin: the distance that unlike things should have at least.
    """
    coefficient("hinge_embedding_loss", margin, input)
    bound = filling("hinge_embedding_loss", margin, input)  # whole among integers
    far = (bound - input).clamp(min=0).masked_fill(target == 1, 0)
    losses = far + input.masked_fill(target == -1, 0)
    return _finished(losses, size_average, reduce, reduction)


@takes_tensors
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """L = 1 − cos(x₁, x₂) where t = 1, max(0, cos(x₁, x₂) − margin) where t = −1.

    Args:
        input1, input2: x₁ and x₂, (N, D), or (D).
        target: t, 1 for like vectors, −1 for unlike ones: (N), or ().
        margin: the cosine that unlike vectors may have, from −1 to 1.

    Raises:
        RuntimeError: another rank of the target.
    """
    if target.ndim not in (0, 1) or input1.ndim != target.ndim + 1:
        raise RuntimeError(
            f"cosine_embedding_loss: {target.ndim}D target tensor expects {target.ndim + 1}D input "
            f"tensors, but found inputs with sizes {input1.shape} and {input2.shape}"
        )
    eps = 1e-12  # as PyTorch adds to both squares
    product = (input1 * input2).sum(-1)
    squares = ((input1 * input1).sum(-1) + eps) * ((input2 * input2).sum(-1) + eps)
    cosine = product / squares.sqrt()
    near = (1 - cosine).masked_fill(target != 1, 0)
    far = (cosine - margin).clamp(min=0).masked_fill(target != -1, 0)
    return _finished(near + far, size_average, reduce, reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """L = max(0, ‖a − p‖ − ‖a − n‖ + margin): a should be nearer to p than to n.

    Args:
        anchor, positive, negative: a, p and n, (N, D) or (D).
        margin: by how much nearer; positive.
        p, eps: of the distance; see `pairwise_distance`.
        swap: use ‖p − n‖ in place of ‖a − n‖ where it is smaller (V. Balntas et al., "Learning
            Shallow Convolutional Feature Descriptors with Triplet Losses", BMVC 2016).

    Raises:
        ValueError: the margin is not positive.
        RuntimeError: tensors of different numbers of dimensions.
    """
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    reduction = named(size_average, reduce, reduction)
    return triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=lambda a, b: pairwise_distance(a, b, p, eps),
        margin=margin,
        swap=swap,
        reduction=reduction,
    )


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with another distance.

    Args:
        anchor, positive, negative: what the distance takes.
        distance_function: gives the distances of two tensors; default: `pairwise_distance`.
        margin, swap: as `triplet_margin_loss`; errors too.
    """
    check_reduction(reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "the anchor, positive and negative tensors should have the same number of dimensions, "
            f"got {anchor.ndim}, {positive.ndim} and {negative.ndim}"
        )
    distance = distance_function or pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return reduced((near - far + margin).clamp_min(0), reduction)


@takes_tensors
def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """L = ln(1 + e^(−t x)) in x's dtype, for scores x and signs t = ±1 of one shape."""
    if input.dtype.kind not in FLOATING:
        refuse("soft_margin_loss", input)
    if target.dtype.kind == "c":
        raise RuntimeError(f"soft_margin_loss: {target.dtype} can't be cast to {input.dtype}")
    target = to_dtype(target, input.array.dtype)
    loss = _finished(-logsigmoid(target * input), size_average, reduce, reduction)
    return called(loss, "SoftMarginLoss")


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """L = −Σ_c w_c (t_c ln σ(x_c) + (1 − t_c) ln σ(−x_c)) / C: each class by itself.

    Args:
        input: x, logits (N, C) or (C).
        target: t in [0, 1], of the same shape.
        weight: w, (C); None for 1.
    """
    losses = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    losses = losses if weight is None else losses * weight
    return _finished(losses.mean(-1), size_average, reduce, reduction)


@takes_tensors
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """L = Σ_{c ≠ t} w_t max(0, margin − x_t + x_c)ᵖ / C.

    Args:
        input: the scores x, (N, C) or (C), or () of one class.
        target: the classes t, int64 (N) or ().
        p: 1 or 2.
        margin: by how much the score of the class t should exceed the others.
        weight: w, (C); None for 1.

    Raises:
        RuntimeError: not as many weights as classes, or classes of another dtype.
        ValueError: p is neither 1 nor 2, or weights of other than one dimension.
    """
    if p not in (1, 2):
        raise ValueError(f"only p == 1 and p == 2 supported, but got {p}")
    if weight is not None and weight.ndim != 1:
        raise ValueError(f"weight must be one-dimensional, but has {weight.ndim} dimensions")
    if size_average is None and reduce is None:
        check_reduction(reduction)
    if input.dtype.kind not in FLOATING:
        refuse("multi_margin_loss", input)
    if target.dtype.name != "int64":
        raise RuntimeError(f"multi_margin_loss: expected int64 labels, but got {target.dtype}")
    one = input.ndim < 2
    x, t = (input.reshape(1, -1), target.reshape(1)) if one else (input, target)
    if weight is not None and weight.numel() != x.shape[1]:
        raise RuntimeError(
            f"multi_margin_loss: expected a weight for each of {x.shape[1]} classes, but got "
            f"{weight.numel()}"
        )
    need_one_dtype("multi_margin_loss", input=input, weight=weight)
    own = x.gather(1, t.unsqueeze(1))
    coefficient("multi_margin_loss", margin, input)
    short = margin - own + x
    others = x.detach().new_ones(x.shape).scatter_(1, t.unsqueeze(1), 0) != 0
    losses = short.masked_fill(~((short > 0) & others), 0) ** p  # NaN falls short of nothing
    losses = losses if weight is None else losses * weight[t].unsqueeze(1)
    losses = losses.sum(1) / x.shape[1]
    loss = _finished(losses if target.ndim else losses.squeeze(0), size_average, reduce, reduction)
    return called(loss, "MultiMarginLoss")


@takes_tensors
def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """L = Σⱼ Σᵢ max(0, 1 − x_{tⱼ} + xᵢ) / C over labels tⱼ and all i that are none of them.

    Args:
        input: scores x, (N, C) or (C), or () of one class.
        target: the labels t, int64, of the same shape: those before the first −1.

    Raises:
        RuntimeError: shapes that differ, or labels of another dtype.
    """
    if size_average is None and reduce is None:
        check_reduction(reduction)
    if input.dtype.kind not in FLOATING:
        refuse("multilabel_margin_loss", input)
    if input.ndim > 2 or input.shape != target.shape:
        raise RuntimeError(
            "multilabel_margin_loss: expected scores (N, C) or (C) and a target of the same shape, "
            f"but got {tuple(input.shape)} and {tuple(target.shape)}"
        )
    if target.dtype.name != "int64":
        raise RuntimeError(f"multilabel_margin_loss: expected int64 labels, but got {target.dtype}")
    one = input.ndim < 2
    x, t = (input.reshape(1, -1), target.reshape(1, -1)) if one else (input, target)
    counts = (t >= 0).to("int64").cumprod(1)
    label = t * counts
    chosen = label.new_zeros(label.shape).scatter_add(1, label, counts) > 0
    short = 1 - x.gather(1, label).unsqueeze(2) + x.unsqueeze(1)
    counted = (counts != 0).unsqueeze(2) & ~chosen.unsqueeze(1) & (short > 0)
    terms = short.masked_fill(~counted, 0)
    losses = terms.sum((1, 2)) / max(x.shape[1], 1)
    return _finished(losses.squeeze(0) if one else losses, size_average, reduce, reduction)
