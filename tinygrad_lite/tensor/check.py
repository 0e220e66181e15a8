"""What is expected to be a tensor, and is none."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from types import FunctionType
from typing import TYPE_CHECKING, Any, SupportsIndex

from ..backend import numpy
from . import placement
from .base import TensorBase

if TYPE_CHECKING:
    from .tensor import Tensor

PACKAGE = __name__.partition(".")[0]


def not_a_tensor(name: str, value: Any, word: str = "") -> TypeError:
    """The error that says so: the operation, the argument if it has a name, and the type."""
    expected = f"{word} must be a Tensor" if word else "expected a Tensor"
    return TypeError(f"{name}: {expected}, but got {type(value).__name__}")


def tensor_of(name: str, value: Any) -> Tensor:
    """A value that must be a tensor.

    Raises:
        TypeError: it is none.
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


def _is_int(value: Any) -> bool:
    return isinstance(value, SupportsIndex) and not isinstance(value, bool)


_KINDS: dict[str, tuple[str, Callable[[Any], bool] | None]] = {
    "Tensor": ("a Tensor", lambda value: isinstance(value, TensorBase)),
    "int": ("an int", _is_int),
    "int | None": ("an int", lambda value: value is None or _is_int(value)),
    "Sequence[Tensor]": (
        "a list or tuple of Tensors",
        lambda value: (
            isinstance(value, list | tuple) and all(isinstance(part, TensorBase) for part in value)
        ),
    ),
}
"""What an annotation promises, in words and as a test."""


def explained(name: str, function: FunctionType) -> Callable[..., Any]:
    """A function that says, when it fails, which argument is of a wrong type, and its own name.

    Nothing is looked at before, so that a call costs hardly more.

    Args:
        name: what users call it: of an alias such as `clip` not the function's own.
        function: the function, whose annotations say what its arguments must be.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if isinstance(error, TypeError) and placement.asked(function, kwargs):
                return placement.call(name, function, args, kwargs)
            _refuse_types(name, function, args, kwargs)
            text, prefix = str(error), f"{function.__name__}:"
            if name != function.__name__ and text.startswith(prefix):
                error.args = (f"{name}:{text.removeprefix(prefix)}",)
            raise

    # What functools.wraps does, at a tenth of its time in an import.
    call.__module__, call.__name__, call.__qualname__ = PACKAGE, name, name
    call.__doc__, call.__annotations__ = function.__doc__, function.__annotations__
    call.__wrapped__ = function  # type: ignore[attr-defined]
    return call


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | numpy.number | numpy.bool_)


def _refuse_types(name: str, function: FunctionType, args: Any, kwargs: Any) -> None:
    """Raise TypeError for the first argument that is not what its annotation promises."""
    given = dict(zip(signature(function).parameters, args, strict=False)) | kwargs
    operands = "Operand" in function.__annotations__.values()  # numbers on either side
    for word, kind in function.__annotations__.items():
        expected, fits = _KINDS.get(kind, ("", None))
        if fits is None or word not in given or (operands and _is_number(given[word])):
            continue
        if not fits(given[word]):
            found = type(given[word]).__name__
            raise TypeError(f"{name}: {word} must be {expected}, but got {found}") from None


def explain(scope: dict[str, Any]) -> None:
    """Put `explained` functions in place of those in a package's namespace that take tensors.

    Those that rows made (`operation`) say what is wrong by themselves, but not `out=`.
    """
    for name, value in [*scope.items()]:
        if isinstance(value, FunctionType):
            kinds = [*value.__annotations__.values()][:-1]  # the last is what it returns
            if {"Tensor", "Sequence[Tensor]", "Operand"} & {*kinds} or name in placement.MAKERS:
                scope[name] = explained(name, value)


def explain_methods(owner: type) -> None:
    """The same for methods that take another tensor, aliases, and `clone`; no operators."""
    for base in owner.__mro__:
        for name, value in [*vars(base).items()]:
            if isinstance(value, FunctionType) and not name.startswith("_"):
                others = [*value.__annotations__.values()][1:-1]
                if "Tensor" in others or value.__name__ != name or name == "clone":
                    setattr(base, name, explained(name, value))
