"""`out=`, `layout=`, `pin_memory=` and `memory_format=`, which say where results are to lie.

The functions themselves do not take these four arguments. A call that has one fails, and only then
is it made again here without them, so that calls without them cost nothing more. The result is
then copied into `out`, and made contiguous for `memory_format=torch.contiguous_format`; the others
change nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from inspect import signature
from typing import Any

from ..backend.dtypes import as_dtype
from ..graph import mode
from . import info
from .base import TensorBase
from .element import dtype_of
from .source_line import user_level

MAKERS = frozenset(
    "arange bartlett_window blackman_window empty eye full hamming_window hann_window "
    "isin kaiser_window linspace logspace normal ones polygamma pow rand randint randn "
    "randperm tensor tril_indices triu_indices where zeros".split()
)
"""Functions that take these words though no annotation of theirs says that they get a tensor."""

_OF_OUT = frozenset(
    "arange cumprod cumsum empty eye full linspace logspace mean nanmean nansum ones prod rand "
    "randint randn range sum zeros".split()
)
"""What calculates in the dtype of its `out`, if no other is given."""

_RANGES = frozenset({"arange", "linspace", "logspace", "range"})
"""What keeps the shape of its `out`, if that has as many elements."""

_SIZED = MAKERS - {"arange", "isin", "polygamma", "pow", "where"}
"""What is told a size, which an `out` is given without a warning."""

_WORDS = frozenset({"out", "layout", "pin_memory", "memory_format"})


def asked(function: Callable[..., Any], words: dict[str, Any]) -> bool:
    """Whether a call has one of these words that the function itself does not take."""
    found = _WORDS.intersection(words)
    return bool(found) and not found <= signature(function).parameters.keys()


def call(name: str, function: Callable[..., Any], args: Any, words: dict[str, Any]) -> Any:
    """What the function returns without these words, in `out` if there is one.

    Raises:
        NotImplementedError: a layout of sparse tensors.
        RuntimeError: the result or `out` requires a gradient, the result's dtype can't be cast to
            `out`'s, or that is another one than `dtype=`.
        TypeError: `out` is not one tensor for each of the result's, or the function does not
            take another of the words.
    """
    if words.get("layout") not in (None, info.strided):
        raise NotImplementedError(f"{name}: layout {words['layout']}: there are no sparse tensors")
    own = signature(function).parameters
    out = words.get("out")
    kept = {k: v for k, v in words.items() if k in own or k not in _WORDS}
    if isinstance(out, TensorBase):
        if kept.get("dtype") is None:
            if name in _OF_OUT:
                kept["dtype"] = out.array.dtype
        elif as_dtype(kept["dtype"]) != out.array.dtype:
            raise RuntimeError(
                f"{name}: expected out tensor to have dtype {dtype_of(as_dtype(kept['dtype']))}, "
                f"but got {out.dtype} instead"
            )
    result = function(*args, **kept)
    if words.get("memory_format") is info.contiguous_format and isinstance(result, TensorBase):
        result = result.contiguous()  # type: ignore[attr-defined]
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
        put(name, place, made)
    return type(result)(*out) if several and hasattr(result, "_fields") else out


def put(name: str, out: Any, made: Any) -> Any:
    """Copy a result into `out`, which takes its shape, and return `out`.

    Raises:
        RuntimeError: the result requires a gradient, or `out` does while gradients are recorded;
            or the result's dtype can't be cast to `out`'s.
    """
    if made.requires_grad or (mode.grad and out.requires_grad):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad."
        )
    # What is drawn as 0 and 1 fits everywhere.
    if name != "bernoulli" and not info.can_cast(made.array.dtype, out.array.dtype):
        raise RuntimeError(
            f"{name}: result type {made.dtype} can't be cast to the desired output type {out.dtype}"
        )
    if name in _RANGES and out.numel() == made.numel():  # row by row, whatever the shape
        made = made.reshape(out.shape)
    if out.shape != made.shape:
        if out.numel() and name not in _SIZED:
            warnings.warn(
                f"{name}: An output with one or more elements was resized since it had shape "
                f"{[*out.shape]}, which does not match the required output shape {[*made.shape]}. "
                "This behavior is deprecated: give an output of that shape, or of no elements, "
                "such as t.resize_(0) makes of t",
                UserWarning,
                stacklevel=user_level(),
            )
        out.resize_(made.shape)
    out.copy_(made)  # which is not recorded: neither requires a gradient where it could be
    return out
