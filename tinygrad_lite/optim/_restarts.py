"""A cosine that starts again."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..backend import capture
from ..backend.states import LARGEST
from ._scheduler import LRScheduler, is_count, set_rate
from .optimizer import Optimizer


class CosineAnnealingWarmRestarts(LRScheduler):
    """γ = η + (γ₀ − η) (1 + cos(π u / Tᵢ)) / 2: from γ₀ down to η, then from γ₀ again.

    γ₀ is a group's initial rate, u how many epochs ago the last restart was, and Tᵢ the length of
    the period that it began: T₀ epochs at first, and from one period to the next `T_mult` times
    as long.

    Loshchilov, Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017:
    https://arxiv.org/abs/1608.03983

    Args:
        optimizer: whose rates are set.
        T_0: T₀, the epochs before the first restart.
        T_mult: how many times as long each period is as the one before it, an integer.
        eta_min: η, the lowest rate.
        last_epoch: the epoch to go on from; -1 to begin.

    Raises:
        ValueError: a T_0 or a T_mult that is no integer above 0, or an eta_min that is no number.

    Example:
        >>> optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> schedules = torch.optim.lr_scheduler
        >>> scheduler = schedules.CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2)
        >>> rates = []
        >>> for epoch in range(7):
        ...     rates += [round(scheduler.get_last_lr()[0], 4)]
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [1.0, 0.5, 1.0, 0.8536, 0.5, 0.1464, 1.0]
    """

    _ranges: ClassVar = {"T_0": (1, LARGEST), "T_i": (1, LARGEST - 1), "T_mult": (1, LARGEST)}

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if not is_count(T_0):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if not is_count(T_mult):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, float | int):
            raise ValueError(
                f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}"
            )
        self.T_0, self.T_i, self.T_mult = T_0, T_0, T_mult
        self.eta_min = eta_min
        self.T_cur: Any = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Each group's γ, as above, for u = `T_cur` and Tᵢ = `T_i`."""
        part = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (lr - self.eta_min) * part for lr in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Set the rates of the next epoch; or of a given one, which may be a fraction.

        Args:
            epoch: the epoch to go to. A rate that changes with every batch is set by
                `step(epoch + batch / batches)`; None is the next whole epoch.

        Raises:
            ValueError: a negative epoch.
        """
        capture.forbid("it sets learning rates, which replays would not do; step it between calls")
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        elif epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        elif epoch < self.T_0:
            self.T_i, self.T_cur = self.T_0, epoch
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            # Period n begins at epoch T₀ (1 + m + … + mⁿ⁻¹) = T₀ (mⁿ − 1) / (m − 1).
            m = self.T_mult
            n = int(math.log(epoch / self.T_0 * (m - 1) + 1, m))
            self.T_cur = epoch - self.T_0 * (m**n - 1) / (m - 1)
            self.T_i = self.T_0 * m**n
        self.last_epoch = math.floor(epoch)
        for group, lr in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            set_rate(group, lr)
        self._last_lr = self._current()
