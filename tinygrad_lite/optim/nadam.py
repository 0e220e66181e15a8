"""NAdam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..tensor import Tensor
from ._loading import new_step
from ._required import check_not_negative
from .adam import WithBetas
from .optimizer import Params


class NAdam(WithBetas):
    """NAdam, as `torch.optim.NAdam`: Adam with Nesterov's momentum.

    The momentum μₜ grows from step to step, faster for a larger ψ.

    For a parameter p with gradient g, at its step t = 1, 2, …, in this order:

        d ← ±g + λ p                              weight decay λ; minus to maximize
        μₜ = β₁ (1 − ½ 0.96^(t ψ)),  Πₜ = μ₁ μ₂ … μₜ
        m ← β₁ m + (1 − β₁) d,  v ← β₂ v + (1 − β₂) d²
        m̂ = μₜ₊₁ m / (1 − Πₜ₊₁) + (1 − μₜ) d / (1 − Πₜ)
        p ← p − γ m̂ / (√(v / (1 − β₂ᵗ)) + ε)      learning rate γ

    Dozat, "Incorporating Nesterov Momentum into Adam", ICLR workshop 2016:
    https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ

    Args:
        params: tensors, or dicts for groups.
        lr: the learning rate γ.
        betas: β₁ and β₂.
        eps: ε.
        weight_decay: λ.
        momentum_decay: ψ.
        decoupled_weight_decay: decay as `AdamW` does.
        foreach, capturable: kept in the groups, without effect; PyTorch chooses its
            implementation by them.
        differentiable: must be False; a step is not recorded.
        maximize: climb instead of descending.

    Raises:
        ValueError: an option that is negative, or a beta outside of [0, 1).
    """

    _pieces = ("step", "mu_product", "exp_avg", "exp_avg_sq")
    _host_state: ClassVar = frozenset({"mu_product"})
    _replayable: ClassVar = False

    _of_parts = True

    def __init__(
        self,
        params: Params,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check_options(self, options: Mapping[str, Any]) -> None:
        super()._check_options(options)
        check_not_negative(options, "momentum_decay")

    def _beginning(self, name: str, param: Tensor, group: dict[str, Any]) -> Tensor:
        return new_step(1.0) if name == "mu_product" else super()._beginning(name, param, group)

    def _update(self, xp: Any, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param] or self._begin(param, group)
        step, lr, (beta1, beta2) = self._count(param, state), float(group["lr"]), group["betas"]
        mu, following = (
            beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1)
        )
        product = state["mu_product"].array
        product *= mu
        decoupled, decay = group["decoupled_weight_decay"], group["weight_decay"]
        xp.nadam_step(
            param.array,
            grad.array,
            state["exp_avg"].array,
            state["exp_avg_sq"].array,
            decay=1 - lr * decay if decoupled else 1,
            grad_size=lr * (1 - mu) / (1 - float(product)),
            mean_size=lr * following / (1 - float(product) * following),
            correction2=1 - beta2**step,
            beta1=beta1,
            beta2=beta2,
            eps=group["eps"],
            weight_decay=0 if decoupled else decay,
            maximize=group["maximize"],
        )
