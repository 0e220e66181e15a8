"""Inverses, determinants, linear systems and powers of matrices (…, n, n)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..backend import namespace, numpy
from ..backend.dtypes import is_half
from ..ops import decompose as ops
from .apply import apply
from .assemble import in_best_order
from .autocast import as_it_is
from .base import TensorBase, new
from .decompose import eigvalsh, matrices, svdvals
from .dims import whole
from .index import common_shape
from .linalg import matmul
from .own_order import lay, own_order
from .promote import to_dtype
from .results import Named, of

if TYPE_CHECKING:
    from .tensor import Tensor


__all__ = ["cholesky_inverse", "cholesky_solve", "det", "inverse", "logdet", "matrix_exp",
           "matrix_power", "pinverse"]  # fmt: skip


class Slogdet(Named):
    """What `slogdet` returns."""

    sign: Tensor
    logabsdet: Tensor


class Lstsq(Named):
    """What `lstsq` returns."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def inv(A: Tensor) -> Tensor:
    """A⁻¹.

    Raises:
        LinAlgError: A is singular.
        RuntimeError: not square matrices of floats.
    """
    return apply(ops.inv, matrices("linalg.inv", A, square=True))


inverse = inv


def det(A: Tensor) -> Tensor:
    """The determinants (…) of square matrices (…, n, n)."""
    return apply(ops.det, matrices("linalg.det", A, square=True))


def slogdet(A: Tensor) -> Slogdet:
    """The determinants as signs and logarithms of magnitudes: det = sign · e^logabsdet."""
    return _slogdet("linalg_slogdet", A)


def old_slogdet(input: Tensor) -> Slogdet:
    """`linalg.slogdet` under its older name."""
    return _slogdet("slogdet", input)


old_slogdet.__name__ = "slogdet"


def _slogdet(name: str, A: Tensor) -> Slogdet:
    matrices("linalg.slogdet", A, square=True)
    xp, wide = namespace(A.array), _wide(A.detach()).array
    sign = xp.asarray(xp.slogdet(wide)[0], dtype=A.array.dtype)
    return of(name, Slogdet(new(sign), apply(ops.logabsdet, A)))


def _wide(x: Tensor) -> Tensor:
    """The tensor in float32, if its dtype has 16 bits; else itself."""
    return to_dtype(x, numpy.dtype("float32")) if is_half(x.array.dtype) else x


def logdet(input: Tensor) -> Tensor:
    """ln det, −∞ where it is 0, NaN where it is negative."""
    sign, logarithm = slogdet(input)
    return logarithm.masked_fill(sign < 0, math.nan)


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """The X of A X = B, or of X A = B.

    Args:
        A: (…, n, n).
        B: (…, n, k); or (…, n), of A's batch, for one right-hand side each.
        left: on which side A stands.

    Raises:
        LinAlgError: A is singular.
        RuntimeError: sizes or dtypes that don't fit.
    """
    matrices("linalg.solve", A, square=True)
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    if vector and not left:
        raise RuntimeError(
            f"linalg.solve: Incompatible shapes of A and B for the equation XA = B: B of shape "
            f"{tuple(B.shape)} is a column"
        )
    x = _solved("linalg.solve", A, B.unsqueeze(-1) if vector else B, left)
    return x.squeeze(-1) if vector else x


def _solved(name: str, a: Tensor, b: Tensor, left: bool) -> Tensor:
    """The X of a X = b, or of X a = b, of matrices whose batch dimensions broadcast.

    Raises:
        RuntimeError: other dtypes, or sizes that don't fit.
    """
    if a.dtype != b.dtype:
        raise RuntimeError(f"{name}: expected one dtype, but got {a.dtype} and {b.dtype}")
    rows = b.shape[-2 if left else -1] if b.ndim > 1 else -1
    if rows != a.shape[-1]:
        raise RuntimeError(
            f"{name}: shapes {tuple(a.shape)} and {tuple(b.shape)} don't fit: A has "
            f"{a.shape[-1]} columns"
        )
    batch = common_shape(name, a.shape[:-2], b.shape[:-2])
    a, b = a.expand(*batch, *a.shape[-2:]), b.expand(*batch, *b.shape[-2:])
    return apply(ops.solve, a, b) if left else apply(ops.solve, a.mT, b.mT).mT


def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """`solve` for a triangular A.

    Args:
        A: (…, n, n); only one triangle of it is read.
        B: (…, n, k), or (…, k, n) if A stands on the right.
        upper: the upper triangle, else the lower.
        left: on which side of X A stands.
        unitriangular: A's diagonal is not read but counts as 1.

    Raises:
        LinAlgError: A is singular.
        RuntimeError: sizes or dtypes that don't fit.
    """
    matrices("linalg.solve_triangular", A, square=True)
    matrices("linalg.solve_triangular", B)
    if unitriangular:
        one = identity(A)
        a = (A.triu(1) if upper else A.tril(-1)) + one
    else:
        a = A.triu() if upper else A.tril()
    return _solved("linalg.solve_triangular", a, B, left)


def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """The X of A X = B, from the Cholesky factor of A = L Lᵀ.

    Args:
        B: (…, n, k).
        L: (…, n, n), of which the lower triangle is read.
        upper: Lᵀ is given in place of L, as an upper triangle.
    """
    lower = matrices("cholesky_solve", L, square=True).triu().mT if upper else L.tril()
    y = _solved("cholesky_solve", lower, matrices("cholesky_solve", B), True)
    return _solved("cholesky_solve", lower.mT, y, True)


def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """A⁻¹ from the Cholesky factor of A = L Lᵀ; arguments as for `cholesky_solve`."""
    return cholesky_solve(identity(L).expand(L.shape), L, upper)


def identity(like: Tensor) -> Tensor:
    """The identity of a square matrix's size, dtype and device."""
    return new(namespace(like.array).eye(like.shape[-1], dtype=like.array.dtype))


def _tolerance(A: Tensor, largest: Tensor, atol: Any, rtol: Any) -> Tensor:
    """max(atol, rtol · the largest singular value): singular values up to it count as 0.

    Args:
        A: (…, m, n).
        largest: (…, 1), its largest singular values.
        atol, rtol: numbers, tensors (…), or None: rtol is then max(m, n) ε, or 0 beside an atol.

    Returns:
        (…, 1).
    """
    if rtol is None:
        given = atol is not None and (isinstance(atol, TensorBase) or atol > 0)
        eps = float(numpy.finfo("float32" if A.dtype.kind == "V" else A.array.dtype).eps)
        rtol = 0.0 if given else eps * max(A.shape[-2:])
    atol = 0.0 if atol is None else atol
    atol, rtol = (
        (to_dtype(t, A.array.dtype) if t.ndim == 0 else to_dtype(t, A.array.dtype).unsqueeze(-1))
        if isinstance(t, TensorBase)
        else largest * 0 + t
        for t in (atol, rtol)
    )
    return atol.maximum(largest * rtol)  # type: ignore[no-any-return]


def _largest(s: Tensor) -> Tensor:
    """The largest of singular values (…, k) as (…, 1); 0 if there are none."""
    return s.amax(-1, True) if s.shape[-1] else s.new_zeros((*s.shape[:-1], 1))


def _magnitudes(A: Tensor, hermitian: bool) -> Tensor:
    """The singular values; of a symmetric matrix, its eigenvalues' magnitudes, which cost less."""
    return eigvalsh(A.detach()).abs() if hermitian else svdvals(A.detach())


def pinv(A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None,
         rtol: Any = None) -> Tensor:  # fmt: skip
    """The pseudo-inverse (…, n, m) of Moore and Penrose.

    Args:
        A: (…, m, n).
        rcond: another name for rtol.
        hermitian: A is symmetric; of one that is not the lower triangle is read, and the gradient
            is as if it were.
        atol, rtol: singular values up to max(atol, rtol · the largest) count as 0; rtol's
            default is max(m, n) ε, or 0 if an atol is given.
    """
    matrices("linalg.pinv", A, square=hermitian)
    if hermitian:
        lower = A.detach().tril()
        A = A + (lower + lower.tril(-1).mT - A.detach())
    s = svdvals(A.detach())
    tolerance = _tolerance(A, _largest(s), atol, rcond if rtol is None else rtol)
    return apply(ops.pinv, A, tolerance)


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """`linalg.pinv` with rtol = rcond."""
    return pinv(input, rtol=rcond)


def matrix_rank(A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None,
                rtol: Any = None) -> Tensor:  # fmt: skip
    """How many singular values are greater than max(atol, rtol · the largest), int64 (…).

    Args:
        A: (…, m, n).
        tol: another name for atol.
        hermitian: A is symmetric.
        atol, rtol: as for `pinv`.
    """
    matrices("linalg.matrix_rank", A, square=hermitian)
    s = _magnitudes(A, hermitian)
    atol = tol if atol is None else atol
    return (s > _tolerance(A, _largest(s), atol, rtol)).sum(-1)


@as_it_is
def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Lstsq:
    """The X with the least |A X − B|, of those the shortest, as A⁺ B.

    Args:
        A: (…, m, n).
        B: (…, m, k), or (…, m).
        rcond: singular values up to rcond · the largest count as 0; default: max(m, n) ε. With
            "gels", which takes the rank for full, it has no effect.
        driver: "gels", "gelsy", "gelsd" or "gelss": which of the other results there are; default:
            "gelsy", the rank.

    Returns:
        The solution, the squared residuals of each column (empty for "gelsy", and unless m > n
        and the rank is full), the rank (empty for "gels") and the singular values (for "gelsd"
        and "gelss").
    """
    drivers = ("gels", "gelsy", "gelsd", "gelss")
    if driver not in (None, *drivers):
        raise RuntimeError(f"linalg.lstsq: driver must be one of {drivers}, but is {driver!r}")
    m, n = matrices("linalg.lstsq", A).shape[-2:]
    vector = B.ndim == A.ndim - 1
    if not 0 <= A.ndim - B.ndim <= 1:
        raise RuntimeError(
            f"linalg.lstsq: B must have as many dimensions as A, {A.ndim}, or one less, but has "
            f"{B.ndim}"
        )
    rcond = None if driver == "gels" else rcond
    right = B.unsqueeze(-1) if vector else B
    if right.shape[-2] != m or A.dtype != B.dtype:
        raise RuntimeError(
            f"linalg.lstsq: A of shape {tuple(A.shape)} and {A.dtype} does not fit B of shape "
            f"{tuple(B.shape)} and {B.dtype}"
        )
    x = pinv(A, rtol=rcond).matmul(right)
    rank = matrix_rank(A, rtol=rcond)
    residuals = A.new_zeros((0,))
    if m > n and driver not in (None, "gelsy") and bool((rank == n).all()):
        residuals = ((A.matmul(x) - right).detach() ** 2).sum(-2)
    empty = A.new_zeros((0,))
    s = svdvals(A.detach()) if driver in ("gelsd", "gelss") else empty
    known = to_dtype(empty, rank.array.dtype) if driver == "gels" else rank
    found = Lstsq(x.squeeze(-1) if vector else x, residuals, known, s)
    return of("linalg_lstsq", found)


@own_order
def matrix_power(input: Tensor, n: int) -> Tensor:
    """Aⁿ, by repeated squaring; for a negative n (A⁻¹)⁻ⁿ.

    Raises:
        LinAlgError: n is negative and A singular.
        RuntimeError: matrices that are not square.
    """
    if input.ndim < 2 or input.shape[-1] != input.shape[-2]:
        raise RuntimeError(
            f"linalg.matrix_power: matrices must be square, but the shape is {tuple(input.shape)}"
        )
    a, n = input, whole("linalg.matrix_power", "n", n)
    if n < 0:
        a, n = inv(a), -n
    if n == 0:
        return identity(a).expand(a.shape).clone()
    out: Tensor | None = None
    while n:
        if n & 1:
            out = a if out is None else matmul(out, a)
        n >>= 1
        a = matmul(a, a) if n else a
    assert out is not None
    return out.clone() if out is input else out


@as_it_is
def matrix_exp(input: Tensor) -> Tensor:
    """e^A = (e^(A/2ˢ))^(2ˢ): Taylor's series of a matrix of norm below 1/2, squared s times.

    (Moler & Van Loan 2003, "Nineteen dubious ways to compute the exponential of a matrix".)
    """
    a = _wide(matrices("linalg.matrix_exp", input, square=True))
    norm = float(a.detach().abs().sum(-2).amax()) if a.numel() else 0.0
    squarings = max(0, math.ceil(math.log2(norm)) + 1) if 0 < norm < math.inf else 0
    small = a / 2**squarings
    one = identity(a)
    out: Tensor = small / 16 + one
    for k in range(15, 0, -1):  # Horner's rule
        out = matmul(small, out) / k + one
    for _ in range(squarings):
        out = matmul(out, out)
    return to_dtype(out, input.array.dtype)


def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of matrices in the order that costs least; the first and last may be vectors.

    Raises:
        RuntimeError: fewer than two, or other shapes.
    """
    parts = list(tensors)
    if len(parts) < 2:
        raise RuntimeError(f"linalg.multi_dot: expected at least 2 tensors, but got {len(parts)}")
    row, column = parts[0].ndim == 1, parts[-1].ndim == 1
    if row:
        parts[0] = parts[0].unsqueeze(0)
    if column:
        parts[-1] = parts[-1].unsqueeze(1)
    y = in_best_order("linalg.multi_dot", parts)
    y = y.squeeze(-1) if column else y
    return y.squeeze(0) if row else y


def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse of the linear map X ↦ `tensordot(A, X)` over all of X's dimensions.

    Args:
        A: its first `ind` sizes have the product that the others have.
        ind: how many dimensions belong to the map's result.

    Raises:
        RuntimeError: the products differ.
        LinAlgError: the map has no inverse.
    """
    n = math.prod(A.shape[:ind])
    if ind <= 0 or n != math.prod(A.shape[ind:]):
        raise RuntimeError(f"linalg.tensorinv: {tuple(A.shape)} is not square for ind={ind}")
    return inv(A.reshape(n, n)).reshape(*A.shape[ind:], *A.shape[:ind])


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None) -> Tensor:
    """The X of `tensordot(A, X, X.ndim)` = B.

    Args:
        A: its first dimensions are B's, the others X's, with as many elements.
        B: any shape.
        dims: dimensions of A that are moved to its end first.

    Raises:
        RuntimeError: sizes that don't fit.
        LinAlgError: there is no one X.
    """
    if dims is not None:
        rest = [d for d in range(A.ndim) if d not in [k % A.ndim for k in dims]]
        A = A.permute([*rest, *(k % A.ndim for k in dims)])
    shape = A.shape[B.ndim :]
    if math.prod(shape) != B.numel():
        raise RuntimeError(
            f"linalg.tensorsolve: shapes {tuple(A.shape)} and {tuple(B.shape)} don't fit"
        )
    return solve(A.reshape(B.numel(), -1), B.reshape(-1)).reshape(shape)


lay(
    globals(),
    inv="columns",
    inverse="columns",
    solve_triangular="columns",
    solve="columns",
    cholesky_solve="columns",
    cholesky_inverse="columns",
    lstsq="columns rows rows rows",
)
