"""Counts in bins whose edges are returned: `histogram`, and `histogramdd` of several numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..backend import namespace
from ..backend.dtypes import FLOATING
from .autocast import need_one_dtype
from .base import TensorBase, new
from .check import is_int
from .operation import refuse
from .results import Named, of
from .search import searchsorted
from .spaced import spaced

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["histogram", "histogramdd"]


class Histogram(Named):
    """What `histogram` returns."""

    hist: Tensor
    bin_edges: Tensor


def histogram(
    input: Tensor,
    bins: Any = 100,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Histogram:
    """(hist, bin_edges): how many elements lie between neighbouring edges, and the edges.

    Args:
        input: any shape, floating point.
        bins: the number of intervals, which are then equal, or a 1-D tensor of edges, ascending.
        range: the outer edges, for a number of bins; default: the smallest and largest element.
        weight: what each element counts, of the input's shape; default: 1.
        density: divide by the sum of all counts and by the intervals' widths: a density, whose
            integral is 1.

    Returns:
        hist (bins) in the input's dtype, and bin_edges (bins + 1).

    Raises:
        NotImplementedError: not floating point.
        RuntimeError: no bins, a range that is not finite or in order, or edges or weights of
            another dtype than the input's.
    """
    if input.dtype.kind not in FLOATING:
        refuse("histogram", input)
    masses = _masses("histogram", input, weight)
    x = input.detach().reshape(-1)
    edges = _edges("histogram", x, bins, range)
    counts = _counted([x], [edges], masses)
    if density:
        counts = counts / counts.sum() / edges.diff()
    return of("histogram", Histogram(counts, edges.clone() if edges is bins else edges))


class HistogramDD(Named):
    """What `histogramdd` returns."""

    hist: Tensor
    bin_edges: tuple[Tensor, ...]


def histogramdd(
    input: Tensor,
    bins: Any,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> HistogramDD:
    """(hist, bin_edges): how many rows lie in each cell between edges of D dimensions, and these.

    Args:
        input: rows of D numbers, (…, D), floating point.
        bins: the number of intervals of every dimension, or a list: of each one's number, or of
            each one's edges.
        range: the outer edges of each dimension, 2 D numbers, for numbers of bins; default: the
            smallest and largest of each.
        weight: what each row counts, (…); default: 1.
        density: divide by the sum of all counts and by the cells' volumes.

    Returns:
        hist (bins of the first dimension, …) in the input's dtype, and the edges of each.

    Raises:
        NotImplementedError: not floating point.
        RuntimeError: fewer than two dimensions, as many bins or ranges as there are not
            dimensions, weights of another shape; and as `histogram`.

    Example:
        >>> x = torch.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
        >>> torch.histogramdd(x, [2, 2]).hist
        tensor([[0., 1.],
                [1., 1.]])
    """
    name = "histogramdd"
    if input.dtype.kind not in FLOATING:
        refuse(name, input)
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input tensor should have at least 2 dimensions")
    dims = input.shape[-1]
    if isinstance(bins, TensorBase) and bins.ndim == 0 and bins.dtype.kind in "iu":
        bins = int(bins)
    each = list(bins) if isinstance(bins, list | tuple) else [bins] * dims
    if isinstance(bins, TensorBase):
        raise TypeError(
            f"{name}(): argument 'bins' must be an int, or a list of ints or of tensors, not "
            f"{type(bins).__name__}"
        )
    if len(each) != dims:
        raise RuntimeError(f"{name}: expected bins for {dims} dimensions, but got {len(each)}")
    if range is not None and len(range) != 2 * dims:
        raise RuntimeError(f"{name}: range should have {2 * dims} elements, but has {len(range)}")
    if weight is not None and weight.shape != input.shape[:-1]:
        raise RuntimeError(
            f"{name}: weight should be of shape {tuple(input.shape[:-1])}, but is of "
            f"{tuple(weight.shape)}"
        )
    masses = _masses(name, input, weight)
    columns = list(input.detach().reshape(-1, dims).unbind(1))
    edges = [
        _edges(name, x, count, None if range is None else range[2 * d : 2 * d + 2])
        for d, (x, count) in enumerate(zip(columns, each, strict=True))
    ]
    counts = _counted(columns, edges, masses)
    if density:
        counts = counts / counts.sum()
        for d, e in enumerate(edges):
            counts = counts / e.diff().reshape(-1, *(1,) * (dims - 1 - d))
    return of(name, HistogramDD(counts, tuple(edges)))  # edges that were given, themselves


def _masses(name: str, input: Tensor, weight: Tensor | None) -> Tensor | None:
    """The weights as a vector, of the input's dtype."""
    need_one_dtype(name, input=input, weight=weight)
    return None if weight is None else weight.detach().reshape(-1)


def _edges(name: str, x: Tensor, bins: Any, range: Sequence[float] | None) -> Tensor:
    """The edges that were given, or as many equal intervals as were asked for."""
    if isinstance(bins, TensorBase):
        need_one_dtype(name, input=x, bins=bins)
        if bins.numel() < 2:
            raise RuntimeError(f"{name}: expected 2 edges at least, but got {bins.numel()}")
        return bins  # type: ignore[return-value]
    if not is_int(bins):
        raise TypeError(
            f"{name}(): argument 'bins' must be an int or a tensor, not {type(bins).__name__}"
        )
    if bins < 1:
        raise RuntimeError(f"{name}: bins must be above 0, but are {bins}")
    low, high = range if range is not None else (0.0, 0.0 if x.numel() else 1.0)
    if range is None and x.numel():
        low, high = float(x.amin()), float(x.amax())
    if not -float("inf") < low <= high < float("inf"):
        raise RuntimeError(f"{name}: the range [{low}, {high}] is not finite, or not in order")
    if low == high:
        low, high = low - 0.5, high + 0.5
    made: Tensor = new(namespace(x.array).asarray(spaced(low, high, bins + 1, x.array.dtype)))
    return made


def _counted(columns: list[Tensor], edges: list[Tensor], masses: Tensor | None) -> Tensor:
    """How many rows (or what masses) are in each cell; the last interval has both its ends."""
    place: Any = 0
    out: Any = False
    for x, e in zip(columns, edges, strict=True):
        n = e.numel() - 1
        at = searchsorted(e, x, right=True) - 1
        at = at.masked_fill(x == e[-1], n - 1)
        out = (at < 0) | (x > e[-1]) | x.isnan() | out
        place = place * n + at
    shape = [e.numel() - 1 for e in edges]
    cells = 1
    for n in shape:
        cells *= n
    sums = place.masked_fill(out, cells).bincount(masses, minlength=cells + 1)[:cells]
    return sums.reshape(shape).to(columns[0].dtype)  # type: ignore[no-any-return]
