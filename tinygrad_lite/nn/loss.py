"""Losses as modules: each calls the function of `nn.functional` of its name."""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from ._loss_functions import check_reduction
from .module import Module

__all__ = ["CrossEntropyLoss", "NLLLoss"]


class _ClassLoss(Module):
    """A loss of classes, which may have weights."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None, ignore_index: int, reduction: str) -> None:
        super().__init__()
        check_reduction(reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = reduction


class CrossEntropyLoss(_ClassLoss):
    """The mean of −ln softmax(x)_t for logits x (N, C) and classes t (N); see `F.cross_entropy`.

    Args:
        weight: a weight for each class, (C); a buffer of the module.
        ignore_index: a class whose samples count for nothing.
        reduction: "none", "mean" or "sum".
        label_smoothing: ε in [0, 1].

    Raises:
        ValueError: an unknown reduction. Errors of calls: see `F.cross_entropy`.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, ignore_index, reduction)
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of logits (N, C, …) for classes (N, …) or probabilities (N, C, …)."""
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(_ClassLoss):
    """The mean of −x_t for log-probabilities x (N, C) and classes t (N); see `F.nll_loss`.

    Args:
        weight: a weight for each class, (C); a buffer of the module.
        ignore_index: a class whose samples count for nothing.
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: an unknown reduction. Errors of calls: see `F.nll_loss`.
    """

    def __init__(
        self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, ignore_index, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of log-probabilities (N, C, …) for classes (N, …)."""
        return F.nll_loss(
            input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )
