"""Reductions: functions that take `dim` (an int, a tuple, or None for all) and `keepdim`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..backend import namespace, numpy
from ..backend.dtypes import FLOATING
from ..graph import Rule
from ..ops import loss as losses
from ..ops import reduce as ops
from ..ops import shape as shape_ops
from .apply import apply
from .autocast import in_float32
from .base import TensorBase, new
from .dims import Dim, axes, axis
from .operation import filled, public, reduction
from .promote import as_float, to_dtype

if TYPE_CHECKING:
    from .tensor import Tensor


class ValuesIndices(NamedTuple):
    """What `max`, `min`, `sort` and `topk` along a dimension return."""

    values: Tensor
    indices: Tensor


def sum(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over dimensions; booleans and small integers are summed as int64."""
    x = input if dtype is None else to_dtype(input, numpy.dtype(dtype))
    if dtype is None and input.dtype.kind in "biu":
        x = to_dtype(input, numpy.dtype("int64"))
    return apply(ops.sum, x, axis=axes("sum", input, dim), keepdims=keepdim)


def mean(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over dimensions.

    Raises:
        RuntimeError: the dtype is not floating point.
    """
    x = input if dtype is None else to_dtype(input, numpy.dtype(dtype))
    if x.dtype.kind not in FLOATING:
        raise RuntimeError(f"mean: input must be floating point, but got {x.dtype}")
    return apply(ops.mean, x, axis=axes("mean", input, dim), keepdims=keepdim)


def var(
    input: Tensor,
    dim: Dim = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The variance: squared deviations over n − 1 (unbiased), n, or n − correction."""
    free = correction if correction is not None else int(unbiased)
    where = axes("var", input, dim)
    return apply(ops.var, as_float(input), axis=where, correction=free, keepdims=keepdim)


def std(
    input: Tensor,
    dim: Dim = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The standard deviation, √var; its derivative where it is 0 is taken as 0."""
    var = input.var(dim, unbiased, keepdim, correction=correction)
    flat = (var == 0).detach()
    return var.masked_fill(flat, 1.0).sqrt().masked_fill(flat, 0.0)


amax = reduction(ops.amax, empty=False)
amin = reduction(ops.amin, empty=False)


def max(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The maximum of all; along a dim (values, indices of the first); or with a tensor."""
    if isinstance(dim, TensorBase):
        return input.maximum(dim)
    return amax(input) if dim is None else _extreme(input, "max", "argmax", dim, keepdim)


def min(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The minimum of all; along a dim (values, indices of the first); or with a tensor."""
    if isinstance(dim, TensorBase):
        return input.minimum(dim)
    return amin(input) if dim is None else _extreme(input, "min", "argmin", dim, keepdim)


def _extreme(input: Tensor, name: str, arg: str, dim: int, keepdim: bool) -> ValuesIndices:
    where = axis(name, input, dim)
    indices = _arg(input, arg, where, True)
    if input.ndim == 0:
        return ValuesIndices(input.clone(), indices)
    values = apply(shape_ops.gather, input, indices, axis=where)
    if keepdim:
        return ValuesIndices(values, indices)
    return ValuesIndices(values.squeeze(where), indices.squeeze(where))


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index (int64) of the first maximum, in the flattened tensor if no dim is given."""
    return _arg(input, "argmax", dim, keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index (int64) of the first minimum, in the flattened tensor if no dim is given."""
    return _arg(input, "argmin", dim, keepdim)


def _arg(input: Tensor, name: str, dim: int | None, keepdim: bool) -> Tensor:
    xp = namespace(input.array)
    where = None if dim is None else axis(name, input, dim)
    filled(name, input, dim)
    array = input.array.reshape(1) if input.ndim == 0 else input.array
    found = getattr(xp, name)(array, axis=where)
    if keepdim and input.ndim:
        shape = [1 if where in (None, a) else n for a, n in enumerate(input.shape)]
        found = xp.reshape(found, tuple(shape))
    elif input.ndim == 0:
        found = xp.reshape(found, ())
    return new(xp.asarray(found, dtype="int64"))


def logsumexp(input: Tensor, dim: Dim, keepdim: bool = False) -> Tensor:
    """ln Σ eˣ, without overflow."""
    x, where = as_float(input), axes("logsumexp", input, dim)
    if 0 in [x.shape[a] for a in where]:
        return x.sum(where, keepdim).log()  # ln 0
    return apply(ops.logsumexp, x, axis=where, keepdims=keepdim)


def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """eˣ / Σ eˣ along a dimension, without overflow."""
    return _soft(input, "softmax", losses.softmax, dim, dtype)


def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """ln softmax along a dimension, without overflow."""
    return _soft(input, "log_softmax", losses.log_softmax, dim, dtype)


def _soft(input: Tensor, name: str, rule: Rule, dim: int, dtype: Any) -> Tensor:
    x: Tensor = as_float(input if dtype is None else to_dtype(input, numpy.dtype(dtype)))
    where = axis(name, input, dim)
    if not x.ndim:
        return apply(rule, x.reshape(1), axis=0).reshape(())
    if not x.shape[where]:
        return x.clone()
    return apply(rule, x, axis=where)


def norm(input: Tensor, p: float | str = 2, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The p-norm (Σ |x|ᵖ)^(1/p); "fro" is 2; inf the largest magnitude."""
    x, where = as_float(input), axes("norm", input, dim)
    if p in (2, "fro"):
        return apply(ops.norm, x, axis=where, keepdims=keepdim)
    if isinstance(p, str):
        raise RuntimeError(f"norm: unknown order {p!r}; expected a number or 'fro'")
    if p in (float("inf"), float("-inf")):
        return x.abs().amax(where, keepdim) if p > 0 else x.abs().amin(where, keepdim)
    if p == 0:
        return to_dtype(x != 0, x.dtype).sum(where, keepdim)
    if p == 1:
        return x.abs().sum(where, keepdim)
    total = (x.abs() ** p).sum(where, keepdim)
    flat = (total == 0).detach()  # the derivative at 0 is taken as 0
    return (total.masked_fill(flat, 1.0) ** (1 / p)).masked_fill(flat, 0.0)


@in_float32
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The product over a dimension or of all, as a tree of pairwise products.

    The tree makes the gradient right where elements are 0, at every order.
    """
    where = 0 if dim is None or input.ndim == 0 else axis("prod", input, dim)
    x: Tensor = input
    x = to_dtype(x, numpy.dtype("int64")) if input.dtype.kind in "biu" else x
    x = x.ravel() if dim is None or input.ndim == 0 else x
    n = x.shape[where]
    if n == 0:
        x, n = x.sum(where, keepdim=True) + 1, 1
    while n > 1:
        half = n // 2
        product = x.narrow(where, 0, half) * x.narrow(where, half, half)
        rest = [x.narrow(where, 2 * half, 1)] if n % 2 else []
        x = apply(shape_ops.concatenate, product, *rest, axis=where) if rest else product
        n = half + n % 2
    if dim is None:
        return x.reshape((1,) * input.ndim if keepdim else ())
    return x.reshape(()) if input.ndim == 0 else x if keepdim else x.squeeze(where)


def cumsum(input: Tensor, dim: int) -> Tensor:
    """Running sums along a dimension."""
    if input.ndim == 0:
        return input.clone()
    x = to_dtype(input, numpy.dtype("int64")) if input.dtype.kind in "biu" else input
    return apply(ops.cumsum, x, axis=axis("cumsum", input, dim))


def all(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """True where every element is true."""
    return _logical(input, "all", dim, keepdim)


def any(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """True where some element is true."""
    return _logical(input, "any", dim, keepdim)


def _logical(input: Tensor, name: str, dim: Dim, keepdim: bool) -> Tensor:
    xp = namespace(input.array)
    found = getattr(xp, name)(input.array, axis=axes(name, input, dim), keepdims=keepdim)
    return new(xp.asarray(found))


if not TYPE_CHECKING:
    __all__ = public(globals())
