"""Calls as PyTorch's first versions had them: a factor by position, before what it belongs to.

`exp_avg.add_(1 - beta, grad)` is `exp_avg.add_(grad, alpha=1 - beta)`; PyTorch still takes both.
Such a call fails here, and only then is it read again, so that other calls cost nothing more.
"""

from __future__ import annotations

from typing import Any

from .base import TensorBase

_FACTORS = {"add": "alpha", "sub": "alpha", "addcmul": "value", "addcdiv": "value"}
_PRODUCTS = frozenset({"addmm", "addbmm", "baddbmm", "addmv", "addr"})


def today(name: str, args: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """The tensors of a former call, and its factors by name; None if it is no such call.

    Args:
        name: of the function or method.
        args: (x, α, y) of `add` and `sub`; (x, value, y, z) of `addcmul` and `addcdiv`; of a
            product (x, β, a, b) or (x, β, α, a, b), or (β, x, a, b) or (β, x, α, a, b).
    """
    name = name.rpartition(".")[2].removesuffix("_")
    tensors = tuple(value for value in args if isinstance(value, TensorBase))
    numbers = [value for value in args if not isinstance(value, TensorBase)]
    if not all(isinstance(number, int | float) for number in numbers):
        return None
    places = "".join("t" if isinstance(value, TensorBase) else "n" for value in args)
    if name in _FACTORS:
        if places != ("tnt" if name in ("add", "sub") else "tntt"):
            return None
        return tensors, {_FACTORS[name]: numbers[0]}
    if name not in _PRODUCTS or places not in ("tntt", "tnntt", "nttt", "ntntt"):
        return None
    return tensors, dict(zip(("beta", "alpha"), numbers, strict=False))
