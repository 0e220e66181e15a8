"""`torch._check` and its relatives: what programs say of their arguments, as PyTorch's own do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = [
    "_check",
    "_check_index",
    "_check_is_size",
    "_check_not_implemented",
    "_check_tensor_all",
    "_check_tensor_all_with",
    "_check_type",
    "_check_value",
    "_check_with",
]

Message = Callable[[], object] | None


def _check_with(error_type: type[Exception], cond: object, message: Message) -> None:
    """Raise an error unless a condition is true; `message` gives its text only then."""
    if not cond:
        raise error_type(
            "Expected cond to be True, but got False." if message is None else str(message())
        )


def _check_tensor_all_with(error_type: type[Exception], cond: Any, message: Message = None) -> None:
    """Raise an error unless all elements of a tensor of bool are true.

    Raises:
        TypeError: the tensor is of another dtype.
    """
    if cond.dtype.name != "bool":
        raise TypeError(f"cond tensor must have dtype torch.bool, but got {cond.dtype}")
    _check_with(error_type, cond.all().item(), message)


def _check_tensor_all(cond: Any, message: Message = None) -> None:
    """`_check_tensor_all_with` a RuntimeError."""
    _check_tensor_all_with(RuntimeError, cond, message)


def _check(cond: object, message: Message = None) -> None:
    """`_check_with` a RuntimeError."""
    _check_with(RuntimeError, cond, message)


def _check_index(cond: object, message: Message = None) -> None:
    """`_check_with` an IndexError."""
    _check_with(IndexError, cond, message)


def _check_value(cond: object, message: Message = None) -> None:
    """`_check_with` a ValueError."""
    _check_with(ValueError, cond, message)


def _check_type(cond: object, message: Message = None) -> None:
    """`_check_with` a TypeError."""
    _check_with(TypeError, cond, message)


def _check_not_implemented(cond: object, message: Message = None) -> None:
    """`_check_with` a NotImplementedError."""
    _check_with(NotImplementedError, cond, message)


def _check_is_size(i: Any, message: Message = None, *, max: Any = None) -> None:
    """That a number can be a size: not negative, and at most `max`."""
    _check(i >= 0 and (max is None or i <= max), message)
