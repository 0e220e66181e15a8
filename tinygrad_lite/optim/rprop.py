"""Rprop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..tensor import Tensor
from ..tensor.create import full_like
from ._required import check, check_not_negative
from .optimizer import Optimizer, Params


class Rprop(Optimizer):
    """Resilient backpropagation, as `torch.optim.Rprop`: steps by the gradients' signs alone.

    For a parameter p with gradient g (−g to maximize) and h, the gradient of the step before,
    element by element:

        s ← η₊ s  where g h > 0,  η₋ s  where g h < 0,  within the bounds; from s = γ
        g ← 0     where g h < 0
        p ← p − s sign(g)

    It is for gradients of whole data sets: those of batches change their signs by chance.

    Riedmiller, Braun, "A Direct Adaptive Method for Faster Backpropagation Learning: The RPROP
    Algorithm", IEEE International Conference on Neural Networks 1993.

    Args:
        params: tensors, or dicts for groups.
        lr: γ, the size of the first step.
        etas: η₋ and η₊.
        step_sizes: the smallest and the largest s.
        foreach, capturable: kept in the groups, without effect; PyTorch chooses its
            implementation by them.
        differentiable: must be False; a step is not recorded.
        maximize: climb instead of descending.

    Raises:
        ValueError: a negative rate, or not 0 < η₋ < 1 < η₊.
    """

    _pieces = ("step", "prev", "step_size")

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _check_options(self, options: Mapping[str, Any]) -> None:
        low, high = options["etas"]
        check_not_negative(options, "lr")
        check(0 < low < 1 < high, "eta values", f"{low}, {high}")

    def _beginning(self, name: str, param: Tensor, group: dict[str, Any]) -> Tensor:
        if name == "step_size":
            return full_like(param, float(group["lr"]))
        return super()._beginning(name, param, group)

    def _update(self, xp: Any, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param] or self._begin(param, group)
        self._count(param, state)
        xp.rprop_step(
            param.array,
            grad.array,
            state["prev"].array,
            state["step_size"].array,
            etas=group["etas"],
            step_sizes=group["step_sizes"],
            maximize=group["maximize"],
        )
