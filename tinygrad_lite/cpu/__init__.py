"""`torch.cpu`: the questions that `torch.cuda` answers of GPUs, answered of the CPU."""

from __future__ import annotations

import contextlib
from typing import Any

from ..absent import explain as _explain
from . import amp as amp

__all__ = [
    "amp",
    "current_device",
    "current_stream",
    "device_count",
    "is_available",
    "is_initialized",
    "set_device",
    "stream",
    "synchronize",
]


def is_available() -> bool:
    """True."""
    return True


is_initialized = is_available


def device_count() -> int:
    """1: all cores together."""
    return 1


def current_device() -> str:
    """Its name, "cpu"."""
    return "cpu"


def set_device(device: Any) -> None:
    """Do nothing: there is one."""


def synchronize(device: Any = None) -> None:
    """Do nothing: what was asked of the CPU is done when the call returns."""


def current_stream(device: Any = None) -> None:
    """None: work is done in the order in which it is asked for."""


def stream(stream: Any) -> contextlib.AbstractContextManager[None]:
    """A block without effect."""
    return contextlib.nullcontext()


_explain(__name__)
