"""How public functions and methods read what they are given, where it is not what they declare.

PyTorch reads all arguments by one table for each operation. Here a function declares its own, in
its signature, and is called as it is; `explained` puts one wrapper around it, which looks at
arguments in two cases:

- before the call, for other words (`axis`) and at flags: `x.sum(0, 1)` would take the 1 as a true
  `keepdim`;
- when the call has failed, for `out=` and the like (`placement`), and for arguments of a wrong
  type, to say which one it is.

So a call costs hardly more than its function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter, signature, unwrap
from types import FunctionType
from typing import Any

from ..backend import numpy
from ..backend.random import Generator
from . import placement
from .base import TensorBase
from .check import is_int
from .shown import NAMES, shown

PACKAGE = __name__.partition(".")[0]

_WORDS = {
    "axis": "dim",
    "keepdims": "keepdim",
    "x2": "other",
    "input2": "L",
    "the_template": "other",
    "sections": "indices_or_sections",
    "indices": "indices_or_sections",
    "tensor_indices_or_sections": "indices_or_sections",
}
"""Words for an argument besides its name: NumPy's, and PyTorch's in some form of the operation."""

_FIRST = frozenset({"input", "self", "x", "x1", "a", "A", "tensor", "element"})
"""Words for the first argument, whatever its name."""


def reworded(title: str, own: Sequence[str], words: dict[str, Any]) -> dict[str, Any]:
    """A call's keywords under the names of the function's arguments (`own`), where it has them.

    Raises:
        TypeError: one of them is given under two names.
    """
    found: dict[str, Any] = {}
    for word, value in words.items():
        name = word
        if word not in own:
            first = "input" if "input" in own else own[0] if own else ""
            name = first if word in _FIRST else _WORDS.get(word, word)
        if name is not word and name in own and name in words:
            raise TypeError(f"{title}: {name} is given as {word} as well")
        found[name if name in own else word] = value
    return found


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_number(value: Any) -> bool:
    """Whether a value is a number of Python or NumPy, or a 0-d tensor."""
    single = isinstance(value, TensorBase) and not value.array.shape
    return single or isinstance(value, int | float | numpy.number | numpy.bool_)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, TensorBase)


_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "Tensor": ("a Tensor", _is_tensor),
    "Operand": ("a Tensor or a number", lambda value: _is_tensor(value) or _is_number(value)),
    "bool": ("a bool", _is_flag),
    "int": ("an int", is_int),
    "float": ("a number", _is_number),
    "str": ("a str", lambda value: isinstance(value, str)),
    "Generator": ("a Generator", lambda value: isinstance(value, Generator)),
    "Dim": (
        "an int, or several",
        lambda value: is_int(value) or (isinstance(value, Sequence) and all(map(is_int, value))),
    ),
    "Sequence[Tensor]": (
        "a list or tuple of Tensors",
        lambda value: isinstance(value, list | tuple) and all(map(_is_tensor, value)),
    ),
}
"""What an annotation says of an argument: in words, and as a test."""

_OR_NONE = frozenset({"Dim", "Generator"})
"""Annotations that include None by themselves."""


def _refuse(name: str, word: str, kind: str, value: Any) -> None:
    """Raise TypeError if a value is not of a kind of argument."""
    bare = kind.removesuffix(" | None").removeprefix("random.")
    expected, fits = _KINDS.get(bare, ("", None))
    if fits is None or (value is None and (bare != kind or bare in _OR_NONE)) or fits(value):
        return
    raise TypeError(f"{name}: {word} must be {expected}, but got {type(value).__name__}") from None


def refuse_types(name: str, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
    """Raise TypeError for the first argument that is not what its annotation promises."""
    parameters = signature(function).parameters.values()
    operands = any(p.annotation == "Operand" for p in parameters)  # numbers on either side
    for place, p in enumerate(parameters):
        if p.kind is Parameter.VAR_POSITIONAL:
            break
        if place < len(args) or p.name in kwargs:
            value = args[place] if place < len(args) else kwargs[p.name]
            kind = "Operand" if operands and p.annotation == "Tensor" else str(p.annotation)
            _refuse(name, p.name, kind, value)


def _number(value: Any, kind: str) -> Any:
    """A value, but of 0-d tensors and NumPy's numbers Python's, where a number is asked for."""
    if kind.removesuffix(" | None") not in ("int", "float"):
        return value
    if isinstance(value, TensorBase) and not value.array.shape and not value.requires_grad:
        value = value.detach().item()
    return value.item() if isinstance(value, numpy.number) else value


_FAILED = object()


def _again(
    error: Exception, call: Any, own: Sequence[str], name: str, args: Any, kwargs: Any
) -> Any:
    """What a call that failed gives if it is understood in another way, or `_FAILED`.

    That is without `out=` and the like; or with numbers where 0-d tensors and NumPy's are.

    Args:
        error: what it failed with; begins with the name afterwards.
        call: the function as users have it.
        own: the names of its arguments.
        name: what they call it.
        args, kwargs: what it was given.

    Raises:
        TypeError: naming the argument that is of a wrong type.
    """
    function, kinds = call.__wrapped__, call.__annotations__
    method = call.__module__ == _METHODS and "out" in kwargs
    if isinstance(error, TypeError) and not method and placement.asked(function, kwargs):
        return placement.call(name, function, args, kwargs)
    refuse_types(name, function, args, kwargs)
    words = {**dict(zip(own, args, strict=False)), **kwargs}
    plain = {word: _number(value, kinds.get(word, "")) for word, value in words.items()}
    if any(plain[word] is not words[word] for word in words):
        placed = [*plain.values()][: len(args)]
        return call(*placed, *args[len(placed) :], **{word: plain[word] for word in kwargs})
    first, _, rest = str(error).partition(":")
    if rest and first != name and first in (function.__name__, unwrap(function).__name__):
        error.args = (f"{name}:{rest}",)
    return _FAILED


def explained(name: str, function: FunctionType, room: str = "") -> Callable[..., Any]:
    """A function that understands PyTorch's ways to call it, and says what it was called as.

    Args:
        name: what users call the function; of an alias such as `clip` not its own name.
        function: the function, whose annotations say what its arguments must be.
        room: the package's module that users find it in, if not at the top.
    """
    title = f"{room}.{name}" if room and room != "Tensor" else name
    inner: Any = function
    while hasattr(inner, "__wrapped__"):  # no calls for these lines, which run at the import
        inner = inner.__wrapped__
    own = inner.__code__.co_varnames
    own = own[: inner.__code__.co_argcount + inner.__code__.co_kwonlyargcount]
    known, flags = frozenset(own), []
    for word, kind in function.__annotations__.items():
        if kind in _FLAGS and word in known and word not in _LAX:
            flags.append((word, own.index(word), kind))
    first = flags[0][1] if flags else 0

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs and not known.issuperset(kwargs):
            kwargs = reworded(title, own, kwargs)
        if flags and (kwargs or len(args) > first):
            for word, place, kind in flags:
                if place < len(args):
                    if type(args[place]) is not bool:
                        _refuse(title, word, kind, args[place])
                elif word in kwargs and type(kwargs[word]) is not bool:
                    _refuse(title, word, kind, kwargs[word])
        try:
            return function(*args, **kwargs)
        except Exception as error:
            found = _again(error, call, own, title, args, kwargs)
            if found is _FAILED:
                raise
            return found

    # What functools.wraps does, at a tenth of its time in an import.
    call.__module__ = f"{PACKAGE}.{room}" if room else PACKAGE
    call.__name__, call.__qualname__ = name, name
    call.__doc__, call.__annotations__ = function.__doc__, function.__annotations__
    call.__wrapped__ = function  # type: ignore[attr-defined]
    return call


_METHODS = f"{PACKAGE}.Tensor"
_FLAGS = ("bool", "bool | None")
_LAX = frozenset({"requires_grad", "pin_memory", "non_blocking"})
"""Flags that PyTorch takes None and integers for."""
_READ = frozenset({"Tensor", "Sequence[Tensor]", "Operand", "bool", "float", "Generator"})


def explain(scope: dict[str, Any], room: str = "") -> None:
    """Make the functions in a package's namespace that take tensors `explained`.

    Those that rows made (`operation`) check their arguments by themselves, but need it for `out=`.

    Args:
        scope: the namespace.
        room: its name below the package.
    """
    for name, value in [*scope.items()]:
        if isinstance(value, FunctionType) and not name.startswith("_"):
            if name in NAMES and not room:
                value = shown(name, value)
            kinds = value.__annotations__.values()
            if not _READ.isdisjoint(kinds) or name in placement.MAKERS:
                scope[name] = explained(name, value, room)


def explain_methods(owner: type) -> None:
    """Make those methods of a class `explained` that take another tensor, flags or dims.

    Operators are left as they are.
    """
    for base in owner.__mro__:
        for name, value in [*vars(base).items()]:
            if isinstance(value, FunctionType) and not name.startswith("_"):
                if name in NAMES:
                    value = shown(name, value)
                    setattr(base, name, value)
                kinds = value.__annotations__
                others = [*kinds.values()][1:-1]  # the last is what it returns
                read = "dim" in kinds or not _READ.isdisjoint(others)
                if read or value.__name__ != name or name == "clone":
                    setattr(base, name, explained(name, value, "Tensor"))
