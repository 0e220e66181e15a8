"""`torch.accelerator`: the GPU, whatever it is; here it is CUDA's or there is none."""

from __future__ import annotations

from . import cuda
from .absent import explain as _explain
from .backend import Device
from .cuda import empty_cache, mem_get_info, synchronize

__all__ = [
    "current_accelerator",
    "current_device_idx",
    "current_device_index",
    "device_count",
    "empty_cache",
    "get_memory_info",
    "is_available",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "set_device_idx",
    "set_device_index",
    "synchronize",
]

is_available = cuda.is_available
device_count = cuda.device_count
current_device_index = current_device_idx = cuda.current_device
set_device_index = set_device_idx = cuda.set_device
get_memory_info = mem_get_info
memory_allocated = cuda.memory_allocated
memory_reserved = cuda.memory_reserved
max_memory_allocated = cuda.max_memory_allocated
max_memory_reserved = cuda.max_memory_reserved
reset_peak_memory_stats = cuda.reset_peak_memory_stats


def current_accelerator(check_available: bool = False) -> Device | None:
    """The kind of device, `device("cuda")`; None if CuPy is missing or sees no GPU."""
    return Device("cuda") if is_available() else None


_explain(__name__)
