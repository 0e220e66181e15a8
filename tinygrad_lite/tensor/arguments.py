"""How public functions and methods read what they are given, where it is not what they declare.

PyTorch reads all arguments by one table for each operation. Here a function declares its own, in
its signature, and is called as it is; `explained` puts one wrapper around it, which looks at
arguments in two cases:

- before the call, for other words (`axis`), and at flags and numbers: `x.sum(0, 1)` would take the
  1 as a true `keepdim`, `x.topk(True)` the flag as 1; what holds one number becomes Python's;
- when the call has failed, for `out=` and the like (`placement`), for `old_forms`, and
  for arguments of a wrong type, to say which one it is.

So a call costs hardly more than its function.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from inspect import Parameter, signature
from types import FunctionType
from typing import Any

from ..backend import numpy
from ..backend.random import Generator
from . import old_forms, placement
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
    "test_element": "test_elements",
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
    """Whether a value is a number of Python or NumPy, or a tensor, which may hold one."""
    return isinstance(value, int | float | complex | numpy.number | numpy.bool_ | TensorBase)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, TensorBase)


_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "Tensor": ("a Tensor", _is_tensor),
    "Operand": ("a Tensor or a number", _is_number),
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


def _read(name: str, word: str, kind: str, value: Any) -> Any:
    """A flag, an integer or a number as a function may have it: Python's.

    Raises:
        TypeError: a flag or an integer that is none.
    """
    if value is None and word in _LAX:
        return False
    if "float" not in kind:
        _refuse(name, word, kind, value)
    host = isinstance(value, TensorBase) and isinstance(value.array, numpy.ndarray)
    if host and not value.requires_grad and value.array.size == 1:
        exact = "float" not in kind or not value.array.shape
        return value.array.item() if exact else value
    return value.item() if isinstance(value, numpy.number) else value


def rename(error: Exception, name: str) -> None:
    """Make an error that begins with an operation's name begin with another's.

    So a function that is made of others speaks of itself: `conv1d` is called, and not `conv2d`.
    """
    text = error.args[0] if error.args else ""
    first, colon, rest = text.partition(":") if isinstance(text, str) else ("", "", "")
    operation = first.replace(".", "").isidentifier() and first.islower()
    own, called, said = text.partition("() ") if isinstance(text, str) else ("", "", "")
    if called and own.isidentifier() and own != name and said.startswith(_PYTHONS):
        error.args = (f"{name}() {said}", *error.args[1:])
    if colon and operation and first not in (name, "dtype", "device"):  # those are arguments
        error.args = (f"{name}:{rest}", *error.args[1:])


_PYTHONS = "takes ", "got ", "missing "
"""How Python begins to say of a function's arguments that they don't fit."""


def rename_errors(scope: dict[str, Any], names: str) -> None:
    """Make functions of a namespace `rename` what they raise."""
    for name in names.split():
        scope[name] = _renaming(name, scope[name])


def _renaming(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            rename(error, name)
            raise

    return call


_FAILED = object()


def _again(error: Exception, call: Any, name: str, args: Any, kwargs: Any) -> Any:
    """What a call that failed gives without `out=`, or read as a former one, or `_FAILED`.

    Args:
        error: what it failed with; begins with the name afterwards.
        call: the function as users have it.
        name: what they call it.
        args, kwargs: what it was given.

    Raises:
        TypeError: naming the argument that is of a wrong type.
    """
    if isinstance(error, NotImplementedError) and any(
        getattr(value, "is_sparse", False) is True for value in args
    ):  # the first sparse tensor, made after the function was looked up
        from . import subclass

        if not subclass.is_off():
            return subclass.handle(call, subclass.types_of(args), args, kwargs)
    former = isinstance(error, TypeError) and kwargs.keys() <= {"out"}
    if former and (old := old_forms.read(name, args)) is not None:
        return call(*old[0], **old[1], **kwargs)
    function = call.__wrapped__
    method = call.__module__ == _METHODS and "out" in kwargs
    if isinstance(error, TypeError) and not method and placement.asked(function, kwargs):
        return placement.call(name, function, args, kwargs)
    refuse_types(name, function, args, kwargs)
    if name != "backward":  # which says whose gradient failed
        rename(error, name)
    return _FAILED


def explained(name: str, function: FunctionType, room: str = "") -> Callable[..., Any]:
    """A function that understands PyTorch's ways to call it, and says what it was called as.

    Args:
        name: what users call the function; of an alias such as `clip` not its own name.
        function: the function, whose annotations say what its arguments must be.
        room: the package's module that users find it in, if not at the top.
    """
    title = f"{room}.{name}" if room in ("linalg", "fft", "special") else name
    inner: Any = function
    while hasattr(inner, "__wrapped__"):  # no calls for these lines, which run at the import
        inner = inner.__wrapped__
    code = inner.__code__
    own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    known, looked_at, first = frozenset(own), [], len(own)
    for word, kind in function.__annotations__.items():
        if kind in _EXACT and word in known and word not in _DIMS:
            place = own.index(word)
            place = place if place < code.co_argcount else sys.maxsize  # by its name alone
            looked_at.append((word, place, kind, _EXACT[kind]))
            first = min(first, place)

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs and not known.issuperset(kwargs):
            kwargs = reworded(title, own, kwargs)
        if looked_at and (kwargs or len(args) > first):
            for word, place, kind, exact in looked_at:
                if place < len(args):
                    if type(args[place]) is not exact:
                        read = _read(title, word, kind, args[place])
                        args = (*args[:place], read, *args[place + 1 :])
                elif word in kwargs and type(kwargs[word]) is not exact:
                    kwargs[word] = _read(title, word, kind, kwargs[word])
        try:
            return function(*args, **kwargs)
        except Exception as error:
            found = _again(error, call, title, args, kwargs)
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
_EXACT: dict[Any, type] = {
    f"{kind.__name__}{none}": kind for kind in (bool, int, float) for none in ("", " | None")
}
"""Annotations of what is looked at before a call, and what most calls have there."""
_LAX = frozenset({"requires_grad", "pin_memory"})
"""Flags for which None is False."""
_DIMS = frozenset("dim dim0 dim1 dim2 axis0 axis1 start_dim end_dim".split())
"""Integers that `dims.axis` looks at."""
_READ = frozenset({"Tensor", "Sequence[Tensor]", "Operand", "Generator", *_EXACT})
"""Annotations of arguments that are looked at."""
_NAMED = frozenset(_WORDS.values())


def explain(scope: dict[str, Any], room: str = "", names: Iterable[str] = ()) -> None:
    """Make the functions in a package's namespace that take tensors `explained`.

    Those that rows made (`operation`) check their arguments by themselves, but need it for `out=`.

    Args:
        scope: the namespace.
        room: its name below the package.
        names: of the functions; all if there are none.
    """
    for name in [*(names or scope)]:
        value = scope[name]
        if isinstance(value, FunctionType) and not name.startswith("_"):
            if name in NAMES:
                own = f"{room}.{name}"
                value = shown(own if own in NAMES else name, value)
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
                read = not _NAMED.isdisjoint(kinds) or not _READ.isdisjoint(others)
                if read or value.__name__ != name or name == "clone":
                    setattr(base, name, explained(name, value, "Tensor"))
