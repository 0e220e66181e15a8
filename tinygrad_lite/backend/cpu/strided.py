"""Memory read with strides of one's own, as a view that knows whose memory it is."""

from __future__ import annotations

from typing import Any

import numpy

from ..flat import root, rows
from ..kernel import kernel
from ..plain import strided as plain

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
    owner = root(x)
    lying = rows(owner)  # in the order of its memory, which need be no row-major one
    if lying is None:  # memory of something else, with gaps
        return plain.windows(xp, x, axis, size, step)
    shape, strides = plain.windows_of(x, axis, size, step)
    raw = lying[0].view("u1")  # type: ignore[union-attr]
    start = x.ctypes.data - owner.ctypes.data if x.size else 0
    y = numpy.ndarray(shape, f"V{x.dtype.itemsize}", raw, start, strides).view(x.dtype)
    y.flags.writeable = x.flags.writeable
    return y
