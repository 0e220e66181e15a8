"""What is trivial without complex numbers: real parts, conjugates, signs as angles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .operation import public, refuse
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


def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions exchanged."""
    return input.mT


def angle(input: Tensor) -> Tensor:
    """0 for what is not negative, else π; NaN stays NaN."""
    if input.dtype.kind == "b":
        refuse("angle", input)
    x = as_float(input)
    return (x * 0).masked_fill(x >= 0, 0.0).masked_fill(x < 0, math.pi)


if not TYPE_CHECKING:
    __all__ = public(globals())
