"""The GPU, under `torch.cuda`'s names, and `graph`, which captures whole training steps."""

from typing import Any as _Any

from ..backend.listing import listing as _listing
from ..backend.random import default_generator
from ..replay import CapturedStep, CaptureError, graph
from ._device import (
    current_device,
    device_count,
    empty_cache,
    get_device_capability,
    get_device_name,
    is_available,
    max_memory_allocated,
    max_memory_reserved,
    memory_allocated,
    memory_reserved,
    reset_peak_memory_stats,
    synchronize,
)
from ._event import Event

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


def manual_seed(seed: int) -> None:
    """Seed the default generator, which all devices share: draws happen on the host."""
    default_generator.manual_seed(seed)


manual_seed_all = manual_seed


def __getattr__(name: str) -> _Any:
    if name == "amp":  # the older names of mixed precision, loaded when first asked for
        from importlib import import_module

        return import_module(f"{__name__}.amp")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return _listing(globals(), "amp")
