"""Muon."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from ..tensor import Tensor
from ._loading import Names
from .optimizer import Optimizer, Params


class Muon(Optimizer):
    """Muon, as `torch.optim.Muon`, for matrices: steps along orthonormal rows or columns.

    For a matrix p (A, B) with gradient g:

        b ← μ b + (1 − μ) g             from b = 0
        u = μ b + (1 − μ) g             b itself without Nesterov
        p ← (1 − γ λ) p − γ s NS(u)

    NS(u) is a matrix near u whose singular values are near 1, found by k of Newton's and Schulz's
    steps from x = u / |u|: x ← a x + (b x xᵀ + c (x xᵀ)²) x. PyTorch rounds them to bfloat16, so
    that its steps differ by up to a percent.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024:
    https://kellerjordan.github.io/posts/muon/

    Args:
        params: matrices, or dicts for groups; biases, embeddings and the last layer are for AdamW.
        lr: the learning rate γ.
        weight_decay: λ.
        momentum: μ.
        nesterov: look ahead.
        ns_coefficients: a, b and c.
        eps: the least |u| to divide by.
        ns_steps: k.
        adjust_lr_fn: s: "original" (default), √max(1, A/B); or "match_rms_adamw", 0.2 √max(A, B).

    Raises:
        ValueError: a tensor that is no matrix, or an option out of its range.
    """

    _replayable: ClassVar = False

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for param in (p for group in self.param_groups for p in group["params"]):
            if param.ndim != 2:
                raise ValueError(
                    "Muon only supports 2D parameters whereas we found a parameter with size: "
                    f"{param.shape}"
                )

    def _check_options(self, options: Mapping[str, Any]) -> None:
        fits = options["adjust_lr_fn"] in (None, "original", "match_rms_adamw")
        for valid, rule, value in (
            (options["lr"] >= 0, "Learning rate should be >= 0", options["lr"]),
            (options["momentum"] >= 0, "momentum should be >= 0", options["momentum"]),
            (options["weight_decay"] >= 0, "weight decay should be >= 0", options["weight_decay"]),
            (fits, "Adjust learning rate function should be known", options["adjust_lr_fn"]),
            (options["ns_steps"] < 100, "ns_steps should be < 100", options["ns_steps"]),
        ):
            if not valid:
                raise ValueError(f"{rule} but is: {value}")

    def _state_names(self, group: dict[str, Any], param: Tensor) -> tuple[Names, Names]:
        return ("momentum_buffer",), ()

    def _update(self, xp: Any, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param] or self._begin(param, group)
        rows, columns = param.shape
        matched = group["adjust_lr_fn"] == "match_rms_adamw"
        xp.muon_step(
            param.array,
            grad.array,
            state["momentum_buffer"].array,
            lr=float(group["lr"]),
            scale=math.sqrt(max(rows, columns)) * 0.2
            if matched
            else math.sqrt(max(1.0, rows / columns)),
            weight_decay=group["weight_decay"],
            momentum=group["momentum"],
            nesterov=group["nesterov"],
            coefficients=group["ns_coefficients"],
            eps=group["eps"],
            steps=group["ns_steps"],
        )
