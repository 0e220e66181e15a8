"""Adafactor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..backend.states import number
from ..tensor import Tensor
from ..tensor.info import finfo
from ._loading import Names
from .optimizer import Optimizer, Params


class Adafactor(Optimizer):
    """Adafactor, as `torch.optim.Adafactor`: of a matrix g² only row and column means are kept.

    For a parameter (…, m, n) that is a state of m + n numbers, where Adam has 2 m n.

    For a parameter p with gradient ±g, at its step t = 1, 2, …, in this order:

        p ← (1 − γ λ) p                             weight decay λ
        w = tᵏ                                      k is `beta2_decay`
        r ← (1 − w) r + w · (mean of g² over each row)          (…, m, 1), from r = 0
        c ← (1 − w) c + w · (mean of g² over each column)       (…, 1, n), from c = 0
        v = r c / max(mean(r), ε₁)                  of vectors, v ← (1 − w) v + w g²
        u = g / √max(v, ε₁²)
        α = max(ε₂, rms(p)) min(γ, 1 / √t)
        p ← p − α u / max(1, rms(u) / d)            minus to descend

    Shazeer, Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", ICML 2018:
    https://arxiv.org/abs/1804.04235

    Args:
        params: tensors, or dicts for groups.
        lr: the largest relative rate γ.
        beta2_decay: k, 0 or below.
        eps: ε₁ (None for the dtype's own) and ε₂.
        d: the largest root mean square of u.
        weight_decay: λ.
        foreach: kept in the groups, without effect; PyTorch chooses its implementation by it.
        maximize: climb instead of descending.

    Raises:
        ValueError: an option out of its range.
    """

    _replayable: ClassVar = False

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check_options(self, options: Mapping[str, Any]) -> None:
        eps1, eps2 = options["eps"]
        if eps1 is not None:
            number("Adafactor", "eps", eps1)
        for valid, rule, value in (
            (options["lr"] >= 0, "Learning rate should be >= 0", options["lr"]),
            (options["beta2_decay"] <= 0, "beta2_decay should be <= 0", options["beta2_decay"]),
            (eps1 is None or eps1 >= 0, "epsilon1 should be >= 0", eps1),
            (eps2 >= 0, "epsilon2 should be >= 0", eps2),
            (options["d"] >= 1, "Clipping threshold d should be >= 1", options["d"]),
            (options["weight_decay"] >= 0, "weight_decay should be >= 0", options["weight_decay"]),
        ):
            if not valid:
                raise ValueError(f"{rule} but is: {value}")

    def _state_names(self, group: dict[str, Any], param: Tensor) -> tuple[Names, Names]:
        return ("step", *(("row_var", "col_var") if param.ndim > 1 else ("variance",))), ()

    def _state_shape(self, name: str, param: Tensor) -> tuple[int, ...]:
        shape = tuple(param.shape)
        if len(shape) > 1 and name == "row_var":
            return (*shape[:-1], 1)
        return (*shape[:-2], 1, shape[-1]) if len(shape) > 1 and name == "col_var" else shape

    def _update(self, xp: Any, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param] or self._begin(param, group)
        eps1 = group["eps"][0]
        factored = param.ndim > 1
        step = self._count(param, state)
        if param.numel() == 0:
            return
        xp.adafactor_step(
            param.array,
            grad.array,
            state["row_var"].array if factored else None,
            state["col_var"].array if factored else None,
            None if factored else state["variance"].array,
            step=step,
            lr=float(group["lr"]),
            beta2_decay=group["beta2_decay"],
            eps1=float(finfo(param.dtype).eps) if eps1 is None else eps1,
            eps2=group["eps"][1],
            d=group["d"],
            weight_decay=group["weight_decay"],
            maximize=group["maximize"],
        )
