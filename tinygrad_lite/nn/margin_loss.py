"""Losses of pairs, triplets, margins and likelihoods; each calls the function of its name."""

from __future__ import annotations

from collections.abc import Callable

from ..tensor import Tensor
from . import functional as F
from .distance import PairwiseDistance
from .loss import _Loss, _WeightedLoss

__all__ = [
    "CosineEmbeddingLoss",
    "GaussianNLLLoss",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "PoissonNLLLoss",
    "SoftMarginLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]


class _MarginLoss(_Loss):
    """A loss whose first argument is a margin."""

    margin: float

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin


class MarginRankingLoss(_MarginLoss):
    """The mean of max(0, −t (x₁ − x₂) + margin) for scores x; see `F.margin_ranking_loss`.

    Args:
        margin: by how much the score that should be larger has to be.
        size_average, reduce, reduction: as `MSELoss`.
    """

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """The loss of scores x₁ and x₂, and t: 1 where x₁ should be larger, −1 where x₂."""
        return F.margin_ranking_loss(input1, input2, target, self.margin, reduction=self.reduction)


class HingeEmbeddingLoss(_MarginLoss):
    """The mean of x where t = 1, max(0, margin − x) where t = −1; see `F.hinge_embedding_loss`.

    Args:
        margin: the distance that unlike things should have at least.
        size_average, reduce, reduction: as `MSELoss`.
    """

    def __init__(
        self,
        margin: float = 1.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(margin, size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of distances x, and t: 1 for like things, −1 for unlike ones."""
        return F.hinge_embedding_loss(input, target, self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(_MarginLoss):
    """The mean of 1 − cos(x₁, x₂) where t = 1, max(0, cos − margin) where t = −1.

    See `F.cosine_embedding_loss`.

    Args:
        margin: the cosine that unlike vectors may have, from −1 to 1.
        size_average, reduce, reduction: as `MSELoss`.
    """

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """The loss of vectors (N, D) or (D), and t: 1 for like pairs, −1 for unlike ones."""
        return F.cosine_embedding_loss(
            input1, input2, target, self.margin, reduction=self.reduction
        )


class TripletMarginLoss(_Loss):
    """The mean of max(0, ‖a − p‖ − ‖a − n‖ + margin); see `F.triplet_margin_loss`.

    Args:
        margin: by how much the negative should be further away than the positive.
        p: the order of the norm.
        eps: added to each difference.
        swap: use ‖p − n‖ in place of ‖a − n‖ where it is smaller.
        size_average, reduce, reduction: as `MSELoss`.

    Raises:
        ValueError: the margin is not positive, or an unknown reduction.
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        if margin <= 0:
            raise ValueError(
                f"TripletMarginLoss: expected margin to be greater than 0, got {margin} instead"
            )
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """The loss of anchors a, positives p and negatives n, (N, D) or (D)."""
        settings = self.margin, self.p, self.eps, self.swap
        return F.triplet_margin_loss(
            anchor, positive, negative, *settings, reduction=self.reduction
        )


class TripletMarginWithDistanceLoss(_Loss):
    """`TripletMarginLoss` with another distance; see `F.triplet_margin_with_distance_loss`.

    Args:
        distance_function: gives the distances of two tensors of vectors; default:
            `PairwiseDistance()`.
        margin, swap, reduction: as `TripletMarginLoss`.

    Raises:
        ValueError: the margin is not positive, or an unknown reduction.
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        if margin <= 0:
            raise ValueError(
                "TripletMarginWithDistanceLoss: expected margin to be greater than 0, got "
                f"{margin} instead"
            )
        self.distance_function = distance_function or PairwiseDistance()
        self.margin, self.swap = margin, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """The loss of anchors, positives and negatives, such as the distance takes."""
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )


class SoftMarginLoss(_Loss):
    """The mean of ln(1 + e^(−t x)), t = ±1; see `F.soft_margin_loss`. Arguments as `MSELoss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores x and signs t of one shape."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiLabelMarginLoss(_Loss):
    """The mean of Σⱼ Σᵢ max(0, 1 − x_{tⱼ} + xᵢ) / C for a sample's labels tⱼ and others i.

    See `F.multilabel_margin_loss`. Arguments as `MSELoss`.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores (N, C) or (C) and labels of that shape, which a −1 ends."""
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """The mean over samples and classes of −(t ln σ(x) + (1 − t) ln σ(−x)).

    See `F.multilabel_soft_margin_loss`.

    Args:
        weight: a weight for each class, (C); a buffer of the module.
        size_average, reduce, reduction: as `MSELoss`.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of logits x and answers t in [0, 1], both (N, C)."""
        return F.multilabel_soft_margin_loss(input, target, self.weight, reduction=self.reduction)


class MultiMarginLoss(_WeightedLoss):
    """The mean of Σ_{c ≠ t} max(0, margin − x_t + x_c)ᵖ / C; see `F.multi_margin_loss`.

    Args:
        p: 1 or 2.
        margin: by how much the score of the class t should exceed the others.
        weight: a weight for each class t, (C); a buffer of the module.
        size_average, reduce, reduction: as `MSELoss`.

    Raises:
        ValueError: another p, a weight that is no vector, or an unknown reduction.
    """

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError(f"only p == 1 and p == 2 supported, but got {p}")
        if weight is not None and weight.ndim != 1:
            raise ValueError(
                f"MultiMarginLoss: weight must have 1 dimension, but its shape is {weight.shape}"
            )
        self.p, self.margin = p, margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores x (N, C) or (C) and classes t (N) or ()."""
        settings = self.p, self.margin, self.weight
        return F.multi_margin_loss(input, target, *settings, reduction=self.reduction)


class GaussianNLLLoss(_Loss):
    """The mean of (ln v + (x − t)² / v) / 2; see `F.gaussian_nll_loss`.

    Args:
        full: add ln(2π) / 2.
        eps: the least variance v that is reckoned with.
        reduction: "none", "mean" or "sum".
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        """The loss of means x, targets t and variances v."""
        return F.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)


class PoissonNLLLoss(_Loss):
    """The mean of eˣ − t x for logarithms of rates, or x − t ln(x + ε); `F.poisson_nll_loss`.

    Args:
        log_input: inputs are logarithms.
        full: add Stirling's approximation of ln t!.
        size_average, reduce, reduction: as `MSELoss`.
        eps: ε.
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        """The loss of rates x, or their logarithms, and counts t."""
        settings = self.log_input, self.full
        return F.poisson_nll_loss(
            log_input, target, *settings, eps=self.eps, reduction=self.reduction
        )
