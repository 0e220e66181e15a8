"""Numbers evenly spaced, with PyTorch's roundings: `linspace`, and the edges of histograms."""

from __future__ import annotations

from typing import Any

from ..backend import DType, numpy

__all__ = ["spaced"]


def spaced(first: float, last: float, steps: int, dtype: DType) -> Any:
    """`steps` numbers from first to last, an array of the host.

    From either end to the middle, so that both ends are exact.
    """
    places = numpy.arange(steps, dtype="float64")
    step = (last - first) / (steps - 1) if steps > 1 else 0.0
    if dtype == "float32":  # whose ends and step are such numbers too: PyTorch's, to the bit
        ends = numpy.asarray([first, last], "float32")
        first, last = map(float, ends)
        step = float((ends[1] - ends[0]) / ends.dtype.type(max(steps - 1, 1)))
    halves = first + step * places, last - step * (steps - 1 - places)
    return numpy.where(places < max(steps // 2, 1), *halves).astype(dtype)
