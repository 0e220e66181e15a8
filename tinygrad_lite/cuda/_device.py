"""What may be asked of the GPU.

Where there is none, memory is 0, giving it back or seeding does nothing, as in PyTorch; what asks
for the device itself raises a RuntimeError.
"""

from __future__ import annotations

from typing import NamedTuple

from ..backend import Device, namespace_for
from ..backend import is_available as _is_available

__all__ = [
    "current_device",
    "device_count",
    "empty_cache",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "init",
    "ipc_collect",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "max_memory_allocated",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "set_device",
    "synchronize",
]

Place = str | int | Device | None


def is_available() -> bool:
    """Whether CuPy is installed and sees a GPU; never raises."""
    return _is_available("cuda")


def device_count() -> int:
    """The number of GPUs; 0 without CuPy or a driver."""
    count: int = namespace_for("cuda").device_count() if is_available() else 0
    return count


def current_device() -> int:
    """The number of the GPU in use."""
    index: int = namespace_for("cuda").current_device()
    return index


def get_device_name(device: Place = None) -> str:
    """The GPU's name, such as "NVIDIA H200"."""
    name: str = namespace_for("cuda").device_name(_place(device).index or 0)
    return name


def get_device_capability(device: Place = None) -> tuple[int, int]:
    """The GPU's compute capability, such as (9, 0)."""
    capability: tuple[int, int] = namespace_for("cuda").device_capability(_place(device).index or 0)
    return capability


def synchronize(device: Place = None) -> None:
    """Wait until the GPU has done everything asked of it."""
    namespace_for("cuda").synchronize()


def memory_allocated(device: Place = None) -> int:
    """Bytes of device memory that arrays hold now, those of captured steps among them."""
    size: int = namespace_for("cuda").memory_allocated() if is_available() else 0
    return size


def memory_reserved(device: Place = None) -> int:
    """Bytes of device memory taken from the driver: held by arrays, or kept for the next ones."""
    size: int = namespace_for("cuda").memory_reserved() if is_available() else 0
    return size


def max_memory_allocated(device: Place = None) -> int:
    """At least the most that arrays held at once since `reset_peak_memory_stats`.

    It is `max_memory_reserved`: what arrays hold at each moment is not counted. What it is above
    the exact figure is what lay free at the moment of the peak.
    """
    return max_memory_reserved()


def max_memory_reserved(device: Place = None) -> int:
    """The most that `memory_reserved` was since `reset_peak_memory_stats`, or the start."""
    size: int = namespace_for("cuda").max_memory_reserved() if is_available() else 0
    return size


def reset_peak_memory_stats(device: Place = None) -> None:
    """Start the peaks anew; memory that no array uses goes back to the driver first."""
    if is_available():
        namespace_for("cuda").reset_peak_memory_stats()


def empty_cache() -> None:
    """Give memory that no array uses back to the driver."""
    if is_available():
        namespace_for("cuda").empty_cache()


def ipc_collect() -> None:
    """Nothing to do: memory is not shared between processes."""


def is_initialized() -> bool:
    """Whether the GPU can be used, which needs no preparation."""
    return is_available()


def init() -> None:
    """Nothing to do: the GPU is prepared when it is first used."""


def set_device(device: Place) -> None:
    """Choose the GPU that tensors go to; only the first can be.

    Raises:
        RuntimeError: there is no such GPU.
    """
    namespace_for(_place(device))


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the GPU calculates with bfloat16: compute capability 8.0 or newer."""
    return is_available() and get_device_capability() >= (8, 0)


def mem_get_info(device: Place = None) -> tuple[int, int]:
    """The bytes of device memory that are free, and all there are."""
    info: tuple[int, int] = namespace_for(_place(device)).library.cuda.runtime.memGetInfo()
    return info


class DeviceProperties(NamedTuple):
    """What a GPU is."""

    name: str
    major: int
    minor: int
    total_memory: int
    multi_processor_count: int


def get_device_properties(device: Place = None) -> DeviceProperties:
    """The name, compute capability, memory in bytes and number of multiprocessors of a GPU."""
    place = _place(device)
    space, index = namespace_for(place), place.index or 0
    found = space.library.cuda.runtime.getDeviceProperties(index)
    major, minor = space.device_capability(index)
    return DeviceProperties(
        space.device_name(index),
        major,
        minor,
        int(found["totalGlobalMem"]),
        int(found["multiProcessorCount"]),
    )


def _place(device: Place) -> Device:
    return Device("cuda" if device is None else device)
