"""Products of Householder's reflections Hᵢ = 1 − τᵢ vᵢ vᵢᵀ, as LAPACK keeps the Q of a QR.

Column i of a matrix (…, m, k) holds vᵢ below its diagonal: vᵢ is 0 above its i-th element, which
is 1. Leading dimensions are batches.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..backend import namespace
from ..ops import decompose as ops
from .autocast import as_it_is, need_one_dtype
from .base import new
from .decompose import matrices, packed
from .own_order import lay
from .results import Named, of

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["geqrf", "orgqr", "ormqr"]


class Reflections(Named):
    """What `geqrf` returns: R with the vᵢ below its diagonal, and τ."""

    a: Tensor
    tau: Tensor


def geqrf(input: Tensor) -> Reflections:
    """A = Q R, with Q as reflections below R.

    Args:
        input: (…, m, n).

    Returns:
        (…, m, n) and τ (…, min(m, n)); `orgqr` and `ormqr` take them. They have no gradient.
    """
    m, n = matrices("geqrf", input).shape[-2:]
    both = packed(ops.geqrf, input)
    return of("geqrf", Reflections(both[..., :m, :], both[..., m, : min(m, n)]))


def _columns(name: str, input: Tensor, tau: Tensor) -> Tensor:
    """The vᵢ as columns: (…, m, n).

    Raises:
        RuntimeError: more columns than rows, more reflections than columns, other batches, or
            two dtypes.
    """
    m, n = matrices(name, input).shape[-2:]
    if m < n or tau.shape[-1] > n or tau.shape[:-1] != input.shape[:-2]:
        raise RuntimeError(
            f"{name}: the reflections of shape {tuple(input.shape)} need as many rows as columns, "
            f"and tau of shape {tuple(tau.shape)} one element a column at most"
        )
    need_one_dtype(name, input=input, tau=tau)
    return input.tril(-1) + new(namespace(input.array).eye(m, n, dtype=input.dtype))


def _reflected(v: Tensor, tau: Tensor, x: Tensor, order: Iterable[int]) -> Tensor:
    """… Hⱼ Hᵢ x for the i, j, … of an order."""
    for i in order:
        column = v[..., i : i + 1]
        x = x - tau[..., i : i + 1, None] * column.matmul(column.mT.matmul(x))
    return x


@as_it_is
def householder_product(A: Tensor, tau: Tensor) -> Tensor:
    """The first n columns of H₁ H₂ … Hₖ.

    Args:
        A: (…, m, n), m ≥ n; below its diagonal, column i is vᵢ, whose i-th element is 1.
        tau: (…, k), k ≤ n.

    Raises:
        RuntimeError: sizes that don't fit.
    """
    v = _columns("linalg.householder_product", A, tau)
    unit: Tensor = new(namespace(A.array).eye(*A.shape[-2:], dtype=A.dtype)).expand(A.shape)
    return _reflected(v, tau, unit, reversed(range(tau.shape[-1])))


def orgqr(input: Tensor, input2: Tensor) -> Tensor:
    """`linalg.householder_product`."""
    return householder_product(input, input2)


def ormqr(
    input: Tensor, input2: Tensor, input3: Tensor, left: bool = True, transpose: bool = False
) -> Tensor:
    """Q C or C Q, or with Qᵀ, where Q = H₁ H₂ … Hₖ is square and never made.

    Args:
        input, input2: the reflections, as of `geqrf`: (…, p, k), and τ (…, k).
        input3: C, with p rows if Q is on the left, else p columns.
        left: on which side Q stands.
        transpose: take Qᵀ.

    Raises:
        RuntimeError: sizes that don't fit.
    """
    if not left:
        return ormqr(input, input2, input3.mT, True, not transpose).mT
    if matrices("ormqr", input3).shape[-2] != input.shape[-2]:
        raise RuntimeError(
            f"ormqr: reflections of shape {tuple(input.shape)} need a C with as many rows (columns "
            f"where left=False), but it has the shape {tuple(input3.shape)}"
        )
    k = input2.shape[-1] if input2.ndim else 0
    v = _columns("ormqr", input[..., :k], input2)  # the columns beyond are R's alone
    steps = range(input2.shape[-1])
    if len(steps) != min(input3.shape[-2], input.shape[-1]):
        raise RuntimeError(
            f"ormqr: reflections of shape {tuple(input.shape)} need as many elements of tau as "
            f"columns, but it has the shape {tuple(input2.shape)}"
        )
    return _reflected(v, input2, input3, steps if transpose else reversed(steps))


lay(
    globals(),
    geqrf="columns rows",
    householder_product="columns",
    ormqr="columns",
)
