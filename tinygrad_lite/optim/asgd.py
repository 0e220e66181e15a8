"""Averaged stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..tensor import Tensor
from ._loading import new_step
from ._required import check_not_negative
from .optimizer import Optimizer, Params


class ASGD(Optimizer):
    """Averaged SGD, as `torch.optim.ASGD`: SGD that also keeps the average of its parameters.

    The model is trained as it is; the averages lie in the optimizer's state, as "ax".

    For a parameter p with gradient g, at its step t = 1, 2, …, in this order:

        d ← ±g + κ p                         weight decay κ; minus to maximize
        p ← (1 − λ η) p − η d                from η = γ
        a ← a + μ (p − a)                    the average; from μ = 1
        η ← γ / (1 + λ γ t)^α,  μ ← 1 / max(1, t − t₀)

    Polyak, Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM Journal on
    Control and Optimization 30(4), 1992.

    Args:
        params: tensors, or dicts for groups.
        lr: the learning rate γ.
        lambd: λ, by which the parameters decay.
        alpha: α, the power by which the rate falls.
        t0: t₀, the step from which on a is the mean of more than the last p.
        weight_decay: κ.
        foreach, capturable: kept in the groups, without effect; PyTorch chooses its
            implementation by them.
        differentiable: must be False; a step is not recorded.
        maximize: climb instead of descending.

    Raises:
        ValueError: a negative rate or decay.

    Example:
        >>> w = nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = torch.optim.ASGD([w], lr=0.1, lambd=0, t0=0)
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     (w * w).sum().backward()
        ...     optimizer.step()
        >>> w.detach(), optimizer.state[w]["ax"]
        (tensor([0.6400]), tensor([0.6400]))
    """

    _pieces = ("step", "eta", "mu", "ax")
    _host_state: ClassVar = frozenset({"eta", "mu"})
    _replayable: ClassVar = False

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _check_options(self, options: Mapping[str, Any]) -> None:
        check_not_negative(options, "lr", "lambd", "weight_decay")

    def _beginning(self, name: str, param: Tensor, group: dict[str, Any]) -> Tensor:
        numbers = {"eta": float(group["lr"]), "mu": 1.0}
        if name in numbers:
            return new_step(numbers[name])
        return super()._beginning(name, param, group)

    def _update(self, xp: Any, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param] or self._begin(param, group)
        lr, lambd = float(group["lr"]), group["lambd"]
        step = self._count(param, state)
        xp.asgd_step(
            param.array,
            grad.array,
            state["ax"].array,
            eta=float(state["eta"].array),
            lambd=lambd,
            mu=float(state["mu"].array),
            weight_decay=group["weight_decay"],
            maximize=group["maximize"],
        )
        state["eta"].array[...] = lr / (1 + lambd * lr * step) ** group["alpha"]
        state["mu"].array[...] = 1 / max(1, step - group["t0"])
