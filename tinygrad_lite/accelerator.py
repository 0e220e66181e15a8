"""`torch.accelerator`: the GPU, whatever it is; here it is CUDA's or there is none."""

from __future__ import annotations

from importlib import import_module
from typing import Any

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


def get_device_module(device: Any = None) -> Any:
    """`torch.get_device_module`: the module of a device, `torch.cpu` or `torch.cuda`.

    Args:
        device: a device or its name; None for the GPU, or the CPU if there is none.

    Raises:
        RuntimeError: a device that has none.
    """
    kind = Device(device or current_accelerator() or "cpu").type
    if kind not in ("cpu", "cuda"):
        raise RuntimeError(
            f"Device '{kind}' does not have a corresponding module registered as 'torch.{kind}'."
        )
    return import_module(f"{__package__}.{kind}")


_explain(__name__)
