"""A = P L U by elimination, and what is made of these factors; leading dimensions are batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import namespace, numpy
from ..ops import decompose as ops
from .autocast import as_it_is
from .base import in_our_order, new
from .decompose import matrices, packed
from .own_order import lay, own_order
from .promote import to_dtype
from .results import Named, of
from .solve import solve_triangular

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["lu_unpack", "triangular_solve"]


class PLU(Named):
    """What `lu` returns."""

    P: Tensor
    L: Tensor
    U: Tensor


class Factors(Named):
    """What `lu_factor` returns: L below U in one matrix, and the rows taken, from 1, int32."""

    LU: Tensor
    pivots: Tensor


class FactorsInfo(Named):
    """What `lu_factor_ex` returns: besides, the first diagonal element of U that is 0, from 1."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


class TriangularSolve(Named):
    """What `torch.triangular_solve` returns."""

    solution: Tensor
    cloned_coefficient: Tensor


def _int32(x: Tensor) -> Tensor:
    return to_dtype(x.detach(), numpy.dtype("int32"))


def _packed(name: str, A: Tensor, pivot: bool) -> tuple[Tensor, Tensor, Tensor]:
    """L below U, the permutation S = Pᵀ, and the rows taken."""
    m, n = matrices(name, A).shape[-2:]
    y = packed(ops.lu, A, pivot=pivot)
    return y[..., :n], y[..., n : n + m].detach(), _int32(y[..., : min(m, n), n + m])


def _split(both: Tensor) -> tuple[Tensor, Tensor]:
    """L (…, m, k) with its ones, and U (…, k, n)."""
    m, n = both.shape[-2:]
    k = min(m, n)
    unit = new(namespace(both.array).eye(m, k, dtype=both.dtype))
    return both[..., :k].tril(-1) + unit, both[..., :k, :].triu()


def lu(A: Tensor, *, pivot: bool = True) -> PLU:
    """A = P L U: P permutes rows, L has ones on its diagonal, U is upper triangular.

    Args:
        A: (…, m, n).
        pivot: take the row with the largest number first, which keeps digits; else P = 1.
    """
    both, order, _ = _packed("linalg.lu", A, pivot)
    return of("linalg_lu", PLU(order.mT, *_split(both)))


def lu_factor(A: Tensor, *, pivot: bool = True) -> Factors:
    """`lu` in the form that `lu_solve` takes.

    Raises:
        RuntimeError: a diagonal element of U is 0, so that nothing can be solved with it.
    """
    both, pivots, info = lu_factor_ex(A, pivot=pivot)
    if bool((info > 0).any()):
        place = int(info[info > 0][0])
        raise RuntimeError(
            f"linalg.lu_factor: U[{place},{place}] is zero and using it on lu_solve would result "
            "in a division by zero; linalg.lu and linalg.lu_factor_ex give the factors nevertheless"
        )
    return of("linalg_lu_factor", Factors(both, pivots))


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> FactorsInfo:
    """`lu_factor` that raises nothing unless asked."""
    if check_errors:
        lu_factor(A, pivot=pivot)
    both, _, pivots = _packed("linalg.lu_factor", A, pivot)
    info = first(both.detach().diagonal(dim1=-2, dim2=-1) == 0)
    return of("linalg_lu_factor_ex", FactorsInfo(both, pivots, info))


def first(holds: Tensor) -> Tensor:
    """The first place along the last dimension where something holds, from 1; else 0; int32."""
    if holds.shape[-1] == 0:
        return _int32(holds.sum(-1))
    found = to_dtype(holds, numpy.dtype("int32"))
    return _int32((found.argmax(-1) + 1) * holds.any(-1))


def old_lu(input: Tensor, pivot: bool = True, get_infos: bool = False) -> Any:
    """`linalg.lu_factor_ex`, as PyTorch had it before; the info only if asked for."""
    found = lu_factor_ex(input, pivot=pivot)
    return found if get_infos else (found.LU, found.pivots)


old_lu.__name__ = "lu"


def _permutation(pivots: Tensor, m: int) -> Tensor:
    """The rows in the order that swaps leave them in, int64 (…, m)."""
    xp = namespace(pivots.array)
    places = xp.arange(m)
    rows = xp.broadcast_to(places, (*pivots.shape[:-1], m))
    for k in range(pivots.shape[-1]):
        other = xp.astype(pivots.array[..., k : k + 1], "int64") - 1
        order = xp.where(places == k, other, xp.where(places == other, k, places))
        rows = xp.take_along_axis(rows, order, axis=-1)
    return new(rows)


def _check_pivots(name: str, pivots: Tensor) -> None:
    if pivots.dtype != "int32":
        raise RuntimeError(f"{name}: pivots must be int32, as of lu_factor, but are {pivots.dtype}")


@own_order
def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True
) -> PLU:
    """P, L and U from what `lu_factor` returns; empty what is not asked for.

    Raises:
        RuntimeError: pivots that are not int32, or data of fewer than 2 dimensions.
    """
    if LU_data.ndim < 2:
        raise RuntimeError(
            f"lu_unpack: needs at least 2 dimensions, but the shape is {tuple(LU_data.shape)}"
        )
    m = LU_data.shape[-2]
    none = LU_data.new_empty((0,))
    low, up = _split(LU_data) if unpack_data else (none, none)
    if not unpack_pivots:
        return of("lu_unpack", PLU(none, low, up))
    _check_pivots("lu_unpack", LU_pivots)
    rows = _permutation(LU_pivots, m)
    one = new(namespace(rows.array).arange(m)) == rows.unsqueeze(-1)
    return of("lu_unpack", PLU(to_dtype(one, LU_data.array.dtype).mT, low, up))


@as_it_is
def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False
) -> Tensor:
    """The X of A X = B, of X A = B, or with Aᵀ for A, from what `lu_factor(A)` returns.

    Args:
        LU, pivots: (…, n, n) and (…, n).
        B: (…, n, k), or (…, k, n) if A is on the right.
        left: on which side A stands.
        adjoint: take Aᵀ.

    Raises:
        RuntimeError: pivots that are not int32, or sizes that don't fit.
    """
    _check_pivots("linalg.lu_solve", pivots)
    if not left:
        return in_our_order(lu_solve(LU, pivots, B.mT, adjoint=not adjoint)).mT
    matrices("linalg.lu_solve", LU, square=True)
    p, low, up = lu_unpack(LU, pivots)
    if adjoint:
        y = solve_triangular(up.mT, matrices("linalg.lu_solve", B), upper=False)
        return p.matmul(solve_triangular(low.mT, y, upper=True, unitriangular=True))
    y = solve_triangular(low, p.mT.matmul(B), upper=False, unitriangular=True)
    return solve_triangular(up, y, upper=True)


def old_lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """`linalg.lu_solve` with its arguments in PyTorch's older order."""
    return lu_solve(LU_data, LU_pivots, input)


old_lu_solve.__name__ = "lu_solve"


def triangular_solve(
    input: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
) -> TriangularSolve:
    """`linalg.solve_triangular`, as PyTorch had it before: the solution, and a copy of A."""
    a = A.mT if transpose else A
    x = solve_triangular(a, input, upper=upper != transpose, unitriangular=unitriangular)
    return of("triangular_solve", TriangularSolve(x, A.clone()))


lay(
    globals(),
    lu="rows rows rows",
    lu_factor="columns rows",
    lu_factor_ex="columns rows rows",
    old_lu="columns rows",
    lu_solve="columns",
    triangular_solve="columns columns",
)
