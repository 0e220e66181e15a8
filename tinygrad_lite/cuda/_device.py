"""What may be asked of the GPU. All but the first two raise a RuntimeError where there is none."""

from __future__ import annotations

from ..backend import is_available as _is_available
from ..backend import namespace_for

__all__ = [
    "current_device",
    "device_count",
    "empty_cache",
    "get_device_capability",
    "get_device_name",
    "is_available",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "synchronize",
]


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


def get_device_name(device: int = 0) -> str:
    """The GPU's name, such as "NVIDIA H200"."""
    name: str = namespace_for("cuda").device_name(device)
    return name


def get_device_capability(device: int = 0) -> tuple[int, int]:
    """The GPU's compute capability, such as (9, 0)."""
    capability: tuple[int, int] = namespace_for("cuda").device_capability(device)
    return capability


def synchronize() -> None:
    """Wait until the GPU has done everything asked of it."""
    namespace_for("cuda").synchronize()


def memory_allocated() -> int:
    """Bytes of device memory that arrays hold now, those of captured steps among them."""
    size: int = namespace_for("cuda").memory_allocated()
    return size


def memory_reserved() -> int:
    """Bytes of device memory taken from the driver: held by arrays, or kept for the next ones."""
    size: int = namespace_for("cuda").memory_reserved()
    return size


def max_memory_allocated() -> int:
    """At least the most that arrays held at once since `reset_peak_memory_stats`.

    It is `max_memory_reserved`: what arrays hold at each moment is not counted. What it is above
    the exact figure is what lay free at the moment of the peak.
    """
    return max_memory_reserved()


def max_memory_reserved() -> int:
    """The most that `memory_reserved` was since `reset_peak_memory_stats`, or the start."""
    size: int = namespace_for("cuda").max_memory_reserved()
    return size


def reset_peak_memory_stats() -> None:
    """Start the peaks anew; memory that no array uses goes back to the driver first."""
    namespace_for("cuda").reset_peak_memory_stats()


def empty_cache() -> None:
    """Give memory that no array uses back to the driver."""
    namespace_for("cuda").empty_cache()
