"""Kernels: functions that rules call as `xp.name`, in a form for each device.

A rule that says `xp.batch_norm(…)` means the kernel of that name. Its definition is the plain form
in `plain/`, written in `xp` alone, which every device can run. A device may have a faster form, in
the file of the same name in `cpu/` or `cuda/`; it computes the same, and a test compares the two.
Some kernels are faster forms of what the array library has itself (`xp.amax`, `xp.matmul`): there
the library's function is the definition.

    @kernel("plain")
    def relu(xp, x): ...    # in plain/elementwise.py

    @kernel("cpu")
    def relu(xp, x): ...    # in cpu/elementwise.py

`forms("relu")` names all there are, and `help(xp.relu)` shows the one that a device takes. The
files of a device are imported when one of its kernels is first asked for (`load`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

__all__ = ["find", "form_of", "forms", "kernel", "load", "names"]

Kernel = Callable[..., Any]
F = TypeVar("F", bound=Kernel)

_forms: dict[str, dict[str, Kernel]] = {}  # by name, then by device
_ROOMS = ("cpu", "cuda")  # devices with a folder of kernels here, which may have been deleted


def kernel(device: str) -> Callable[[F], F]:
    """Decorate a function `name(xp, …)`: it becomes the kernel of that name of a device.

    Args:
        device: "plain" for the definition, else the device type that it is for.

    Raises:
        ValueError: the device has another kernel of that name.
    """

    def register(function: F) -> F:
        name = function.__name__
        known = _forms.setdefault(name, {})
        if device in known:
            raise ValueError(
                f"kernel: {device} has a kernel {name} in {known[device].__module__}, and is given "
                f"another in {function.__module__}"
            )
        known[device] = function
        return function

    return register


def form_of(definition: Kernel) -> Callable[[F], F]:
    """Decorate a kernel that is made in another function: it takes its definition's name and text.

    (The module is left as it is, so that `help` says where the form is.)
    """
    wrap: Any = functools.wraps(definition, assigned=("__name__", "__qualname__", "__doc__"))
    decorate: Callable[[F], F] = wrap
    return decorate


@functools.cache
def load(device: str) -> None:
    """Import a device's folder, which registers its kernels; nothing if there is no such folder."""
    room = f"{__package__}.{device}"
    try:
        if device in _ROOMS:
            import_module(room)
    except ModuleNotFoundError as error:
        if error.name != room:
            raise


def find(name: str, device: str) -> Kernel | None:
    """The kernel that a device takes: its own form, else the plain one; None if there is none."""
    load(device)
    known = _forms.get(name, {})
    return known.get(device) or known.get("plain")


def forms(name: str) -> dict[str, Kernel]:
    """All forms of a kernel: by device, "plain" being the definition."""
    for room in _ROOMS:
        load(room)
    return dict(_forms.get(name, {}))


def names(device: str) -> set[str]:
    """The kernels that a device has a form of its own for."""
    load(device)
    return {name for name, known in _forms.items() if device in known}
