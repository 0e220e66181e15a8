"""`inv_ex` and its kin, which say what failed by a number for each matrix instead of raising."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..backend import numpy
from ..backend.plain.linalg import LinAlgError
from ..ops import decompose as ops
from .apply import apply
from .compare import where
from .decompose import cholesky, matrices
from .lu import first
from .modes import no_grad
from .own_order import lay
from .results import Named, of
from .solve import identity, inv, solve

if TYPE_CHECKING:
    from .tensor import Tensor

_INFO = numpy.dtype("int32")


class CholeskyInfo(Named):
    """What `cholesky_ex` returns."""

    L: Tensor
    info: Tensor


class InverseInfo(Named):
    """What `inv_ex` returns."""

    inverse: Tensor
    info: Tensor


class SolutionInfo(Named):
    """What `solve_ex` returns."""

    result: Tensor
    info: Tensor


def _unharmed(A: Tensor) -> Tensor:
    """What `info` is where nothing went wrong: zeros (…), int32."""
    return A.new_zeros(A.shape[:-2], dtype=_INFO)


def _tried(
    A: Tensor, function: Callable[[Tensor], Tensor], bad: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """A function of matrices, NaN for those that it is not defined for.

    Args:
        A: (…, n, n).
        function: raises, or gives what is not finite, if it is not defined for a matrix.
        bad: the number, from 1, of what shows that in each matrix, or 0.

    Returns:
        The result, and that number, int32.
    """
    try:
        y = function(A)
        if bool(y.detach().isfinite().all()):
            return y, A.new_zeros(A.shape[:-2], dtype=_INFO)
    except LinAlgError:
        pass
    info = bad(A.detach())
    failed = (info > 0).unsqueeze(-1).unsqueeze(-1)
    y = function(where(failed, identity(A), A))
    return y.masked_fill(failed if y.ndim == A.ndim else failed.squeeze(-1), math.nan), info


def _heads(A: Tensor, pivot: bool) -> Tensor:
    n = A.shape[-1]
    with no_grad():
        return apply(ops.lu, A, pivot=pivot)[..., :n].diagonal(dim1=-2, dim2=-1)


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> CholeskyInfo:
    """`linalg.cholesky` that does not raise for matrices that are not positive definite.

    Args:
        A: (…, n, n).
        upper: give Lᵀ.
        check_errors: raise nevertheless.

    Returns:
        L, NaN where there is none; and the order of the first leading minor that is not positive,
        or 0, int32.
    """
    matrices("linalg.cholesky_ex", A, square=True)
    if check_errors:
        factor = cholesky(A, upper=upper)
        return of("linalg_cholesky_ex", CholeskyInfo(factor, _unharmed(A)))

    def bad(a: Tensor) -> Tensor:
        half = a.mT if upper else a  # the triangle that is read
        return first(~(_heads(half.tril() + half.tril(-1).mT, False) > 0))

    found = _tried(A, lambda a: cholesky(a, upper=upper), bad)
    return of("linalg_cholesky_ex", CholeskyInfo(*found))


def _singular(A: Tensor) -> Tensor:
    return first(_heads(A, True) == 0)


def inv_ex(A: Tensor, *, check_errors: bool = False) -> InverseInfo:
    """`linalg.inv` that does not raise for singular matrices, whose inverse is NaN.

    Returns:
        A⁻¹, and the first diagonal element of U, A = P L U, that is 0, from 1; or 0, int32.
    """
    matrices("linalg.inv_ex", A, square=True)
    if check_errors:
        return of("linalg_inv_ex", InverseInfo(inv(A), _unharmed(A)))
    return of("linalg_inv_ex", InverseInfo(*_tried(A, inv, _singular)))


def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False
) -> SolutionInfo:
    """`linalg.solve` that does not raise for singular matrices, whose solution is NaN."""
    matrices("linalg.solve_ex", A, square=True)
    if check_errors:
        return of("linalg_solve_ex", SolutionInfo(solve(A, B, left=left), _unharmed(A)))
    found = _tried(A, lambda a: solve(a, B, left=left), _singular)
    return of("linalg_solve_ex", SolutionInfo(*found))


lay(
    globals(),
    cholesky_ex="columns rows",
    inv_ex="columns rows",
    solve_ex="columns rows",
)
