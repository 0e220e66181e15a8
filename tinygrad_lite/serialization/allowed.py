"""Whole objects out of pickles, of those classes alone that the caller vouches for.

A pickle names classes and functions, and calls them with arguments that it gives. Here a name is
looked up in what `add_safe_globals` was given and in the few that tensors and modules need; any
other ends the reading before anything of it is called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any, ClassVar

from ..backend import is_array
from ..files import Malformed, about
from ..files.arrays import ADMITTED, as_array
from ..files.machine import Call, Name
from ..graph import Storage
from ..tensor.base import TensorBase, _restore
from ..tensor.layout import are_strides, is_sound

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals"]

Allowed = Callable[..., Any] | tuple[Callable[..., Any], str]

_added: list[Allowed] = []

# What tensors and modules need beside the classes that the user gives.
_OURS = {
    "builtins": "bytearray complex dict frozenset list set slice tuple",
    "collections": "Counter OrderedDict defaultdict deque",
    "tinygrad_lite": "Size Tensor device",
    "tinygrad_lite.backend.devices": "Device",  # as older files name it, and two below
    "tinygrad_lite.graph": "_unused",
    "tinygrad_lite.nn.module.hooks": "Hooks",
    "tinygrad_lite.nn.parameter": "Parameter",
    "tinygrad_lite.tensor.element": "_named",
    "tinygrad_lite.tensor.size": "Size",
    "tinygrad_lite.tensor.tensor": "Tensor",
}


def add_safe_globals(safe_globals: list[Allowed]) -> None:
    """Let `load` make objects of classes, and call functions, that a checkpoint names.

    A file can have them called with whatever arguments its writer chose: give those that do no
    harm then.

    Args:
        safe_globals: classes and functions, each as it is, or with the full name that files have
            for it.
    """
    _added.extend(safe_globals)


def clear_safe_globals() -> None:
    """Forget all that `add_safe_globals` was given."""
    _added.clear()


def get_safe_globals() -> list[Allowed]:
    """What `add_safe_globals` was given."""
    return [*_added]


class safe_globals:
    """`add_safe_globals` for the time of a `with` block.

    Example:
        >>> torch.save(nn.Linear(3, 2), "whole.pt")
        >>> with torch.serialization.safe_globals([nn.Linear]):
        ...     torch.load("whole.pt")
        Linear(in_features=3, out_features=2, bias=True)
    """

    def __init__(self, safe_globals: list[Allowed]) -> None:
        self._given = safe_globals

    def __enter__(self) -> None:
        self._before = get_safe_globals()
        add_safe_globals(self._given)

    def __exit__(self, *_: object) -> None:
        _added[:] = self._before


def read(file: Any) -> Any:
    """The object in the rest of a file.

    Raises:
        Malformed: it names what is not allowed, or is damaged.
    """
    try:
        return _reader()(file).load()
    except Malformed:
        raise
    except Exception as error:  # whatever a class makes of arguments that it is not made for
        raise Malformed(f"its objects can't be made: {error}") from error


def _found(module: str, name: str) -> Any:
    """What a pickle means by a name.

    Raises:
        Malformed: it is not allowed.
    """
    full = f"{module}.{name}"
    for entry in _added:
        value, known = entry if isinstance(entry, tuple) else (entry, None)
        if full == (known or f"{value.__module__}.{value.__qualname__}"):
            return value
    if full in ADMITTED:  # of arrays: a note of what NumPy is asked for, see `_Reader.build`
        return Name(module, name) if name == "ndarray" else lambda *args: Call(full, args)
    if full == f"{_restore.__module__}.{_restore.__name__}":
        return _tensor
    if name in _OURS.get(module, "").split():
        return getattr(import_module(module), name)
    raise Malformed(
        f"it holds objects of other classes than tensors and plain values, such as "
        f"{about(full)}, which only running code from the file can make; "
        "torch.serialization.add_safe_globals([…]) allows a class, load(…, weights_only=False) "
        "all of them, if you trust whoever wrote it"
    )


def _tensor(
    kind: Any, storage: Any, memory: Any, place: Any, requires_grad: Any, laid: Any = None
) -> Any:
    """A tensor, of what `TensorBase.__reduce_ex__` gives.

    Raises:
        Malformed: it is made of something else, or lies outside of its memory.
    """
    if not isinstance(kind, type) or not issubclass(kind, TensorBase):
        raise Malformed(f"a tensor of class {about(kind)}")
    if not isinstance(storage, Storage) or not is_array(memory):
        raise Malformed(f"a tensor of {about(memory)}")
    if place is not None and (type(place) is not tuple or place[-1] != memory.dtype.str):
        raise Malformed(f"a tensor {about(place)} of memory {memory.dtype}")
    if not (is_sound(storage.ours) and (laid is None or are_strides(laid, memory.ndim))):
        raise Malformed(f"a tensor laid out as {about(storage.ours if laid is None else laid)}")
    return _restore(kind, storage, memory, place, bool(requires_grad), laid)


@functools.cache
def _reader() -> Any:
    """The class that reads: Python's own, with other names, and with care for what is shared."""
    import pickle

    base: Any = pickle._Unpickler

    class Reader(base):  # type: ignore[misc]
        dispatch: ClassVar[dict[int, Any]] = {**base.dispatch}

        def find_class(self, module: str, name: str) -> Any:
            return _found(module, name)

        def build(self) -> None:
            """Set an object's state; but never that of a class, which all its objects share.

            A note of what NumPy is asked for gets its state here, and becomes the array.
            """
            made = self.stack[-2]
            if isinstance(made, type | FunctionType | ModuleType):
                raise Malformed("it changes a class or a function")
            if type(made) is not Call:
                self.load_build()
                return
            made.state = self.stack.pop()
            array = as_array(made)
            if array is not None:
                self.stack[-1] = array = array.copy()  # of the file's memory, which is read-only
                for key in reversed(self.memo):
                    if self.memo[key] is made:
                        self.memo[key] = array
                        break

        dispatch[pickle.BUILD[0]] = build

    return Reader
