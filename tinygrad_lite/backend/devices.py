"""Devices, and the array library that stands for each."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any, NamedTuple

import numpy

from . import capture
from .kernel import find, load, names

Array = Any


class Namespace:
    """An array library and our kernels on it, under one roof.

    `xp.name` is the device's kernel of that name (see `backend.kernel`), else the plain kernel,
    else the library's own function. Each name is looked up once and kept.

    Args:
        name: the device type it stands for, such as "cpu".
        library: `numpy`, `cupy`, or an object that answers to their names.
        array_type: the class of its arrays.
        kernels: the device whose kernels it takes; None for its own, "plain" for plain ones alone.
    """

    def __init__(
        self, name: str, library: Any, array_type: type, kernels: str | None = None
    ) -> None:
        self.name = name
        self.library = library
        self.array_type = array_type
        self.kernels = name if kernels is None else kernels

    def __getattr__(self, name: str) -> Any:
        kernel = find(name, self.kernels)
        try:
            found = getattr(self.library, name) if kernel is None else MethodType(kernel, self)
        except AttributeError as error:
            raise AttributeError(f"{self.name}: no kernel in backend/plain, and {error}") from None
        self.__dict__[name] = found
        return found

    def __dir__(self) -> set[str]:
        return {*super().__dir__(), *dir(self.library), *names(self.kernels), *names("plain")}

    def __repr__(self) -> str:
        return f"Namespace({self.name!r})"


class Device:
    """A device, as `torch.device`: a type ("cpu", "cuda" or "meta") and, for CUDA, an index.

    Tensors on "meta" have a shape and a dtype, and no memory (`backend/meta.py`).

    In a `with` block it is where tensors are made that are told no device.

    Args:
        type: "cpu", "cuda", "cuda:1", "meta", or another `Device`; a number stands for that GPU.
        index: of the GPU.

    Raises:
        RuntimeError: the type is unknown.
        TypeError: neither a name nor a number.
    """

    __module__, __qualname__ = "tinygrad_lite", "device"  # as users import it, and types print

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: str | int | Device, index: int | None = None) -> None:
        if isinstance(type, Device):
            index = type.index
        if not isinstance(type, str | int | Device):
            raise TypeError(f"device: expected its name or number, but got {type!r}")
        spec = f"cuda:{type}" if isinstance(type, int) else str(type)
        kind, _, number = spec.partition(":")
        if number:
            if not number.isdecimal():
                raise RuntimeError(f"device: invalid device string {spec!r}")
            if index is not None and not isinstance(type, Device):
                raise RuntimeError(f"device: {spec!r} has an index, and {index} is another")
            index = int(number)
        if kind not in _NAMESPACES and kind not in TYPES:
            known = ", ".join(sorted({*_NAMESPACES, *TYPES}))
            raise RuntimeError(f"device: expected one of {known}, but got {spec!r}")
        self.type = kind
        self.index = index

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Device):
            return NotImplemented
        return self.type == other.type and (self.index or 0) == (other.index or 0)

    def __hash__(self) -> int:
        return hash((self.type, self.index or 0))

    def __enter__(self) -> Device:
        _defaults.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _defaults.pop()

    def __reduce__(self) -> Any:
        return Device, (str(self),)

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"


_defaults: list[Device] = []  # the one set by `set_default_device`, then those of `with` blocks


def get_default_device() -> Device:
    """Where tensors are made that are told no device: the CPU, unless changed."""
    return _defaults[-1] if _defaults else Device("cpu")


def set_default_device(device: str | int | Device | None) -> None:
    """Set where tensors are made from now on that are told no device; None for the CPU."""
    _defaults[:1] = [Device("cpu" if device is None else device)]


TYPES = ("cpu", "cuda", "meta")  # known by name, usable here or not
_NAMESPACES: dict[str, Namespace] = {}
_BY_TYPE: dict[type, Namespace] = {}


def register(space: Namespace) -> None:
    """Add a namespace: its name becomes a device, its array type is recognised."""
    _NAMESPACES[space.name] = space
    _BY_TYPE[space.array_type] = space


class _Offer(NamedTuple):
    """A device whose namespace is made when it is first used; see `offer`."""

    why_unavailable: Callable[[], str | None]
    make: Callable[[], Namespace]


_OFFERS: dict[str, _Offer] = {}


def offer(
    device: str, why_unavailable: Callable[[], str | None], make: Callable[[], Namespace]
) -> None:
    """Add a device whose namespace is made at its first use.

    Args:
        device: its type, such as "cuda".
        why_unavailable: says what is missing to use it here; None if nothing is.
        make: gives the namespace; called once, when nothing is missing.
    """
    _OFFERS[device] = _Offer(why_unavailable, make)


def why_unavailable(device: str) -> str | None:
    """What is missing to use a device, and what to do about it; None if nothing is."""
    if device in _NAMESPACES:
        return None
    load(device)
    if device in _OFFERS:
        return _OFFERS[device].why_unavailable()
    return f"this copy of the library comes without backend/{device}"


def is_available(device: str) -> bool:
    """Whether a device can be used; never raises."""
    return why_unavailable(device) is None


def namespace_for(device: str | int | Device | None = None) -> Namespace:
    """The namespace of a device, the default one if None; the first use of "cuda" imports CuPy.

    Raises:
        RuntimeError: no such device, or it can't be used here (the message says what is
            missing and how to install it).
    """
    if device is None and not _defaults:
        return _NAMESPACES["cpu"]
    device = get_default_device() if device is None else Device(device)
    kind = device.type
    if kind not in _NAMESPACES:
        reason = why_unavailable(kind)
        if reason is not None:
            raise RuntimeError(f"{kind.upper()} is not available: {reason}")
        register(_OFFERS[kind].make())
    space = _NAMESPACES[kind]
    if device.index is not None:
        space.check_index(device.index)
    return space


def with_draws(device: str | int | Device) -> Device:
    """A device that a generator can be for.

    Raises:
        RuntimeError: as `namespace_for`, or "meta", where nothing is drawn.
    """
    found = Device(device)
    if found.type == "meta":
        raise RuntimeError("Generator: META device type not an accelerator, so it has none")
    namespace_for(found)
    return found


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


register(Namespace("cpu", numpy, numpy.ndarray))
