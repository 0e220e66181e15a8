"""Array libraries behind one face, and the devices that they stand for.

Only this package imports NumPy and CuPy. The rest of the library asks for the
`Namespace` an array belongs to and calls that: `xp.exp(a)` is the library's own
function, `xp.scatter(...)` a kernel of ours. A device is a namespace with a name.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeGuard

import numpy as numpy

from . import capture, cpu, plain
from .flat import root

Array = Any
DType = numpy.dtype[Any]

__all__ = [
    "Array",
    "DType",
    "Device",
    "Namespace",
    "is_array",
    "namespace",
    "namespace_for",
    "numpy",
    "register",
    "root",
    "to_host",
]


class Namespace:
    """An array library and our kernels on it, under one roof.

    Attribute look-up finds a kernel of `kernels` first (called with this namespace in
    front), then a plain kernel of `backend.plain`, then the library's own function; each
    name is looked up once and kept.

    Args:
        name: the device type it stands for, such as "cpu".
        library: `numpy`, `cupy`, or an object that answers to their names.
        array_type: the class of its arrays.
        kernels: a module of functions `kernel(xp, ...)`.
    """

    def __init__(self, name: str, library: Any, array_type: type, kernels: ModuleType) -> None:
        self.name = name
        self.library = library
        self.array_type = array_type
        self.kernels = kernels

    def __getattr__(self, name: str) -> Any:
        kernel = getattr(self.kernels, name, None) or getattr(plain, name, None)
        found = (
            functools.partial(kernel, self) if is_kernel(kernel) else getattr(self.library, name)
        )
        self.__dict__[name] = found
        return found

    def __repr__(self) -> str:
        return f"Namespace({self.name!r})"


def is_kernel(value: object) -> TypeGuard[Callable[..., Any]]:
    """True for a function defined in one of the kernel modules (not one it imported)."""
    return callable(value) and getattr(value, "__kernel__", False)


class Device:
    """A device, as `torch.device`: a type ("cpu" or "cuda") and, for CUDA, an index.

    Args:
        spec: "cpu", "cuda", "cuda:1", or another `Device`.

    Raises:
        RuntimeError: the type is unknown.
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, spec: str | Device, index: int | None = None) -> None:
        if isinstance(spec, Device):
            index = spec.index
        kind, _, number = str(spec).partition(":")
        if number:
            if not number.isdigit():
                raise RuntimeError(f"device: invalid device string {spec!r}")
            index = int(number)
        if kind not in _NAMESPACES and kind not in _LAZY:
            known = ", ".join(sorted({*_NAMESPACES, *_LAZY}))
            raise RuntimeError(f"device: expected one of {known}, but got {spec!r}")
        self.type = kind
        self.index = index

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            other = Device(other)
        if not isinstance(other, Device):
            return NotImplemented
        return self.type == other.type and (self.index or 0) == (other.index or 0)

    def __hash__(self) -> int:
        return hash((self.type, self.index or 0))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"


_NAMESPACES: dict[str, Namespace] = {}
_BY_TYPE: dict[type, Namespace] = {}


def register(space: Namespace) -> None:
    """Add a namespace: its name becomes a device, its array type is recognised."""
    _NAMESPACES[space.name] = space
    _BY_TYPE[space.array_type] = space


def _cuda() -> Namespace:
    from . import cuda

    return Namespace("cuda", cuda.library(), cuda.library().ndarray, cuda)


_LAZY: dict[str, Callable[[], Namespace]] = {"cuda": _cuda}


def namespace_for(device: str | Device) -> Namespace:
    """The namespace of a device; the first use of "cuda" imports CuPy.

    Raises:
        RuntimeError: no such device, or it can't be used here (the message says what is
            missing and how to install it).
    """
    device = Device(device)
    if device.type not in _NAMESPACES:
        register(_LAZY[device.type]())
    if device.type == "cuda":
        from . import cuda

        cuda.check_index(device.index)
    return _NAMESPACES[device.type]


def namespace(array: Array) -> Namespace:
    """The namespace an array belongs to.

    Raises:
        TypeError: not an array of a known library.
    """
    try:
        return _BY_TYPE[type(array)]
    except KeyError:
        for kind, space in _BY_TYPE.items():
            if isinstance(array, kind):
                return space
    raise TypeError(f"expected an array, but got {type(array).__name__}")


def is_array(value: object) -> bool:
    """True for an array of a registered library (NumPy always; CuPy once in use)."""
    return type(value) in _BY_TYPE or isinstance(value, tuple(_BY_TYPE))


def to_host(array: Array) -> numpy.ndarray[Any, Any]:
    """The array as a NumPy array: itself if it is one, else a copy from its device."""
    if isinstance(array, numpy.ndarray):
        return array
    capture.forbid("it waits for the device, to copy from it")
    host: numpy.ndarray[Any, Any] = namespace(array).asnumpy(array)
    return host


register(Namespace("cpu", numpy, numpy.ndarray, cpu))
