"""Norms of vectors and matrices, as `torch.linalg` has them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..backend.dtypes import DIFFERENTIABLE
from .concatenate import cat
from .decompose import matrices, svdvals
from .dims import Dim, axes, axis
from .index import common_shape
from .promote import in_wider
from .statistics import vector_product
from .unchecked import inv_ex

if TYPE_CHECKING:
    from .tensor import Tensor


def _floats(name: str, x: Tensor, dtype: Any) -> Tensor:
    """A floating-point or complex tensor, in a dtype if one is given.

    Raises:
        RuntimeError: neither floating point nor complex, or a dtype of the other of them.
    """
    if x.dtype.kind not in DIFFERENTIABLE:
        raise RuntimeError(f"{name}: expected a floating-point dtype, but got {x.dtype}")
    return in_wider(name, x, dtype)


def vector_norm(
    x: Tensor, ord: Any = 2, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over dimensions.

    Args:
        x: floating point.
        ord: p; ∞ for the largest magnitude, −∞ for the smallest, 0 for how many are not 0.
        dim: a dimension or several; default: all.
        keepdim: leave them, with size 1.
        dtype: to calculate in.

    Raises:
        RuntimeError: not floating point, or no elements, for an order that has no value then.
        TypeError: ord is no number.
    """
    name = "linalg.vector_norm"
    if isinstance(ord, str):
        raise TypeError(f"{name}: ord must be a number, but is {ord!r}")
    y = _floats(name, x, dtype)
    where = axes(name, x, dim)
    if (ord < 0 or ord == math.inf) and 0 in [x.shape[a] for a in where]:
        raise RuntimeError(f"{name}: no elements have no norm of order {ord} ({tuple(x.shape)})")
    return y.norm(ord, where if where else None, keepdim)


def matrix_norm(
    A: Tensor,
    ord: Any = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """A norm of matrices.

    Args:
        A: (…, m, n).
        ord: "fro", √Σ a²; "nuc", Σ s, of the singular values s; 2 and −2, the largest and the
            smallest s; 1 and −1, of the columns' Σ |a|; ∞ and −∞, of the rows'.
        dim: the matrices' two dimensions.
        keepdim: leave them, with size 1.
        dtype: to calculate in.

    Raises:
        RuntimeError: not floating point, fewer than 2 dimensions, or another order.
    """
    name = "linalg.matrix_norm"
    if not isinstance(dim, Sequence):
        raise TypeError(f"{name}: dim must be two dimensions, but is {dim}")
    a = _floats(name, A, dtype)
    if a.ndim < 2:
        raise RuntimeError(f"{name}: needs at least 2 dimensions, but got {tuple(A.shape)}")
    if len(dim) != 2:
        raise RuntimeError(f"{name}: dim must be two dimensions, but is {dim}")
    rows, columns = axis(name, a, dim[0]), axis(name, a, dim[1])
    if rows == columns:
        raise RuntimeError(f"{name}: dims must be different, but are {dim}")
    if ord == "fro":
        return a.norm(2, (rows, columns), keepdim)
    if ord == "nuc":
        return a.norm("nuc", (rows, columns), keepdim)
    if ord in (2, -2):
        s = svdvals(a.movedim((rows, columns), (-2, -1)))
        extreme = s.amax if ord == 2 else s.amin
        y = s.sum(-1) if ord == 2 and not s.shape[-1] else extreme(-1)
        if keepdim:
            for d in sorted((rows, columns)):
                y = y.unsqueeze(d)
        return y
    if ord not in (1, -1, math.inf, -math.inf):
        raise RuntimeError(f"{name}: ord must be fro, nuc, ±1, ±2 or ±inf, but is {ord!r}")
    added, compared = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = a.abs().sum(added, True)
    if ord > 0 and not sums.shape[compared]:
        y = sums.sum(compared, True)  # no sums: 0
    else:
        y = sums.amax(compared, True) if ord > 0 else sums.amin(compared, True)
    return y if keepdim else y.squeeze((rows, columns))


def norm(
    A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """`vector_norm` over one dimension, `matrix_norm` over two, if an order is given.

    Without an order √Σ x² over the dimensions, or over all; with an order and no dimensions A must
    be a vector or a matrix. Arguments as there.
    """
    if ord is None and dim is None:
        return vector_norm(A, 2, None, keepdim, dtype=dtype)
    if dim is None:
        if A.ndim not in (1, 2):
            raise RuntimeError(
                f"linalg.norm: of an order without dims A must be 1-D or 2-D, not {tuple(A.shape)}"
            )
        matrix = A.ndim == 2
    else:
        matrix = ord is not None and isinstance(dim, Sequence) and len(dim) == 2
    if isinstance(ord, str) and not matrix:
        raise RuntimeError(f"linalg.norm: order {ord!r} is of matrices, but dim is {dim}")
    if matrix:
        return matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)


def cond(A: Tensor, p: Any = None) -> Tensor:
    """The condition numbers ‖A‖ ‖A⁻¹‖ of matrices.

    Args:
        A: (…, n, n); (…, m, n) for the orders 2 and −2, which singular values give.
        p: the order of the norm; see `matrix_norm`; default: 2.

    A singular matrix has an infinite one, but for the orders ±2 and "nuc", where a singular value
    that is 0 but for rounding counts as it is.
    """
    if A.ndim > 1 and not A.numel():
        matrices("linalg.cond", A, square=isinstance(p, str))
        return A.sum((-2, -1))  # 0, of matrices without elements
    if p in (None, 2, -2):
        s = svdvals(A)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    matrices("linalg.cond", A, square=True)
    if p == "nuc":
        s = svdvals(A)
        return s.sum(-1) * s.reciprocal().sum(-1)
    inverse, info = inv_ex(A)
    return (matrix_norm(A, p) * matrix_norm(inverse, p)).masked_fill(info > 0, math.inf)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The sum of products along a dimension, x conjugated; the others broadcast.

    Raises:
        RuntimeError: neither floating point nor complex, or of two dtypes.
    """
    if x.dtype.kind not in DIFFERENTIABLE:
        raise RuntimeError(f"linalg.vecdot: expected floating point, but got {x.dtype}")
    if x.dtype != y.dtype:
        raise RuntimeError(
            f"linalg.vecdot: x and y must have one dtype, but have {x.dtype} and {y.dtype}"
        )
    return (x.conj() * y).sum(dim)


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vector product of 3-vectors along a dimension; the other dimensions broadcast."""
    common_shape("linalg.cross", input.shape, other.shape)
    return vector_product("linalg.cross", input, other, dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """A view of the diagonals of two dimensions, by default the last."""
    return A.diagonal(offset, dim1, dim2)


def vander(x: Tensor, N: int | None = None) -> Tensor:
    """The powers 0 … N − 1 of the elements, along a new last dimension (Vandermonde's matrices).

    Of integers they are int64.

    Args:
        x: (…, n).
        N: how many powers, at least 2; default: n.

    Raises:
        RuntimeError: N is less than 2, or booleans.
    """
    if x.dtype.kind == "b":
        raise RuntimeError("linalg.vander: expected numbers, but got booleans")
    x = x if x.ndim else x.reshape(1)
    x = x if x.dtype.kind in DIFFERENTIABLE else x.long()
    n = x.shape[-1] if N is None else N
    if n < 2:
        raise RuntimeError(f"linalg.vander: N must be at least 2, but is {n}")
    ones = x.unsqueeze(-1) ** 0
    powers = [ones]
    for _ in range(n - 1):
        powers.append(powers[-1] * x.unsqueeze(-1))
    return cat(powers, -1)
