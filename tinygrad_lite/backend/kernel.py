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

`forms("relu")` names all there are, and `help(xp.relu)` shows the one that a device takes. A file
is imported when one of its kernels is first asked for: an import of the library would take a
quarter longer with all of them. Each folder's `KERNELS` says what is where (CUDA's files, which
need CuPy anyway, come together).
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
def load(device: str) -> dict[str, str]:
    """Import a device's folder: the module that registers each kernel, by the folder's table.

    Nothing if there is no such folder.
    """
    room = f"{__package__}.{device}"
    if device not in ("plain", *_ROOMS):
        return {}
    try:
        table = getattr(import_module(room), "KERNELS", {})
    except ModuleNotFoundError as error:
        if error.name != room:
            raise
        return {}
    return {name: f"{room}.{file}" for file, names in table.items() for name in names.split()}


def _own(name: str, device: str) -> Kernel | None:
    """A device's own form of a kernel, "plain" being a device too."""
    known = _forms.get(name, {}).get(device)
    if known is None and (module := load(device).get(name)):
        import_module(module)
        known = _forms[name][device]
    return known


def find(name: str, device: str) -> Kernel | None:
    """The kernel that a device takes: its own form, else the plain one; None if there is none."""
    return _own(name, device) or _own(name, "plain")


def forms(name: str) -> dict[str, Kernel]:
    """All forms of a kernel: by device, "plain" being the definition."""
    for device in ("plain", *_ROOMS):
        _own(name, device)
    return dict(_forms.get(name, {}))


def names(device: str) -> set[str]:
    """The kernels that a device has a form of its own for."""
    return {*load(device), *(name for name, known in _forms.items() if device in known)}
