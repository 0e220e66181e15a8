"""Errors for arguments that should be tensors, or ints, and are not."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, SupportsIndex, TypeVar

from ..backend import numpy
from .base import TensorBase

if TYPE_CHECKING:
    from .tensor import Tensor


def not_a_tensor(name: str, value: Any, word: str = "") -> TypeError:
    """The error for a value that is no tensor.

    Args:
        name: the operation.
        value: what was given.
        word: the argument's name, if it has one.
    """
    expected = f"{word} must be a Tensor" if word else "expected a Tensor"
    return TypeError(f"{name}: {expected}, but got {type(value).__name__}")


def tensor_of(name: str, value: Any) -> Tensor:
    """A value that must be a tensor, as it is.

    Raises:
        TypeError: it is no tensor.
    """
    if not isinstance(value, TensorBase):
        raise not_a_tensor(name, value)
    return value  # type: ignore[return-value]


def need_tensors(name: str, **values: Any) -> None:
    """Refuse arguments that are not tensors.

    Raises:
        TypeError: naming the argument.
    """
    for word, value in values.items():
        if not isinstance(value, TensorBase):
            raise not_a_tensor(name, value, word)


P = ParamSpec("P")
R = TypeVar("R")


def takes_tensors(function: Callable[P, R]) -> Callable[P, R]:
    """A function that says which of its arguments should be a tensor, and is none.

    It looks for one when the function has failed, and not before: who gives tensors does not wait.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception:
            kinds = function.__annotations__  # in the order of the arguments
            for word, value in (*zip(kinds, args, strict=False), *kwargs.items()):
                kind = kinds.get(word)
                optional = kind == "Tensor | None" and value is not None
                if (kind == "Tensor" or optional) and not isinstance(value, TensorBase):
                    raise not_a_tensor(function.__name__, value, word) from None
            raise

    return call


def is_int(value: Any) -> bool:
    """Whether a value is an integer, of Python, of NumPy or a tensor of one; bools aren't."""
    if isinstance(value, TensorBase):
        return bool(value.array.size == 1) and value.array.dtype.kind in "iu"
    return isinstance(value, SupportsIndex) and not isinstance(value, bool)


def plain(name: str, value: Any) -> Any:
    """A number as Python's, of NumPy or in a tensor without dimensions; other things as they are.

    Args:
        name: of the operation, for the error.
        value: what was given for a number.

    Raises:
        TypeError: a tensor with dimensions, or one that a gradient would have to flow to.
    """
    if isinstance(value, TensorBase):
        if value.ndim or value.requires_grad:
            kind = f"shape {tuple(value.shape)}" if value.ndim else "a gradient to be gathered"
            raise TypeError(f"{name}: expected a number, but got a tensor with {kind}")
        return value.item()
    return value.item() if isinstance(value, numpy.generic) else value
