"""Adadelta."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..tensor import Tensor
from ._required import check, check_not_negative
from .optimizer import Optimizer, Params


class Adadelta(Optimizer):
    """Adadelta, as `torch.optim.Adadelta`: steps as long as the last ones were, without a rate.

    The gradient, over its root mean square, is multiplied with the root mean square of the steps
    so far: so a step has the parameter's unit.

    For a parameter p with gradient g, in this order:

        d ← ±g + λ p                    weight decay λ; minus to maximize
        v ← ρ v + (1 − ρ) d²            the average squared gradient, from v = 0
        δ = d √(a + ε) / √(v + ε)
        a ← ρ a + (1 − ρ) δ²            the average squared step, from a = 0
        p ← p − γ δ                     learning rate γ, usually 1

    Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012: https://arxiv.org/abs/1212.5701

    Args:
        params: tensors, or dicts for groups.
        lr: γ, a factor of the steps.
        rho: ρ, how much of the last averages is kept.
        eps: ε.
        weight_decay: λ.
        foreach, capturable: kept in the groups, without effect; PyTorch chooses its
            implementation by them.
        differentiable: must be False; a step is not recorded.
        maximize: climb instead of descending.

    Raises:
        ValueError: a negative option, or ρ above 1.
    """

    _pieces = ("step", "square_avg", "acc_delta")

    _of_parts = True

    def __init__(
        self,
        params: Params,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check_options(self, options: Mapping[str, Any]) -> None:
        check_not_negative(options, "lr")
        check(0 <= options["rho"] <= 1, "rho value", options["rho"])
        check_not_negative(options, "eps", "weight_decay")

    def _update(self, xp: Any, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param] or self._begin(param, group)
        self._count(param, state)
        xp.adadelta_step(
            param.array,
            grad.array,
            state["square_avg"].array,
            state["acc_delta"].array,
            lr=float(group["lr"]),
            rho=group["rho"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            maximize=group["maximize"],
            **self._changing(param),
        )
