"""Learning-rate schedules, as `torch.optim.lr_scheduler`.

In their equations γ is a group's learning rate, γ₀ its first one ("initial_lr") and t the epoch:
how often the scheduler has stepped, which may as well be once a batch.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ..absent import explain as _explain
from ..backend.states import LARGEST, integer, kind
from ._cycles import CyclicLR, OneCycleLR
from ._functions import ByFunctions, Factor
from ._plateau import ReduceLROnPlateau
from ._restarts import CosineAnnealingWarmRestarts
from ._scheduler import LRScheduler
from ._sequential import ChainedScheduler, SequentialLR
from .optimizer import Optimizer

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]


class _LRScheduler(LRScheduler):
    """The name that `LRScheduler` had before PyTorch 2.0; programs derive from it."""


class LambdaLR(ByFunctions):
    """γ = γ₀ f(t): the first rate times a function of the epoch.

    Args:
        optimizer: whose rates are set.
        lr_lambda: f, of the epoch (an int); or a list with one for each group.
        last_epoch: the epoch to go on from; -1 to begin.

    Raises:
        ValueError: the list is not as long as there are groups.

    Example:
        >>> optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
        >>> rates = []
        >>> for epoch in range(4):
        ...     rates += [round(scheduler.get_last_lr()[0], 4)]
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [1.0, 0.5, 0.3333, 0.25]
    """

    def get_lr(self) -> list[float]:
        """Each group's γ₀ f(t)."""
        return [
            lr * f(self.last_epoch) for lr, f in zip(self.base_lrs, self.lr_lambdas, strict=True)
        ]


class MultiplicativeLR(ByFunctions):
    """γ = γ₀ f(1) f(2) … f(t): in epoch t the rate is multiplied by f(t).

    Args:
        optimizer: whose rates are set.
        lr_lambda: f, of the epoch (an int); or a list with one for each group.
        last_epoch: the epoch to go on from; -1 to begin.

    Raises:
        TypeError: f is not callable.
        ValueError: the list is not as long as there are groups.
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
    ) -> None:
        given = lr_lambda if isinstance(lr_lambda, list | tuple) else [lr_lambda]
        if odd := [f for f in given if not callable(f)]:
            raise TypeError(f"lr_lambda should be a function, but got {kind(odd[0])}")
        super().__init__(optimizer, lr_lambda, last_epoch)

    def get_lr(self) -> list[float]:
        """Each group's present rate times f(t); at the beginning the present rate."""
        if self._is_initial:
            return self._current()
        return [
            lr * f(self.last_epoch) for lr, f in zip(self._current(), self.lr_lambdas, strict=True)
        ]


class StepLR(LRScheduler):
    """γ = γ₀ Γ^⌊t / s⌋: every s epochs the rate is multiplied by Γ.

    Args:
        optimizer: whose rates are set.
        step_size: s.
        gamma: Γ.
        last_epoch: the epoch to go on from; -1 to begin.

    Example:
        >>> optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2)
        >>> rates = []
        >>> for epoch in range(4):
        ...     rates += [round(scheduler.get_last_lr()[0], 4)]
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [1.0, 1.0, 0.1, 0.1]
    """

    _ranges: ClassVar = {"step_size": (1, LARGEST)}

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Each group's present rate, times Γ where t is a multiple of s."""
        due = self.last_epoch != 0 and self.last_epoch % self.step_size == 0
        return self._scaled(self.gamma) if due else self._current()

    def _get_closed_form_lr(self) -> list[float]:
        return [lr * self.gamma ** (self.last_epoch // self.step_size) for lr in self.base_lrs]


class MultiStepLR(LRScheduler):
    """γ = γ₀ Γⁿ, where n is how many of the milestones t has reached.

    Args:
        optimizer: whose rates are set.
        milestones: epochs; one that is given twice counts twice.
        gamma: Γ.
        last_epoch: the epoch to go on from; -1 to begin.

    Example:
        >>> optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3])
        >>> rates = []
        >>> for epoch in range(5):
        ...     rates += [round(scheduler.get_last_lr()[0], 4)]
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [1.0, 0.1, 0.1, 0.01, 0.01]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Each group's present rate, times Γ at a milestone, once for each time it was given."""
        times = self.milestones[self.last_epoch]
        return self._scaled(self.gamma**times) if times else self._current()

    def _get_closed_form_lr(self) -> list[float]:
        reached = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [lr * self.gamma**reached for lr in self.base_lrs]

    def _entry(self, key: str, value: Any, own: Any) -> Any:
        """A checked copy of one entry; milestones are a dict, epoch: how often it counts."""
        if key != "milestones":
            return super()._entry(key, value, own)
        if not isinstance(value, Mapping):
            raise TypeError(f"MultiStepLR: milestones must be a dict, but is {kind(value)}")
        pairs = [
            (integer("MultiStepLR", "a milestone", epoch), count) for epoch, count in value.items()
        ]
        return Counter({e: integer("MultiStepLR", "a count", n, 0, 1000) for e, n in pairs})


class ConstantLR(LRScheduler):
    """γ = γ₀ f before epoch T, and γ₀ from then on.

    Args:
        optimizer: whose rates are set.
        factor: f, from 0 to 1.
        total_iters: T.
        last_epoch: the epoch to go on from; -1 to begin.

    Raises:
        ValueError: a factor outside of [0, 1].
    """

    _ranges: ClassVar = {
        "factor": (0, 1),
        "total_iters": (0, LARGEST),
    }

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Each group's present rate, times f at epoch 0 and divided by f at T."""
        if self.last_epoch == 0:
            return self._scaled(self.factor)
        ends = self.last_epoch == self.total_iters
        return self._scaled(1.0 / self.factor) if ends else self._current()

    def _get_closed_form_lr(self) -> list[float]:
        factor = 1 if self.last_epoch >= self.total_iters else self.factor
        return [lr * factor for lr in self.base_lrs]


class LinearLR(LRScheduler):
    """γ = γ₀ (a + (b − a) min(t, T) / T): from γ₀ a to γ₀ b in T epochs, such as for warm-up.

    Args:
        optimizer: whose rates are set.
        start_factor: a, above 0 and at most 1.
        end_factor: b, from 0 to 1.
        total_iters: T.
        last_epoch: the epoch to go on from; -1 to begin.

    Raises:
        ValueError: a factor out of its range.

    Example:
        >>> optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> scheduler = torch.optim.lr_scheduler.LinearLR(
        ...     optimizer, start_factor=0.25, total_iters=3
        ... )
        >>> rates = []
        >>> for epoch in range(5):
        ...     rates += [round(scheduler.get_last_lr()[0], 4)]
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    _ranges: ClassVar = {"start_factor": (0, 1), "end_factor": (0, 1), "total_iters": (1, LARGEST)}

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError(
                "Starting multiplicative factor expected to be greater than 0 and less or equal "
                "to 1."
            )
        if not 0 <= end_factor <= 1:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Each group's present rate, times this epoch's factor ÷ the last epoch's."""
        if self.last_epoch == 0:
            return self._scaled(self.start_factor)
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._current()
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return self._scaled(1.0 + rise / before)

    def _get_closed_form_lr(self) -> list[float]:
        part = min(self.total_iters, self.last_epoch) / self.total_iters
        factor = self.start_factor + (self.end_factor - self.start_factor) * part
        return [lr * factor for lr in self.base_lrs]


class ExponentialLR(LRScheduler):
    """γ = γ₀ Γᵗ: every epoch the rate is multiplied by Γ.

    Args:
        optimizer: whose rates are set.
        gamma: Γ.
        last_epoch: the epoch to go on from; -1 to begin.

    Example:
        >>> optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        >>> rates = []
        >>> for epoch in range(4):
        ...     rates += [round(scheduler.get_last_lr()[0], 4)]
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [1.0, 0.5, 0.25, 0.125]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Each group's present rate times Γ; at the beginning the present rate."""
        return self._current() if self._is_initial else self._scaled(self.gamma)

    def _get_closed_form_lr(self) -> list[float]:
        return [lr * self.gamma**self.last_epoch for lr in self.base_lrs]


class PolynomialLR(LRScheduler):
    """γ = γ₀ (1 − min(t, T) / T)ᵖ: from γ₀ to 0 in T epochs, along a line if p is 1.

    Args:
        optimizer: whose rates are set.
        total_iters: T.
        power: p.
        last_epoch: the epoch to go on from; -1 to begin.
    """

    _ranges: ClassVar = {"total_iters": (1, LARGEST)}

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
    ) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Each group's present rate, times this epoch's factor ÷ the last epoch's."""
        t, total = self.last_epoch, self.total_iters
        if self._is_initial or t > total:
            return self._current()
        return self._scaled(((1.0 - t / total) / (1.0 - (t - 1) / total)) ** self.power)

    def _get_closed_form_lr(self) -> list[float]:
        left = 1.0 - min(self.total_iters, self.last_epoch) / self.total_iters
        return [lr * left**self.power for lr in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """γ = η + (γ₀ − η) (1 + cos(π t / T)) / 2: from γ₀ to η in T epochs, and up again.

    There are no restarts. Loshchilov, Hutter, "SGDR: Stochastic Gradient Descent with Warm
    Restarts", ICLR 2017: https://arxiv.org/abs/1608.03983

    Args:
        optimizer: whose rates are set.
        T_max: T.
        eta_min: η, the lowest rate.
        last_epoch: the epoch to go on from; -1 to begin.

    Example:
        >>> optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
        >>> rates = []
        >>> for epoch in range(5):
        ...     rates += [round(scheduler.get_last_lr()[0], 4)]
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [1.0, 0.8536, 0.5, 0.1464, 0.0]
    """

    _ranges: ClassVar = {"T_max": (1, LARGEST)}

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Each group's η + (γ − η) (1 + cos(π t / T)) / (1 + cos(π (t − 1) / T)), γ as it is.

        One epoch after the rate has come down to η both factors are 0; then it rises by its first
        step, (γ₀ − η) (1 − cos(π / T)) / 2.
        """
        t, low = self.last_epoch, self.eta_min
        if self._is_initial:
            return self._current()
        if (t - 1 - self.T_max) % (2 * self.T_max) == 0:
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [
                now + (lr - low) * rise
                for now, lr in zip(self._current(), self.base_lrs, strict=True)
            ]
        ratio = (1 + math.cos(math.pi * t / self.T_max)) / (
            1 + math.cos(math.pi * (t - 1) / self.T_max)
        )
        return [ratio * (now - low) + low for now in self._current()]

    def _get_closed_form_lr(self) -> list[float]:
        part = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (lr - self.eta_min) * part for lr in self.base_lrs]


_explain(__name__)
