"""Making a module whose parameters will be overwritten."""

from __future__ import annotations

import inspect
from typing import Any

from ..module import Module

__all__ = ["skip_init"]


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """A module of a class, made for parameters that are about to be overwritten.

    Here they are initialised all the same: PyTorch makes the module on its device "meta" first,
    without memory, and there is no such device here.

    Args:
        module_cls: the class.
        args, kwargs: those of the class.

    Raises:
        RuntimeError: not a class of Modules, or one that takes no `device`.
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    return module_cls(*args, **kwargs)
