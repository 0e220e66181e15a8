"""RAdam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..backend.plain.steps import radam_sizes
from ..tensor import Tensor
from ._loading import Names
from .adam import check_adam_options
from .optimizer import Optimizer, Params


class RAdam(Optimizer):
    """RAdam, as `torch.optim.RAdam`: Adam that trusts the second moment once it is known.

    For a parameter p with gradient g, at its step t = 1, 2, …, in this order:

        d ← ±g + λ p                    weight decay λ; minus to maximize
        m, v, m̂, v̂                      as for `Adam`
        ρ∞ = 2 / (1 − β₂) − 1,  ρ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
        p ← p − γ m̂                     while ρ ≤ 5; then, with the rectification
        p ← p − γ r m̂ / (√v̂ + ε)        r² = (ρ − 4)(ρ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρ)

    As in PyTorch, ε is added to √v before that is divided by √(1 − β₂ᵗ).

    Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", ICLR 2020:
    https://arxiv.org/abs/1908.03265

    Args:
        params: tensors, or dicts for groups.
        lr: the learning rate γ.
        betas: β₁ and β₂.
        eps: ε.
        weight_decay: λ.
        decoupled_weight_decay: decay as `AdamW` does.
        foreach, capturable: kept in the groups, without effect; PyTorch chooses its
            implementation by them.
        differentiable: must be False; a step is not recorded.
        maximize: climb instead of descending.

    Raises:
        ValueError: an option that is negative, or a beta outside of [0, 1).
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check_options(self, options: Mapping[str, Any]) -> None:
        check_adam_options(options)

    def _state_names(self, group: dict[str, Any], param: Tensor) -> tuple[Names, Names]:
        return ("step", "exp_avg", "exp_avg_sq"), ()

    def _scalars(self, group: dict[str, Any], step: float) -> tuple[float, ...]:
        lr = float(group["lr"])
        return 1 - lr * group["weight_decay"], *radam_sizes(step, lr, *group["betas"])

    def _update(self, xp: Any, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param] or self._begin(param, group)
        beta1, beta2 = group["betas"]
        xp.radam_step(
            param.array,
            grad.array,
            state["exp_avg"].array,
            state["exp_avg_sq"].array,
            step=self._count(param, state),
            lr=float(group["lr"]),
            beta1=beta1,
            beta2=beta2,
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            decoupled=group["decoupled_weight_decay"],
            maximize=group["maximize"],
            **self._changing(param),
        )
