"""What a derived optimizer's own step asks for: the lists that PyTorch's step functions take."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["init_group"]

_AVERAGES = ("exp_avg", "exp_avg_sq")
_LISTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "SGD": ("momentum_buffer",),
        "Adam": (*_AVERAGES, "max_exp_avg_sq", "step"),
        "Adamax": ("exp_avg", "exp_inf", "step"),
        "Adagrad": ("sum", "step"),
        "Adadelta": ("square_avg", "acc_delta", "step"),
        "RMSprop": ("square_avg", "momentum_buffer", "grad_avg", "step"),
        "NAdam": (*_AVERAGES, "mu_product", "step"),
        "RAdam": (*_AVERAGES, "step"),
        "ASGD": ("mu", "ax", "eta", "step"),
        "Rprop": ("prev", "step_size", "step"),
        "Muon": ("momentum_buffer",),
        "Adafactor": ("row_var", "col_var", "variance", "step"),
    }
)
"""By class: which pieces of a parameter's state its `_init_group` gives, in PyTorch's order."""


def init_group(optimizer: Any, group: dict[str, Any], *lists: list[Any]) -> Any:
    """Fill lists with a group's parameters that have gradients, these, and pieces of their state.

    State that is not there is made. Pieces that the group's options do not ask for are left out;
    a velocity of SGD that is not there yet is None.

    Args:
        optimizer: whose they are.
        group: one of its groups.
        lists: for parameters, for gradients, and for each piece of `_LISTS`, empty ones.

    Returns:
        Whether one of the parameters is complex; of SGD whether gradients are sparse, and of
        Adagrad both.

    Raises:
        AttributeError: PyTorch has no such lists of this class.
    """
    package = __name__.partition(".")[0]
    own = [k for k in type(optimizer).__mro__ if k.__module__.partition(".")[0] == package]
    kind = next((k.__name__ for k in own if k.__name__ in _LISTS), None)
    if kind is None:
        raise AttributeError(f"{type(optimizer).__name__!r} object has no attribute '_init_group'")
    params, grads, *pieces = lists
    for param in group["params"]:
        if param.grad is None:
            continue
        params.append(param)
        grads.append(param.grad)
        state = optimizer.state[param]
        if kind == "SGD":
            if group["momentum"]:
                pieces[0].append(state.get("momentum_buffer"))
            continue
        state = state or optimizer._begin(param, group)
        for name, into in zip(_LISTS[kind], pieces, strict=True):
            if name in state:
                into.append(state[name])
    complex = any(param.array.dtype.kind == "c" for param in params)
    return (False, complex) if kind == "Adagrad" else complex and kind != "SGD"
