"""Covariances, distances between points, norms kept within a bound, and the vector product."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..backend import numpy
from ..backend.dtypes import FLOATING
from ..ops import reduce
from .apply import apply
from .autocast import as_it_is, in_float32, need_one_dtype
from .base import TensorBase, new
from .check import not_a_tensor, takes_tensors
from .dims import axis
from .operation import ordered, public, refuse
from .own_order import own_order
from .promote import as_float

if TYPE_CHECKING:
    from .tensor import Tensor


def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """The covariances C = Σ w (x − mean)(x − mean)ᵀ / (n − correction) of observations x.

    Args:
        input: (variables, observations), or (observations) of one variable.
        correction: what is subtracted from the number n of observations: 1 for the estimate
            without bias.
        fweights: (observations) integers, how often each occurred.
        aweights: (observations), how much each is to be trusted.

    Returns:
        (variables, variables); 0-d for one variable.

    Raises:
        RuntimeError: more dimensions, booleans, or weights that don't fit, are of another kind, or
            (looked at on the CPU) negative, or 0 together.
    """
    if input.ndim > 2:
        raise RuntimeError(f"cov: expected at most 2 dimensions, but got {tuple(input.shape)}")
    if input.dtype.kind == "b":
        raise RuntimeError("cov: not implemented for booleans")
    x = as_float(input)
    x = x.reshape(1, -1) if x.ndim < 2 else x
    for word, weights in (("fweights", fweights), ("aweights", aweights)):
        if weights is None:
            continue
        if weights.shape != x.shape[1:]:
            raise RuntimeError(
                f"cov: {word} must have shape ({x.shape[1]},), but have {tuple(weights.shape)}"
            )
        if (weights.dtype.kind in FLOATING) != (word == "aweights"):
            raise RuntimeError(
                f"cov: fweights must be integers and aweights floating point, but {word} are "
                f"{weights.dtype}"
            )
        if weights.device.type == "cpu" and (weights.array < 0).any():
            raise RuntimeError(f"cov: {word} must not be negative, but are {weights.tolist()}")
    w: Any = None
    if fweights is not None or aweights is not None:
        w = as_float(1 * fweights if aweights is None else aweights)  # type: ignore[arg-type, operator]
        w = w if fweights is None or aweights is None else w * fweights
        w = w.to(x.dtype) if aweights is None else w  # counts promote nothing
        total: Any = w.sum()
        if w.device.type == "cpu" and not total.item():
            raise RuntimeError("cov: weights sum to zero, can't be normalized")
        mean = (x * w).sum(1, keepdim=True) / total
        free = total - correction
        if aweights is not None and correction:
            free = total - correction * (w * aweights).sum() / total
    else:
        mean, free = x.sum(1, keepdim=True) / (x.shape[1] or math.nan), x.shape[1] - correction
    centred = x - mean
    right = centred if w is None else centred * w
    floor: Any = free.clamp(min=0) if w is not None else x.new_tensor(max(free, 0))
    y: Tensor = centred.matmul(right.conj().t()) / floor
    return y.squeeze()


def corrcoef(input: Tensor) -> Tensor:
    """The correlations C[i, j] / √(C[i, i] C[j, j]) of variables, within [−1, 1]; C as for `cov`.

    Raises:
        RuntimeError: more than 2 dimensions.
    """
    if input.ndim > 2:
        raise RuntimeError(f"corrcoef: expected at most 2 dimensions, got {tuple(input.shape)}")
    ordered("corrcoef", input)
    c = cov(input)
    if not c.ndim:
        return c / c
    deviation = c.diagonal().sqrt()
    return (c / deviation.unsqueeze(1) / deviation.unsqueeze(0)).clamp(-1, 1)


@in_float32
@as_it_is
def cdist(
    x1: Tensor,
    x2: Tensor,
    p: float = 2.0,
    compute_mode: str = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:
    """The distances (…, n, m) of points (…, n, d) and (…, m, d), in the p-norm.

    With p = 2 and more than 25 points on a side they are √(|a|² + |b|² − 2 a·b), whose only large
    cost is one matrix product, but which loses digits where points are close; else they are norms
    of the differences.

    Args:
        x1, x2: points, of one floating-point dtype; leading dimensions broadcast.
        p: the order of the norm, at least 0.
        compute_mode: "use_mm_for_euclid_dist" or "donot_use_mm_for_euclid_dist": the product
            always or never; default: for more than 25 points.

    Raises:
        RuntimeError: fewer than 2 dimensions, other sizes of points, several dtypes, or a negative
            p.
        ValueError: another mode.
    """
    for x in (x1, x2):
        ordered("cdist", x)
        if x.ndim < 2:
            raise RuntimeError(f"cdist: needs at least 2 dimensions, but got {tuple(x.shape)}")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"cdist: points must have the same number of columns, but have {x1.shape[-1]} and "
            f"{x2.shape[-1]}"
        )
    need_one_dtype("cdist", x1=x1, x2=x2)
    if p < 0:
        raise RuntimeError(f"cdist: p must not be negative, but is {p}")
    modes = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist",
             "donot_use_mm_for_euclid_dist")  # fmt: skip
    if compute_mode not in modes:
        raise ValueError(f"cdist: compute_mode must be one of {modes}, but is {compute_mode!r}")
    dtype = x1.dtype
    if dtype.itemsize == 2:  # not rounded on the way, where close points' digits cancel
        x1, x2 = x1.float(), x2.float()
    return _distances(x1, x2, p, compute_mode == modes[0], compute_mode == modes[1]).to(dtype)


def _distances(x1: Tensor, x2: Tensor, p: float, if_large: bool, always: bool) -> Tensor:
    large = x1.shape[-2] > 25 or x2.shape[-2] > 25
    if p == 2 and (always or (if_large and large)):
        squares = (x * x for x in (x1, x2))
        a, b = (s.sum(-1, keepdim=True) for s in squares)
        square = (a + b.mT - 2 * x1.matmul(x2.mT)).clamp(min=0)
        flat = (square == 0).detach()  # the derivative at 0 is taken as 0
        return square.masked_fill(flat, 1.0).sqrt().masked_fill(flat, 0.0)
    return _sizes(x1.unsqueeze(-2) - x2.unsqueeze(-3), p)


def _sizes(differences: Tensor, p: float) -> Tensor:
    """The p-norms of vectors, whose gradient ties of the ∞-norm do not share."""
    if p == math.inf and differences.shape[-1]:
        return apply(reduce.farthest, differences)
    return differences.norm(p, -1)


@takes_tensors
def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The distances (n (n − 1) / 2) of pairs of points (n, d): 0 and 1, 0 and 2, …, 1 and 2, …

    Raises:
        RuntimeError: not 2-D.
    """
    if input.ndim != 2:
        raise RuntimeError(f"pdist: expected 2-D, but got shape {tuple(input.shape)}")
    rows, columns = numpy.triu_indices(input.shape[0], 1)
    a, b = (input[new(numpy.ascontiguousarray(i)).to(input.device)] for i in (rows, columns))
    return _sizes(a - b, p)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of input − other, a 0-d tensor."""
    if not isinstance(other, TensorBase):
        raise not_a_tensor("dist", other)
    return (input - other).norm(p)


@own_order
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Each slice of a dimension scaled down to a p-norm of at most maxnorm; NaN is not above it.

    Args:
        input: at least 2 dimensions, floating point.
        p: the order of the norm.
        dim: the dimension whose positions are the slices: 0 for a matrix's rows.
        maxnorm: the bound; slices within it stay as they are.

    Raises:
        NotImplementedError: not floating point.
        RuntimeError: fewer than 2 dimensions, p ≤ 0, a negative bound, or a NaN for either.
    """
    if input.dtype.kind not in "fV":
        refuse("renorm", input)
    if input.ndim < 2:
        raise RuntimeError(f"renorm: needs at least 2 dimensions, but got {tuple(input.shape)}")
    if not (p > 0 and maxnorm >= 0):
        raise RuntimeError(f"renorm: p must be positive, maxnorm not negative, not {p}, {maxnorm}")
    at = axis("renorm", input, dim)
    return apply(reduce.renorm, input, p=p, at=at, most=maxnorm)


def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The vector product a × b of 3-vectors along a dimension, by default the first of size 3.

    Raises:
        RuntimeError: not as many dimensions, or no dimension of size 3.
    """
    if dim is None:
        found = [d for d, n in enumerate(input.shape) if n == 3]
        if not found:
            raise RuntimeError(f"cross: no dimension of size 3 in input {tuple(input.shape)}")
        dim = found[0]
    return vector_product("cross", input, other, dim)


def vector_product(name: str, input: Tensor, other: Tensor, dim: int) -> Tensor:
    """The vector product of 3-vectors along a dimension; both operands have one rank."""
    if input.ndim != other.ndim:
        raise RuntimeError(
            f"{name}: inputs must have the same number of dimensions, but have shapes "
            f"{tuple(input.shape)} and {tuple(other.shape)}"
        )
    at = axis(name, input, dim)
    if input.shape[at] != 3 or other.shape[at] != 3:
        raise RuntimeError(
            f"{name}: dimension {dim} must have size 3, but the shapes are {tuple(input.shape)} "
            f"and {tuple(other.shape)}"
        )
    if input.dtype.kind == "b":
        refuse(name, input)
    need_one_dtype(name, input=input, other=other)
    a, b = input, other
    return a.roll(-1, at) * b.roll(-2, at) - a.roll(-2, at) * b.roll(-1, at)


if not TYPE_CHECKING:
    __all__ = [name for name in public(globals()) if name != "vector_product"]
