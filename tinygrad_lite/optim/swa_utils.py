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

Average = Callable[[Tensor, Tensor, Any], Tensor]
Averages = Callable[[list[Tensor], list[Tensor], Any], None]


def get_swa_avg_fn() -> Average:
    """The running mean: a, p, n ↦ a + (p − a) / (n + 1)."""

    @no_grad()
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        change: Tensor = (current_param - averaged_param) / (num_averaged + 1)
        return averaged_param + change

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The exponential mean: a, p, n ↦ decay a + (1 − decay) p.

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


def _of_all(average: Average) -> Averages:
    """A mean of lists of tensors, in place."""

    @no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], num_averaged: Any) -> None:
        for a, p in zip(averaged, current, strict=True):
            a.copy_(average(a, p, num_averaged))

    return update


def get_swa_multi_avg_fn() -> Averages:
    """The running mean of lists, in place."""
    return _of_all(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> Averages:
    """The exponential mean of lists, in place.

    Raises:
        ValueError: a decay outside of [0, 1].
    """
    return _of_all(get_ema_avg_fn(decay))


class AveragedModel(Module):
    """A copy of a model whose parameters are means of what the model's were.

    Args:
        model: copied.
        device: where the copy is kept; where the model is unless given.
        avg_fn: the mean's next value of its last one, the parameter and how many went into it;
            the running mean unless given.
        multi_avg_fn: the same for lists of tensors, in place.
        use_buffers: buffers are averaged too, not copied.

    Attributes:
        module: the copy.
        n_averaged: how many models went into it.
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
        """What the copy makes of the arguments."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take a model's parameters into the means."""
        pairs = [
            (a.detach(), p.detach().to(a.device))
            for a, p in zip(self._averaged(self.module), self._averaged(model), strict=True)
        ]
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
            for own, other in zip(self.module.buffers(), model.buffers(), strict=True):
                own.detach().copy_(other.detach().to(own.device))
        self.n_averaged += 1

    def _averaged(self, model: Module) -> Iterable[Tensor]:
        if self.use_buffers:
            return itertools.chain(model.parameters(), model.buffers())
        return model.parameters()


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the batch norms' running statistics anew, as means over a loader's batches.

    Args:
        loader: batches; of lists and tuples, the first element is taken.
        model: run on each of them, in training mode.
        device: where batches are moved, if given.
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
    """From the present rate to `swa_lr` in `anneal_epochs` epochs, and constant from then on.

    Args:
        optimizer: whose rates are set.
        swa_lr: the last rate, or one for each group.
        anneal_epochs: see above.
        anneal_strategy: the way there: "cos" or "linear".
        last_epoch: the epoch to go on from; -1 to begin.

    Raises:
        ValueError: an unknown strategy, a number of epochs that is none, or a list of another
            length than there are groups.
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
        """How much of the way is gone at a step."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def get_lr(self) -> list[float]:
        """α γ_swa + (1 − α) γ₁, where γ₁ is what the present rate began from."""
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
        """The strategy is a word."""
        if key == "_anneal_strategy":
            if value not in ("cos", "linear"):
                raise ValueError(f"SWALR: {key} must be one of cos, linear")
            return value
        return super()._entry(key, value, own)
