"""Singular values and vectors of the largest few, by random projections.

N. Halko, P. G. Martinsson and J. A. Tropp, "Finding structure with randomness", SIAM Review 53,
2011.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .decompose import matrices, qr, svd
from .draw import randn

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["pca_lowrank", "svd_lowrank"]


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """U (…, m, q), s (q) and V (…, n, q) of A − M ≈ U diag(s) Vᵀ (algorithm 5.1).

    Args:
        A: (…, m, n).
        q: how many, somewhat more than are wanted; default: 6.
        niter: how often what was found is multiplied by A Aᵀ, which makes it better; default: 2.
        M: a matrix that is taken off; broadcasts.
    """
    matrices("svd_lowrank", A)
    a = A if M is None else A - M
    tall = a.shape[-2] >= a.shape[-1]
    a = a if tall else a.mT
    found = a.matmul(randn(a.shape[-1], 6 if q is None else q, dtype=a.dtype, device=a.device))
    basis = qr(found).Q
    for _ in range(2 if niter is None else niter):
        basis = qr(a.matmul(qr(a.mT.matmul(basis)).Q)).Q
    u, s, vh = svd(basis.mT.matmul(a), full_matrices=False)
    u, v = basis.matmul(u), vh.mT
    return (u, s, v) if tall else (v, s, u)


def pca_lowrank(
    A: Tensor, q: int | None = None, center: bool = True, niter: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """`svd_lowrank` of samples A (…, m, n) less their mean: principal components are V's columns.

    Args:
        A: a sample a row.
        q: how many components; default: 6, or as many as there can be.
        center: take the mean off.
        niter: see `svd_lowrank`.

    Raises:
        ValueError: a q beyond min(m, n), or a negative niter.
    """
    most = min(matrices("pca_lowrank", A).shape[-2:])
    if q is not None and not 0 <= q <= most:
        raise ValueError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)={most}"
        )
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    mean = A.mean(dim=(-2,), keepdim=True) if center else None
    return svd_lowrank(A, min(6, most) if q is None else q, niter, mean)
