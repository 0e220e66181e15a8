"""Decompositions of matrices (…, m, n); leading dimensions are batches.

A decomposition is one rule with one packed output (`ops.decompose`), of which these functions
return parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import namespace
from ..backend.dtypes import FLOATING, is_half
from ..graph import Rule, mode
from ..ops import decompose as ops
from .apply import apply
from .base import TensorBase, in_our_order, new
from .concatenate import cat
from .own_order import lay
from .results import Named, of

if TYPE_CHECKING:
    from .tensor import Tensor


class QR(Named):
    """What `qr` returns."""

    Q: Tensor
    R: Tensor


class Eigh(Named):
    """What `eigh` returns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class SVD(Named):
    """What `svd` returns."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class OldSVD(Named):
    """What `torch.svd` returns."""

    U: Tensor
    S: Tensor
    V: Tensor


def matrices(name: str, a: Tensor, square: bool = False) -> Tensor:
    """The tensor itself, if it holds matrices.

    Raises:
        RuntimeError: fewer than 2 dimensions, not square if `square`, or not floating point.
        TypeError: not a tensor.
    """
    if not isinstance(a, TensorBase):
        raise TypeError(f"{name}: expected a Tensor, but got {type(a).__name__}")
    if a.ndim < 2:
        raise RuntimeError(
            f"{name}: needs at least 2 dimensions, but the shape is {tuple(a.shape)}"
        )
    if a.dtype.kind not in FLOATING:
        raise RuntimeError(f"{name}: expected a floating-point dtype, but got {a.dtype}")
    if square and a.shape[-1] != a.shape[-2]:
        raise RuntimeError(f"{name}: matrices must be square, but the shape is {tuple(a.shape)}")
    return a


def packed(rule: Rule, A: Tensor, **constants: Any) -> Tensor:
    """The output of a rule, of which parts are given out."""
    return in_our_order(apply(rule, A, **constants))


def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """The lower triangular L of A = L Lᵀ.

    Args:
        A: (…, n, n), symmetric and positive definite; its lower triangle is read, or its upper.
        upper: return Lᵀ.

    Raises:
        LinAlgError: A is not positive definite.
        RuntimeError: not square matrices of floats.
    """
    a = matrices("linalg.cholesky", A, square=True)
    return apply(ops.cholesky, a.mT).mT if upper else apply(ops.cholesky, a)


def qr(A: Tensor, mode: str = "reduced") -> QR:
    """A = Q R: Q's columns are orthonormal, R is upper triangular.

    Args:
        A: (…, m, n).
        mode: "reduced", Q (…, m, k) and R (…, k, n), k = min(m, n); "complete", Q (…, m, m); "r",
            R alone, with an empty Q.

    Raises:
        RuntimeError: another mode; in the backward pass, of "complete" for m > n.
    """
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"linalg.qr: mode must be reduced, complete or r, but is {mode!r}")
    m, n = matrices("linalg.qr", A).shape[-2:]
    if mode == "complete" and m > n:
        both = packed(ops.full_qr, A)
        return of("linalg_qr", QR(both[..., :m], both[..., m:]))
    left = A if m >= n else A[..., :m]
    both = packed(ops.qr, left)
    q_, r_ = both[..., :m].mT, both[..., m:]
    if m < n:
        r_ = cat([r_, q_.mT.matmul(A[..., m:])], -1)
    return of("linalg_qr", QR(A.new_empty((0,)) if mode == "r" else q_, r_))


def eigh(A: Tensor, UPLO: str = "L") -> Eigh:
    """The eigenvalues of symmetric matrices in ascending order, and the eigenvectors as columns.

    Args:
        A: (…, n, n), symmetric; one triangle is read.
        UPLO: which triangle: "L", the lower, or "U".

    Returns:
        A named pair: `eigenvalues` (…, n) and `eigenvectors` (…, n, n).

    Raises:
        RuntimeError: not square matrices of floats, or another UPLO.
    """
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"linalg.eigh: UPLO must be L or U, but is {UPLO!r}")
    both = packed(ops.eigh, matrices("linalg.eigh", A, square=True), upper=UPLO.upper() == "U")
    return of("linalg_eigh", Eigh(both[..., 0, :], both[..., 1:, :]))


class Eig(Named):
    """What `eig` returns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


def eig(A: Tensor) -> Eig:
    """The eigenvalues of square matrices, in no order, and the eigenvectors as columns; complex.

    Args:
        A: (…, n, n), real or complex.

    Returns:
        A named pair: `eigenvalues` (…, n) and `eigenvectors` (…, n, n), each of length 1. No
        gradient reaches what a loss makes of their phases.

    Raises:
        LinAlgError: an element is no number, or infinite.
        RuntimeError: not square matrices of single or double precision.
    """
    both = packed(ops.eig, _complex_matrices("linalg.eig", A))
    n = A.shape[-1]
    return of("linalg_eig", Eig(both[..., 0, :], both[..., 1 : n + 1, :]))


def eigvals(A: Tensor) -> Tensor:
    """The eigenvalues of `eig`, (…, n); arguments as there."""
    return packed(ops.eig, _complex_matrices("linalg.eigvals", A))[..., 0, :]


def _complex_matrices(name: str, a: Any) -> Tensor:
    """The tensor itself, if it holds square matrices of real or complex numbers."""
    if isinstance(a, TensorBase) and is_half(a.array.dtype):
        raise NotImplementedError(f"{name}: not implemented for {a.dtype}")
    is_complex = isinstance(a, TensorBase) and a.array.dtype.kind == "c"
    matrices(name, a.real if is_complex else a, square=True)
    return a  # type: ignore[no-any-return]


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of `eigh`, (…, n); arguments as there."""
    return eigh(A, UPLO).eigenvalues


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> SVD:
    """A = U diag(S) Vh, the singular values in descending order.

    The gradients of U and Vh need different singular values; those of a full U and Vh also m = n.

    Args:
        A: (…, m, n).
        full_matrices: U (…, m, m) and Vh (…, n, n) instead of (…, m, k), (…, k, n), k = min(m, n).
        driver: has no effect.

    Returns:
        A named triple: `U`, `S` (…, k) and `Vh`.

    Raises:
        RuntimeError: not matrices of floats; in the backward pass, of a full U or Vh with m ≠ n.
    """
    m, n = matrices("linalg.svd", A).shape[-2:]
    if full_matrices and m != n:
        # Unrecorded one call gives all three; of 16 bits it would not (rules are given float32).
        if not ((mode.grad and A.requires_grad) or is_half(A.array.dtype)):
            u, s, vh = namespace(A.array).full_svd(A.array)
            return of("linalg_svd", SVD(new(u), new(s), new(vh)))
        sides = (apply(ops.full_svd, A, side=side) for side in (0, 2))
        return of("linalg_svd", SVD(next(sides), svdvals(A), next(sides)))
    all_ = packed(ops.svd, A)
    parts = SVD(all_[..., :m, :], all_[..., m, :], all_[..., m + 1 :, :].mT)
    return of("linalg_svd", parts)


def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values of `svd`, (…, min(m, n)), in descending order."""
    return svd(A, False).S


def old_cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """`linalg.cholesky`, under its older name; arguments as there."""
    return cholesky(input, upper=upper)


def old_qr(input: Tensor, some: bool = True) -> QR:
    """`linalg.qr` under its older name: mode "reduced" if `some`, else "complete"."""
    return of("qr", QR(*qr(input, "reduced" if some else "complete")))


def old_svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> OldSVD:
    """`linalg.svd` under its older name, with V in place of Vᵀ.

    Args:
        input: (…, m, n).
        some: U (…, m, k) and V (…, n, k), k = min(m, n); otherwise square.
        compute_uv: False for zeros in place of U and V.
    """
    u, s, vh = svd(input, not some)
    if not compute_uv:
        m, n = input.shape[-2:]
        batch = input.shape[:-2]
        u, v = (input.new_zeros((*batch, size, size)) for size in (m, n))
        return of("svd", OldSVD(u, s, v))
    return of("svd", OldSVD(u, s, vh.mT))


old_cholesky.__name__, old_qr.__name__, old_svd.__name__ = "cholesky", "qr", "svd"


lay(
    globals(),
    cholesky="columns",
    qr="columns columns",
    eigh="rows columns",
    eigvalsh="rows",
    svd="columns rows columns",
    svdvals="rows",
    old_svd="columns rows rows",
)
