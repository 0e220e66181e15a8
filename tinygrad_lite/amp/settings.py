"""Questions about `autocast` under the older names, a function for each kind of device."""

from __future__ import annotations

from ..graph import mode
from ..tensor import get_autocast_dtype, is_autocast_enabled
from ..tensor.element import dtype

__all__ = [
    "clear_autocast_cache",
    "get_autocast_cpu_dtype",
    "get_autocast_gpu_dtype",
    "is_autocast_cache_enabled",
    "is_autocast_cpu_enabled",
]


def is_autocast_cpu_enabled() -> bool:
    """Whether operations on the CPU are being cast in this thread."""
    return is_autocast_enabled("cpu")


def get_autocast_cpu_dtype() -> dtype:
    """The dtype that operations on the CPU are cast to."""
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype() -> dtype:
    """The dtype that operations on a GPU are cast to."""
    return get_autocast_dtype("cuda")


def is_autocast_cache_enabled() -> bool:
    """Whether a region casts each parameter once, not at each use: unless it says otherwise."""
    return mode.cast is None or mode.cast.cache is not None


def clear_autocast_cache() -> None:
    """Forget the parameters that were cast in this region."""
    if mode.cast is not None and mode.cast.cache is not None:
        mode.cast.cache.clear()
