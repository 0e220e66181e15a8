"""Adagrad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..tensor import Tensor
from ..tensor.create import full_like
from ._required import check_not_negative
from .optimizer import Optimizer, Params


class Adagrad(Optimizer):
    """Adagrad, as `torch.optim.Adagrad`: gradients divided by the root of their squares' sum.

    The sum is over all steps so far, so the steps get shorter and shorter.

    For a parameter p with gradient g, at its step t = 1, 2, …, in this order:

        d ← ±g + λ p                    weight decay λ; minus to maximize
        s ← s + d²                      from `initial_accumulator_value`
        p ← p − γₜ d / (√s + ε)         γₜ = γ / (1 + (t − 1) η) for a decay η of the rate γ

    Duchi, Hazan, Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization", JMLR 2011: https://jmlr.org/papers/v12/duchi11a.html

    Args:
        params: tensors, or dicts for groups.
        lr: the learning rate γ.
        lr_decay: η.
        weight_decay: λ.
        initial_accumulator_value: what s starts from.
        eps: ε.
        maximize: climb instead of descending.
        foreach, fused: kept in the groups, without effect; PyTorch chooses its implementation by
            them.
        differentiable: must be False; a step is not recorded.

    Raises:
        ValueError: a negative option.

    Example:
        >>> w = nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = torch.optim.Adagrad([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.detach()
        tensor([0.9000])
    """

    _pieces = ("step", "sum")

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:  # at once, as PyTorch does, not at the first gradient
            for param in group["params"]:
                self._begin(param, group)

    def share_memory(self) -> None:
        """Move the state into memory that other processes can map, see `multiprocessing`."""
        for group in self.param_groups:
            for param in group["params"]:
                for name in self._pieces:
                    self.state[param][name].share_memory_()

    def _check_options(self, options: Mapping[str, Any]) -> None:
        first = "initial_accumulator_value"
        check_not_negative(options, "lr", "lr_decay", "weight_decay", first, "eps")

    def _beginning(self, name: str, param: Tensor, group: dict[str, Any]) -> Tensor:
        if name == "sum":
            return full_like(param, group["initial_accumulator_value"])
        return super()._beginning(name, param, group)

    def _scalars(self, group: dict[str, Any], step: float) -> tuple[float, ...]:
        return (float(group["lr"]) / (1 + (step - 1) * group["lr_decay"]),)

    def _update(self, xp: Any, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param] or self._begin(param, group)
        step = self._count(param, state)
        xp.adagrad_step(
            param.array,
            grad.array,
            state["sum"].array,
            lr=self._scalars(group, step)[0],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            maximize=group["maximize"],
            **self._changing(param),
        )
