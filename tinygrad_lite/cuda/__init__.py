"""PyTorch's `torch.cuda`, a front of names for users. (Our kernels for GPUs: `backend/cuda`.)

It knows no CuPy: `backend/cuda/` asks the GPU. `graph`, which captures whole training steps, is
`replay/`. Where there is no GPU, sizes of memory are 0 and freeing or seeding does nothing, as in
PyTorch; what asks for the device itself raises a RuntimeError.
"""

from __future__ import annotations

from typing import Any as _Any
from typing import NamedTuple as _NamedTuple

from ..absent import lookup as _lookup
from ..backend import Device as _Device
from ..backend import is_available as _is_available
from ..backend import namespace_for as _namespace_for
from ..backend.listing import listing as _listing
from ..backend.out_of_memory import OutOfMemoryError
from ..backend.random import default_generator as _default_generator
from ..replay import CapturedStep, CaptureError, graph
from ..tensor.dtypes import LEGACY_NAMES as _LEGACY_NAMES
from ..tensor.legacy import LegacyType as _LegacyType
from . import nvtx as nvtx
from ._choice import device, get_arch_list, initial_seed, seed, seed_all
from ._streams import (
    Event,
    Stream,
    StreamContext,
    current_stream,
    default_stream,
    is_current_stream_capturing,
    set_stream,
    stream,
)

__all__ = [
    "CaptureError",
    "CapturedStep",
    "Event",
    "OutOfMemoryError",
    "Stream",
    "StreamContext",
    "current_device",
    "current_stream",
    "default_stream",
    "device",
    "device_count",
    "empty_cache",
    "get_arch_list",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "get_rng_state",
    "get_rng_state_all",
    "graph",
    "init",
    "initial_seed",
    "ipc_collect",
    "is_available",
    "is_bf16_supported",
    "is_current_stream_capturing",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_cached",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_cached",
    "memory_reserved",
    "memory_stats",
    "memory_summary",
    "nvtx",
    "reset_peak_memory_stats",
    "reset_max_memory_allocated",
    "reset_max_memory_cached",
    "seed",
    "seed_all",
    "set_device",
    "set_rng_state",
    "set_rng_state_all",
    "set_stream",
    "stream",
    "synchronize",
]

_TYPES = {name: dtype for dtype, name in _LEGACY_NAMES.items()}
_Place = str | int | _Device | None


def is_available() -> bool:
    """Whether CuPy is installed and sees a GPU; never raises."""
    return _is_available("cuda")


def device_count() -> int:
    """The number of GPUs; 0 without CuPy or a driver."""
    count: int = _namespace_for("cuda").device_count() if is_available() else 0
    return count


def current_device() -> int:
    """The number of the GPU in use.

    Raises:
        RuntimeError: CUDA is not available.
    """
    index: int = _namespace_for("cuda").current_device()
    return index


def get_device_name(device: _Place = None) -> str:
    """The GPU's name, such as "NVIDIA H200"."""
    name: str = _namespace_for("cuda").device_name(_place(device).index or 0)
    return name


def get_device_capability(device: _Place = None) -> tuple[int, int]:
    """The GPU's compute capability, such as (9, 0)."""
    capability: tuple[int, int] = _namespace_for("cuda").device_capability(
        _place(device).index or 0
    )
    return capability


def synchronize(device: _Place = None) -> None:
    """Wait until the GPU has done everything asked of it."""
    _namespace_for("cuda").synchronize()


def memory_allocated(device: _Place = None) -> int:
    """Bytes of device memory that arrays hold now, those of captured steps among them."""
    size: int = _namespace_for("cuda").memory_allocated() if is_available() else 0
    return size


def memory_reserved(device: _Place = None) -> int:
    """Bytes of device memory taken from the driver: held by arrays, or kept for the next ones."""
    size: int = _namespace_for("cuda").memory_reserved() if is_available() else 0
    return size


def max_memory_allocated(device: _Place = None) -> int:
    """At least the most that arrays held at once since `reset_peak_memory_stats`.

    It is `max_memory_reserved`, because what arrays hold is not counted at each allocation: the
    exact figure is smaller by the memory that lay free in CuPy's pool at that moment.
    """
    return max_memory_reserved()


def max_memory_reserved(device: _Place = None) -> int:
    """The most that `memory_reserved` was since `reset_peak_memory_stats`, or the start."""
    size: int = _namespace_for("cuda").max_memory_reserved() if is_available() else 0
    return size


def reset_peak_memory_stats(device: _Place = None) -> None:
    """Start the peaks anew; memory that no array uses goes back to the driver first."""
    if is_available():
        _namespace_for("cuda").reset_peak_memory_stats()


max_memory_cached = max_memory_reserved
memory_cached = memory_reserved
reset_max_memory_allocated = reset_max_memory_cached = reset_peak_memory_stats


def memory_stats(device: _Place = None) -> dict[str, int]:
    """Bytes in use and their peaks, under PyTorch's names; of a GPU that is not there, nothing."""
    if not is_available():
        return {}
    return {
        "allocated_bytes.all.current": memory_allocated(),
        "allocated_bytes.all.peak": max_memory_allocated(),
        "reserved_bytes.all.current": memory_reserved(),
        "reserved_bytes.all.peak": max_memory_reserved(),
    }


def memory_summary(device: _Place = None, abbreviated: bool = False) -> str:
    """Device memory in use, in one line."""
    if not is_available():
        return "no CUDA"
    return f"{memory_allocated():,} bytes allocated, {memory_reserved():,} reserved"


def empty_cache() -> None:
    """Give memory that no array uses back to the driver."""
    if is_available():
        _namespace_for("cuda").empty_cache()


def ipc_collect() -> None:
    """Do nothing: memory of GPUs is not shared between processes here."""


def is_initialized() -> bool:
    """Whether the GPU can be used, which needs no preparation."""
    return is_available()


def init() -> None:
    """Do nothing: the GPU is prepared when it is first used."""


def set_device(device: _Place) -> None:
    """Choose the GPU that tensors go to; only the first can be.

    Raises:
        RuntimeError: there is no such GPU.
    """
    _namespace_for(_place(device))


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the GPU calculates with bfloat16: compute capability 8.0 or newer."""
    return is_available() and get_device_capability() >= (8, 0)


def mem_get_info(device: _Place = None) -> tuple[int, int]:
    """The bytes of device memory that are free, and all there are."""
    info: tuple[int, int] = _namespace_for(_place(device)).library.cuda.runtime.memGetInfo()
    return info


class DeviceProperties(_NamedTuple):
    """What a GPU is."""

    name: str
    major: int
    minor: int
    total_memory: int
    multi_processor_count: int


def get_device_properties(device: _Place = None) -> DeviceProperties:
    """The name, compute capability, memory in bytes and number of multiprocessors of a GPU."""
    place = _place(device)
    space, index = _namespace_for(place), place.index or 0
    found = space.library.cuda.runtime.getDeviceProperties(index)
    major, minor = space.device_capability(index)
    return DeviceProperties(
        space.device_name(index),
        major,
        minor,
        int(found["totalGlobalMem"]),
        int(found["multiProcessorCount"]),
    )


def _place(device: _Place) -> _Device:
    return _Device("cuda" if device is None else device)


def manual_seed(seed: int) -> None:
    """Seed the default generator, which all devices share: draws happen on the host."""
    _default_generator.manual_seed(seed)


def get_rng_state(device: _Any = "cuda") -> _Any:
    """The default generator's state, which all devices share."""
    return _default_generator.get_state()


def set_rng_state(new_state: _Any, device: _Any = "cuda") -> None:
    """Put the default generator, which all devices share, into a state."""
    _default_generator.set_state(new_state)


def get_rng_state_all() -> list[_Any]:
    """For each GPU the default generator's state, which all devices share."""
    return [_default_generator.get_state() for _ in range(device_count())]


def set_rng_state_all(new_states: _Any) -> None:
    """Put the default generator into the first of these states, if there is one."""
    for state in list(new_states)[:1]:
        _default_generator.set_state(state)


manual_seed_all = manual_seed


def __getattr__(name: str) -> _Any:
    if name in _TYPES:  # such as torch.cuda.FloatTensor
        return globals().setdefault(name, _LegacyType(_TYPES[name], "cuda"))
    if name == "_initialized":
        return is_initialized()
    if name == "amp":  # the older names of mixed precision, loaded when first asked for
        from importlib import import_module

        return import_module(f"{__name__}.amp")
    return _lookup(__name__, name, __dir__)


def __dir__() -> list[str]:
    return _listing(globals(), "amp")
