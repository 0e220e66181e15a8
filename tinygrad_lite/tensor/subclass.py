"""Classes that programs derive from `Tensor`, and `__torch_function__`.

Loaded when the first such class is made: from then on the functions of the package and the methods
of `Tensor` look for arguments whose class takes them over. Other programs pay nothing for it.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable
from importlib import import_module
from types import FunctionType, MappingProxyType
from typing import TYPE_CHECKING, Any

from . import base as bases
from .base import TensorBase
from .modes import enable_grad

if TYPE_CHECKING:
    from .tensor import Tensor

PACKAGE = __name__.partition(".")[0]
_MODULES = ("", ".nn.functional", ".linalg", ".special", ".fft", ".autograd")
_OWN = frozenset(  # what says what a tensor is, or how one is made
    "__init__ __new__ __init_subclass__ __torch_function__ __repr__ __hash__ __dir__ __reduce_ex__ "
    "__deepcopy__ __array__ __array_wrap__ __bool__ __float__ __int__ __index__ __len__ "
    "as_subclass requires_grad_ item tolist numpy dim size stride numel backward __iter__".split()
)
_PLAIN = frozenset("is_tensor tensor".split())  # functions that look for no class
_METHODS = MappingProxyType(
    {
        "__add__": "add",
        "__radd__": "add",
        "__sub__": "sub",
        "__mul__": "mul",
        "__rmul__": "mul",
        "__pos__": "positive",
        "__ne__": "ne",
    }
)
"""Which method a class is told for an operator, where it is not the operator's own function."""
_PROPERTIES = ("H", "T", "data", "mH", "mT", "real")


class _State(threading.local):
    off = 0  # how many blocks are open in which nothing is taken over

    def __init__(self) -> None:
        self.modes: list[Any] = []  # the blocks of `overrides.TorchFunctionMode`, the inner last


_state = _State()


def is_off() -> bool:
    """Whether a block is open in which nothing is taken over."""
    return _state.off > 0


class DisableTorchFunctionSubclass:
    """A `with` block in which no class takes functions over."""

    def __enter__(self) -> None:
        _state.off += 1

    def __exit__(self, *_: object) -> None:
        _state.off -= 1


def types_of(values: Iterable[Any], sequences: bool = True) -> list[type]:
    """The classes among some arguments that take functions over, a class before those above it.

    Lists and tuples of tensors are gone through, as `cat` has them; not lists of lists.
    """
    found: list[type] = []
    for value in values:
        kind = type(value)
        if kind in (list, tuple):
            if sequences:
                found += [k for k in types_of(value, False) if k not in found]
        elif kind not in found and takes_over(kind):
            at = next((i for i, k in enumerate(found) if issubclass(kind, k)), len(found))
            found.insert(at, kind)
    return found


def takes_over(kind: type) -> bool:
    """Whether a class takes functions over: derived from `Tensor` by a program, or like one."""
    if issubclass(kind, TensorBase):
        return bool(kind._foreign) and kind.__torch_function__ is not disabled  # type: ignore[attr-defined]
    return hasattr(kind, "__torch_function__")


def disabled(function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """The `__torch_function__` of a class that leaves functions, and their results, as they are."""
    with DisableTorchFunctionSubclass():
        return function(*args, **(kwargs or {}))


def handle(function: Callable[..., Any], kinds: list[type], args: Any, kwargs: Any) -> Any:
    """What the classes make of a call.

    Raises:
        TypeError: each of them leaves it to the others.
    """
    for kind in kinds:
        result = kind.__torch_function__(function, tuple(kinds), args, kwargs)  # type: ignore[attr-defined]
        if result is not NotImplemented:
            return result
    name = getattr(function, "__name__", repr(function))
    raise TypeError(
        f"no implementation found for '{name}' on types that implement __torch_function__: "
        f"{[kind.__name__ for kind in kinds]}"
    )


def _in_mode(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """What the innermost mode makes of a call; while it does so it is left.

    Raises:
        TypeError: it leaves it to the others.
    """
    mode = _state.modes.pop()
    try:
        kinds = tuple(types_of((*args, *kwargs.values())))
        result = mode.__torch_function__(function, kinds, args, kwargs)
    finally:
        _state.modes.append(mode)
    if result is NotImplemented:
        name = getattr(function, "__name__", repr(function))
        raise TypeError(f"no implementation found for '{name}' in the mode {type(mode).__name__}")
    return result


def enter(mode: Any) -> None:
    """Let a mode take over all functions of this thread, until `leave`."""
    _watch_methods()
    _watch_modules()
    _state.modes.append(mode)


def leave() -> None:
    """End the block of the innermost mode."""
    _state.modes.pop()


def _watched(
    function: Callable[..., Any],
    public: Callable[..., Any] | None = None,
    seen: bool = True,
) -> Any:
    """A function that asks the modes, or else the classes of its arguments, first.

    Args:
        function: what is called in the end.
        public: what they are told that it is; default: what is returned.
        seen: whether classes are asked.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _state.modes and not _state.off:
            return _in_mode(public or call, args, kwargs)
        if seen and not _state.off:
            kinds = types_of((*args, *kwargs.values()))
            if kinds:
                return handle(public or call, kinds, args, kwargs)
        return function(*args, **kwargs)

    return call


def torch_function(
    cls: type, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
) -> Any:
    """`Tensor.__torch_function__`: a function as usual, but its tensors become `cls`'s."""
    if not all(issubclass(cls, kind) for kind in types):
        return NotImplemented
    with DisableTorchFunctionSubclass():
        return _converted(func(*args, **(kwargs or {})), cls)


def _converted(value: Any, cls: type) -> Any:
    if isinstance(value, TensorBase):
        return value if isinstance(value, cls) else as_subclass(value, cls)  # type: ignore[arg-type]
    if isinstance(value, tuple | list):
        parts = [_converted(part, cls) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def as_subclass(input: Tensor, cls: Any) -> Any:
    """The same elements, as a tensor of a class: a view, recorded in every mode.

    Raises:
        TypeError: the class is not derived from `Tensor`.
    """
    if not (isinstance(cls, type) and issubclass(cls, TensorBase)):
        raise TypeError(f"as_subclass: cls must be a subclass of Tensor, but got {cls!r}")
    with DisableTorchFunctionSubclass(), enable_grad():
        source = input if input._node is None else input[...]
    made = object.__new__(cls)
    for name in ("array", "_grad", "_node", "_seen", "_storage", "_view"):
        setattr(made, name, getattr(source, name))
    return made


def adopt(cls: type) -> None:
    """Let a class that a program derives from `Tensor` take over functions of its tensors."""
    cls._foreign = True  # type: ignore[attr-defined]
    _watch_methods()
    _watch_modules()


@functools.cache
def _watch_methods() -> None:
    owner = bases.tensor_class
    found = {name: value for kind in reversed(owner.__mro__) for name, value in vars(kind).items()}
    for name, value in sorted(found.items(), key=lambda item: item[0].startswith("__")):
        if _is_own(name):
            continue
        if isinstance(value, FunctionType):
            setattr(owner, name, _watched(value, _told(owner, name, value)))
        elif isinstance(value, property) and name in _PROPERTIES and value.fget is not None:
            setattr(owner, name, property(_watched(value.fget), value.fset))


def _told(owner: type, name: str, function: Callable[..., Any]) -> Callable[..., Any] | None:
    """The method that classes are told for an operator, under a name that they know."""
    if not name.startswith("__"):
        return None
    if name in _METHODS or hasattr(owner, function.__name__):
        known: Callable[..., Any] = getattr(owner, _METHODS.get(name, function.__name__))
        return known if known is not function else None
    function.__name__ = name
    return None


def overridable() -> dict[Any, dict[str, Callable[..., Any]]]:
    """The functions of each module, and of `Tensor`, that classes can take over, by name."""
    found: dict[Any, dict[str, Callable[..., Any]]] = {}
    for path in _MODULES:
        module = import_module(PACKAGE + path)
        found[module] = {
            name: value
            for name, value in vars(module).items()
            if isinstance(value, FunctionType)
            and (name == "grad" or (path != ".autograd" and name[0] != "_" and name not in _PLAIN))
        }
    owner = bases.tensor_class
    methods = {
        name: value for kind in reversed(owner.__mro__) for name, value in vars(kind).items()
    }
    found[owner] = {
        name: value
        for name, value in methods.items()
        if isinstance(value, FunctionType) and not _is_own(name)
    }
    return found


def _is_own(name: str) -> bool:
    """Whether a method says what a tensor is, or is none of PyTorch's."""
    return name in _OWN or (name.startswith("_") and name[:2] != "__")


@functools.cache
def _watch_modules() -> None:
    for module, functions in overridable().items():
        if module is not bases.tensor_class:
            vars(module).update({name: _watched(value) for name, value in functions.items()})
    root = import_module(PACKAGE)
    vars(root)["tensor"] = _watched(root.tensor, seen=False)
