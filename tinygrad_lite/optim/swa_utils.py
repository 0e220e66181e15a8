"""Averages of a model's weights over its training, as `torch.optim.swa_utils`.

Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", UAI 2018:
https://arxiv.org/abs/1803.05407
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any, Literal

from ..nn.module import Module
from ..nn.norm import _BatchNorm
from ..tensor import Tensor, no_grad
from ..tensor.create import tensor
from ._cycles import per_group
from ._scheduler import LRScheduler, is_count
from .optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

# (average so far, parameter, how many are averaged) ↦ the new average.
Average = Callable[[Tensor, Tensor, Any], Tensor]
# The same for lists of tensors; the averages are changed in place.
Averages = Callable[[list[Tensor], list[Tensor], Any], None]


def get_swa_avg_fn() -> Average:
    """The running mean, as a function (a, p, n) ↦ a + (p − a) / (n + 1).

    a is the mean of n parameters, p the next one, and the result the mean of all n + 1.
    """

    @no_grad()
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        change: Tensor = (current_param - averaged_param) / (num_averaged + 1)
        return averaged_param + change

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The exponential moving average, as a function (a, p, n) ↦ decay · a + (1 − decay) · p.

    a is the average so far, p the parameter; n, how many went into it, has no effect.

    Raises:
        ValueError: a decay outside of [0, 1].
    """
    if not 0.0 <= decay <= 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )

    @no_grad()
    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def _of_lists(average: Average) -> Averages:
    """An average of one tensor as one of lists of tensors, whose averages it changes in place."""

    @no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], num_averaged: Any) -> None:
        for a, p in zip(averaged, current, strict=True):
            a.copy_(average(a, p, num_averaged))

    return update


def get_swa_multi_avg_fn() -> Averages:
    """`get_swa_avg_fn` of lists of tensors: it changes the averages in place."""
    return _of_lists(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> Averages:
    """`get_ema_avg_fn` of lists of tensors: it changes the averages in place.

    Raises:
        ValueError: a decay outside of [0, 1].
    """
    return _of_lists(get_ema_avg_fn(decay))


class AveragedModel(Module):
    """A copy of a model, whose parameters are averages of what the model's were in training.

    Each `update_parameters(model)` takes the model's present parameters into the averages; the
    first one copies them.

    Args:
        model: the model in training; it is copied.
        device: where the copy is kept; None for where the model is.
        avg_fn: (average so far, parameter, how many are averaged) ↦ the new average, tensors of
            the parameter's shape; None for the running mean, `get_swa_avg_fn()`.
        multi_avg_fn: the same for lists of tensors, changing the averages in place.
        use_buffers: average the buffers (such as running statistics) too; False to
            copy the model's.

    Attributes:
        module: the copy, with the averages.
        n_averaged: how often `update_parameters` was called, an int64 tensor ().

    Raises:
        AssertionError: avg_fn and multi_avg_fn both.

    Example:
        >>> model = nn.Linear(1, 1, bias=False)
        >>> average = torch.optim.swa_utils.AveragedModel(model)
        >>> for weight in (1.0, 2.0, 6.0):
        ...     _ = nn.init.constant_(model.weight, weight)
        ...     average.update_parameters(model)
        >>> average.module.weight.item()
        3.0
    """

    module: Module
    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Averages | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype="int64", device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The output of the averaged model."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take a model's present parameters into the averages.

        Raises:
            RuntimeError: another number of them, or of buffers, than the model had at first.
        """
        pairs = self._pairs(self._averaged(self.module), self._averaged(model))
        count = int(self.n_averaged)
        if count == 0:
            for a, p in pairs:
                a.copy_(p)
        elif self.multi_avg_fn is not None:
            groups: dict[Any, list[tuple[Tensor, Tensor]]] = {}
            for a, p in pairs:
                groups.setdefault((a.device, a.dtype), []).append((a, p))
            for group in groups.values():
                self.multi_avg_fn([a for a, _ in group], [p for _, p in group], self.n_averaged)
        else:
            average = get_swa_avg_fn() if self.avg_fn is None else self.avg_fn
            for a, p in pairs:
                a.copy_(average(a, p, self.n_averaged.to(a.device)))
        if not self.use_buffers:
            for own, other in self._pairs(self.module.buffers(), model.buffers()):
                own.copy_(other)
        self.n_averaged += 1

    @staticmethod
    def _pairs(
        averaged: Iterable[Tensor], current: Iterable[Tensor]
    ) -> list[tuple[Tensor, Tensor]]:
        """Each average and what is new of it, on its device."""
        ours, theirs = list(averaged), list(current)
        if len(ours) != len(theirs):
            raise RuntimeError(
                f"update_parameters: the model has {len(theirs)} tensors to average, but had "
                f"{len(ours)} when AveragedModel was made of it"
            )
        return [(a.detach(), p.detach().to(a.device)) for a, p in zip(ours, theirs, strict=True)]

    def _averaged(self, model: Module) -> Iterable[Tensor]:
        if self.use_buffers:
            return itertools.chain(model.parameters(), model.buffers())
        return model.parameters()


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of a model's batch norms anew, as means over all batches.

    An averaged model needs that: its activations have other means and variances than those that
    the models of the average have recorded.

    Args:
        loader: batches; of a list or tuple the first element, the input, is taken.
        model: run once on each of them, in training mode without gradients.
        device: where batches are moved to; None to leave them where they are.
    """
    norms = {
        module: module.momentum for module in model.modules() if isinstance(module, _BatchNorm)
    }
    for module in norms:
        module.reset_running_stats()
    if not norms:
        return
    was_training = model.training
    model.train()
    for module in norms:
        module.momentum = None
    for batch in loader:
        if isinstance(batch, list | tuple):
            batch = batch[0]
        model(batch if device is None else batch.to(device))
    for module, momentum in norms.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """γ = α γ_swa + (1 − α) γ₁: from the present rate γ₁ to γ_swa in E epochs, then constant.

    After t epochs α is t / E, or (1 − cos(π t / E)) / 2 with the strategy "cos", and at most 1.

    Args:
        optimizer: whose rates are set.
        swa_lr: γ_swa, or one for each group.
        anneal_epochs: E.
        anneal_strategy: "cos" or "linear".
        last_epoch: the epoch to go on from; -1 to begin.

    Raises:
        ValueError: an unknown strategy, anneal_epochs that is no integer of 0 or more, or a list
            of another length than there are groups.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        rates = per_group("swa_lr", optimizer, swa_lr)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        if not is_count(anneal_epochs, 0):
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _part(self, step: int) -> float:
        """α after so many epochs, from 0 to 1."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def get_lr(self) -> list[float]:
        """Each group's γ; γ₁ is solved for from the rate now, which the last step's α gave."""
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._part(step - 1), self._part(step)
        rates = []
        for group in self.optimizer.param_groups:
            last = group["swa_lr"]
            first = last if before == 1 else (group["lr"] - before * last) / (1 - before)
            rates.append(last * now + first * (1 - now))
        return rates

    def _entry(self, key: str, value: Any, own: Any) -> Any:
        """A checked copy of one entry; the strategy must be one of the two."""
        if key == "_anneal_strategy":
            if value not in ("cos", "linear"):
                raise ValueError(f"SWALR: {key} must be one of cos, linear")
            return value
        return super()._entry(key, value, own)
