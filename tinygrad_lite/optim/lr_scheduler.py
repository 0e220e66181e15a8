"""Learning-rate schedules. In what follows γ₀ is a group's first rate and t the epoch."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FunctionType
from typing import Any, ClassVar

from ..absent import explain as _explain
from ..backend.states import LARGEST, alike, entries, integer, kind
from ._plateau import ReduceLROnPlateau
from ._scheduler import LRScheduler
from ._sequential import SequentialLR
from .optimizer import Optimizer

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]

Factor = Callable[[int], float]


class LambdaLR(LRScheduler):
    """γ = γ₀ f(t).

    Args:
        optimizer: whose rates are set.
        lr_lambda: f, or a list with one for each group.
        last_epoch: the epoch to go on from; -1 to begin.

    Raises:
        ValueError: the list is not as long as there are groups.
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
    ) -> None:
        groups = len(optimizer.param_groups)
        functions = list(lr_lambda) if isinstance(lr_lambda, list | tuple) else None
        if functions is not None and len(functions) != groups:
            raise ValueError(f"Expected {groups} lr_lambdas, but got {len(functions)}")
        self.lr_lambdas: list[Any] = [lr_lambda] * groups if functions is None else functions
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """γ₀ f(t)."""
        return [
            lr * f(self.last_epoch) for lr, f in zip(self.base_lrs, self.lr_lambdas, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and functions; of callable objects, their attributes."""
        functions = [
            None if isinstance(f, FunctionType) else {**getattr(f, "__dict__", {})}
            for f in self.lr_lambdas
        ]
        return {**super().state_dict(), "lr_lambdas": functions}

    def _entry(self, key: str, value: Any, own: Any) -> Any:
        """Of callable objects, attributes that they have, of the same kind; None of functions."""
        if key != "lr_lambdas":
            return super()._entry(key, value, own)
        if not isinstance(value, list | tuple) or len(value) != len(own):
            raise ValueError(f"LambdaLR: {key} must be a list of {len(own)} entries")
        found: list[Any] = []
        for function, new, old in zip(self.lr_lambdas, value, own, strict=True):
            if (new is None) != (old is None):
                raise TypeError(f"LambdaLR: {key} must have None for functions, a dict for objects")
            if new is not None:
                name = type(function).__name__
                new = entries(name, new, old.keys())
                new = {k: alike(name, k, new[k], old[k]) for k in old}
            found.append(new)
        return found

    def _take(self, checked: dict[str, Any]) -> None:
        for function, attributes in zip(self.lr_lambdas, checked["lr_lambdas"], strict=True):
            vars(function).update(attributes or {})
        super()._take({**checked, "lr_lambdas": self.lr_lambdas})


class StepLR(LRScheduler):
    """γ = γ₀ Γ^⌊t / s⌋: every s epochs the rate is multiplied by Γ.

    Args:
        optimizer: whose rates are set.
        step_size: s.
        gamma: Γ.
        last_epoch: the epoch to go on from; -1 to begin.
    """

    _ranges: ClassVar = {"step_size": (1, LARGEST)}

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """γ Γ at multiples of s, else γ."""
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
        """γ Γ at a milestone, else γ."""
        times = self.milestones[self.last_epoch]
        return self._scaled(self.gamma**times) if times else self._current()

    def _get_closed_form_lr(self) -> list[float]:
        reached = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [lr * self.gamma**reached for lr in self.base_lrs]

    def _entry(self, key: str, value: Any, own: Any) -> Any:
        """Milestones are epochs, and how often each counts."""
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
        """γ f at epoch 0, γ / f at T, else γ."""
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
        """γ times the quotient of this epoch's factor and the last one's."""
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
    """γ = γ₀ Γᵗ.

    Args:
        optimizer: whose rates are set.
        gamma: Γ.
        last_epoch: the epoch to go on from; -1 to begin.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """γ Γ."""
        return self._current() if self._is_initial else self._scaled(self.gamma)

    def _get_closed_form_lr(self) -> list[float]:
        return [lr * self.gamma**self.last_epoch for lr in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """γ = η + (γ₀ − η) (1 + cos(π t / T)) / 2: from γ₀ to η in T epochs, and up again.

    There are no restarts. Loshchilov, Hutter, "SGDR: Stochastic Gradient Descent with Warm
    Restarts", ICLR 2017: https://arxiv.org/abs/1608.03983

    Args:
        optimizer: whose rates are set.
        T_max: T.
        eta_min: η, the lowest rate.
        last_epoch: the epoch to go on from; -1 to begin.
    """

    _ranges: ClassVar = {"T_max": (1, LARGEST)}

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """η + (γ − η) (1 + cos(π t / T)) / (1 + cos(π (t − 1) / T)), with care at the turn."""
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
