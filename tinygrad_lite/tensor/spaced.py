"""Numbers evenly spaced, with PyTorch's roundings: `linspace`, and the edges of histograms."""

from __future__ import annotations

from typing import Any

from ..backend import DType, numpy
from ..backend.dtypes import is_half

__all__ = ["spaced"]


def spaced(first: float, last: float, steps: int, dtype: DType) -> Any:
    """`steps` numbers from first to last, an array of the host.

    From either end to the middle, so that both ends are exact. Integers that float64 does not hold
    are not calculated in it.
    """
    if dtype.kind in "iu" and max(abs(first), abs(last)) > 2**53:
        return numpy.array(_whole(int(first), int(last), steps), dtype)
    first, last = float(first), float(last)
    places = numpy.arange(steps, dtype="float64")
    ends, there = [places, places[::-1]], places < max(steps // 2, 1)
    if is_half(dtype):  # each number on the way is rounded, in PyTorch
        first, last = _rounded([first, last], dtype)
        step = _rounded(_rounded(last - first, dtype) / _rounded(max(steps - 1, 1), dtype), dtype)
        up, down = (_rounded(step * _rounded(count, dtype), dtype) for count in ends)
        return numpy.where(there, first + up, last - down).astype(dtype)
    step = (last - first) / (steps - 1) if steps > 1 else 0.0
    if dtype == "float32":  # whose ends and step are such numbers too: PyTorch's, to the bit
        single = numpy.asarray([first, last], "float32")
        first, last = map(float, single)
        step = float((single[1] - single[0]) / single.dtype.type(max(steps - 1, 1)))
    add = _fused if dtype == "float64" else _apart
    return numpy.where(there, add(first, step, ends[0]), add(last, -step, ends[1])).astype(dtype)


def _whole(first: int, last: int, steps: int) -> list[int]:
    """Numbers from first to last, rounded towards 0, in Python's integers."""
    n = max(steps - 1, 1)
    sums = [first * n + (last - first) * i for i in range(steps)]
    return [total // n if total >= 0 else -(-total // n) for total in sums]


def _apart(start: float, step: float, places: Any) -> Any:
    return start + step * places


def _fused(start: float, step: float, places: Any) -> Any:
    """start + step · places, rounded once, as PyTorch's vectors are.

    (T. J. Dekker, "A floating-point technique for extending the available precision", 1971.)
    """
    product = step * places
    total = start + product
    if not abs(step) + abs(start) + abs(step) * len(places) < 1e290:  # what is split would overflow
        return total
    (a, b), (c, d) = _split(step), _split(places)
    below = ((a * c - product) + a * d + b * c) + b * d  # what the product lost
    other = total - start
    return total + ((start - (total - other)) + (product - other) + below)


def _split(values: Any) -> tuple[Any, Any]:
    """Each number as two of half the digits, whose products are exact."""
    moved = values * (2.0**27 + 1)
    high = moved - (moved - values)
    return high, values - high


def _rounded(values: Any, dtype: DType) -> Any:
    """Numbers of single precision, rounded to what 16 bits hold."""
    return numpy.asarray(values, "float32").astype(dtype).astype("float32")
