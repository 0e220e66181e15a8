"""Orthogonal weights as a parametrisation."""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor, no_grad
from ...tensor.compare import where
from ...tensor.concatenate import cat
from ...tensor.create import eye, zeros_like
from ...tensor.decompose import qr
from ...tensor.draw import randn
from ...tensor.householder import geqrf, householder_product
from ...tensor.solve import matrix_exp, solve
from ..module import Module
from .parametrize import register_parametrization

MAPS = ("matrix_exp", "cayley", "householder")


class _Orthogonal(Module):
    """Orthonormal columns, or rows if there are fewer, from any matrix X.

    With A = tril(X) − tril(X)ᵀ they are those of e^A ("matrix_exp"), or of
    (1 − A/2)⁻¹ (1 + A/2) ("cayley"); or X's columns are reflections ("householder"). `base`, if
    there is one, stands in front, so that X begins near 0.
    """

    def __init__(self, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        """The orthogonal matrix."""
        wide = X.shape[-2] < X.shape[-1]
        x = X.mT if wide else X
        n, k = x.shape[-2:]
        if self.orthogonal_map == "householder":
            a = x.tril(-1)
            q = householder_product(a, 2.0 / (1.0 + (a * a).sum(-2)))
            q = q * x.diagonal(dim1=-2, dim2=-1).detach().int().unsqueeze(-2)
        else:
            a = x.tril()
            a = cat([a, a.new_zeros((*a.shape[:-1], n - k))], -1) if n != k else a
            a = a - a.mT
            if self.orthogonal_map == "matrix_exp":
                q = matrix_exp(a)
            else:
                one = eye(n, dtype=a.dtype, device=a.device)
                q = solve(one - a / 2, one + a / 2)
            q = q[..., :k]
        base = getattr(self, "base", None)
        q = q if base is None else base @ q
        return q.mT if wide else q

    @no_grad()
    def right_inverse(self, Q: Tensor) -> Tensor:
        """An X for a matrix, which is made orthogonal first.

        Raises:
            NotImplementedError: without a base, but for reflections.
        """
        wide = Q.shape[-2] < Q.shape[-1]
        q = Q.mT if wide else Q
        n, k = q.shape[-2:]
        if "base" not in self._buffers:
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "orthogonal: nothing can be assigned with use_trivialization=False and "
                    f"orthogonal_map={self.orthogonal_map!r}"
                )
            x = self._reflections(q)
            return x.mT if wide else x
        if n != k:
            more = randn((*q.shape[:-1], n - k), dtype=q.dtype, device=q.device)
            q = cat([q, more], -1)
        self.base = _orthonormal(q)
        unit = eye(*Q.shape[-2:], dtype=Q.dtype, device=Q.device)
        return zeros_like(Q) - unit  # of reflections too, −1 on the diagonal makes the identity

    @staticmethod
    def _reflections(q: Tensor) -> Tensor:
        """X with the reflections of q = Q R below its diagonal, and on it signs that make R's +.

        A column that needs no reflection (its τ is 0) is reflected by `forward` all the same, at
        its own element: the sign takes that back.
        """
        a, tau = geqrf(q)
        found, diagonal = a.clone(), a.diagonal(dim1=-2, dim2=-1)
        signs = diagonal.sign()
        found.diagonal(dim1=-2, dim2=-1).copy_(where(tau == 0, -signs, signs))
        return found


def _orthonormal(x: Tensor) -> Tensor:
    """The Q of Q R whose R has a positive diagonal: x itself if it is orthogonal."""
    q, r = qr(x)
    return q * r.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Keep a weight's columns orthonormal, or its rows if there are fewer, while others are learnt.

    Args:
        module: has the weight; it is changed, and returned.
        name: the weight's.
        orthogonal_map: "matrix_exp" (default of square weights), "cayley" or "householder"
            (default of others).
        use_trivialization: learn what to multiply the present weight by, which is better
            conditioned (Lezcano-Casado 2019, "Trivializations for gradient-based optimization on
            manifolds").

    Raises:
        ValueError: no such parameter, fewer than 2 dimensions, or another map.
    """
    weight: Any = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions."
        )
    square = weight.shape[-2] == weight.shape[-1]
    chosen = orthogonal_map or ("matrix_exp" if square else "householder")
    if chosen not in MAPS:
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {chosen}'
        )
    made = _Orthogonal(chosen, use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)
