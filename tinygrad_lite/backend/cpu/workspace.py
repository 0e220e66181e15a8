"""Scratch memory that kernels reuse: fresh pages cost as much as the arithmetic on them."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

_local = threading.local()


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> Any:
    """An array of any contents that is the caller's until it asks for the same name again.

    Each thread has its own; a buffer grows to the largest shape asked for and stays.

    Args:
        name: what the buffer is for; two buffers in use at once need two names.
        shape: of the array.
        dtype: of the array.
    """
    buffers: dict[str, Any] = _local.__dict__.setdefault("buffers", {})
    dtype = np.dtype(dtype)
    count = math.prod(shape) * dtype.itemsize
    held = buffers.get(name)
    if held is None or held.nbytes < count:
        held = buffers[name] = np.empty(count, np.uint8)
    return held[:count].view(dtype).reshape(shape)


def release() -> None:
    """Give this thread's scratch memory back."""
    _local.__dict__.pop("buffers", None)
