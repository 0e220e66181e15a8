"""Order statistics: the median, quantiles, the k-th value, the mode, and running extremes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..backend import namespace
from ..backend.dtypes import FLOATING, as_dtype
from ..ops import reduce as reductions
from ..ops import shape as shape_ops
from . import results
from .apply import apply
from .base import TensorBase, new
from .dims import axis
from .operation import ordered, public, refuse
from .order import argsort
from .results import ValuesIndices
from .space import space

if TYPE_CHECKING:
    from .tensor import Tensor


def msort(input: Tensor) -> Tensor:
    """The elements in ascending order along the first dimension."""
    return input.sort(0).values


def _picked(name: str, input: Tensor, places: Any, at: int, keepdim: bool) -> ValuesIndices:
    """(values, indices) of selected elements.

    Args:
        name: the function, for the type of the result.
        input: at least one dimension.
        places: an array of where they are along dimension `at`, where it has size 1.
        at: the dimension.
        keepdim: leave it with size 1, else drop it.
    """
    indices = new(places)
    values = apply(shape_ops.gather, input, indices, axis=at)
    if not keepdim:
        values, indices = values.squeeze(at), indices.squeeze(at)
    return results.of(name, ValuesIndices(values, indices))


def _along(name: str, input: Tensor, dim: Any) -> int:
    """The dimension, counted from 0, that elements are selected along.

    Raises:
        IndexError: it has no elements.
        NotImplementedError: booleans, but for `mode`.
    """
    ordered(name, input)
    at = axis(name, input, dim)
    if input.ndim and not input.shape[at]:
        raise IndexError(
            f"{name}: expected reduction dim {at} to have non-zero size (shape "
            f"{tuple(input.shape)})"
        )
    if input.dtype.kind == "b" and name != "mode":
        refuse(name, input)
    return at


def _whole(name: str, input: Tensor) -> ValuesIndices:
    """What a 0-d tensor gives: itself, at index 0."""
    place = new(namespace(input.array).zeros((), dtype="int64"))
    return results.of(name, ValuesIndices(input.clone(), place))


def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median; of an even number of elements the lower of the two in the middle.

    Without a dim, that of all elements, whose gradient is shared evenly among the elements that
    equal it; else (values, indices) along a dimension. It is NaN if there is a NaN.

    Raises:
        IndexError: the dimension has no elements.
        NotImplementedError: booleans.
        RuntimeError: no elements at all, of integers (of floats the median is NaN).
    """
    return _median("median", input, dim, keepdim)


def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """`median` of what is not NaN."""
    return _median("nanmedian", input, dim, keepdim)


def _median(name: str, input: Tensor, dim: int | None, keepdim: bool) -> Any:
    """`median`, or `nanmedian`, by name."""
    if dim is None:
        if input.dtype.kind == "b":
            refuse(name, input)
        flat = input.reshape(-1)
        if not flat.numel():
            if input.dtype.kind not in FLOATING:
                raise RuntimeError(f"{name}: no elements of {input.dtype} have a median")
            return flat.sum() * math.nan
        place = new(_median_place(flat, 0, name == "nanmedian"))
        return apply(reductions.median, flat, place).reshape(())
    at = _along(name, input, dim)
    if not input.ndim:
        return _whole(name, input)
    return _picked(name, input, _median_place(input, at, name == "nanmedian"), at, keepdim)


def _median_place(input: Tensor, at: int, skip: bool) -> Any:
    """Where the lower median is along a dimension: the middle of the order, in which NaN is last.

    If `skip`, of the numbers only; else a NaN's place, if there is one.
    """
    xp, n = namespace(input.array), input.shape[at]
    order = argsort(input.detach(), at).array
    if input.dtype.kind not in FLOATING:
        return order[(slice(None),) * at + (slice((n - 1) // 2, (n + 1) // 2),)]
    numbers = xp.sum(~xp.isnan(input.array), axis=(at,), keepdims=True)
    middle = xp.maximum(numbers - 1, 0) // 2
    if not skip:
        middle = xp.where(numbers < n, numbers, middle)
    return xp.take_along_axis(order, xp.astype(middle, "int64"), axis=at)


def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """(values, indices): the k-th smallest element along a dimension (k from 1), and its place.

    Raises:
        RuntimeError: k is below 1, or above the dimension's size.
    """
    at = _along("kthvalue", input, dim)
    if not 1 <= k <= (input.shape[at] if input.ndim else 1):
        raise RuntimeError(
            f"kthvalue: k={k} is out of range for dim {dim} of shape {tuple(input.shape)}"
        )
    if not input.ndim:
        return _whole("kthvalue", input)
    order = argsort(input.detach(), at).array
    return _picked("kthvalue", input, order[(slice(None),) * at + (slice(k - 1, k),)], at, keepdim)


def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """(values, indices): the most frequent element along a dimension, and its last place.

    Of several that are as frequent it is the smallest, or a NaN, each of which counts on its own.
    The elements are sorted, and in the order each run of equal ones is as long as the element is
    frequent.
    """
    at = _along("mode", input, dim)
    if not input.ndim:
        return _whole("mode", input)
    xp = namespace(input.array)
    order = xp.moveaxis(argsort(input.detach(), at).array, at, -1)
    line = xp.take_along_axis(xp.moveaxis(input.array, at, -1), order, axis=-1)
    place = xp.broadcast_to(xp.arange(line.shape[-1]), line.shape)
    starts = line[..., 1:] != line[..., :-1]
    starts = xp.concatenate([xp.ones_like(line[..., :1], dtype=bool), starts], axis=-1)
    # of the run so far: its last element's is the run's
    length = place - xp.running_extreme(xp.where(starts, place, 0), True)[0]
    first = xp.argmax(length, axis=-1)[..., None]
    if input.array.dtype.kind not in "iub":  # NaN is last in the order, but comes first
        nan = xp.argmax(line != line, axis=-1)[..., None]
        alone = (xp.take_along_axis(length, first, axis=-1) == 0) & (line != line).any(-1)[
            ..., None
        ]
        first = xp.where(alone, nan, first)
    found = xp.take_along_axis(order, first, axis=-1)
    return _picked("mode", input, xp.ascontiguousarray(xp.moveaxis(found, -1, at)), at, keepdim)


def cummax(input: Tensor, dim: int) -> ValuesIndices:
    """(values, indices): the largest element up to each place along a dimension, and its place.

    Of several that are equal it is the last.
    """
    return _cumulative("cummax", input, dim)


def cummin(input: Tensor, dim: int) -> ValuesIndices:
    """(values, indices): the smallest element up to each place along a dimension, and its place.

    Of several that are equal it is the last.
    """
    return _cumulative("cummin", input, dim)


def _cumulative(name: str, input: Tensor, dim: int) -> ValuesIndices:
    """`cummax`, or `cummin`, by name."""
    ordered(name, input)
    at = axis(name, input, dim)
    if not input.ndim:
        return _whole(name, input)
    xp = namespace(input.array)
    places = xp.running_extreme(xp.moveaxis(input.array, at, -1), name == "cummax")[1]
    indices = new(xp.ascontiguousarray(xp.moveaxis(places, -1, at)))
    values = apply(shape_ops.gather, input, indices, axis=at)
    return results.of(name, ValuesIndices(values, indices))


def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """y[i] = ln(e^x[0] + … + e^x[i]) along a dimension, without overflow.

    Of numbers far apart, and on a GPU, by doubling: ⌈log₂ n⌉ steps of one `logaddexp` each.
    """
    at = axis("logcumsumexp", input, dim)
    if input.dtype.kind not in FLOATING:
        refuse("logcumsumexp", input)
    if not input.ndim or input.shape[at] < 2:
        return input.clone()
    if input.numel() and input.device.type == "cpu":
        low, high = float(input.array.min()), float(input.array.max())
        if high - low < LOG_RANGE:  # not with a NaN or an infinity
            return apply(reductions.log_running_sum, input, axis=at)
    return reductions.logcumsumexp_composition(space, input, axis=at)  # type: ignore[no-any-return]


LOG_RANGE = 600.0  # the rule's
_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The values below which a share q of the elements lies; NaN if there is a NaN.

    In ascending order x[0], …, x[n − 1] that is x at the rank q (n − 1), which may lie between
    two elements. Between them the derivative by q is (n − 1) times their difference.

    Args:
        input: float32 or float64.
        q: a number from 0 to 1, or a 1-D tensor of them, which makes a first dimension.
        dim: one dimension; default: all elements.
        keepdim: keep the dimension, with size 1.
        interpolation: what is taken between two elements: "linear", "lower", "higher",
            "midpoint" or "nearest".

    Returns:
        The input's shape without dim; with a first dimension for each q, if q is 1-D.

    Raises:
        RuntimeError: other dtypes, no elements, a q of more dimensions or outside 0 to 1, another
            interpolation. On a GPU a tensor q is not looked at, which would wait for it.
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


def nanquantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """`quantile` of what is not NaN."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation)


def _quantile(name: str, input: Tensor, q: Any, dim: Any, keepdim: bool, between: str) -> Tensor:
    """`quantile`, or `nanquantile`, by name; `between` is the interpolation."""
    shares = _shares(name, input, q, between)
    if not input.numel():
        raise RuntimeError(f"{name}: input has no elements (shape {tuple(input.shape)})")
    at = 0 if dim is None else axis(name, input, dim)
    flat = input.reshape(-1) if dim is None or not input.ndim else input
    xp = namespace(input.array)
    line = flat.movedim(at, -1).sort(-1).values
    n = xp.asarray(flat.shape[at])
    numbers = xp.sum(~xp.isnan(line.array), axis=(-1,), keepdims=True)
    rank = shares * (xp.where(numbers > 0, numbers, 1) - 1)
    if name == "quantile":  # NaN is last in the order
        rank = xp.where(numbers < n, xp.astype(n - 1, rank.dtype), rank)
    low = xp.floor(rank)
    weight = rank - low
    if between == "midpoint":
        weight = xp.where(weight > 0, 0.5, 0.0)
    elif between != "linear":
        rounded = {"lower": xp.floor, "higher": xp.ceil, "nearest": xp.rint}[between](rank)
        low, weight = rounded, rounded * 0
    first = new(xp.astype(low, "int64"))
    below = apply(shape_ops.gather, line, first, axis=line.ndim - 1)
    if between in ("linear", "midpoint"):
        second = new(xp.astype(xp.ceil(rank), "int64"))
        above = apply(shape_ops.gather, line, second, axis=line.ndim - 1)
        part = new(xp.astype(weight, input.array.dtype))
        if between == "linear" and isinstance(q, TensorBase) and q.requires_grad:
            moving = q.reshape(-1) * new(numbers - 1)  # type: ignore[attr-defined]
            if name == "quantile":
                moving = moving.masked_fill(new(numbers < n), 0)
            part = part + (moving - moving.detach())
        below = below.lerp(above, part)
    y = below.movedim(-1, 0)  # (as many as there are q, …)
    if keepdim:
        y = y.reshape((-1,) + (1,) * input.ndim) if dim is None else y.unsqueeze(at + 1)
        y = y if input.ndim else y.reshape(-1)
    elif dim is None or not input.ndim:
        y = y.reshape(-1)
    return y if isinstance(q, TensorBase) and q.ndim else y.squeeze(0)


def _shares(name: str, input: Tensor, q: Any, between: str) -> Any:
    """The array of q, 1-D, after all arguments' checks."""
    if input.dtype.name not in ("float32", "float64"):
        raise RuntimeError(f"{name}: input must be float32 or float64, but is {input.dtype}")
    if between not in _INTERPOLATIONS:
        raise RuntimeError(f"{name}: interpolation must be one of {_INTERPOLATIONS}, not {between}")
    xp = namespace(input.array)
    if not isinstance(q, TensorBase):
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}: q must be from 0 to 1, but is {q}")
        return xp.asarray([float(q)], dtype=input.array.dtype)
    if q.ndim > 1 or q.dtype != input.dtype:
        raise RuntimeError(
            f"{name}: q must be a number or a 1-D tensor of {input.dtype}, but has shape "
            f"{tuple(q.shape)} and dtype {q.dtype}"
        )
    if q.device.type == "cpu" and not ((q.array >= 0) & (q.array <= 1)).all():
        raise RuntimeError(f"{name}: q must be from 0 to 1")
    return q.array.reshape(-1)


def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over dimensions of what is not NaN.

    That of NaNs alone is NaN, and so is its gradient.
    """
    if input.dtype.kind not in FLOATING:
        raise RuntimeError(f"nanmean: expected floating-point input, but got {input.dtype}")
    if dtype is not None and as_dtype(dtype).kind not in FLOATING:
        raise RuntimeError(f"nanmean: dtype must be floating point, but is {dtype}")
    count = (input == input).sum(dim, keepdim)
    total = apply(reductions.without_nan, input).sum(dim, keepdim, dtype=dtype)
    return total / count.to(total.dtype)


if not TYPE_CHECKING:
    __all__ = public(globals())
