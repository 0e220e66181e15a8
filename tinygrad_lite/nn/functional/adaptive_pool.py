"""Maxima over as many bins as the output has elements: elements gathered by bin, then `max`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...backend import Array, namespace, numpy
from ...backend.dtypes import FLOATING
from ...ops.elementwise import hinge
from ...tensor import Tensor, apply
from ...tensor.base import new
from ...tensor.check import takes_tensors
from ...tensor.operation import refuse
from ...tensor.shown import called
from .sizes import Size, bins

__all__ = ["adaptive_max_pool1d", "adaptive_max_pool2d"]


@takes_tensors
def adaptive_max_pool2d(
    input: Tensor, output_size: Size | Sequence[int | None], return_indices: bool = False
) -> Any:
    """The maximum of each of OH × OW bins; `adaptive_avg_pool2d` says which they are.

    Args:
        input: (N, C, H, W) or (C, H, W).
        output_size: (OH, OW), or one number for both; None keeps the input's size.
        return_indices: return also which of the H·W pixels each maximum was, int64.

    Returns:
        (N, C, OH, OW), without N for one image; with `return_indices` a pair of such.

    Raises:
        RuntimeError: another rank, another number of sizes, a negative one, an empty image, or a
            dtype that is not floating point.
        ValueError: a sequence of sizes for an input of no more dimensions.
    """
    asked = bins("adaptive_max_pool2d", output_size, 2, input.ndim)
    few = min((n for n in asked if n is not None), default=0) < 0
    if input.ndim not in (3, 4) or 0 in input.shape[-2:] or few:
        raise RuntimeError(
            f"adaptive_max_pool2d: expected an input (N, C, H, W) or (C, H, W) that is not empty "
            f"and sizes that are not negative, but got shape {tuple(input.shape)} and output_size "
            f"{output_size}"
        )
    if input.dtype.kind not in FLOATING:
        refuse("adaptive_max_pool2d", input)
    high, wide = input.shape[-2:]
    rows, columns = (
        _bins(n, n if m is None else int(m)) for n, m in zip((high, wide), asked, strict=True)
    )
    # Which pixels each output element is the maximum of: (OH, OW, most), row by row.
    places = rows[:, None, :, None] * wide + columns[None, :, None, :]
    most = rows.shape[1] * columns.shape[1]
    places = places.reshape(*places.shape[:2], most)
    flat = apply(hinge, input).reshape(*input.shape[:-2], high * wide)
    xp = namespace(input.array)
    index = new(xp.asarray(places.reshape(-1)))
    gathered = flat.index_select(-1, index).reshape(*input.shape[:-2], *places.shape[:2], most)
    values, taps = maxima(gathered)
    called(values, "AdaptiveMaxPool2D")
    if not return_indices:
        return values
    table = new(xp.asarray(places))
    lead = (1,) * (input.ndim - 2)
    wide_table = table.reshape(*lead, *table.shape).expand(*gathered.shape)
    return values, wide_table.gather(-1, taps.unsqueeze(-1)).squeeze(-1)


@takes_tensors
def adaptive_max_pool1d(input: Tensor, output_size: Size, return_indices: bool = False) -> Any:
    """The maximum of each of OL bins of (N, C, L) or (C, L).

    Arguments, results and errors as `adaptive_max_pool2d`, one dimension less.
    """
    size = bins("adaptive_max_pool1d", output_size, 1)
    if input.ndim not in (2, 3):
        raise RuntimeError(
            "adaptive_max_pool1d: expected an input (N, C, L) or (C, L), but its shape is "
            f"{tuple(input.shape)}"
        )
    found = adaptive_max_pool2d(input.unsqueeze(-2), (1, *size), return_indices)
    return tuple(t.squeeze(-2) for t in found) if return_indices else found.squeeze(-2)


def maxima(windows: Tensor) -> tuple[Tensor, Tensor]:
    """The maxima along the last dimension, and where they are.

    Of equal elements the first counts, of NaNs the last, as in all pooling; `max` takes the first.
    """
    found = windows.max(-1)
    missing = windows.detach().isnan()
    if windows.device.type == "cpu" and not missing.array.any():
        return found.values, found.indices
    last = windows.shape[-1] - 1 - missing.flip(-1).long().argmax(-1)
    taps = last.where(missing.any(-1), found.indices)
    return windows.gather(-1, taps.unsqueeze(-1)).squeeze(-1), taps


def _bins(n: int, m: int) -> Array:
    """Which of n elements are in each of m bins: (m, most), smaller bins with the last repeated."""
    at = numpy.arange(m)
    start, end = at * n // m, -(-(at + 1) * n // m)
    offsets = numpy.arange(int((end - start).max(initial=1)))
    return numpy.minimum(start[:, None] + offsets, end[:, None] - 1)
