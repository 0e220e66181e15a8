"""Adamax."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from .adam import WithBetas
from .optimizer import Params


class Adamax(WithBetas):
    """Adamax, as `torch.optim.Adamax`: Adam divided by the largest of the last gradients.

    u, which takes the place of √v, forgets a large gradient by the factor β₂ a step.

    For a parameter p with gradient g, at its step t = 1, 2, …, in this order:

        d ← ±g + λ p                    weight decay λ; minus to maximize
        m ← β₁ m + (1 − β₁) d           from m = 0
        u ← max(β₂ u, |d| + ε)          from u = 0
        p ← p − γ / (1 − β₁ᵗ) m / u     learning rate γ

    Kingma, Ba, "Adam: A Method for Stochastic Optimization", section 7.1, ICLR 2015:
    https://arxiv.org/abs/1412.6980

    Args:
        params: tensors, or dicts for groups.
        lr: the learning rate γ.
        betas: β₁ and β₂.
        eps: ε.
        weight_decay: λ.
        foreach, capturable: kept in the groups, without effect; PyTorch chooses its
            implementation by them.
        differentiable: must be False; a step is not recorded.
        maximize: climb instead of descending.

    Raises:
        ValueError: an option that is negative, or a beta outside of [0, 1).
    """

    _pieces = ("step", "exp_avg", "exp_inf")

    _of_parts = True

    def __init__(
        self,
        params: Params,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _scalars(self, group: dict[str, Any], step: float) -> tuple[float, ...]:
        return (float(group["lr"]) / (1 - group["betas"][0] ** step),)

    def _update(self, xp: Any, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param] or self._begin(param, group)
        beta1, beta2 = group["betas"]
        xp.adamax_step(
            param.array,
            grad.array,
            state["exp_avg"].array,
            state["exp_inf"].array,
            size=self._scalars(group, self._count(param, state))[0],
            beta1=beta1,
            beta2=beta2,
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            maximize=group["maximize"],
            **self._changing(param),
        )
