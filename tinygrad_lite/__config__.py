"""`torch.__config__`: what this is built on, as text."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from .absent import explain as _explain
from .backend import numpy
from .backend.num_threads import get_num_threads
from .version import __version__

__all__ = ["parallel_info", "show"]


def show() -> str:
    """This library's version, NumPy's and that of its BLAS."""
    blas: Any = {}
    with suppress(KeyError, TypeError):  # of a NumPy that was built in another way
        blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
    named = " ".join(filter(None, [blas.get("name"), blas.get("version")])) or "unknown"
    lines = [
        f"PyTorch's API by tinygrad_lite {__version__}",
        f"  - NumPy {numpy.__version__}",
        f"  - BLAS {named}",
    ]
    return "\n".join([*lines, ""])


def parallel_info() -> str:
    """How many threads kernels are spread over."""
    return f"torch.get_num_threads() : {get_num_threads()}\n"


_explain(__name__)
