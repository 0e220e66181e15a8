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
from .dims import axis, numpy_names
from .operation import public, refuse
from .order import argsort
from .results import ValuesIndices
from .space import space

if TYPE_CHECKING:
    from .tensor import Tensor


def msort(input: Tensor) -> Tensor:
    """The elements in order along the first dimension."""
    return input.sort(0).values


def _picked(name: str, input: Tensor, places: Any, at: int, keepdim: bool) -> ValuesIndices:
    """The elements at one place along a dimension, and the places, both of size 1 there."""
    indices = new(places)
    values = apply(shape_ops.gather, input, indices, axis=at)
    if not keepdim:
        values, indices = values.squeeze(at), indices.squeeze(at)
    return results.of(name, ValuesIndices(values, indices))


def _along(name: str, input: Tensor, dim: Any) -> int:
    """The dimension of a selection, which must have elements.

    Raises:
        IndexError: it has none.
    """
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
    place = new(namespace(input.array).zeros((), dtype="int64"))
    return results.of(name, ValuesIndices(input.clone(), place))


@numpy_names
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower median of all, or (values, indices) along a dimension; NaN if there is one.

    The gradient of the median of all is shared evenly among the elements that equal it.
    """
    return _median("median", input, dim, keepdim)


@numpy_names
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """`median` of what is not NaN."""
    return _median("nanmedian", input, dim, keepdim)


def _median(name: str, input: Tensor, dim: int | None, keepdim: bool) -> Any:
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
    """Where the lower median is: the middle of the order, in which NaN is last."""
    xp, n = namespace(input.array), input.shape[at]
    order = argsort(input.detach(), at).array
    if input.dtype.kind not in FLOATING:
        return order[(slice(None),) * at + (slice((n - 1) // 2, (n + 1) // 2),)]
    numbers = xp.sum(~xp.isnan(input.array), axis=(at,), keepdims=True)
    middle = xp.maximum(numbers - 1, 0) // 2
    if not skip:
        middle = xp.where(numbers < n, numbers, middle)
    return xp.take_along_axis(order, xp.astype(middle, "int64"), axis=at)


@numpy_names
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The k-th smallest element along a dimension (from 1), and where it is.

    Raises:
        RuntimeError: there are fewer.
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


@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The most frequent element along a dimension (of several the smallest), and its last place."""
    at = _along("mode", input, dim)
    if not input.ndim:
        return _whole("mode", input)
    xp = namespace(input.array)
    order = xp.moveaxis(argsort(input.detach(), at).array, at, -1)
    line = xp.take_along_axis(xp.moveaxis(input.array, at, -1), order, axis=-1)
    place = xp.broadcast_to(xp.arange(line.shape[-1]), line.shape)
    starts = line[..., 1:] != line[..., :-1]
    starts = xp.concatenate([xp.ones_like(line[..., :1], dtype=bool), starts], axis=-1)
    length = place - xp.running_extreme(xp.where(starts, place, 0), True)[0]
    first = xp.argmax(length, axis=-1)[..., None]
    found = xp.take_along_axis(order, first, axis=-1)
    return _picked("mode", input, xp.ascontiguousarray(xp.moveaxis(found, -1, at)), at, keepdim)


@numpy_names
def cummax(input: Tensor, dim: int) -> ValuesIndices:
    """The largest element so far along a dimension, and where it is (of several the last)."""
    return _cumulative("cummax", input, dim)


@numpy_names
def cummin(input: Tensor, dim: int) -> ValuesIndices:
    """The smallest element so far along a dimension, and where it is (of several the last)."""
    return _cumulative("cummin", input, dim)


def _cumulative(name: str, input: Tensor, dim: int) -> ValuesIndices:
    at = axis(name, input, dim)
    if not input.ndim:
        return _whole(name, input)
    xp = namespace(input.array)
    places = xp.running_extreme(xp.moveaxis(input.array, at, -1), name == "cummax")[1]
    indices = new(xp.ascontiguousarray(xp.moveaxis(places, -1, at)))
    values = apply(shape_ops.gather, input, indices, axis=at)
    return results.of(name, ValuesIndices(values, indices))


@numpy_names
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """Running ln Σ eˣ along a dimension without overflow.

    Of numbers far apart, and on a GPU, by doubling: log₂ n `logaddexp`s.
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
INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


@numpy_names
def quantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The elements below which a share q lies, of all or along a dimension; NaN if there is one.

    Args:
        input: floating point.
        q: a number from 0 to 1, or a 1-D tensor of them, which makes a first dimension.
        dim, keepdim: as for `sum`.
        interpolation: between two elements: "linear", "lower", "higher", "midpoint", "nearest".

    Raises:
        RuntimeError: other dtypes, a q of more dimensions, numbers out of range.
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


@numpy_names
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
        below = below.lerp(above, new(xp.astype(weight, input.dtype)))
    y = below.movedim(-1, 0)  # (as many as there are q, …)
    if keepdim:
        y = y.reshape((-1,) + (1,) * input.ndim) if dim is None else y.unsqueeze(at + 1)
        y = y if input.ndim else y.reshape(-1)
    elif dim is None or not input.ndim:
        y = y.reshape(-1)
    return y if isinstance(q, TensorBase) and q.ndim else y.squeeze(0)


def _shares(name: str, input: Tensor, q: Any, between: str) -> Any:
    """The array of q, one-dimensional, checked."""
    if input.dtype.name not in ("float32", "float64"):
        raise RuntimeError(f"{name}: input must be float32 or float64, but is {input.dtype}")
    if between not in INTERPOLATIONS:
        raise RuntimeError(f"{name}: interpolation must be one of {INTERPOLATIONS}, not {between}")
    xp = namespace(input.array)
    if not isinstance(q, TensorBase):
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}: q must be from 0 to 1, but is {q}")
        return xp.asarray([float(q)], dtype=input.dtype)
    if q.ndim > 1 or q.dtype != input.dtype:
        raise RuntimeError(
            f"{name}: q must be a number or a 1-D tensor of {input.dtype}, but has shape "
            f"{tuple(q.shape)} and dtype {q.dtype}"
        )
    if q.device.type == "cpu" and not ((q.array >= 0) & (q.array <= 1)).all():
        raise RuntimeError(f"{name}: q must be from 0 to 1")
    return q.array.reshape(-1)


@numpy_names
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over dimensions of what is not NaN."""
    if input.dtype.kind not in FLOATING:
        raise RuntimeError(f"nanmean: expected floating-point input, but got {input.dtype}")
    if dtype is not None and as_dtype(dtype).kind not in FLOATING:
        raise RuntimeError(f"nanmean: dtype must be floating point, but is {dtype}")
    x = input
    count = (~x.isnan()).sum(dim, keepdim)
    return x.nansum(dim, keepdim, dtype=dtype) / count


if not TYPE_CHECKING:
    __all__ = public(globals())
