"""Schedules that go up and down within one training, the momentum against the rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

from ..backend.states import LARGEST, entries, number
from ..tensor import Tensor
from ._functions import attributes, checked_attributes
from ._scheduler import LRScheduler, is_count, set_rate
from .optimizer import Optimizer


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """A list of one value for each group of an optimizer: the list given, or one value repeated.

    Raises:
        ValueError: a list of another length; `name` is what the message calls it.
    """
    groups = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [_own(value) for _ in range(groups)]
    if len(value) != groups:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} "
            f"values, param_groups has {groups}."
        )
    return [_own(v) for v in value]


def _own(value: Any) -> Any:
    """A copy of a tensor, which the program may change; numbers as they are."""
    return value.clone() if isinstance(value, Tensor) else value


class _Cycle(LRScheduler):
    """A schedule that may set the momentum too: SGD's, or Adam's β₁."""

    use_beta1: bool

    def _begin_momentum(
        self, optimizer: Optimizer, base: Any, most: Any, last_epoch: int
    ) -> tuple[list[float], list[float]]:
        """Set the momentum of each group to the upper bound, and return all lower and upper bounds.

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
        """A checked copy of one entry; how the momentum changes must be as it is here."""
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

    In each cycle s goes from 0 to 1 and back along lines. f is 1 (mode "triangular"), ½ⁿ⁻¹ in the
    n-th cycle ("triangular2") or Γᵗ after t steps ("exp_range"). The momentum does the opposite:
    it is high − (high − low) s f. Step the scheduler after each batch.

    Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017:
    https://arxiv.org/abs/1506.01186

    Args:
        optimizer: whose rates are set.
        base_lr: a, or one for each group.
        max_lr: b, or one for each group.
        step_size_up: steps from a to b.
        step_size_down: steps from b to a; None for as many.
        mode: "triangular", "triangular2" or "exp_range".
        gamma: Γ.
        scale_fn: f, in place of the mode's.
        scale_mode: what `scale_fn` is called with: the number of the "cycle", from 1, or the steps
            so far ("iterations").
        cycle_momentum: whether the momentum is set as well (SGD's, or Adam's β₁).
        base_momentum, max_momentum: low and high, or one for each group.
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
                set_rate(group, lr)
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
        """f, for the number of the cycle or the steps so far, as `scale_mode` says."""
        if self._scale_fn_custom is not None:
            return float(self._scale_fn_custom(x))
        if self.mode == "exp_range":
            return float(self.gamma**x)
        return 1.0 if self.mode == "triangular" else 0.5 ** (x - 1)

    def get_lr(self) -> list[float]:
        """Each group's a + (b − a) s f. It sets the momentum too."""
        turns = self.last_epoch / self.total_size
        cycle = math.floor(1 + turns)  # its number, from 1
        x = 1.0 + turns - cycle  # the part of it that is over
        ratio = self.step_ratio  # the part of it in which s rises
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
        """A checked copy of one entry; modes are one of those above."""
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
    """Up from b / `div_factor` to b, then down to far below it: one cycle for a whole training.

    With γ₁ = b / `div_factor` the last rate is γ₁ / `final_div_factor`. The way up takes
    `pct_start` of the steps. The momentum does the opposite: it falls while the rate rises. Step
    the scheduler after each batch, not after each epoch.

    Smith, Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning
    Rates", 2017: https://arxiv.org/abs/1708.07120

    Args:
        optimizer: whose rates are set.
        max_lr: b, or one for each group.
        total_steps: how many steps there will be; or
        epochs, steps_per_epoch: two numbers whose product that is.
        pct_start: the part of the steps in which the rate rises, from 0 to 1.
        anneal_strategy: the way from one rate to the next: "cos" (half a cosine) or "linear".
        cycle_momentum: whether the momentum is set as well (SGD's, or Adam's β₁).
        base_momentum, max_momentum: its least and its largest value, or one for each group.
        div_factor, final_div_factor: as above.
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
        low, high = "base_momentum", "max_momentum"
        self._schedule_phases = [_phase(up - 1, ("initial_lr", "max_lr"), (high, low))]
        if three_phase:
            self._schedule_phases += [
                _phase(2 * up - 2, ("max_lr", "initial_lr"), (low, high)),
                _phase(last, ("initial_lr", "min_lr"), (high, high)),
            ]
        else:
            self._schedule_phases.append(_phase(last, ("max_lr", "min_lr"), (low, high)))
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
        """Each group's rate, between those at the ends of the present phase.

        It sets the momentum too.

        Raises:
            ValueError: more steps than `total_steps`.
        """
        t = self.last_epoch
        if t > self.total_steps:
            raise ValueError(
                f"Tried to step {t} times. The specified number of total steps is "
                f"{self.total_steps}"
            )
        phases = self._schedule_phases
        here = next((i for i, p in enumerate(phases) if t <= p["end_step"]), len(phases) - 1)
        phase, start = phases[here], phases[here - 1]["end_step"] if here else 0.0
        part = (t - start) / (phase["end_step"] - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._anneal_func(group[phase["start_lr"]], group[phase["end_lr"]], part))
            if self.cycle_momentum:
                bounds = group[phase["start_momentum"]], group[phase["end_momentum"]]
                self._set_momentum(group, self._anneal_func(*bounds, part))
        return rates

    @staticmethod
    def _annealing_cos(start: float, end: float, pct: float) -> float:
        """Half a cosine from start to end, as pct goes from 0 to 1."""
        return end + (start - end) / 2.0 * (math.cos(math.pi * pct) + 1)

    @staticmethod
    def _annealing_linear(start: float, end: float, pct: float) -> float:
        """A line from start to end, as pct goes from 0 to 1."""
        return (end - start) * pct + start

    def _anneal_func(self, start: float, end: float, pct: float) -> float:
        """The one of the two that `anneal_strategy` names; derived classes may have another."""
        cosine = self._anneal_func_type == "cos"
        return (self._annealing_cos if cosine else self._annealing_linear)(start, end, pct)

    def _entry(self, key: str, value: Any, own: Any) -> Any:
        """A checked copy of one entry; of phases only the steps at which they end may differ."""
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


def _phase(end: float, lr: tuple[str, str], momentum: tuple[str, str]) -> dict[str, Any]:
    """A part of the cycle, as PyTorch's states have it.

    Args:
        end: its last step; it begins where the one before ends.
        lr, momentum: the options of a group that say what it goes from and to.
    """
    return {
        "end_step": end,
        "start_lr": lr[0],
        "end_lr": lr[1],
        "start_momentum": momentum[0],
        "end_momentum": momentum[1],
    }


_WORDS = {
    "mode": ("triangular", "triangular2", "exp_range"),
    "scale_mode": ("cycle", "iterations"),
    "_anneal_func_type": ("cos", "linear"),
}


def _word(owner: LRScheduler, key: str, value: Any, own: Any) -> Any:
    """A loaded word for an entry: one of `_WORDS`, or what the scheduler has itself.

    Raises:
        ValueError: another one.
    """
    words: Sequence[str] = _WORDS[key]
    if value != own and value not in words:
        name = type(owner).__name__
        raise ValueError(f"{name}: {key} must be one of {', '.join(words)}")
    return value
