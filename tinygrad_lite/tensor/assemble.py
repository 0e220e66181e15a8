"""Tensors made of parts, cut into parts, or with one part replaced."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..backend import namespace, numpy
from ..backend.dtypes import DIFFERENTIABLE
from ..ops import shape as ops
from .apply import apply
from .base import new
from .concatenate import cat
from .dims import axis
from .linalg import _zeros_of, diagonal, matmul, outer
from .modes import default_dtype
from .operation import public
from .order import nonzero
from .promote import coefficient, common_dtype, to_dtype
from .scatter import index_put
from .shown import lasting

if TYPE_CHECKING:
    from .tensor import Tensor


def block_diag(*tensors: Any) -> Tensor:
    """A matrix with matrices along its diagonal, zeros elsewhere; vectors count as rows.

    Of none it is (1, 0), as of one empty vector.

    Raises:
        RuntimeError: more than 2 dimensions.
    """
    given: Any = (
        tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    )
    parts = list(given) or [new(numpy.zeros(0, default_dtype()))]
    if any(p.ndim > 2 for p in parts):
        raise RuntimeError("block_diag: expected tensors of at most 2 dimensions")
    dtype = common_dtype(*parts)
    blocks = [to_dtype(p if p.ndim == 2 else p.reshape(1, -1), dtype) for p in parts]
    width = sum(b.shape[1] for b in blocks)
    rows, start = [], 0
    for b in blocks:
        left = b.new_zeros((b.shape[0], start))
        start += b.shape[1]
        rows.append(cat([left, b, b.new_zeros((b.shape[0], width - start))], 1))
    return cat(rows, 0)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of r elements of a vector, one a row, in the vector's order.

    Args:
        input: (n).
        r: how many are chosen.
        with_replacement: an element may be chosen more than once.

    Raises:
        RuntimeError: not 1-D, or a negative r.
    """
    if input.ndim != 1 or r < 0:
        raise RuntimeError(
            f"combinations: expected a vector and r ≥ 0, but got shape {tuple(input.shape)}, r={r}"
        )
    if r == 0:
        return input.new_zeros((0,))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = numpy.asarray([*choose(range(input.numel()), r)], dtype="int64").reshape(-1, r)
    return input[new(places).to(input.device)]


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Powers of a vector's elements as columns (Vandermonde's matrix).

    Args:
        x: (n).
        N: how many columns, for the exponents 0 to N − 1; default: n.
        increasing: the lowest power first; otherwise the highest.

    Raises:
        RuntimeError: not 1-D, or a negative N.
    """
    if x.ndim != 1:
        raise RuntimeError(f"vander: expected a vector, but got shape {tuple(x.shape)}")
    n = x.numel() if N is None else N
    if n < 0:
        raise RuntimeError(f"vander: N must not be negative, but is {N}")
    base = x if x.dtype.kind in DIFFERENTIABLE else to_dtype(x, numpy.dtype("int64"))
    columns = [base.unsqueeze(1) ** k for k in range(n)]
    if not columns:
        return base.new_zeros((x.numel(), 0))
    return cat(columns if increasing else columns[::-1], 1)


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with the elements of the flattened input on a diagonal, above it if offset > 0."""
    return input.reshape(-1).diag(offset)


def argwhere(input: Tensor) -> Tensor:
    """The places of the elements that are not 0: int64 (count, dimensions)."""
    return nonzero(input)  # type: ignore[no-any-return]


def _parts(name: str, input: Tensor, where: Any, dim: int, least: int) -> tuple[Tensor, ...]:
    """A dimension cut into `where` equal parts, or at the indices `where`.

    Raises:
        RuntimeError: fewer than `least` dimensions, or no equal parts.
    """
    if input.ndim < least:
        raise RuntimeError(
            f"{name}: needs at least {least} dimensions, but the shape is {tuple(input.shape)}"
        )
    if isinstance(where, bool):
        raise TypeError(f"{name}: the number of sections must be an int, but got bool")
    if isinstance(where, int) and (where <= 0 or input.shape[dim] % where):
        raise RuntimeError(
            f"{name}: dimension {dim} of size {input.shape[dim]} is not divisible by {where}"
        )
    return input.tensor_split(where, dim)


def hsplit(input: Tensor, indices_or_sections: Any, *more: int) -> tuple[Tensor, ...]:
    """So many equal parts, or parts cut before indices, along dimension 1 (of a vector 0); views.

    Several indices may be given one by one, too.

    Raises:
        RuntimeError: too few dimensions, or a size that the number of parts does not divide.
    """
    where = (indices_or_sections, *more) if more else indices_or_sections
    return _parts("hsplit", input, where, int(input.ndim > 1), 1)


def vsplit(input: Tensor, indices_or_sections: Any, *more: int) -> tuple[Tensor, ...]:
    """So many equal parts, or parts cut before indices, along dimension 0; else as `hsplit`."""
    where = (indices_or_sections, *more) if more else indices_or_sections
    return _parts("vsplit", input, where, 0, 2)


def dsplit(input: Tensor, indices_or_sections: Any, *more: int) -> tuple[Tensor, ...]:
    """So many equal parts, or parts cut before indices, along dimension 2; else as `hsplit`."""
    where = (indices_or_sections, *more) if more else indices_or_sections
    return _parts("dsplit", input, where, 2, 3)


def _put(name: str, input: Tensor, part: Tensor, src: Tensor, index: tuple[Any, ...]) -> Tensor:
    """The elements, but src at an index, where now `part` is.

    Raises:
        RuntimeError: src has another shape.
    """
    if part.shape != src.shape:
        raise RuntimeError(
            f"{name}: src must have the shape of its place, {tuple(part.shape)}, but has "
            f"{tuple(src.shape)}"
        )
    spec, indices = ops.split(index)
    return apply(ops.setitem, input, to_dtype(src, input.array.dtype), *indices, spec=spec)


def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """The elements (a copy), but src in place of `input.select(dim, index)`."""
    at = axis("select_scatter", input, dim)
    place = (slice(None),) * at + (index,)
    return _put("select_scatter", input, input.select(at, index), src, place)


def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """The elements (a copy), but src in place of the slice start:end:step of a dimension."""
    at = axis("slice_scatter", input, dim)
    place = (slice(None),) * at + (slice(start, end, step),)
    return _put("slice_scatter", input, input[place], src, place)


def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """The elements (a copy), but src in place of `input.diagonal(offset, dim1, dim2)`."""
    part = diagonal(input, offset, dim1, dim2)
    if part.shape != src.shape:
        raise RuntimeError(
            f"diagonal_scatter: src must have the diagonal's shape, {tuple(part.shape)}, but has "
            f"{tuple(src.shape)}"
        )
    a, b = axis("diagonal_scatter", input, dim1), axis("diagonal_scatter", input, dim2)
    along = namespace(input.array).arange(part.shape[-1])
    rows, columns = new(along + max(-offset, 0)), new(along + max(offset, 0))
    moved = input.movedim((a, b), (0, 1))
    src = to_dtype(src.movedim(-1, 0), input.array.dtype)
    out = lasting(index_put(moved, (rows, columns), src))
    return out.movedim((0, 1), (a, b))


def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta · input + alpha · Σᵢ batch1ᵢ batch2ᵢ for batches (B, n, k) and (B, k, p): (n, p)."""
    if batch1.ndim != 3 or batch2.ndim != 3 or batch1.shape[0] != batch2.shape[0]:
        raise RuntimeError(
            f"addbmm: expected batches of as many matrices, but got {tuple(batch1.shape)} and "
            f"{tuple(batch2.shape)}"
        )
    n, p = batch1.shape[1], batch2.shape[2]
    left = batch1.transpose(0, 1).reshape(n, batch1.shape[0] * batch1.shape[2])
    return input.addmm(left, batch2.reshape(left.shape[1], p), beta=beta, alpha=alpha)


def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · vec1 vec2ᵀ for vectors (n) and (m): (n, m); input broadcasts.

    Raises:
        RuntimeError: the input does not broadcast to (n, m), also where beta = 0 leaves it out.
    """
    product = outer(vec1, vec2)
    input = input.expand(product.shape)
    for factor in (beta, alpha):
        coefficient("addr", factor, product)
    if product.dtype.kind == "b" and input.dtype.kind == "b":
        beta, alpha = bool(beta), bool(alpha)
    scaled = product if alpha == 1 else product * alpha
    if beta == 0:
        return scaled + _zeros_of(input) if input.requires_grad else scaled
    return (input if beta == 1 else input * beta) + scaled


def chain_matmul(*matrices: Any) -> Tensor:
    """The product of several matrices, multiplied in the order that costs least."""
    given = matrices[0] if len(matrices) == 1 and isinstance(matrices[0], Sequence) else matrices
    return in_best_order("chain_matmul", list(given))


def in_best_order(name: str, matrices: list[Tensor]) -> Tensor:
    """The product of matrices in the order that costs least, by dynamic programming.

    (Cormen et al. 2009, section 15.2.)

    Raises:
        RuntimeError: none are given, or not matrices.
    """
    if not matrices or any(m.ndim != 2 for m in matrices):
        raise RuntimeError(f"{name}: expected matrices, got {[tuple(m.shape) for m in matrices]}")
    sizes = [m.shape[0] for m in matrices] + [matrices[-1].shape[1]]
    best: dict[tuple[int, int], tuple[int, int]] = {(i, i): (0, i) for i in range(len(matrices))}
    for length in range(1, len(matrices)):
        for i in range(len(matrices) - length):
            j = i + length
            best[i, j] = min(
                (best[i, k][0] + best[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Tensor:
        k = best[i, j][1]
        return matrices[i] if i == j else matmul(product(i, k), product(k + 1, j))

    return product(0, len(matrices) - 1)


if not TYPE_CHECKING:
    __all__ = [name for name in public(globals()) if name != "in_best_order"]
