"""The CTC loss as a module."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from . import functional as F
from .module import Module

__all__ = ["CTCLoss"]


class CTCLoss(Module):
    """Connectionist temporal classification (Graves et al. 2006); see `functional.ctc_loss`.

    Args:
        blank: the class that stands for "no label here".
        reduction: "none", "sum", or "mean": of the losses divided by the targets' lengths.
        zero_infinity: a target that no alignment gives, because the input is too short for it,
            counts as 0 and has no gradient; otherwise its loss is infinite.
    """

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__()
        self.reduction = reduction
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(
        self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any
    ) -> Tensor:
        """The loss of log-probabilities (T, N, C) for labels (N, S), given the lengths of both."""
        settings = self.blank, self.reduction, self.zero_infinity
        return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, *settings)
