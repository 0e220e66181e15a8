"""Reductions: functions that take `dim` (an int, a tuple, or None for all) and `keepdim`.

Those that pick an element, the greatest or the least, are in `extremes.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..backend import numpy
from ..backend.dtypes import DIFFERENTIABLE, FLOATING, as_dtype
from ..graph import Rule, mode
from ..ops import loss as losses
from ..ops import reduce as ops
from ..ops import shape as shape_ops
from .apply import apply
from .autocast import in_float32
from .check import plain
from .decompose import svdvals
from .dims import Dim, axes, axis
from .element import dtype_of
from .operation import ordered, public, refuse
from .own_order import own_order
from .promote import as_float, in_wider, to_dtype
from .real import view_as_real
from .shown import called

if TYPE_CHECKING:
    from .tensor import Tensor


def _in(name: str, input: Tensor, dtype: Any) -> Tensor:
    """The input in the dtype in which a sum or a product is computed and returned.

    That is the dtype asked for; else int64 for booleans and integers, and a float's own.

    Raises:
        RuntimeError: the input requires a gradient, and the dtype asked for can't have one.
    """
    if dtype is not None:
        wanted = as_dtype(dtype)
        if wanted.kind not in DIFFERENTIABLE and mode.grad and input.requires_grad:
            raise RuntimeError(
                f"{name}: {dtype_of(wanted)} has no gradient; detach() the input first"
            )
        return to_dtype(input, wanted)
    return to_dtype(input, _INT64) if input.array.dtype.kind in "biu" else input


def _kept(x: Tensor, out: Tensor) -> Tensor:
    """A sum or product of integers x in x's own dtype; array libraries widen the small ones.

    Integers wrap, so it does not matter whether they do so at each step or at the end.
    """
    own = x.array.dtype
    return out if own.kind in DIFFERENTIABLE or out.array.dtype == own else to_dtype(out, own)


_INT64 = numpy.dtype("int64")


def _real(name: str, input: Tensor) -> Tensor:
    """The input itself.

    Raises:
        RuntimeError: it is not floating point.
    """
    if input.array.dtype.kind not in FLOATING:
        raise RuntimeError(f"{name}: input must be floating point, but got {input.dtype}")
    return input


def sum(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over dimensions.

    Args:
        input: any shape and dtype.
        dim: the dimension, or several, that are summed over; all if None or ().
        keepdim: keep them, with size 1.
        dtype: what the elements are cast to first; default: int64 for booleans and integers, the
            input's own for floats.

    Raises:
        IndexError: no such dimension.
        RuntimeError: a dimension twice; or a dtype that is not floating point, for an input that
            requires a gradient.

    Example:
        >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> x.sum()
        tensor(10.)
        >>> x.sum(dim=0)
        tensor([4., 6.])
        >>> x.sum(1, keepdim=True)
        tensor([[3.],
                [7.]])
    """
    where = axes("sum", input, dim)
    plain = dtype is None and input.array.dtype.kind in DIFFERENTIABLE
    x = input if plain else _in("sum", input, dtype)
    return _kept(x, apply(ops.sum, x, axis=where, keepdims=keepdim))


def nansum(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over dimensions of what is not NaN; arguments as for `sum`."""
    ordered("nansum", input)
    x = input if input.dtype.kind not in FLOATING else apply(ops.without_nan, input)
    where = axes("nansum", input, dim)
    x = _in("nansum", x, dtype)
    return _kept(x, apply(ops.sum, x, axis=where, keepdims=keepdim))


def mean(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over dimensions; arguments as for `sum`.

    Raises:
        RuntimeError: the input (or the dtype asked for) is neither floating point nor complex.

    Example:
        >>> torch.tensor([[1.0, 2.0], [3.0, 4.0]]).mean(dim=1)
        tensor([1.5000, 3.5000])
    """
    x = input if dtype is None else to_dtype(input, as_dtype(dtype))
    if x.array.dtype.kind not in DIFFERENTIABLE:
        _real("mean", x)
    return apply(ops.mean, x, axis=axes("mean", input, dim), keepdims=keepdim)


def var(
    input: Tensor,
    dim: Dim | bool = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The variance Σ (x − mean)² / (n − correction) of n elements, over dimensions.

    Args:
        input: floating point.
        dim, keepdim: as for `sum`; a bool in place of dim, `var(False)`, is taken as unbiased.
        unbiased: the correction is 1 (Bessel's); else 0.
        correction: given, it overrides unbiased.

    Raises:
        RuntimeError: the input is not floating point.

    Example:
        >>> x = torch.tensor([1.0, 2.0, 4.0, 5.0])
        >>> x.var()
        tensor(3.3333)
        >>> x.var(unbiased=False)
        tensor(2.5000)
    """
    return _deviations(ops.var, input, dim, unbiased, keepdim, correction)


def _deviations(
    rule: Rule, input: Tensor, dim: Any, unbiased: bool, keepdim: bool, correction: float | None
) -> Tensor:
    """What `var`, `std` and those with a mean share: the reading of their arguments."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    free = correction if correction is not None else int(unbiased)
    x, name = _real(rule.__name__, input), rule.__name__
    named = dim is not None and x.ndim > 0
    return apply(rule, x, axis=axes(name, x, dim), correction=free, keepdims=keepdim, named=named)


def std(
    input: Tensor,
    dim: Dim | bool = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The standard deviation √var, with `var`'s arguments; where it is 0 its derivative is 0.

    Example:
        >>> torch.tensor([1.0, 3.0]).std()
        tensor(1.4142)
    """
    return _deviations(ops.std, input, dim, unbiased, keepdim, correction)


def var_mean(
    input: Tensor,
    dim: Dim | bool = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """The variance and the mean, with `var`'s arguments."""
    packed = _deviations(ops.var_mean, input, dim, unbiased, keepdim, correction)
    return packed[0], packed[1]


def std_mean(
    input: Tensor,
    dim: Dim | bool = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean, with `var`'s arguments."""
    packed = _deviations(ops.std_mean, input, dim, unbiased, keepdim, correction)
    return packed[0], packed[1]


def logsumexp(input: Tensor, dim: Dim, keepdim: bool = False) -> Tensor:
    """ln Σ eˣ over dimensions, without overflow; dim and keepdim as for `sum`.

    Raises:
        TypeError: dim is None.

    Example:
        >>> torch.tensor([1000.0, 1000.0]).logsumexp(0)
        tensor(1000.6932)
    """
    if dim is None:
        raise TypeError("logsumexp: dim must be an int or ints, not None")
    x, where = as_float(input, "logsumexp"), axes("logsumexp", input, dim)
    if 0 in [x.shape[a] for a in where]:
        return x.sum(where, keepdim).log()  # ln 0
    return apply(ops.logsumexp, x, axis=where, keepdims=keepdim)


def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """eˣ / Σ eˣ along a dimension, without overflow; the input is cast to dtype first, if given.

    Raises:
        RuntimeError: not floating point.
    """
    return _soft(input, "softmax", losses.softmax, dim, dtype)


def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """ln softmax along a dimension, without overflow; arguments as for `softmax`."""
    return _soft(input, "log_softmax", losses.log_softmax, dim, dtype)


def _soft(input: Tensor, name: str, rule: Rule, dim: int, dtype: Any) -> Tensor:
    """What `softmax` and `log_softmax` share."""
    x: Tensor = _real(name, input if dtype is None else to_dtype(input, as_dtype(dtype)))
    where = axis(name, input, dim)
    shape = x.array.shape
    shown = "SoftmaxBackward0" if name == "softmax" else "LogSoftmaxBackward0"
    if not shape:
        return called(apply(rule, x.reshape(1), axis=0).reshape(()), shown)
    if not shape[where]:
        return called(x.clone(), shown)
    return apply(rule, x, axis=where)


def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Dim = None,
    keepdim: bool = False,
    dtype: Any = None,
) -> Tensor:
    """The p-norm (Σ |x|ᵖ)^(1/p) over dimensions.

    Args:
        input: floating point, or complex, for any order but "nuc".
        p: the order: a number; "fro" and None are 2; ±inf is the largest or smallest magnitude;
            0 counts what is not 0; "nuc" is the sum of a matrix's singular values.
        dim, keepdim: as for `sum`.
        dtype: what the elements are cast to first, not a narrower one.

    Raises:
        RuntimeError: not floating point, a narrower dtype, an unknown order, "fro" of more than
            two dimensions, or "nuc" of another number of them.

    Example:
        >>> torch.tensor([3.0, 4.0]).norm()
        tensor(5.)
    """
    x = in_wider("norm", input, dtype)
    complex_ = x.array.dtype.kind == "c" and p != "nuc"
    x = x if complex_ else _real("norm", x)
    p = plain("norm", p)
    if p == "fro" and isinstance(dim, Sequence) and len(dim) > 2:
        raise RuntimeError(f"norm: of order 'fro' dim must be one or two dims, but got {dim}")
    where = axes("norm", input, dim)
    if p in (2, "fro", None):
        if complex_ and math.prod(x.shape[a] for a in where) > 1:
            # of the parts: |x| has no slope at 0, where the norm still has curvature
            y = apply(ops.norm, view_as_real(x), axis=(*where, x.ndim), keepdims=keepdim)
            return y.squeeze(-1) if keepdim else y
        return apply(ops.norm, x.abs() if complex_ else x, axis=where, keepdims=keepdim)
    x = x.abs() if complex_ else x
    if p == "nuc":
        return _nuclear_norm(x, where, keepdim)
    if isinstance(p, str):
        raise RuntimeError(f"norm: unknown order {p!r}; expected a number, 'fro' or 'nuc'")
    if p in (float("inf"), float("-inf")):
        if 0 in [x.shape[a] for a in where]:
            raise RuntimeError(
                f"norm: no elements have no norm of order {p} (shape {tuple(x.shape)})"
            )
        extreme = ops.amax if p > 0 else ops.amin
        return apply(extreme, x.abs(), axis=where, keepdims=keepdim, same=True)
    if p == 0:
        count = to_dtype(x != 0, x.array.dtype) + x.sign() * 0  # a step: its gradient is 0
        return count.sum(where, keepdim)
    if p == 1:
        return x.abs().sum(where, keepdim)
    if abs(p) > _LARGEST and x.array.dtype.itemsize < 8:
        p = math.copysign(math.inf, p)
    return apply(ops.p_norm, x, p=p, axis=where, keepdims=keepdim)


_LARGEST = 3.4028234663852886e38  # of float32


def _nuclear_norm(x: Tensor, where: tuple[int, ...], keepdim: bool) -> Tensor:
    """Σ s, of the singular values s of the matrices in two dimensions."""
    if len(where) != 2:
        raise RuntimeError(
            f"norm: of order 'nuc' dim must be two dims, but got {where} of shape {tuple(x.shape)}"
        )
    y = svdvals(x.movedim(where, (-2, -1))).sum(-1)
    for d in sorted(where) if keepdim else ():
        y = y.unsqueeze(d)
    return y


@in_float32
@own_order
def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The product over a dimension or of all, as a tree of pairwise products.

    The tree makes the gradient right where elements are 0, at every order.

    Example:
        >>> torch.tensor([1, 2, 3, 4]).prod()
        tensor(24)
    """
    where = 0 if dim is None else axis("prod", input, dim)
    x = _in("prod", input, dtype)
    own = x
    x = x.ravel() if dim is None or input.ndim == 0 else x
    n = x.shape[where]
    if n == 0:
        x, n = x.sum(where, keepdim=True) + 1, 1
    if n >= 4096 and x.array.dtype == "float32":
        x = to_dtype(x, numpy.dtype("float64"))  # each of the levels rounds
    while n > 1:
        half = n // 2
        product = x.narrow(where, 0, half) * x.narrow(where, half, half)
        rest = [x.narrow(where, 2 * half, 1)] if n % 2 else []
        x = apply(shape_ops.concatenate, product, *rest, axis=where) if rest else product
        n = half + n % 2
    x = to_dtype(x, own.array.dtype)
    if own is input and x.numel() == input.numel():
        x = x.clone()  # nothing was multiplied
    if dim is None:
        return x.reshape((1,) * input.ndim if keepdim else ())
    return x.reshape(()) if input.ndim == 0 else x if keepdim else x.squeeze(where)


def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Running sums along a dimension: y[i] = x[0] + … + x[i]; dtype as for `sum`.

    Example:
        >>> torch.tensor([1, 2, 3]).cumsum(0)
        tensor([1, 3, 6])
    """
    return _running(ops.cumsum, input, dim, dtype)


def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Running products along a dimension: y[i] = x[0] ⋯ x[i]; dtype as for `sum`."""
    return _running(ops.cumprod, input, dim, dtype)


def _running(rule: Rule, input: Tensor, dim: int, dtype: Any) -> Tensor:
    """What `cumsum` and `cumprod` share."""
    where = axis(rule.__name__, input, dim)
    x = _in(rule.__name__, input, dtype)
    if x.array.dtype.kind == "b":
        refuse(rule.__name__, x)
    if input.ndim == 0:
        return x.clone() if x is input else x
    return _kept(x, apply(rule, x, axis=where))


if not TYPE_CHECKING:
    __all__ = public(globals())
