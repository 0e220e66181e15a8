"""RMSprop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..tensor import Tensor
from ._loading import Names
from ._required import check_not_negative
from .optimizer import Optimizer, Params


class RMSprop(Optimizer):
    """RMSprop, as `torch.optim.RMSprop`: gradients divided by their recent root mean square.

    For a parameter p with gradient g, in this order:

        d ← ±g + λ p                    weight decay λ; minus to maximize
        v ← α v + (1 − α) d²            the average square, from v = 0
        m ← α m + (1 − α) d             only if centered, which has v − m² in place of v below
        b ← μ b + d / (√v + ε)          momentum μ, from b = 0
        p ← p − γ b                     learning rate γ

    Tieleman, Hinton, "Lecture 6.5: RMSprop", Neural Networks for Machine Learning, 2012.
    Centered: Graves, https://arxiv.org/abs/1308.0850, 2013.

    Args:
        params: tensors, or dicts for groups.
        lr: the learning rate γ.
        alpha: α, how much of the last average is kept.
        eps: ε.
        weight_decay: λ.
        momentum: μ.
        centered: divide by the gradients' standard deviation: v − m² is their variance.
        maximize: climb instead of descending.
        foreach, capturable: kept in the groups, without effect; PyTorch chooses its
            implementation by them.
        differentiable: must be False; a step is not recorded.

    Raises:
        ValueError: a negative option.

    Example:
        >>> w = nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = torch.optim.RMSprop([w], lr=0.01)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.detach()
        tensor([0.9000])
    """

    _of_parts = True

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check_options(self, options: Mapping[str, Any]) -> None:
        check_not_negative(options, "lr", "eps", "momentum", "weight_decay", "alpha")

    def _state_names(self, group: dict[str, Any], param: Tensor) -> tuple[Names, Names]:
        kept = {"momentum_buffer": group["momentum"] > 0, "grad_avg": group["centered"]}
        return ("step", "square_avg", *(name for name in kept if kept[name])), tuple(kept)

    def _update(self, xp: Any, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param] or self._begin(param, group)
        self._count(param, state)
        xp.rmsprop_step(
            param.array,
            grad.array,
            state["square_avg"].array,
            state["grad_avg"].array if group["centered"] else None,
            state["momentum_buffer"].array if group["momentum"] > 0 else None,
            lr=float(group["lr"]),
            alpha=group["alpha"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            momentum=group["momentum"],
            maximize=group["maximize"],
            **self._changing(param),
        )
