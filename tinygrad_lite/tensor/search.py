"""Places among sorted elements, counts in bins, and what occurs: `searchsorted` and its kin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import namespace, numpy
from ..backend.dtypes import FLOATING, as_dtype, is_half
from .base import TensorBase, new
from .dims import axis
from .operation import ordered, public, refuse
from .promote import coefficient, pair, scalar_tensor, to_dtype

if TYPE_CHECKING:
    from .tensor import Tensor


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """The indices at which elements could be put into sorted sequences, by bisection.

    Args:
        sorted_sequence: (n) or (…, n), in ascending order along the last dimension; of others,
            as of a NaN in it (which nothing is above or below), what PyTorch's bisection finds.
        input: a number, or any shape for one sequence, else (…, m).
        out_int32: int32 instead of int64.
        right: after elements of the sequence that are equal, else before them.
        side: "left" or "right", in place of `right`.
        sorter: int64 of the sequences' shape, the indices that put them in order (`argsort`);
            sorted_sequence need then not be sorted.

    Returns:
        The input's shape; indices from 0 to n.

    Raises:
        RuntimeError: shapes that don't fit, or sides that contradict each other.
    """
    name = "searchsorted"
    if side not in (None, "left", "right") or (side == "left" and right):
        raise RuntimeError(f"{name}: side={side!r} and right={right} don't go together")
    lines = sorted_sequence
    if not lines.ndim:
        raise RuntimeError(f"{name}: the sequence must have dimensions")
    lines, wanted = pair(name, lines, input)
    if lines.dtype.kind == "b":
        refuse(name, lines)
    wanted = wanted if isinstance(wanted, TensorBase) else scalar_tensor(wanted, lines)
    if lines.ndim > 1 and lines.shape[:-1] != wanted.shape[:-1]:
        raise RuntimeError(
            f"{name}: the sequences must be one, or their first dimensions those of the input, "
            f"but the shapes are {tuple(lines.shape)} and {tuple(wanted.shape)}"
        )
    if sorter is not None:
        if sorter.shape != lines.shape or sorter.dtype != "int64":
            raise RuntimeError(
                f"{name}: the sorter must be int64 of shape {tuple(lines.shape)}, but is "
                f"{sorter.dtype} of {tuple(sorter.shape)}"
            )
        lines = lines.gather(-1, sorter)
    if is_half(lines.array.dtype):  # NumPy's search finds bfloat16 beside a NaN in wrong places
        lines, wanted = (to_dtype(t, as_dtype("float32")) for t in (lines, wanted))
    for x in (lines, wanted):
        ordered(name, x)
    xp, after = namespace(lines.array), right or side == "right"
    if lines.ndim == 1 and _is_sorted(lines.array):
        flat = wanted.array.reshape(-1)
        found = xp.searchsorted(lines.array, flat, side="right" if after else "left")
        found = xp.reshape(found, wanted.array.shape)
    else:
        found = _bisected(xp, lines.array, wanted.array, after)
    return new(xp.asarray(found, dtype="int32" if out_int32 else "int64"))


def _is_sorted(line: Any) -> bool:
    """Whether the library's own search finds what `_bisected` does: no NaN, nothing out of order.

    Of a CUDA array False, for it would have to be waited for.
    """
    return isinstance(line, numpy.ndarray) and bool((line[1:] >= line[:-1]).all())


def _bisected(xp: Any, lines: Any, wanted: Any, right: bool) -> Any:
    """`searchsorted` of arrays, by bisection of all lines at once.

    Args:
        xp: the arrays' namespace.
        lines: (…, n) beside (…, m), or (n) beside any shape.
        wanted: what to look for.
        right: find the first element > x, else the first ≥ x.
    """
    low = xp.zeros(wanted.shape, dtype="int64")
    n = lines.shape[-1]
    high = low + n
    for _ in range(n.bit_length()):
        middle = xp.minimum((low + high) // 2, max(n - 1, 0))
        found = lines[middle] if lines.ndim == 1 else xp.take_along_axis(lines, middle, axis=-1)
        goes_on = (~(found > wanted) if right else ~(found >= wanted)) & (low < high)
        low, high = xp.where(goes_on, middle + 1, low), xp.where(goes_on, high, middle)
    return low


def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """The index of the interval that each element lies in: (b[i − 1], b[i]] has index i.

    Args:
        input: a tensor of any shape, or a number.
        boundaries: (n), ascending.
        out_int32: int32 instead of int64.
        right: the intervals are [b[i − 1], b[i]).

    Returns:
        The input's shape; indices from 0 to n.

    Raises:
        RuntimeError: boundaries that are not 1-D.
    """
    if boundaries.ndim != 1:
        raise RuntimeError(
            f"bucketize: boundaries must be 1-D, but have shape {tuple(boundaries.shape)}"
        )
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements lie in each of `bins` equal intervals of [min, max].

    Elements outside, and NaN, are not counted.

    Args:
        input: any shape, floating point.
        bins: the number of intervals.
        min, max: the outer bounds; if equal, the smallest and the largest element.

    Returns:
        (bins), in the input's dtype.

    Raises:
        NotImplementedError: not floating point.
        RuntimeError: no bins, or bounds that are not finite or in order.
    """
    if input.dtype.kind not in FLOATING:
        refuse("histc", input)
    if bins <= 0:
        raise RuntimeError(f"histc: bins must be positive, but are {bins}")
    x = input.detach().reshape(-1)
    low, high = (float(coefficient("histc", bound, input)) for bound in (min, max))
    if low == high and x.numel():
        low, high = float(x.amin()), float(x.amax())
    if low == high:
        low, high = low - 1, high + 1
    if not (-float("inf") < low < high < float("inf")):
        raise RuntimeError(f"histc: the range [{low}, {high}] is not finite, or not in order")
    xp, array = namespace(x.array), x.array
    inside = (array >= low) & (array <= high)
    # Multiplied first, so that whole numbers stay whole: 118 · 151 / 151, not (118 / 151) · 151.
    own = numpy.float64 if array.dtype == numpy.float64 else numpy.float32
    width = float(own(high) - own(low))
    place = xp.where(inside, (array - low) * bins / width, 0.0)
    place = xp.astype(xp.minimum(place, bins - 1), "int64")
    counts = xp.bincount(xp.where(inside, place, bins), minlength=bins + 1)[:bins]
    return new(xp.astype(counts, input.array.dtype))


def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """True where an element equals one of the test elements.

    Args:
        elements, test_elements: tensors or numbers, one a tensor at least.
        assume_unique: has no effect.
        invert: True where it equals none.

    Returns:
        bool, of the shape of `elements`.

    Raises:
        RuntimeError: booleans.
    """
    for x in (elements, test_elements):
        if isinstance(x, TensorBase):
            ordered("isin", x)
        if isinstance(x, TensorBase) and x.dtype.kind == "b":
            raise RuntimeError("isin: not implemented for torch.bool")
    a, b = pair("isin", elements, test_elements)
    a, b = (x if isinstance(x, TensorBase) else scalar_tensor(x, y) for x, y in ((a, b), (b, a)))
    xp = namespace(a.array)
    return new(xp.asarray(xp.isin(a.array, b.array, invert=invert)))


def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The elements in their order, each run of equal ones once.

    Args:
        input: any shape; it is flattened unless a dim is given.
        return_inverse: also give the index that each element of the input has in the result.
        return_counts: also give the length of each run.
        dim: take the slices of this dimension in place of elements.

    Returns:
        The elements; or a tuple of them, the inverse (int64, of the input's shape, or (n) with a
        dim) and the counts (int64), as asked for. No gradient flows through.
    """
    ordered("unique_consecutive", input)
    xp = namespace(input.array)
    at = 0 if dim is None else axis("unique_consecutive", input, dim)
    if dim is not None and 0 in input.shape[:at] + input.shape[at + 1 :]:
        raise RuntimeError(
            f"unique_consecutive: the slices of dim {dim} have no elements (shape "
            f"{tuple(input.shape)})"
        )
    line = input.detach().reshape(-1) if dim is None else input.detach().movedim(at, 0)
    n = line.shape[0]
    rows = line.reshape(n, -1 if line.numel() else 0).array
    new_one = xp.any(rows[1:] != rows[:-1], axis=1)
    starts = xp.concatenate([xp.ones(min(n, 1), dtype=bool), new_one])
    places = xp.nonzero(starts)[0]
    found = line[new(places)] if dim is None else line[new(places)].movedim(0, at)
    parts = [found]
    if return_inverse:
        inverse = new(xp.cumsum(xp.astype(starts, "int64"), axis=0) - 1)
        parts.append(inverse.reshape(input.shape) if dim is None else inverse)
    if return_counts:
        parts.append(new(xp.diff(xp.concatenate([places, xp.asarray([n], dtype=places.dtype)]))))
    return parts[0] if len(parts) == 1 else tuple(parts)


if not TYPE_CHECKING:
    __all__ = public(globals())
