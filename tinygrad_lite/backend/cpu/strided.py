"""Memory read with strides of one's own, as a view that knows whose memory it is."""

from __future__ import annotations

from typing import Any

import numpy

from ..kernel import kernel

Ints = tuple[int, ...]


@kernel("cpu")
def as_strided(xp: Any, x: Any, size: Ints, stride: Ints, offset: int) -> Any:
    """See `plain.strided.as_strided`; NumPy's own hides the owner."""
    line, item = x.reshape(-1), x.dtype.itemsize
    steps = tuple(s * item for s in stride)
    start = offset * item if line.size else 0
    raw = line.view(f"V{item}")  # bfloat16 has no buffers
    return numpy.ndarray(size, raw.dtype, raw, start, steps).view(x.dtype)
