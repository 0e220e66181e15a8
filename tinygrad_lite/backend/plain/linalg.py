"""Decompositions and solutions of linear systems, by the array library's LAPACK or cuSOLVER.

All take matrices (…, m, n), one by one. Several results of a decomposition are packed into one
array, so that it is one node of a graph; `tensor/decompose.py` takes them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from ..devices import to_host
from ..kernel import kernel


class LinAlgError(RuntimeError):
    """A matrix is singular, or not positive definite, or an iteration did not converge.

    On CUDA it isn't raised, because CuPy does not look: there results are NaN or infinite.
    """


def _checked(name: str, function: Callable[..., Any], *args: Any, **words: Any) -> Any:
    """What a function of the library gives, without the warnings that NumPy's own lines raise."""
    try:
        with numpy.errstate(all="ignore"):
            return function(*args, **words)
    except numpy.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg.{name}: {error}") from None


@kernel("plain")
def cholesky(xp: Any, a: Any) -> Any:
    """The lower triangular L of a = L Lᵀ; of a NaN there is none, which LAPACK does not say."""
    low = _checked("cholesky", xp.library.linalg.cholesky, a)
    if isinstance(low, numpy.ndarray) and numpy.isnan(low.diagonal(0, -2, -1)).any():
        raise LinAlgError("linalg.cholesky: Matrix is not positive definite: it holds a NaN")
    return low


@kernel("plain")
def inv(xp: Any, a: Any) -> Any:
    """a⁻¹; NaN of what holds a NaN, which LAPACK may find singular, or pass over."""
    unknown = _unknown(a)
    if unknown is None:
        return _checked("inv", xp.library.linalg.inv, a)
    y = _checked("inv", xp.library.linalg.inv, numpy.where(unknown, xp.eye(a.shape[-1]), a))
    return xp.where(unknown, numpy.nan, y).astype(a.dtype)


@kernel("plain")
def solve(xp: Any, a: Any, b: Any) -> Any:
    """The x with a x = b, for a (…, n, n) and b (…, n, k); NaN where a holds one."""
    unknown = _unknown(a)
    if unknown is None:
        return _checked("solve", xp.library.linalg.solve, a, b)
    known = numpy.where(unknown, xp.eye(a.shape[-1]), a)
    x = _checked("solve", xp.library.linalg.solve, known, b)
    return xp.where(unknown, numpy.nan, x).astype(a.dtype)


def _unknown(a: Any) -> Any:
    """Which matrices hold a NaN: (…, 1, 1), or None if none does; on a GPU it is not looked at."""
    if not isinstance(a, numpy.ndarray):
        return None
    unknown = numpy.isnan(a).any((-2, -1), keepdims=True)
    return unknown if unknown.any() else None


@kernel("plain")
def det(xp: Any, a: Any) -> Any:
    """det a, for a (…, n, n); NaN of what holds a NaN, which LAPACK may find singular."""
    with numpy.errstate(all="ignore"):
        y = xp.library.linalg.det(a)
    unknown = _unknown(a)
    return y if unknown is None else numpy.where(unknown[..., 0, 0], y.dtype.type(numpy.nan), y)


@kernel("plain")
def slogdet(xp: Any, a: Any) -> Any:
    """The sign of det a, and ln |det a|: 0 and NaN of what holds a NaN."""
    with numpy.errstate(all="ignore"):
        sign, logarithm = xp.library.linalg.slogdet(a)
    unknown = _unknown(a)
    if unknown is not None:
        logarithm = numpy.where(unknown[..., 0, 0], logarithm.dtype.type(numpy.nan), logarithm)
    return xp.where(xp.isnan(logarithm), xp.zeros_like(sign), sign), logarithm


@kernel("plain")
def cofactors(xp: Any, a: Any) -> Any:
    """d(det a)/da, the matrix of cofactors, also where det a is 0 and a⁻¹ is missing.

    With a = U diag(s) Vᵀ it is det(U) det(V) U diag(Π_{j≠i} sⱼ) Vᵀ.
    """
    u, s, vh = _checked("svd", xp.library.linalg.svd, a)
    n = s.shape[-1]
    others = xp.where(xp.eye(n, dtype=bool), 1.0, s[..., None, :])
    sign = xp.library.linalg.det(u) * xp.library.linalg.det(vh)
    scale = sign[..., None] * xp.prod(others, axis=-1)
    return xp.astype(xp.matmul(u * scale[..., None, :], vh), a.dtype)


@kernel("plain")
def packed_qr(xp: Any, a: Any) -> Any:
    """[Qᵀ R] of a = Q R, for a (…, m, n) with m ≥ n: (…, n, m + n)."""
    q, r = _checked("qr", xp.library.linalg.qr, a, mode="reduced")
    return xp.concatenate([xp.swapaxes(q, -1, -2), r], axis=-1)


@kernel("plain")
def full_qr(xp: Any, a: Any) -> Any:
    """[Q R] of a = Q R with a square Q, for a (…, m, n): (…, m, m + n)."""
    q, r = _checked("qr", xp.library.linalg.qr, a, mode="complete")
    return xp.concatenate([q, r], axis=-1)


@kernel("plain")
def reflections(xp: Any, a: Any) -> Any:
    """R and what makes it, for a (…, m, n): vᵢ below the diagonal, and τ in a last row.

    R = Hₖ … H₁ a with Hᵢ = 1 − τᵢ vᵢ vᵢᵀ, each of which leaves column i as ∓‖x‖ e₁ (Householder
    1958; signs as LAPACK's). (CuPy has no such factors of batches; a step is one update of all.)
    """
    *batch, m, n = a.shape
    y = xp.concatenate([a, xp.zeros((*batch, 1, n), dtype=a.dtype)], axis=-2)
    for i in range(min(m, n)):
        x = y[..., i:m, i]
        first = xp.copy(x[..., 0])
        below = xp.sqrt(xp.sum(x[..., 1:] ** 2, axis=-1))
        done = below == 0
        size = xp.where(done, first, -xp.copysign(xp.hypot(first, below), first))
        tau = xp.where(done, 0.0, (size - first) / xp.where(done, 1.0, size))
        v = x / xp.where(done, 1.0, first - size)[..., None]
        v[..., 0] = 1
        rest = y[..., i:m, i + 1 :]
        rest -= (tau[..., None] * v)[..., None] * xp.matmul(v[..., None, :], rest)
        y[..., i + 1 : m, i] = v[..., 1:]
        y[..., i, i], y[..., m, i] = size, tau
    return y


@kernel("plain")
def packed_eigh(xp: Any, a: Any, upper: bool) -> Any:
    """The eigenvalues of a symmetric a, ascending, above the eigenvectors: (…, n + 1, n).

    Only the upper or the lower triangle of a is read.
    """
    values, vectors = _checked("eigh", xp.library.linalg.eigh, a, UPLO="U" if upper else "L")
    return xp.concatenate([values[..., None, :], vectors], axis=-2)


@kernel("plain")
def packed_eig(xp: Any, a: Any) -> Any:
    """The eigenvalues of a, above the eigenvectors V, above V⁻¹: (…, 2 n + 1, n), complex.

    They are computed on the host: CuPy has no such function. Where there is no V⁻¹ it is NaN.
    """
    host = to_host(a)
    if not numpy.isfinite(host).all():
        raise LinAlgError("linalg.eig: input tensor should not contain infs or NaNs")
    values, vectors = _checked("eig", numpy.linalg.eig, host)
    dtype = numpy.result_type(a.dtype, numpy.complex64)
    try:
        inverse = _checked("eig", numpy.linalg.inv, vectors)
    except LinAlgError:
        inverse = numpy.full_like(vectors, numpy.nan)
    return xp.asarray(numpy.concatenate([values[..., None, :], vectors, inverse], -2), dtype=dtype)


@kernel("plain")
def packed_svd(xp: Any, a: Any) -> Any:
    """U, s and V of a = U diag(s) Vᵀ, one above the other: (…, m + 1 + n, min(m, n))."""
    u, s, vh = _checked("svd", xp.library.linalg.svd, a, full_matrices=False)
    return xp.concatenate([u, s[..., None, :], xp.swapaxes(vh, -1, -2)], axis=-2)


@kernel("plain")
def full_svd(xp: Any, a: Any) -> Any:
    """U, s and Vᵀ of a = U S Vᵀ with square U and V: (…, m, m), (…, min(m, n)), (…, n, n)."""
    return _checked("svd", xp.library.linalg.svd, a, full_matrices=True)


@kernel("plain")
def pinv(xp: Any, a: Any, tolerance: Any) -> Any:
    """The pseudo-inverse of a: V diag(1/s) Uᵀ, with 0 for 1/s where s ≤ tolerance (…, 1)."""
    u, s, vh = _checked("pinv", xp.library.linalg.svd, a, full_matrices=False)
    counts = s > tolerance
    inverse = xp.where(counts, 1 / xp.where(counts, s, 1.0), 0.0)
    y = xp.matmul(xp.swapaxes(vh, -1, -2) * inverse[..., None, :], xp.swapaxes(u, -1, -2))
    return xp.astype(y, a.dtype)


@kernel("plain")
def packed_lu(xp: Any, a: Any, pivot: bool) -> Any:
    """Gauss's elimination, S a = L U: [LU | S | rows] beside each other, (…, m, n + m + 1).

    LU is L below U, without its ones; S has one 1 in each row. With `pivot`
    each step takes the row with the largest number to the top; the last column says which, counted
    from 1. (NumPy and CuPy have no such factors of batches; a step is one update of all of them.)
    """
    *batch, m, n = a.shape
    unit = xp.broadcast_to(xp.eye(m, dtype=a.dtype), (*batch, m, m))
    y = xp.concatenate([a, unit], axis=-1)
    rows = xp.broadcast_to(xp.arange(m), (*batch, m))
    taken = xp.astype(rows + 1, a.dtype)
    for k in range(min(m, n)):
        if pivot:
            best = xp.argmax(xp.abs(y[..., k:, k]), axis=-1)[..., None] + k
            order = xp.where(rows == k, best, xp.where(rows == best, k, rows))
            y = xp.take_along_axis(y, order[..., None], axis=-2)
            taken = xp.where(rows == k, xp.astype(best + 1, a.dtype), taken)
        head = y[..., k : k + 1, k : k + 1]
        ratio = y[..., k + 1 :, k : k + 1] / xp.where(head == 0, 1.0, head)
        rest = y[..., k + 1 :, k + 1 : n] - ratio * y[..., k : k + 1, k + 1 : n]
        y[..., k + 1 :, k : k + 1], y[..., k + 1 :, k + 1 : n] = ratio, rest
    return xp.concatenate([y, taken[..., None]], axis=-1)
