"""The GPU, under `torch.cuda`'s names, and `graph`, which captures whole training steps.

What is asked of the GPU raises a RuntimeError where there is none, but for `is_available` and
`device_count`. How it is asked, `backend/cuda/` knows.
"""

from __future__ import annotations

from typing import Any as _Any

from ..backend import is_available as _is_available
from ..backend import namespace_for as _namespace_for
from ..backend.listing import listing as _listing
from ..backend.random import default_generator as _default_generator
from ..replay import CapturedStep, CaptureError, graph

__all__ = [
    "CaptureError",
    "CapturedStep",
    "Event",
    "current_device",
    "device_count",
    "empty_cache",
    "get_device_capability",
    "get_device_name",
    "graph",
    "is_available",
    "manual_seed",
    "manual_seed_all",
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
    count: int = _namespace_for("cuda").device_count() if is_available() else 0
    return count


def current_device() -> int:
    """The number of the GPU in use."""
    index: int = _namespace_for("cuda").current_device()
    return index


def get_device_name(device: int = 0) -> str:
    """The GPU's name, such as "NVIDIA H200"."""
    name: str = _namespace_for("cuda").device_name(device)
    return name


def get_device_capability(device: int = 0) -> tuple[int, int]:
    """The GPU's compute capability, such as (9, 0)."""
    capability: tuple[int, int] = _namespace_for("cuda").device_capability(device)
    return capability


def synchronize() -> None:
    """Wait until the GPU has done everything asked of it."""
    _namespace_for("cuda").synchronize()


def memory_allocated() -> int:
    """Bytes of device memory that arrays hold now, those of captured steps among them."""
    size: int = _namespace_for("cuda").memory_allocated()
    return size


def memory_reserved() -> int:
    """Bytes of device memory taken from the driver: held by arrays, or kept for the next ones."""
    size: int = _namespace_for("cuda").memory_reserved()
    return size


def max_memory_allocated() -> int:
    """At least the most that arrays held at once since `reset_peak_memory_stats`.

    It is `max_memory_reserved`: what arrays hold at each moment is not counted. What it is above
    the exact figure is what lay free at the moment of the peak.
    """
    return max_memory_reserved()


def max_memory_reserved() -> int:
    """The most that `memory_reserved` was since `reset_peak_memory_stats`, or the start."""
    size: int = _namespace_for("cuda").max_memory_reserved()
    return size


def reset_peak_memory_stats() -> None:
    """Start the peaks anew; memory that no array uses goes back to the driver first."""
    _namespace_for("cuda").reset_peak_memory_stats()


def empty_cache() -> None:
    """Give memory that no array uses back to the driver."""
    _namespace_for("cuda").empty_cache()


def manual_seed(seed: int) -> None:
    """Seed the default generator, which all devices share: draws happen on the host."""
    _default_generator.manual_seed(seed)


manual_seed_all = manual_seed


class Event:
    """A mark in the current stream's work, to measure the time between two: `torch.cuda.Event`.

    Args:
        enable_timing: whether `elapsed_time` may be asked.

    Raises:
        RuntimeError: CUDA is not available.
    """

    def __init__(self, enable_timing: bool = False) -> None:
        self._xp: _Any = _namespace_for("cuda")
        self._event = self._xp.new_event(enable_timing)

    def record(self) -> None:
        """Set the mark after what the GPU has been asked to do so far."""
        self._xp.record_event(self._event)

    def query(self) -> bool:
        """Whether the GPU has come past the mark."""
        passed: bool = self._xp.event_is_past(self._event)
        return passed

    def synchronize(self) -> None:
        """Wait until the GPU comes past the mark."""
        self._xp.wait_for_event(self._event)

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this mark to another; both must have been passed."""
        milliseconds: float = self._xp.milliseconds_between(self._event, end_event._event)
        return milliseconds


def __getattr__(name: str) -> _Any:
    if name == "amp":  # the older names of mixed precision, loaded when first asked for
        from importlib import import_module

        return import_module(f"{__name__}.amp")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return _listing(globals(), "amp")
