"""Scratch memory that kernels reuse: fresh pages cost as much as the arithmetic on them."""

from __future__ import annotations

import math
import threading
from sys import getrefcount
from typing import Any

import numpy as np

_local = threading.local()


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> Any:
    """An array of any contents that is the caller's for as long as it, or a view of it, is held.

    Each thread has a buffer for each name, which grows to the largest shape asked for and stays.
    While someone still holds it (a kernel that a signal's handler or a finaliser interrupted to
    run another, or a loop that kept the last round's), what is given out is fresh memory instead.

    Args:
        name: what the buffer is for.
        shape: of the array.
        dtype: of the array.
    """
    buffers: dict[str, Any] = _local.__dict__.setdefault("buffers", {})
    dtype = np.dtype(dtype)
    count = math.prod(shape) * dtype.itemsize
    held = buffers.get(name)
    if held is None or held.nbytes < count:
        held = buffers[name] = _new(count)
    elif getrefcount(held) > _UNUSED:  # views refer to the buffer itself, whatever they are of
        held = _new(count)
    return held[:count].view(dtype).reshape(shape)


def _new(count: int) -> Any:
    return np.empty(count, np.uint8)


def _references() -> int:
    """How many references the line above sees to a buffer that nobody holds."""
    buffers = {"": _new(1)}
    held = buffers.get("")
    return getrefcount(held)


_UNUSED = _references()


def release() -> None:
    """Give this thread's scratch memory back."""
    _local.__dict__.pop("buffers", None)
