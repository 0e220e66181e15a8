"""PyTorch's functions of complex numbers, of which there are none here: real parts, conjugates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .operation import public
from .promote import as_float

if TYPE_CHECKING:
    from .tensor import Tensor


def real(input: Tensor) -> Tensor:
    """The tensor itself: all numbers are real."""
    return input


conj = conj_physical = resolve_conj = resolve_neg = real


def is_conj(input: Tensor) -> bool:
    """False: nothing is conjugated later."""
    return False


is_neg = is_conj


def turned(name: str, input: Tensor, most: float = math.inf) -> Tensor:
    """The last two dimensions exchanged; of no dimension, the tensor itself.

    Raises:
        RuntimeError: one dimension, or more than `most`.
    """
    if input.ndim == 1 or input.ndim > most:
        raise RuntimeError(
            f"{name}: expected a matrix{'' if most == 2 else ' or a batch of them'}, but the "
            f"shape is {tuple(input.shape)}"
        )
    return input.transpose(-2, -1) if input.ndim else input


def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions exchanged; of no dimension, the tensor itself."""
    return turned("adjoint", input)


def angle(input: Tensor) -> Tensor:
    """0 for what is not negative, else π; NaN stays NaN."""
    x = as_float(input)
    return (x * 0).masked_fill(x >= 0, 0.0).masked_fill(x < 0, math.pi)


if not TYPE_CHECKING:
    __all__ = [name for name in public(globals()) if name != "turned"]
