"""Calls in the order of PyTorch 1.4 and before, with a factor in front: `x.add_(-lr, grad)`.

PyTorch takes them still, and older optimizers are full of them. They are understood when a call
has failed (`arguments`), so that others cost nothing.
"""

from __future__ import annotations

from typing import Any

from .base import TensorBase

__all__ = ["rewritten"]

_FACTOR = {"add": "alpha", "sub": "alpha", "addcmul": "value", "addcdiv": "value"}
_OPERANDS = {"add": 2, "sub": 2, "addcmul": 3, "addcdiv": 3}
_SUMS = frozenset("addmm addmv addr baddbmm addbmm".split())


def rewritten(name: str, args: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Such a call's arguments in the order of now, by position and by name; None of another call.

    Args:
        name: the function or method, `add_` as well as `add`.
        args: (x, α, y) of `add` and `sub`, (x, α, y, z) of `addcmul` and `addcdiv`; of `addmm` and
            its like (β, x, α, y, z) or (β, x, y, z), of their methods (x, β, α, y, z) or
            (x, β, y, z).
    """
    name = name.removesuffix("_")
    tensors = tuple(arg for arg in args if isinstance(arg, TensorBase))
    numbers = [arg for arg in args if isinstance(arg, int | float)]
    if len(tensors) + len(numbers) < len(args):
        return None
    if name in _FACTOR:
        fits = len(numbers) == 1 and len(tensors) == _OPERANDS[name] and args[1] is numbers[0]
        return (tensors, {_FACTOR[name]: numbers[0]}) if fits else None
    if name in _SUMS and len(tensors) == 3 and len(numbers) in (1, 2):
        in_front = any(arg is numbers[0] for arg in args[:2])
        behind = all(isinstance(arg, TensorBase) for arg in args[-2:])
        named = dict(zip(("beta", "alpha"), numbers, strict=False))
        return (tensors, named) if in_front and behind else None
    return None
