"""Memory read with strides of one's own, as a view that knows whose memory it is."""

from __future__ import annotations

from typing import Any

from ..kernel import kernel
from ..plain import strided as plain
from ..plain.strided import windows_of

Ints = tuple[int, ...]

SHORT = 2**31 - 1
"""The bytes up to which CuPy's kernels count in 32 bits."""


@kernel("cuda")
def as_strided(xp: Any, x: Any, size: Ints, stride: Ints, offset: int) -> Any:
    """See `plain.strided.as_strided`; CuPy's own has no owner."""
    line = xp.reshape(x, (-1,))[offset:]
    steps = tuple(s * x.dtype.itemsize for s in stride)
    y = _view(line, size, steps)
    return plain.as_strided(xp, x, size, stride, offset) if y is None else y


@kernel("cuda")
def windows(xp: Any, x: Any, axis: int, size: int, step: int) -> Any:
    """See `plain.strided.windows`; CuPy's own has no owner."""
    y = _view(x, *windows_of(x, axis, size, step))
    return plain.windows(xp, x, axis, size, step) if y is None else y


def _view(x: Any, shape: Ints, strides: Ints) -> Any:
    """x's memory from its first element on, with a base; None where CuPy would count it wrongly.

    A view counts in 32 bits if x does, however large it is itself.
    """
    y = x.view()
    y._set_shape_and_strides(shape, strides, True, True)
    return y if y.nbytes <= SHORT else None
