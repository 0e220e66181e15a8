"""Schedules of rate and momentum together, which go up and down within a training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

from ..backend.states import LARGEST, entries, number
from ._functions import attributes, checked_attributes
from ._scheduler import LRScheduler, is_count
from .optimizer import Optimizer


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """A value for each group of an optimizer.

    Raises:
        ValueError: a list of another length.
    """
    groups = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [value] * groups
    if len(value) != groups:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} "
            f"values, param_groups has {groups}."
        )
    return list(value)


class _Cycle(LRScheduler):
    """A schedule that may set the momentum too: SGD's, or Adam's β₁."""

    use_beta1: bool

    def _begin_momentum(
        self, optimizer: Optimizer, base: Any, most: Any, last_epoch: int
    ) -> tuple[list[float], list[float]]:
        """Note the bounds, and begin at the upper one.

        Raises:
            ValueError: the optimizer has no momentum.
        """
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError(
                "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
            )
        self.use_beta1 = "betas" in optimizer.defaults
        lows = per_group("base_momentum", optimizer, base)
        highs = per_group("max_momentum", optimizer, most)
        if last_epoch == -1:
            for group, low, high in zip(optimizer.param_groups, lows, highs, strict=True):
                self._set_momentum(group, high)
                group["max_momentum"], group["base_momentum"] = high, low
        return lows, highs

    def _entry(self, key: str, value: Any, own: Any) -> Any:
        """Whether and how the momentum goes along is the scheduler's own."""
        if key in ("use_beta1", "cycle_momentum") and value is not own:
            raise ValueError(f"{type(self).__name__}: {key} must be {own}, but is {value}")
        return super()._entry(key, value, own)

    def _set_momentum(self, group: dict[str, Any], momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class CyclicLR(_Cycle):
    """γ = a + (b − a) s f: up from a to b in `step_size_up` steps, down again, and so on.

    s goes from 0 to 1 and back. f is 1 (mode "triangular"), ½ⁿ⁻¹ in the n-th cycle ("triangular2")
    or Γᵗ ("exp_range"). The momentum goes the other way. Step it after each batch.

    Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017:
    https://arxiv.org/abs/1506.01186

    Args:
        optimizer: whose rates are set.
        base_lr: a, or one for each group.
        max_lr: b, or one for each group.
        step_size_up: steps up.
        step_size_down: steps down; as many unless given.
        mode: see above.
        gamma: Γ.
        scale_fn: f, in place of the mode's.
        scale_mode: what `scale_fn` is given: the number of the "cycle", or of "iterations".
        cycle_momentum: whether the momentum goes along.
        base_momentum, max_momentum: its bounds, or one for each group.
        last_epoch: the step to go on from; -1 to begin.

    Raises:
        TypeError: not an optimizer.
        ValueError: an unknown mode, a list of another length than there are groups, or an
            optimizer without momentum.
    """

    _ranges: ClassVar = {"total_size": (1e-9, LARGEST - 1), "step_ratio": (0, 1)}

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        base_lrs = per_group("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for lr, group in zip(base_lrs, optimizer.param_groups, strict=True):
                group["lr"] = lr
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode, self.gamma = mode, gamma
        self._scale_fn_custom: Any = scale_fn
        by_mode: Any = "iterations" if mode == "exp_range" else "cycle"
        self.scale_mode = by_mode if scale_fn is None else scale_mode
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums, self.max_momentums = self._begin_momentum(
                optimizer, base_momentum, max_momentum, last_epoch
            )
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """f, of the number of the cycle or of the step."""
        if self._scale_fn_custom is not None:
            return float(self._scale_fn_custom(x))
        if self.mode == "exp_range":
            return float(self.gamma**x)
        return 1.0 if self.mode == "triangular" else 0.5 ** (x - 1)

    def get_lr(self) -> list[float]:
        """a + (b − a) s f. It sets the momentum too."""
        turns = self.last_epoch / self.total_size
        cycle = math.floor(1 + turns)
        x = 1.0 + turns - cycle
        ratio = self.step_ratio
        s = x / ratio if x <= ratio else (x - 1) / (ratio - 1)
        f = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            groups = self.optimizer.param_groups
            bounds = zip(groups, self.base_momentums, self.max_momentums, strict=True)
            for group, low, high in bounds:
                self._set_momentum(group, high - (high - low) * s * f)
        return [
            low + (high - low) * s * f
            for low, high in zip(self.base_lrs, self.max_lrs, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and functions; of a callable object, its attributes."""
        custom = self._scale_fn_custom
        kept = None if custom is None else attributes(custom)
        return {**super().state_dict(), "_scale_fn_custom": kept}

    def _entry(self, key: str, value: Any, own: Any) -> Any:
        """Modes are words, and the custom function's attributes its own."""
        if key in ("mode", "scale_mode"):
            return _word(self, key, value, own)
        if key == "_scale_fn_custom":
            return checked_attributes(type(self).__name__, key, self._scale_fn_custom, value)
        return super()._entry(key, value, own)

    def _take(self, checked: dict[str, Any]) -> None:
        if checked["_scale_fn_custom"]:
            vars(self._scale_fn_custom).update(checked["_scale_fn_custom"])
        super()._take({**checked, "_scale_fn_custom": self._scale_fn_custom})


class OneCycleLR(_Cycle):
    """Up from γ₁ to b, then down to far below γ₁: one cycle for all of a training.

    γ₁ = b / `div_factor`, and the last rate is γ₁ / `final_div_factor`. The first part takes
    `pct_start` of the steps, the momentum goes the other way. Step it after each batch.

    Smith, Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning
    Rates", 2017: https://arxiv.org/abs/1708.07120

    Args:
        optimizer: whose rates are set.
        max_lr: b, or one for each group.
        total_steps: how many steps there will be; or
        epochs, steps_per_epoch: two numbers whose product that is.
        pct_start: the part of the steps in which the rate rises.
        anneal_strategy: the way from one rate to the next: "cos" or "linear".
        cycle_momentum: whether the momentum goes along.
        base_momentum, max_momentum: its bounds, or one for each group.
        div_factor, final_div_factor: see above.
        three_phase: go down to γ₁ in as many steps as up, and then to the last rate.
        last_epoch: the step to go on from; -1 to begin.

    Raises:
        TypeError: not an optimizer.
        ValueError: no number of steps, an option out of its range, an optimizer without momentum,
            or more steps than said.
    """

    _ranges: ClassVar = {"total_steps": (1, LARGEST)}

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 10000.0,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        if total_steps is None and (epochs is None or steps_per_epoch is None):
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        given = {"total_steps": total_steps}
        if total_steps is None:
            given = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
        for name, count in given.items():
            if not is_count(count):
                raise ValueError(f"Expected positive integer {name}, but got {count}")
        self.total_steps = math.prod(n for n in given.values() if n is not None)
        if type(pct_start) is not float or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        up, last = pct_start * self.total_steps, self.total_steps - 1
        self._schedule_phases = [_phase(up - 1, "initial_lr", "max_lr", falls=True)]
        if three_phase:
            self._schedule_phases += [
                _phase(2 * up - 2, "max_lr", "initial_lr", falls=False),
                _phase(last, "initial_lr", "min_lr", falls=None),
            ]
        else:
            self._schedule_phases.append(_phase(last, "max_lr", "min_lr", falls=False))
        self._anneal_func_type = anneal_strategy
        max_lrs = per_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, most in zip(optimizer.param_groups, max_lrs, strict=True):
                group["initial_lr"], group["max_lr"] = most / div_factor, most
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._begin_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Between the rates at the ends of the present phase. It sets the momentum too."""
        t = self.last_epoch
        if t > self.total_steps:
            raise ValueError(
                f"Tried to step {t} times. The specified number of total steps is "
                f"{self.total_steps}"
            )
        start, phase = 0.0, self._schedule_phases[-1]
        for candidate in self._schedule_phases:
            if t <= candidate["end_step"]:
                phase = candidate
                break
            if candidate is not phase:
                start = candidate["end_step"]
        part = (t - start) / (phase["end_step"] - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[phase["start_lr"]], group[phase["end_lr"]], part))
            if self.cycle_momentum:
                bounds = group[phase["start_momentum"]], group[phase["end_momentum"]]
                self._set_momentum(group, self._between(*bounds, part))
        return rates

    def _between(self, start: float, end: float, part: float) -> float:
        if self._anneal_func_type == "cos":
            return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)
        return (end - start) * part + start

    def _entry(self, key: str, value: Any, own: Any) -> Any:
        """The strategy is a word; phases have the same ends by name, and a number of steps."""
        owner = type(self).__name__
        if key == "_anneal_func_type":
            return _word(self, key, value, own)
        if key != "_schedule_phases":
            return super()._entry(key, value, own)
        if not isinstance(value, list | tuple) or len(value) != len(own):
            raise ValueError(f"{owner}: {key} must be a list of {len(own)} phases")
        found = []
        for phase, mine in zip(value, own, strict=True):
            phase = dict(entries(f"{owner}: {key}", phase, mine.keys()))
            number(owner, "end_step", phase["end_step"])
            if any(phase[name] != mine[name] for name in mine if name != "end_step"):
                raise ValueError(f"{owner}: {key} has the ends {phase}, but must have {mine}")
            found.append(phase)
        return found


def _phase(end: float, start_lr: str, end_lr: str, *, falls: bool | None) -> dict[str, Any]:
    """A part of the cycle, up to the step `end`; falls says where the momentum goes."""
    return {
        "end_step": end,
        "start_lr": start_lr,
        "end_lr": end_lr,
        "start_momentum": "base_momentum" if falls is False else "max_momentum",
        "end_momentum": "base_momentum" if falls else "max_momentum",
    }


_WORDS = {
    "mode": ("triangular", "triangular2", "exp_range"),
    "scale_mode": ("cycle", "iterations"),
    "_anneal_func_type": ("cos", "linear"),
}


def _word(owner: LRScheduler, key: str, value: Any, own: Any) -> Any:
    """One of the words that there are, or the scheduler's own.

    Raises:
        ValueError: another one.
    """
    words: Sequence[str] = _WORDS[key]
    if value != own and value not in words:
        name = type(owner).__name__
        raise ValueError(f"{name}: {key} must be one of {', '.join(words)}")
    return value
