"""A schedule that follows a metric."""

from __future__ import annotations

import math
import warnings
from typing import Any, ClassVar, Literal, SupportsFloat

from ..backend.states import LARGEST, number
from ..tensor.source_line import user_level
from ._scheduler import _EPOCH, LRScheduler, set_rate
from .optimizer import Optimizer


class ReduceLROnPlateau(LRScheduler):
    """γ ← max(f γ, min_lr) when a metric has not become better for more than `patience` epochs.

    A metric a is better than b, the best so far, if in the mode "min"

        a < b (1 − threshold)    threshold_mode "rel"
        a < b − threshold        threshold_mode "abs"

    and in the mode "max" if a > b (1 + threshold), or a > b + threshold.

    Args:
        optimizer: whose rates are set.
        mode: "min" for a metric that should fall, "max" for one that should rise.
        factor: f, below 1.
        patience: how many epochs without a better metric are tolerated.
        threshold: by how much a metric must be better to count as better.
        threshold_mode: "rel" or "abs", as above.
        cooldown: epochs after a reduction in which none is counted as one without improvement.
        min_lr: the lowest rate, or one for each group.
        eps: a reduction of γ by less than this is not made.

    Raises:
        ValueError: a factor of 1 or more, an unknown mode, or min_lr of another length.
        TypeError: not an optimizer.

    Example:
        >>> optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
        >>> for loss in (3.0, 2.0, 2.0, 2.0):
        ...     scheduler.step(loss)
        >>> optimizer.param_groups[0]["lr"]
        0.1
    """

    _ranges: ClassVar = {
        "factor": (0, 1),
        "patience": (0, LARGEST),
        "cooldown": (0, LARGEST),
        "cooldown_counter": (0, LARGEST),
        "num_bad_epochs": (0, LARGEST),
    }

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: list[float] | float = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self._init_is_better(mode, threshold, threshold_mode)
        groups = len(optimizer.param_groups)
        if isinstance(min_lr, list | tuple) and len(min_lr) != groups:
            raise ValueError(f"expected {groups} min_lrs, got {len(min_lr)}")
        self.optimizer = optimizer
        self.factor, self.patience, self.cooldown, self.eps = factor, patience, cooldown, eps
        self.default_min_lr = None if isinstance(min_lr, list | tuple) else min_lr
        self.min_lrs = list(min_lr) if isinstance(min_lr, list | tuple) else [min_lr] * groups
        self.last_epoch = 0
        self._reset()
        self._last_lr = self._current()

    def _init_is_better(self, mode: Any, threshold: float, threshold_mode: Any) -> None:
        """Set what counts as better; errors as of the class."""
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode

    def _reset(self) -> None:
        """Forget the best metric, and what was counted."""
        self.best = self.mode_worse
        self.cooldown_counter = self.num_bad_epochs = 0

    def _checked(self, state_dict: dict[str, Any]) -> dict[str, Any]:
        """See `LRScheduler._checked`; states of before have no `mode_worse`."""
        if "mode_worse" not in dict(state_dict):
            state_dict = {**state_dict, "mode_worse": self.mode_worse}
        return super()._checked(state_dict)

    def _entry(self, key: str, value: Any, own: Any) -> Any:
        """A checked copy of one entry: modes are words, the best metric may be infinite."""
        words = {"mode": ("min", "max"), "threshold_mode": ("rel", "abs")}.get(key)
        if words is not None:
            if value not in words:
                raise ValueError(f"ReduceLROnPlateau: {key} must be one of {', '.join(words)}")
            return value
        if key in ("best", "mode_worse"):
            return number("ReduceLROnPlateau", key, value, infinite=True)
        if key == "default_min_lr" and value is not None:
            return number("ReduceLROnPlateau", key, value)
        return super()._entry(key, value, own)

    @property
    def in_cooldown(self) -> bool:
        """Whether the last reduction is less than `cooldown` epochs ago."""
        return self.cooldown_counter > 0

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override]
        """Look at an epoch's metric, and reduce the rates if it is time to.

        Args:
            metrics: a number, or a tensor of one element.
            epoch: deprecated, as in PyTorch: the number of the epoch.
        """
        current = float(metrics)
        if epoch is not None:
            warnings.warn(_EPOCH, UserWarning, stacklevel=user_level())
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr(self.last_epoch)
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self._current()

    def _is_better(self, a: float, best: float) -> bool:
        """Whether a metric is better than the best one by the threshold."""
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "rel":
            return sign * a < sign * best * (1 - sign * self.threshold)
        return sign * a < sign * best - self.threshold

    def _reduce_lr(self, epoch: int) -> None:
        """Multiply the rates; derived classes call it, or do something else."""
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs) and self.default_min_lr is not None:
            self.min_lrs = [self.default_min_lr] * len(groups)
        if len(groups) != len(self.min_lrs):
            raise RuntimeError(
                f"The number of param groups in the `optimizer` ({len(groups)}) differs from when "
                f"`ReduceLROnPlateau` was initialized ({len(self.min_lrs)}); please set `min_lrs`"
            )
        for group, low in zip(groups, self.min_lrs, strict=True):
            new = max(group["lr"] * self.factor, low)
            if group["lr"] - new > self.eps:
                set_rate(group, new)
