"""What losses ask of their operands: types, shapes, dtypes, and weights that broadcast."""

from __future__ import annotations

import warnings
from typing import Any

from ....backend.dtypes import FLOATING
from ....tensor import Tensor
from ....tensor.promote import pair_dtype, to_dtype, together
from ....tensor.source_line import user_level
from .reduction import check_reduction


def operands(
    name: str, input: Any, target: Any, reduction: str, expanded: bool = True, more: str = ""
) -> tuple[Tensor, Tensor]:
    """Both operands in the dtype that they make, checked.

    Args:
        name: the loss, for messages.
        input, target: what it is of.
        reduction: its name is checked too.
        expanded: PyTorch expands both before: it warns of a target of another shape than the
            input's, and a number widens as what has dimensions does.
        more: the kinds of dtypes, NumPy's letters, that will do besides floating point.

    Raises:
        TypeError: not tensors.
        ValueError: an unknown reduction.
        NotImplementedError: no floating point.
        RuntimeError: booleans, if `more`.
    """
    check_reduction(reduction)
    check_types(name, input, target)
    if expanded and input.shape != target.shape:
        warnings.warn(
            f"Using a target size ({tuple(target.shape)}) that is different to the input size "
            f"({tuple(input.shape)}). This will likely lead to incorrect results due to "
            "broadcasting. "
            "Please ensure they have the same size.",
            stacklevel=user_level(),
        )
    if expanded:
        dtype = together(input.array.dtype, target.array.dtype)
    else:
        dtype = pair_dtype(input, target)
    if more and "b" in (input.dtype.kind, target.dtype.kind):
        raise RuntimeError(f"{name}: booleans have no subtraction")
    if dtype.kind not in FLOATING + more:
        raise NotImplementedError(
            f"{name}: expected floating point, but got {input.dtype} and {target.dtype}"
        )
    return to_dtype(input, dtype), to_dtype(target, dtype)


def check_same_shape(name: str, input: Any, target: Any, weight: Any, reduction: str) -> None:
    """Raise unless input and target are tensors of one shape, and the reduction has a name."""
    check_reduction(reduction)
    check_types(name, input, target, weight)
    if input.shape != target.shape:
        raise ValueError(
            f"{name}: Target size ({tuple(target.shape)}) must be the same as input size "
            f"({tuple(input.shape)})"
        )


def check_types(name: str, input: Any, target: Any, weight: Any = None) -> None:
    """Raise a TypeError unless all are tensors; the weight may be None."""
    for what, value in (("input", input), ("target", target), ("weight", weight)):
        if not isinstance(value, Tensor) and (what != "weight" or value is not None):
            wanted = "a Tensor or None" if what == "weight" else "a Tensor"
            raise TypeError(f"{name}: {what} must be {wanted}, not {type(value).__name__}")


def weighted(name: str, losses: Tensor, weight: Tensor | None) -> Tensor:
    """Losses times weights, if there are any.

    Raises:
        RuntimeError: the weights do not broadcast to the losses' shape.
    """
    if weight is None:
        return losses
    weighted = losses * weight
    if weighted.shape != losses.shape:
        raise RuntimeError(
            f"{name}: weights of shape {tuple(weight.shape)} do not broadcast to shape "
            f"{tuple(losses.shape)}"
        )
    return weighted
