"""Evenly spaced numbers, on the host: `arange` by their distance, `linspace` by their count.

Each number is start + i · step, rounded once; a running sum would gather errors.
"""

from __future__ import annotations

import math
from typing import Any

from ..backend import DType, numpy

Array = Any


def by_step(start: float, end: float, step: float, dtype: DType) -> Array:
    """Start, start + step, … before end, an array of a dtype.

    Raises:
        RuntimeError: the step is 0 or leads away from the end, or an end is not finite.
    """
    if dtype.kind == "b":
        raise RuntimeError("arange: not implemented for bool")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"arange: unsupported range: {start} -> {end}")
    if step == 0:
        raise RuntimeError("arange: step must be nonzero")
    given = f"{start} -> {end} by {step}"
    forward = (end - start) * step >= 0
    if dtype.name == "int64":
        start, end, step = int(start), int(end), int(step)
    if not forward or step == 0:
        raise RuntimeError(
            f"arange: upper bound and lower bound are inconsistent with the step's sign ({given})"
        )
    whole = all(isinstance(x, int) for x in (start, end, step))
    count = -(-(end - start) // step) if whole else math.ceil((end - start) / step)
    if dtype.kind in "iu":
        start, step = int(start), int(step)
        return (start + step * numpy.arange(count, dtype="int64")).astype(dtype)
    return (start + step * numpy.arange(count, dtype="float64")).astype(dtype)


def by_count(name: str, start: float, end: float, count: int, dtype: DType) -> Array:
    """`count` numbers from start to end, an array of a dtype; the same from either end.

    Raises:
        RuntimeError: a negative count.
    """
    if count < 0:
        raise RuntimeError(f"{name}: number of steps must be non-negative, but is {count}")
    if dtype.kind in "iu":  # the ends become integers first
        start, end = (int(numpy.asarray(int(x)).astype(dtype)) for x in (start, end))
    step = (end - start) / (count - 1) if count > 1 else 0.0
    places = numpy.arange(count, dtype="float64")
    up, down = start + step * places, end - step * (count - 1 - places)
    return numpy.where(places < max(count // 2, 1), up, down).astype(dtype)
