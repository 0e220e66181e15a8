"""Functions of which digits cancel, calculated in float64 and rounded once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..kernel import kernel

__all__ = ["in_float64"]


@kernel("plain")
def in_float64(xp: Any, form: Callable[..., Any], axis: int, *arrays: Any) -> Any:
    """`form` of arrays of one shape, in float64 if they are float32, and rounded to that.

    Args:
        xp: the namespace of the arrays.
        form: treats each position along the axis by itself; its result has the arrays' shape.
        axis: so that a device may take some positions at a time.
        arrays: of one dtype.
    """
    if arrays[0].dtype != "float32":
        return form(*arrays)
    return form(*[xp.astype(a, "float64") for a in arrays]).astype("float32")
