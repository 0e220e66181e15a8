"""Adam, and AdamW, which decays the weights apart from the gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..backend.plain.optim import adam_sizes
from ..tensor import Tensor
from ..tensor.base import TensorBase
from ._functional import adam as adam  # where PyTorch has it
from ._functional import adamw as adamw
from ._loading import Names
from ._required import check, check_not_negative
from .optimizer import Optimizer, Params


class WithBetas(Optimizer):
    """Adam and its relatives, whose β₁ and β₂ say how much of the last averages is kept."""

    def _check_options(self, options: Mapping[str, Any]) -> None:
        check_not_negative(options, "lr", "eps")
        if len({isinstance(beta, TensorBase) for beta in options["betas"][:2]}) > 1:
            raise ValueError(
                f"betas must be both numbers or both tensors, but are {options['betas']}"
            )
        for i, beta in enumerate(options["betas"][:2]):
            check(0 <= beta < 1, f"beta parameter at index {i}", beta)
        check_not_negative(options, "weight_decay")

    def _options(self, group: dict[str, Any]) -> dict[str, Any]:
        beta1, beta2 = group["betas"]
        return {
            "lr": float(group["lr"]),
            "beta1": beta1,
            "beta2": beta2,
            "eps": group["eps"],
            "weight_decay": group["weight_decay"],
            "decoupled": group["decoupled_weight_decay"],
            "maximize": group["maximize"],
        }


class Adam(WithBetas):
    """Adam, as `torch.optim.Adam`: each element's step is about γ, however large its gradients.

    For a parameter p with gradient g, at its step t = 1, 2, …, in this order:

        d ← ±g + λ p                    weight decay λ; minus to maximize
        m ← β₁ m + (1 − β₁) d           the average gradient, from m = 0
        v ← β₂ v + (1 − β₂) d²          and the average of their squares, from v = 0
        m̂ = m / (1 − β₁ᵗ)               without the bias of having started from 0
        v̂ = v / (1 − β₂ᵗ)               AMSGrad: the largest v so far in place of v
        p ← p − γ m̂ / (√v̂ + ε)          learning rate γ

    Kingma, Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015:
    https://arxiv.org/abs/1412.6980
    AMSGrad: Reddi, Kale, Kumar, "On the Convergence of Adam and Beyond", ICLR 2018:
    https://openreview.net/forum?id=ryQu7f-RZ

    Args:
        params: tensors, or dicts for groups.
        lr: the learning rate γ.
        betas: β₁ and β₂.
        eps: ε.
        weight_decay: λ.
        amsgrad: use AMSGrad.
        maximize: climb instead of descending.
        decoupled_weight_decay: decay as `AdamW` does.
        foreach, fused, capturable: kept in the groups, without effect; PyTorch chooses its
            implementation by them.
        differentiable: must be False; a step is not recorded.

    Raises:
        ValueError: an option that is negative, or a beta outside of [0, 1).

    Example:
        >>> w = nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = torch.optim.Adam([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.detach()
        tensor([0.9000])
    """

    _of_parts = True
    _kernel = "adam_step"
    _operands = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def _state_names(self, group: dict[str, Any], param: Tensor) -> tuple[Names, Names]:
        names, largest = ("step", "exp_avg", "exp_avg_sq"), ("max_exp_avg_sq",)
        return (names + largest, ()) if group["amsgrad"] else (names, largest)

    def _scalars(self, group: dict[str, Any], step: float) -> tuple[float, ...]:
        lr, (beta1, beta2) = float(group["lr"]), group["betas"]
        return 1 - lr * group["weight_decay"], *adam_sizes(step, lr, beta1, beta2, group["eps"])

    def _update(self, xp: Any, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param] or self._begin(param, group)
        xp.adam_step(
            param.array,
            grad.array,
            state["exp_avg"].array,
            state["exp_avg_sq"].array,
            state["max_exp_avg_sq"].array if group["amsgrad"] else None,
            step=self._count(param, state),
            **self._options(group),
            **self._changing(param),
        )


class AdamW(Adam):
    """Adam with decoupled weight decay, as `torch.optim.AdamW`.

    As `Adam` with d = ±g, after the parameter itself has decayed:

        p ← p − γ λ p

    so that the decay is no part of the gradient, which Adam would divide by √v̂.

    Loshchilov, Hutter, "Decoupled Weight Decay Regularization", ICLR 2019:
    https://arxiv.org/abs/1711.05101

    Args:
        params, lr, betas, eps, amsgrad, maximize: as for `Adam`.
        foreach, capturable, differentiable, fused: likewise.
        weight_decay: λ, 0.01 unless given.

    Example:
        >>> w = nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = torch.optim.AdamW([w], lr=0.1, weight_decay=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.detach()
        tensor([0.8500])
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
