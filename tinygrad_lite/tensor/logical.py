"""Whether all elements are true, or some, and how many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..backend import namespace
from .base import new
from .dims import Dim, axes
from .operation import public

if TYPE_CHECKING:
    from .tensor import Tensor


def all(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether all elements over dimensions are true (not 0); () stands for no dimension here.

    Example:
        >>> (torch.arange(3) < 3).all()
        tensor(True)
    """
    return _logical(input, "all", dim, keepdim)


def any(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether some element over dimensions is true (not 0); () stands for no dimension here.

    Example:
        >>> (torch.arange(3) > 2).any()
        tensor(False)
    """
    return _logical(input, "any", dim, keepdim)


def _logical(input: Tensor, name: str, dim: Dim, keepdim: bool) -> Tensor:
    """`all` or `any`, by name."""
    xp = namespace(input.array)
    none = isinstance(dim, Sequence) and not len(dim)  # () is none here, unlike for `sum`
    where = () if none else axes(name, input, dim)
    found = getattr(xp, name)(input.array, axis=where, keepdims=keepdim)
    # Of uint8 the result is uint8, as in PyTorch, which once had no booleans.
    return new(xp.asarray(found, dtype="uint8" if input.array.dtype == "uint8" else "bool"))


def count_nonzero(input: Tensor, dim: Any = None, *more: int) -> Tensor:
    """How many elements over dimensions are not 0, int64."""
    return (input != 0).sum((dim, *more) if more else dim)


if not TYPE_CHECKING:
    __all__ = public(globals())
