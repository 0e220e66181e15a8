"""Maxima over as many bins as the output has elements: elements gathered by bin, then `max`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...backend import Array, namespace, numpy
from ...tensor import Tensor
from ...tensor.base import new
from .sizes import Size, bins, sizes

__all__ = ["adaptive_max_pool1d", "adaptive_max_pool2d"]


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
        RuntimeError: another rank, another number of sizes, a negative one, or an empty image.
        TypeError: sizes that are not whole numbers.
        ValueError: two sizes for an input of two dimensions or fewer.
    """
    name = "adaptive_max_pool2d"
    asked = bins(name, input.shape, output_size, 2)
    if input.ndim not in (3, 4) or 0 in input.shape[-2:]:
        raise RuntimeError(
            f"{name}: expected an input (N, C, H, W) or (C, H, W) that is not empty, but its shape "
            f"is {tuple(input.shape)}"
        )
    own = high, wide = input.shape[-2:]
    full = [n if m is None else m for n, m in zip(own, asked, strict=True)]
    size = sizes(name, "output_size", full, 2)
    rows, columns = (_bins(n, m) for n, m in zip(own, size, strict=True))
    # Which pixels each output element is the maximum of: (OH, OW, most), row by row.
    places = rows[:, None, :, None] * wide + columns[None, :, None, :]
    most = places.shape[2] * places.shape[3]
    places = places.reshape(*places.shape[:2], most)
    flat = input.reshape(*input.shape[:-2], high * wide)
    xp = namespace(input.array)
    index = new(xp.asarray(places.reshape(-1)))
    pixels = flat.index_select(-1, index).reshape(*input.shape[:-2], *places.shape[:2], most)
    found = pixels.max(-1)
    if not return_indices:
        return found.values
    table = new(xp.asarray(places))
    lead = (1,) * (input.ndim - 2)
    wide_table = table.reshape(*lead, *table.shape).expand(*pixels.shape)
    return found.values, wide_table.gather(-1, found.indices.unsqueeze(-1)).squeeze(-1)


def adaptive_max_pool1d(input: Tensor, output_size: Size, return_indices: bool = False) -> Any:
    """The maximum of each of OL bins of (N, C, L) or (C, L).

    Arguments, results and errors as `adaptive_max_pool2d`, one dimension less.
    """
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"adaptive_max_pool1d: expected an input (N, C, L) or (C, L), but its shape is "
            f"{tuple(input.shape)}"
        )
    (size,) = bins("adaptive_max_pool1d", input.shape, output_size, 1)
    found = adaptive_max_pool2d(input.unsqueeze(-2), (1, size), return_indices)
    return tuple(t.squeeze(-2) for t in found) if return_indices else found.squeeze(-2)


def _bins(n: int, m: int) -> Array:
    """Which of n elements are in each of m bins: (m, most), smaller bins with the last repeated."""
    at = numpy.arange(m)
    start, end = at * n // m, -(-(at + 1) * n // m)
    offsets = numpy.arange(int((end - start).max(initial=1)))
    return numpy.minimum(start[:, None] + offsets, end[:, None] - 1)
