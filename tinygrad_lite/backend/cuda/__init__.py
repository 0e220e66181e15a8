"""CuPy: finding it, saying what is missing, and the kernels of CUDA.

Importing this module never imports CuPy; the first use of a CUDA device does.
"""

from __future__ import annotations

import functools
from typing import Any

from .. import capture
from ..capture import array as array
from ..capture import asarray as asarray
from .amp import *
from .blas import *
from .columns import *
from .conv import *
from .elementwise import *
from .graph import recorder as recorder
from .indexing import *
from .loss import *
from .norm import *
from .optim import adagrad_step as adagrad_step
from .optim import adam_step as adam_step
from .optim import rmsprop_step as rmsprop_step
from .optim import sgd_step as sgd_step
from .optim import updates as updates
from .pool import *

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


def library() -> Any:
    """CuPy.

    Raises:
        RuntimeError: it or a GPU is missing; the message says what to do.
    """
    reason = why_unavailable()
    if reason is not None:
        raise RuntimeError(f"CUDA is not available: {reason}")
    return _cupy()


def check_index(index: int | None) -> None:
    """Check that a GPU of this number exists and is the current one.

    Raises:
        RuntimeError: no such GPU.
    """
    if index is not None and index >= device_count():
        raise RuntimeError(f"CUDA: invalid device index {index}; there are {device_count()} GPUs")


def is_available() -> bool:
    """Whether CuPy is installed and sees a GPU; never raises."""
    return why_unavailable() is None


def device_count() -> int:
    """The number of GPUs; 0 without CuPy or a driver."""
    return int(_cupy().cuda.runtime.getDeviceCount()) if is_available() else 0


def synchronize() -> None:
    """Wait until the GPU has done everything asked of it."""
    capture.forbid("it waits for the device")
    library().cuda.get_current_stream().synchronize()


def current_device() -> int:
    """The number of the GPU in use."""
    return int(library().cuda.runtime.getDevice())


def get_device_name(device: int = 0) -> str:
    """The GPU's name, such as "NVIDIA H200"."""
    name: bytes = library().cuda.runtime.getDeviceProperties(device)["name"]
    return name.decode()


def get_device_capability(device: int = 0) -> tuple[int, int]:
    """The GPU's compute capability, such as (9, 0)."""
    properties = library().cuda.runtime.getDeviceProperties(device)
    return int(properties["major"]), int(properties["minor"])
