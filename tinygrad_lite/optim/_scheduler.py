"""The base of learning-rate schedulers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

from ..backend import capture
from ..backend.states import LARGEST, alike, entries, integer, number
from ..tensor import Tensor
from ..tensor.source_line import user_level
from .optimizer import Optimizer

_ORDER = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. You should call them in "
    "the opposite order: `optimizer.step()` before `lr_scheduler.step()`. Failure to do this "
    "will result in skipping the first value of the learning rate schedule."
)
_OVERRIDDEN = (
    "Seems like `optimizer.step()` has been overridden after learning rate scheduler "
    "initialization. Please, make sure to call `optimizer.step()` before `lr_scheduler.step()`."
)
_EPOCH = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where "
    "possible. Please use `scheduler.step()` to step the scheduler."
)

# Entries of PyTorch's states that ours do not have.
_FOREIGN = frozenset({"verbose", "_get_lr_called_within_step", "mode_worse"})


def set_rate(group: dict[str, Any], lr: Any) -> None:
    """Set a group's rate; a tensor's number in place, so that whoever holds it has the new one."""
    own = group["lr"]
    if isinstance(own, Tensor):
        own.fill_(float(lr))
    else:
        group["lr"] = lr


def _copied(rate: Any) -> Any:
    """A rate that stays when the group's is changed in place."""
    return rate.clone() if isinstance(rate, Tensor) else rate


class LRScheduler:
    """Base class of learning-rate schedulers, as `torch.optim.lr_scheduler.LRScheduler`.

    A subclass defines `get_lr`, which returns the rates of the epoch `last_epoch`. Where it can,
    it computes them from the optimizer's present rates (its recursive form, γₜ from γₜ₋₁), so that
    several schedulers can work on one optimizer; `_get_closed_form_lr` returns the same from
    `base_lrs` alone, for jumps to an epoch.

    Args:
        optimizer: whose groups' "lr" is set, at once and by each `step()`.
        last_epoch: the epoch to go on from, for an optimizer whose groups have "initial_lr";
            -1 to begin.

    Attributes:
        last_epoch: the number of steps so far.
        base_lrs: each group's rate at the beginning, which is its "initial_lr" too.

    Raises:
        TypeError: not an optimizer.
        KeyError: going on without "initial_lr".
    """

    optimizer: Optimizer
    _last_lr: list[float]
    _is_initial = False
    _get_lr_called_within_step = False  # true while `step` asks for rates; programs' `get_lr` look
    # The least and the largest value of entries of a state that have some.
    _ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "last_epoch": (-100, LARGEST),  # below 0 in a sequence, before its turn
        "_step_count": (0, LARGEST),
    }

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming "
                    "scheduler with last_epoch >= 0"
                )
        groups = optimizer.param_groups
        self.base_lrs: list[float] = [_copied(group["initial_lr"]) for group in groups]
        self.last_epoch = last_epoch
        _watch(optimizer)
        self._initial_step()

    def _initial_step(self) -> None:
        """Set the rates of the first epoch."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self) -> list[float]:
        """Each group's rate for `last_epoch`. For the rates in use, call `get_last_lr`."""
        raise NotImplementedError

    def get_last_lr(self) -> list[float]:
        """Each group's rate as last set."""
        return self._last_lr

    def _current(self) -> list[float]:
        """Each group's rate now."""
        return [_copied(group["lr"]) for group in self.optimizer.param_groups]

    def _scaled(self, factor: float) -> list[float]:
        """Each group's rate now, times a factor."""
        return [lr * factor for lr in self._current()]

    def step(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch; call it after the optimizer's `step()`.

        Args:
            epoch: deprecated, as in PyTorch: the epoch to jump to.
        """
        capture.forbid("it sets learning rates, which replays would not do; step it between calls")
        if self._step_count == 1:
            if _own_step(self.optimizer) != self.optimizer._scheduled_step:
                warnings.warn(_OVERRIDDEN, UserWarning, stacklevel=user_level())
            elif not self.optimizer._opt_called:
                warnings.warn(_ORDER, UserWarning, stacklevel=user_level())
        self._step_count += 1
        if epoch is not None:
            warnings.warn(_EPOCH, UserWarning, stacklevel=user_level())
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self._get_lr_called_within_step = True
        try:
            rates = self.get_lr() if closed is None else closed()
        finally:
            del self._get_lr_called_within_step  # it is no state
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            set_rate(group, lr)
        self._last_lr = self._current()

    def state_dict(self) -> dict[str, Any]:
        """All attributes but the optimizer, whose state is its own to save."""
        return {key: value for key, value in vars(self).items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave; the optimizer's rates are its own to load.

        Raises:
            TypeError, KeyError, ValueError: an entry is missing, unknown, of another type or
                length, not finite, or out of its range. Nothing has changed then.
        """
        self._take(self._checked(state_dict))

    def _checked(self, state_dict: dict[str, Any]) -> dict[str, Any]:
        """A copy of a state for `_take`, once all of it is checked; nothing changes here."""
        own = self.state_dict()
        state = entries(type(self).__name__, state_dict, own.keys(), _FOREIGN)
        return {key: self._entry(key, state[key], value) for key, value in own.items()}

    def _entry(self, key: str, value: Any, own: Any) -> Any:
        """A checked copy of the value of one entry, which is to replace the present one, `own`."""
        owner = type(self).__name__
        found = alike(owner, key, value, own)
        low_high = {**LRScheduler._ranges, **self._ranges}.get(key)
        if low_high is not None:
            low, high = low_high
            if isinstance(own, int) and high == LARGEST:
                return integer(owner, key, found, int(low), int(high))
            return number(owner, key, found, low, high)
        return found

    def _take(self, checked: dict[str, Any]) -> None:
        """Go on from what `_checked` gave."""
        vars(self).update(checked)


def is_count(value: Any, least: int = 1) -> bool:
    """Whether a value is an integer, and not below `least`."""
    return isinstance(value, int) and value >= least


def _watch(optimizer: Optimizer) -> None:
    """Note from now on whether the optimizer's `step` is called; which function it is by now."""
    if not hasattr(optimizer, "_scheduled_step"):
        optimizer._opt_called = False
        optimizer._scheduled_step = _own_step(optimizer)


def _own_step(optimizer: Optimizer) -> Any:
    """A function that was assigned to `optimizer.step`, hiding the class's; None if none was."""
    return vars(optimizer).get("step")
