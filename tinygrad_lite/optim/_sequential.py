"""Schedules made of schedules: one after another, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from ..absent import lacks
from ..backend.states import integer
from ._plateau import ReduceLROnPlateau
from ._scheduler import LRScheduler, set_rate
from .optimizer import Optimizer


class _Several(LRScheduler):
    """A schedule made of others, whose states are part of its own."""

    _schedulers: Sequence[LRScheduler]

    def _check(self, optimizer: Optimizer) -> None:
        """Check that all schedulers are this optimizer's, and step without a metric.

        Raises:
            ValueError: one has another optimizer, or needs a metric.
        """
        name = type(self).__name__
        for i, scheduler in enumerate(self._schedulers):
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{name} does not support `ReduceLROnPlateau`, whose `step` requires a "
                    f"metric, but got one at index {i}"
                )
            if scheduler.optimizer is not optimizer:
                raise ValueError(
                    f"{name} expects all schedulers to belong to the same optimizer, but "
                    f"{type(scheduler).__name__} at index {i} has another one"
                )

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer; of each scheduler, its state dict."""
        return {**super().state_dict(), "_schedulers": [s.state_dict() for s in self._schedulers]}

    def _entry(self, key: str, value: Any, own: Any) -> Any:
        """A checked copy of one entry; of the schedulers, a list of their checked states."""
        if key != "_schedulers":
            return super()._entry(key, value, own)
        if not isinstance(value, list | tuple) or len(value) != len(own):
            owner = type(self).__name__
            raise ValueError(f"{owner}: {key} must be a list of {len(own)} states")
        return [s._checked(state) for s, state in zip(self._schedulers, value, strict=True)]

    def _take(self, checked: dict[str, Any]) -> None:
        for scheduler, inner in zip(self._schedulers, checked["_schedulers"], strict=True):
            scheduler._take(inner)
        super()._take({**checked, "_schedulers": self._schedulers})


class ChainedScheduler(_Several):
    """Several schedulers that all step at each step, so that their factors are multiplied.

    Each must compute its rates from the present ones, as most do; not `LambdaLR`.

    Args:
        schedulers: schedulers of one optimizer.
        optimizer: that optimizer, to be compared with theirs; None for the first one's.

    Raises:
        TypeError: something that has no optimizer.
        ValueError: no schedulers, one that needs a metric, or one with another optimizer.

    Example:
        >>> optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> schedules = torch.optim.lr_scheduler
        >>> warm = schedules.ConstantLR(optimizer, factor=0.5, total_iters=2)
        >>> fall = schedules.ExponentialLR(optimizer, gamma=0.5)
        >>> scheduler = schedules.ChainedScheduler([warm, fall])
        >>> rates = []
        >>> for epoch in range(4):
        ...     rates += scheduler.get_last_lr()
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [0.5, 0.25, 0.25, 0.125]
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        if len(schedulers) < 1:
            raise ValueError(
                "ChainedScheduler expects at least one scheduler to be chained, but got no "
                "scheduler."
            )
        for i, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(
                    f"ChainedScheduler at index {i} should have `optimizer` as its attribute."
                )
        self._schedulers = schedulers
        self.optimizer = schedulers[0].optimizer if optimizer is None else optimizer
        self._check(self.optimizer)
        self._last_lr = self._current()

    def step(self) -> None:  # type: ignore[override]
        """Step all of them."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._current()


@lacks("recursive_undo")
class SequentialLR(_Several):
    """Schedulers one after another, such as a warm-up and then a decay.

    Args:
        optimizer: whose rates are set.
        schedulers: schedulers of this optimizer.
        milestones: the epochs at which the second, third, … take over; each starts at its
            own epoch 0.
        last_epoch: the epoch to go on from; -1 to begin.

    Raises:
        TypeError: something that has no optimizer.
        ValueError: no schedulers, one that needs a metric or has another optimizer, or a
            number of milestones that isn't one less.

    Example:
        >>> optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> schedules = torch.optim.lr_scheduler
        >>> warm = schedules.LinearLR(optimizer, start_factor=0.5, total_iters=2)
        >>> fall = schedules.ExponentialLR(optimizer, gamma=0.5)
        >>> scheduler = schedules.SequentialLR(optimizer, [warm, fall], milestones=[2])
        >>> rates = []
        >>> for epoch in range(5):
        ...     rates += scheduler.get_last_lr()
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [0.5, 0.75, 1.0, 0.5, 0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: list[LRScheduler],
        milestones: list[int],
        last_epoch: int = -1,
    ) -> None:
        if not schedulers:
            raise ValueError("SequentialLR expects at least one scheduler, but got no scheduler.")
        for i, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(
                    f"SequentialLR at index {i} should have `optimizer` as its attribute."
                )
        self._schedulers = schedulers
        self._check(optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than "
                f"the number of milestone points, but got {len(schedulers)} schedulers and "
                f"{len(milestones)} milestones"
            )
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            set_rate(group, group["initial_lr"])
        self._undo(self)
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def _undo(self, scheduler: LRScheduler) -> None:
        """Take back the first step that schedulers, and those in them, made when they were made."""
        if isinstance(scheduler, _Several):
            for inner in scheduler._schedulers:
                self._undo(inner)
        else:
            scheduler.last_epoch -= 1

    def step(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch.

        Raises:
            TypeError: an epoch to jump to, which it can't.
        """
        if epoch is not None:
            raise TypeError("SequentialLR.step takes no epoch")
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def _entry(self, key: str, value: Any, own: Any) -> Any:
        """A checked copy of one entry; milestones are as many epochs."""
        if key == "_milestones" and isinstance(value, list | tuple) and len(value) == len(own):
            return [integer("SequentialLR", "a milestone", epoch) for epoch in value]
        return super()._entry(key, value, own)
