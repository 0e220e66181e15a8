"""Our own room for NumPy and CuPy: arrays, devices, kernels. (PyTorch's switches: `backends`.)

Only this package imports NumPy and CuPy. The rest of the library asks for the `Namespace` that an
array belongs to and calls that: `xp.exp(a)` is the array library's own function, `xp.scatter(…)`
a kernel of ours. A device is a namespace with a name.

`plain/` holds each kernel as a few calls of NumPy's names, which is its definition, and is enough
to run the library. `cpu/` and `cuda/` hold faster forms of some; nothing outside of these folders
imports them but `kernel.load`.
"""

from __future__ import annotations

from typing import Any

import numpy as numpy

from .devices import (
    Array,
    Device,
    Namespace,
    get_default_device,
    is_array,
    is_available,
    namespace,
    namespace_for,
    offer,
    register,
    set_default_device,
    to_host,
    why_unavailable,
    with_draws,
)
from .flat import address, root, whole, within
from .kernel import load

DType = numpy.dtype[Any]

__all__ = [
    "Array",
    "DType",
    "Device",
    "Namespace",
    "address",
    "get_default_device",
    "is_array",
    "is_available",
    "namespace",
    "namespace_for",
    "numpy",
    "register",
    "root",
    "set_default_device",
    "to_host",
    "whole",
    "why_unavailable",
    "with_draws",
    "within",
]


def _meta() -> Namespace:
    from .meta import make  # which few programs need

    return make()


offer("meta", lambda: None, _meta)
load("cpu")  # at once: it settles how BLAS's threads wait, which can't be done later
