"""Reductions of losses: "none" (a loss for each element), "sum" or "mean"."""

from __future__ import annotations

import warnings

from ....graph import named_node
from ....tensor import Tensor

REDUCTIONS = ("none", "mean", "sum")


def check_reduction(reduction: str, known: tuple[str, ...] = REDUCTIONS) -> None:
    """Check the name of a reduction.

    Raises:
        ValueError: it is none of the known ones.
    """
    if reduction not in known:
        raise ValueError(f"{reduction} is not a valid value for reduction; use one of {known}")


def reduced(losses: Tensor, reduction: str, name: str | None = None) -> Tensor:
    """The losses, their mean or their sum; `name` is what `grad_fn` calls the whole."""
    if reduction != "none":
        losses = losses.mean() if reduction == "mean" else losses.sum()
    if name is not None:
        named_node(losses, name)
    return losses


def named(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction, or the one that PyTorch's old arguments name, with its warning.

    `reduce=False` is "none"; else `size_average` chooses "mean" or, if False, "sum".
    """
    if size_average is None and reduce is None:
        return reduction
    found = "none" if reduce is False else "sum" if size_average is False else "mean"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{found}' instead.",
        stacklevel=4,
    )
    return found
