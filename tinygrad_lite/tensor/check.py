"""Errors for arguments that should be tensors, or ints, and are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import signature
from types import FunctionType
from typing import TYPE_CHECKING, Any, SupportsIndex

from ..backend import numpy
from . import placement
from .base import TensorBase
from .shown import NAMES, shown

if TYPE_CHECKING:
    from .tensor import Tensor

PACKAGE = __name__.partition(".")[0]


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


def _is_int(value: Any) -> bool:
    """Whether a value can be used as an index; bools can't."""
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
"""What an annotation says of an argument: in words, and as a test."""


def explained(name: str, function: FunctionType, module: str = PACKAGE) -> Callable[..., Any]:
    """A function whose errors say which argument is of a wrong type, under the name users know.

    Arguments are looked at only when a call has failed, so that a call costs hardly more. It is
    also here that `out=` and the like are understood (`placement`).

    Args:
        name: what users call the function; of an alias such as `clip` not its own name.
        function: the function, whose annotations say what its arguments must be.
        module: where users find it.
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
    call.__module__, call.__name__, call.__qualname__ = module, name, name
    call.__doc__, call.__annotations__ = function.__doc__, function.__annotations__
    call.__wrapped__ = function  # type: ignore[attr-defined]
    return call


def _is_number(value: Any) -> bool:
    """Whether a value is a number of Python or NumPy."""
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


def explain(scope: dict[str, Any], names: Iterable[str] = ()) -> None:
    """Make the functions in a module's namespace that take tensors `explained`.

    Those that rows made (`operation`) check their arguments by themselves, but need it for `out=`.

    Args:
        scope: the module's globals.
        names: of the functions; all if there are none.
    """
    for name in [*(names or scope)]:
        value = scope[name]
        if isinstance(value, FunctionType):
            if name in NAMES:
                value = shown(name, value)
            kinds = [*value.__annotations__.values()][:-1]  # the last is what it returns
            if {"Tensor", "Sequence[Tensor]", "Operand"} & {*kinds} or name in placement.MAKERS:
                scope[name] = explained(name, value, scope["__name__"])


def explain_methods(owner: type) -> None:
    """Make those methods of a class `explained` that take another tensor, aliases, and `clone`.

    Operators are left as they are.
    """
    for base in owner.__mro__:
        for name, value in [*vars(base).items()]:
            if isinstance(value, FunctionType) and not name.startswith("_"):
                if name in NAMES:
                    value = shown(name, value)
                    setattr(base, name, value)
                others = [*value.__annotations__.values()][1:-1]
                if "Tensor" in others or value.__name__ != name or name == "clone":
                    setattr(base, name, explained(name, value))


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
