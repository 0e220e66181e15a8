"""Memory read with strides of one's own, as a view that knows whose memory it is."""

from __future__ import annotations

from typing import Any

import numpy

from ..flat import root
from ..kernel import kernel
from ..plain.strided import windows_of

Ints = tuple[int, ...]


@kernel("cpu")
def as_strided(xp: Any, x: Any, size: Ints, stride: Ints, offset: int) -> Any:
    """See `plain.strided.as_strided`; NumPy's own hides the owner."""
    line, item = x.reshape(-1), x.dtype.itemsize
    steps = tuple(s * item for s in stride)
    start = offset * item if line.size else 0
    raw = line.view(f"V{item}")  # bfloat16 has no buffers
    return numpy.ndarray(size, raw.dtype, raw, start, steps).view(x.dtype)


@kernel("cpu")
def windows(xp: Any, x: Any, axis: int, size: int, step: int) -> Any:
    """See `plain.strided.windows`; NumPy's own hides the owner."""
    owner, (shape, strides) = root(x), windows_of(x, axis, size, step)
    order = sorted(range(owner.ndim), key=lambda i: -owner.strides[i])  # in which it lies
    raw = owner.transpose(order).reshape(-1).view("u1")
    start = x.ctypes.data - owner.ctypes.data if x.size else 0
    y = numpy.ndarray(shape, f"V{x.dtype.itemsize}", raw, start, strides).view(x.dtype)
    y.flags.writeable = x.flags.writeable
    return y
