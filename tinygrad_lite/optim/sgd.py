"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..tensor import Tensor
from ..tensor.create import empty_like
from ._functional import sgd as sgd  # where PyTorch has it
from ._loading import Names
from ._required import check_not_negative
from .optimizer import Optimizer, Params


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, as `torch.optim.SGD`.

    For a parameter p with gradient g, in this order:

        d ← ±g + λ p                    weight decay λ; minus to maximize
        b ← μ b + (1 − τ) d             momentum μ, dampening τ; b = d at the first step
        p ← p − γ b                     learning rate γ; or, with Nesterov's momentum,
        p ← p − γ (d + μ b)             or, without momentum,
        p ← p − γ d

    As in PyTorch the rate multiplies the velocity b; in Sutskever et al. it is part of b.

    Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.
    Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep
    learning", ICML 2013: https://proceedings.mlr.press/v28/sutskever13.html

    Args:
        params: tensors, or dicts for groups.
        lr: the learning rate γ.
        momentum: μ.
        dampening: τ.
        weight_decay: λ, the factor of an L2 penalty ½ λ ‖p‖².
        nesterov: use Nesterov's momentum.
        maximize: climb instead of descending.
        foreach, fused: kept in the groups, without effect; PyTorch chooses its
            implementation by them.
        differentiable: must be False; a step is not recorded.

    Raises:
        ValueError: a negative option, or Nesterov's momentum with no momentum or dampening.

    Example:
        >>> w = nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.detach()
        tensor([0.8000])
    """

    _of_parts = True
    _kernel = "sgd_step"
    _operands = ("momentum_buffer",)

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _check_options(self, options: Mapping[str, Any]) -> None:
        check_not_negative(options, "lr", "momentum", "weight_decay")
        if options["nesterov"] and (options["momentum"] <= 0 or options["dampening"] != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def _state_names(self, group: dict[str, Any], param: Tensor) -> tuple[Names, Names]:
        return (), ("momentum_buffer",)

    def _has_state(self, group: dict[str, Any]) -> bool:
        return bool(group["momentum"] != 0)

    def _update(self, xp: Any, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        buffer, first = None, False
        momentum = group["momentum"]
        if momentum != 0:
            state = self.state[param]
            buffer = state.get("momentum_buffer")
            first = buffer is None
            if buffer is None:
                buffer = state["momentum_buffer"] = empty_like(param)
        xp.sgd_step(
            param.array,
            grad.array,
            None if buffer is None else buffer.array,
            **{**self._options(group), "first": first},
            **self._changing(param),
        )

    def _options(self, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "first": False,
            "lr": float(group["lr"]),
            "momentum": group["momentum"],
            "dampening": group["dampening"],
            "weight_decay": group["weight_decay"],
            "nesterov": group["nesterov"],
            "maximize": group["maximize"],
        }
