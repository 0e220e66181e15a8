"""Losses as modules: each calls the function of `nn.functional` of its name."""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .functional.loss.reduction import REDUCTIONS, check_reduction, named
from .module import Module

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
    "NLLLoss2d",
    "SmoothL1Loss",
]


class _Loss(Module):
    """What losses share: how the losses of single elements or samples become one.

    Args:
        size_average, reduce: the reduction's old names, with PyTorch's warning.
        reduction: "none", "mean" or "sum", or another of `_reductions`.

    Raises:
        ValueError: an unknown reduction.
    """

    _reductions: tuple[str, ...] = REDUCTIONS

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.reduction = named(size_average, reduce, reduction)
        check_reduction(self.reduction, self._reductions)


class _WeightedLoss(_Loss):
    """A loss whose classes, or elements, may have weights; they are a buffer."""

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class _ClassLoss(_WeightedLoss):
    """A loss of classes, one of which may be ignored."""

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index


class CrossEntropyLoss(_ClassLoss):
    """The mean of −ln softmax(x)_t for logits x (N, C) and classes t (N); see `F.cross_entropy`.

    Args:
        weight: a weight for each class, (C); a buffer of the module.
        ignore_index: a class whose samples count for nothing.
        size_average, reduce: the reduction's old names, with PyTorch's warning.
        reduction: "none", "mean" or "sum".
        label_smoothing: ε in [0, 1]: targets become (1 − ε) one-hot + ε/C.

    Raises:
        ValueError: an unknown reduction. Errors of calls: see `F.cross_entropy`.

    Example:
        >>> loss = nn.CrossEntropyLoss()
        >>> loss(torch.zeros(2, 10), torch.tensor([3, 7]))  # ln 10
        tensor(2.3026)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, ignore_index, reduce, reduction)
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
        size_average, reduce: the reduction's old names, with PyTorch's warning.
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: an unknown reduction. Errors of calls: see `F.nll_loss`.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of log-probabilities (N, C, …) for classes (N, …)."""
        return F.nll_loss(
            input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )


class NLLLoss2d(NLLLoss):
    """The older name of `NLLLoss` for images, (N, C, H, W) and (N, H, W)."""


class MSELoss(_Loss):
    """The mean of (x − t)², for x and t of one shape; see `F.mse_loss`.

    Args:
        size_average, reduce: the reduction's old names, with PyTorch's warning.
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: an unknown reduction. Errors of calls: see `F.mse_loss`.

    Example:
        >>> nn.MSELoss()(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 1.0]))
        tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of predictions and targets of one shape."""
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """The mean of |x − t|; see `F.l1_loss`. Arguments and errors as `MSELoss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of predictions and targets of one shape."""
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """The mean of (x − t)² / 2β where |x − t| < β, else |x − t| − β/2; see `F.smooth_l1_loss`.

    Args:
        size_average, reduce: the reduction's old names, with PyTorch's warning.
        reduction: "none", "mean" or "sum".
        beta: β, not negative; 0 gives `L1Loss`.

    Raises:
        ValueError: an unknown reduction. Errors of calls: see `F.smooth_l1_loss`.
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of predictions and targets of one shape."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """The mean of (x − t)² / 2 where |x − t| < δ, else δ (|x − t| − δ/2); see `F.huber_loss`.

    Args:
        reduction: "none", "mean" or "sum".
        delta: δ, positive.

    Raises:
        ValueError: an unknown reduction. Errors of calls: see `F.huber_loss`.
        TypeError: δ is no number.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        if not isinstance(delta, int | float):
            raise TypeError(f"HuberLoss: delta must be a float or int, got: {type(delta)}")
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of predictions and targets of one shape."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class BCELoss(_WeightedLoss):
    """The mean of −(t ln x + (1 − t) ln(1 − x)), x and t in [0, 1]; `F.binary_cross_entropy`.

    Args:
        weight: a weight for each loss, of a shape that broadcasts; a buffer of the module.
        size_average, reduce: the reduction's old names, with PyTorch's warning.
        reduction: "none", "mean" or "sum".

    Raises:
        ValueError: an unknown reduction. Errors of calls: see `F.binary_cross_entropy`.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of probabilities and targets of one shape."""
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_WeightedLoss):
    """`BCELoss` of σ(x) for logits x, without overflow; see `F.binary_cross_entropy_with_logits`.

    Args:
        weight: a weight for each loss, of a shape that broadcasts; a buffer of the module.
        size_average, reduce: the reduction's old names, with PyTorch's warning.
        reduction: "none", "mean" or "sum".
        pos_weight: p, a factor of t ln σ(x), of a shape that broadcasts; a buffer of the module.

    Raises:
        ValueError: an unknown reduction. Errors of calls: see the function.

    Example:
        >>> nn.BCEWithLogitsLoss()(torch.tensor([0.0]), torch.tensor([1.0]))  # ln 2
        tensor(0.6931)
    """

    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of logits and targets of one shape."""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class KLDivLoss(_Loss):
    """The mean of t (ln t − x) for log-probabilities x and probabilities t; see `F.kl_div`.

    Args:
        size_average, reduce: the reduction's old names, with PyTorch's warning.
        reduction: "none", "mean", "sum" or "batchmean", the sum over the number of samples.
        log_target: targets are ln t.

    Raises:
        ValueError: an unknown reduction. Errors of calls: see `F.kl_div`.
    """

    _reductions = (*REDUCTIONS, "batchmean")

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of log-probabilities and probabilities of one shape."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)
