"""RAdam."""

from __future__ import annotations

from typing import Any

from ..backend.plain.steps import radam_sizes
from ..tensor import Tensor
from .adam import WithBetas
from .optimizer import Params


class RAdam(WithBetas):
    """RAdam, as `torch.optim.RAdam`: Adam that divides by √v̂ only once v̂ is known well.

    In the first steps v̂ comes of few gradients and varies much; then the step is momentum alone.

    For a parameter p with gradient g, at its step t = 1, 2, …, in this order:

        d ← ±g + λ p                    weight decay λ; minus to maximize
        m, v, m̂, v̂                      as in `Adam`
        ρ∞ = 2 / (1 − β₂) − 1,  ρ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
        p ← p − γ m̂                     while ρ ≤ 5; from then on
        p ← p − γ r m̂ / (√v̂ + ε)        r² = (ρ − 4)(ρ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρ)

    ρ is, in effect, how many gradients v̂ is an average of, and ρ∞ what that grows to.

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

    _pieces = ("step", "exp_avg", "exp_avg_sq")

    _of_parts = True

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

    def _scalars(self, group: dict[str, Any], step: float) -> tuple[float, ...]:
        lr = float(group["lr"])
        return 1 - lr * group["weight_decay"], *radam_sizes(step, lr, *group["betas"])

    def _update(self, xp: Any, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param] or self._begin(param, group)
        xp.radam_step(
            param.array,
            grad.array,
            state["exp_avg"].array,
            state["exp_avg_sq"].array,
            step=self._count(param, state),
            **self._options(group),
            **self._changing(param),
        )
