"""CuPy and the GPU: finding them, saying what is missing, and what may be asked of them.

Importing this module never imports CuPy; the first use of a CUDA device does.
"""

from __future__ import annotations

import functools
from typing import Any

from .. import capture
from ..devices import Namespace, offer
from ..kernel import kernel

INSTALL = "pip install 'cupy-cuda13x[ctk]' (or cupy-cuda12x, to match the driver)"


@functools.cache
def _cupy() -> Any:
    import cupy

    return cupy


def why_unavailable() -> str | None:
    """What is missing for CUDA, with the command that installs it; None if nothing is."""
    try:
        cupy = _cupy()
    except ImportError as error:
        return f"CuPy is not installed ({error}); {INSTALL}"
    if not cupy.cuda.is_available():
        return (
            f"CuPy {cupy.__version__} is installed but finds no usable GPU; check the NVIDIA "
            f"driver with nvidia-smi, and that CuPy matches it: {INSTALL}"
        )
    return None


def make() -> Namespace:
    """The namespace of CUDA; only where nothing is missing."""
    return Namespace("cuda", _cupy(), _cupy().ndarray)


offer("cuda", why_unavailable, make)


@kernel("cuda")
def check_index(xp: Any, index: int) -> None:
    """Check that a GPU of this number exists.

    Raises:
        RuntimeError: no such GPU.
    """
    count = device_count(xp)
    if index >= count:
        raise RuntimeError(f"CUDA: invalid device index {index}; there are {count} GPUs")


@kernel("cuda")
def device_count(xp: Any) -> int:
    """The number of GPUs."""
    return int(xp.library.cuda.runtime.getDeviceCount())


@kernel("cuda")
def current_device(xp: Any) -> int:
    """The number of the GPU in use."""
    return int(xp.library.cuda.runtime.getDevice())


@kernel("cuda")
def synchronize(xp: Any) -> None:
    """Wait until the GPU has done everything asked of it."""
    capture.forbid("it waits for the device")
    xp.library.cuda.get_current_stream().synchronize()


@kernel("cuda")
def device_name(xp: Any, device: int) -> str:
    """The GPU's name, such as "NVIDIA H200"."""
    name: bytes = xp.library.cuda.runtime.getDeviceProperties(device)["name"]
    return name.decode()


@kernel("cuda")
def device_capability(xp: Any, device: int) -> tuple[int, int]:
    """The GPU's compute capability, such as (9, 0)."""
    properties = xp.library.cuda.runtime.getDeviceProperties(device)
    return int(properties["major"]), int(properties["minor"])


@kernel("cuda")
def new_event(xp: Any, timed: bool) -> Any:
    """A mark that may be set in a stream's work, CuPy's."""
    return xp.library.cuda.Event(disable_timing=not timed)


@kernel("cuda")
def record_event(xp: Any, event: Any) -> None:
    """Set a mark behind what the current stream has been given so far."""
    event.record(xp.library.cuda.get_current_stream())


@kernel("cuda")
def event_is_past(xp: Any, event: Any) -> bool:
    """Whether the GPU has come past a mark."""
    return bool(event.done)


@kernel("cuda")
def wait_for_event(xp: Any, event: Any) -> None:
    """Wait until the GPU comes past a mark."""
    capture.forbid("it waits for the device")
    event.synchronize()


@kernel("cuda")
def milliseconds_between(xp: Any, start: Any, end: Any) -> float:
    """The time from one mark to another, both of which the GPU has come past."""
    return float(xp.library.cuda.get_elapsed_time(start, end))
