"""`out=`, `layout=`, `pin_memory=` and `memory_format=`, which say where results are to lie.

Functions do not take them. Where a call fails because it has one, it is made again without, so
that calls that have none cost nothing more. A result is copied into `out`; the others do nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

from ..graph import mode
from . import info
from .base import TensorBase

MAKERS = frozenset(
    "arange bartlett_window blackman_window empty eye full hamming_window hann_window "
    "kaiser_window linspace logspace normal ones pow rand randint randn randperm tensor "
    "tril_indices triu_indices where zeros".split()
)
"""Functions that say of no argument that it is a tensor, and take these words."""

_WORDS = frozenset({"out", "layout", "pin_memory", "memory_format"})


def asked(function: Callable[..., Any], words: dict[str, Any]) -> bool:
    """Whether a call has such a word that the function itself does not take."""
    found = _WORDS.intersection(words)
    return bool(found) and not found <= signature(function).parameters.keys()


def call(name: str, function: Callable[..., Any], args: Any, words: dict[str, Any]) -> Any:
    """What the function returns without these words, in `out` if there is one.

    Raises:
        NotImplementedError: a layout of sparse tensors.
        RuntimeError: a result that records a gradient, or of a dtype that `out` can't hold.
        TypeError: `out` has not the result's form, or other words that it does not take.
    """
    if words.get("layout") not in (None, info.strided):
        raise NotImplementedError(f"{name}: layout {words['layout']}: there are no sparse tensors")
    own = signature(function).parameters
    result = function(*args, **{k: v for k, v in words.items() if k in own or k not in _WORDS})
    out = words.get("out")
    if out is None:
        return result
    several = isinstance(result, tuple)
    pairs = list(zip(out, result, strict=False)) if several else [(out, result)]
    if (several and len(out) != len(result)) or not all(
        isinstance(o, TensorBase) for o, _ in pairs
    ):
        raise TypeError(
            f"{name}: out must be as the result, {len(result) if several else 1} tensor(s)"
        )
    for place, made in pairs:
        _put(name, place, made)
    return type(result)(*out) if several and hasattr(result, "_fields") else out


def _put(name: str, out: Any, made: Any) -> None:
    if made.requires_grad:
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad."
        )
    if not info.can_cast(made.array.dtype, out.array.dtype):
        raise RuntimeError(
            f"{name}: result type {made.dtype} can't be cast to the desired output type {out.dtype}"
        )
    before, mode.grad = mode.grad, False
    try:
        if out.shape != made.shape:
            out.resize_(made.shape)
        out.copy_(made)
    finally:
        mode.grad = before
