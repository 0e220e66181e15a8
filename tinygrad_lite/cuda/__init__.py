"""The GPU, under `torch.cuda`'s names, and `graph`, which captures whole training steps."""

from typing import Any as _Any

from ..backend.listing import listing as _listing
from ..backend.random import default_generator
from ..replay import CapturedStep, CaptureError, graph
from ..tensor.dtypes import LEGACY_NAMES as _LEGACY_NAMES
from ..tensor.legacy import LegacyType as _LegacyType
from ._device import (
    current_device,
    device_count,
    empty_cache,
    get_device_capability,
    get_device_name,
    get_device_properties,
    init,
    ipc_collect,
    is_available,
    is_bf16_supported,
    is_initialized,
    max_memory_allocated,
    max_memory_reserved,
    mem_get_info,
    memory_allocated,
    memory_reserved,
    reset_peak_memory_stats,
    set_device,
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
    "get_device_properties",
    "get_rng_state",
    "init",
    "ipc_collect",
    "graph",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "set_device",
    "set_rng_state",
    "synchronize",
]

_TYPES = {name: dtype for dtype, name in _LEGACY_NAMES.items()}


def manual_seed(seed: int) -> None:
    """Seed the default generator, which all devices share: draws happen on the host."""
    default_generator.manual_seed(seed)


def get_rng_state(device: _Any = "cuda") -> _Any:
    """The default generator's state, which all devices share."""
    return default_generator.get_state()


def set_rng_state(new_state: _Any, device: _Any = "cuda") -> None:
    """Put the default generator, which all devices share, into a state."""
    default_generator.set_state(new_state)


manual_seed_all = manual_seed


def __getattr__(name: str) -> _Any:
    if name in _TYPES:  # such as torch.cuda.FloatTensor
        return _LegacyType(_TYPES[name], "cuda")
    if name == "amp":  # the older names of mixed precision, loaded when first asked for
        from importlib import import_module

        return import_module(f"{__name__}.amp")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return _listing(globals(), "amp")
