"""Dimensions as users write them: negative, tuples, or left out."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from .base import TensorBase

Dim = int | Sequence[int] | None


def axis(name: str, x: TensorBase, dim: Any, extra: int = 0) -> int:
    """One dimension as a non-negative number; `extra` for places between dimensions.

    Raises:
        IndexError: out of range.
    """
    try:
        place: int = index(dim)
    except TypeError:
        raise TypeError(f"{name}: dim must be an int, but got {type(dim).__name__}") from None
    # A 0-d tensor is given one dimension to name, as in PyTorch.
    n = max(x.ndim + extra, 1)
    if not -n <= place < n:
        raise IndexError(
            f"{name}: dimension out of range (expected to be in range of [{-n}, {n - 1}], but got "
            f"{dim})"
        )
    return place % n


def axes(name: str, x: TensorBase, dim: Dim) -> tuple[int, ...]:
    """Dimensions as a tuple of non-negative numbers; None and () stand for all.

    Raises:
        IndexError: out of range.
        RuntimeError: a dimension appears twice.
    """
    if dim is None:
        return tuple(range(x.ndim))
    if not isinstance(dim, Sequence):
        return (axis(name, x, dim),) if x.ndim else (axis(name, x, dim),)[:0]
    found = tuple(axis(name, x, d) for d in dim) or tuple(range(x.ndim))
    if len(set(found)) != len(found):
        raise RuntimeError(f"{name}: dim appears multiple times in the list of dims {tuple(dim)}")
    return found if x.ndim else ()


def sizes(name: str, args: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape given as one sequence or as several ints."""
    if len(args) == 1 and isinstance(args[0], Sequence):
        args = tuple(args[0])
    try:
        return tuple(index(n) for n in args)
    except TypeError:
        raise TypeError(f"{name}: sizes must be ints, but got {args}") from None
