"""Calls as PyTorch's first versions had them, with a factor before a tensor: `x.add_(-lr, g)`.

PyTorch still takes them, and says once that they are going. They fail here as any wrong call does,
and only then are they looked at (`arguments`), so that other calls cost nothing more.
"""

from __future__ import annotations

import warnings
from typing import Any

from ..backend import numpy
from .base import TensorBase
from .source_line import user_level

_SUMS = "add", "sub", "subtract"
_ELEMENTS = "addcmul", "addcdiv"
_PRODUCTS = "addmm", "addmv", "addr", "addbmm", "baddbmm"

_warned: set[str] = set()


def read(name: str, args: tuple[Any, ...]) -> tuple[list[Any], dict[str, Any]] | None:
    """What a call of an old form gives by position, and by keyword; None if it is of none.

    The forms, of a function; a method has its tensor before all:

        add(x, alpha, y), sub(x, alpha, y), also of a number y, or a tensor alpha of no dimensions
        addcmul(x, value, y, z), addcdiv(x, value, y, z)
        addmm(beta, x, y, z), addmm(beta, x, alpha, y, z), and its kin

    Args:
        name: what the operation was called as, such as "add_".
        args: what it was given by position.
    """
    own = name.removesuffix("_")
    letters = "".join(
        "t" if isinstance(a, TensorBase) else "n" if isinstance(a, _NUMBERS) else "?" for a in args
    )
    tensors = [a for a in args if isinstance(a, TensorBase)]
    numbers = [a for a in args if not isinstance(a, TensorBase)]
    if own in _SUMS and letters == "ttn" and not tensors[1].array.ndim:  # alpha · y = y · alpha
        letters = "tnn"
    if own in _SUMS and letters == "tnn":
        tensors, numbers, words = [tensors[0], args[1]], [args[2]], ["alpha"]
    elif own in _SUMS and letters == "tnt":
        words = ["alpha"]
    elif own in _ELEMENTS and letters == "tntt":
        words = ["value"]
    elif own in _PRODUCTS and letters in ("nttt", "ntntt", "tntt", "tnntt"):
        words = ["beta", "alpha"]
    else:
        return None
    if name not in _warned:
        _warned.add(name)
        warnings.warn(
            f"This overload of {name} is deprecated: give {' and '.join(words[: len(numbers)])} "
            "by keyword, behind the tensors",
            UserWarning,
            stacklevel=user_level(),
        )
    return tensors, dict(zip(words, numbers, strict=False))


_NUMBERS = int, float, complex, numpy.number
