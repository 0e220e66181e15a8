"""Rules of decompositions and linear systems, of the last two dimensions; others are batches.

The formulas are those of M. B. Giles, "Collected matrix derivative results for forward and
reverse mode algorithmic differentiation", 2008, where nothing else is named; sections are its.
Where they divide by the difference of two equal eigenvalues, 0 stands for the quotient: the
eigenvectors are not unique there, so what a loss makes of them has no derivative.
"""

from __future__ import annotations

from typing import Any, NoReturn

from ..graph import Joint
from .rule import rule

Out = tuple[Any, Any]


def _t(xp: Any, x: Any) -> Any:
    """The transposes of matrices."""
    return xp.swapaxes(x, -1, -2)


def _inverted(xp: Any, x: Any) -> Any:
    """1/x, and 0 for 0."""
    return 1 / xp.where(x == 0, xp.inf, x)


@rule
def solve(xp: Any, a: Any, b: Any) -> Out:
    """X = A⁻¹ B: dL/dB = A⁻ᵀ g, dL/dA = −(A⁻ᵀ g) Xᵀ (section 2.3.1)."""
    x = xp.solve(a, b)
    return x, Joint(
        lambda g, wanted: xp.solve(_t(xp, a), g),
        lambda g, s: -xp.matmul(s, _t(xp, x)),
        lambda g, s: s,
    )


@rule
def inv(xp: Any, a: Any) -> Out:
    """Y = A⁻¹: dL/dA = −Yᵀ g Yᵀ (section 2.2.3)."""
    y = xp.inv(a)
    return y, (lambda g: -xp.matmul(xp.matmul(_t(xp, y), g), _t(xp, y)),)


@rule
def det(xp: Any, a: Any) -> Out:
    """y = det A: dL/dA = g y A⁻ᵀ, the cofactors (section 2.2.4), which singular matrices have."""
    y = xp.det(a)

    def vjp(g: Any) -> Any:
        singular = bool((y == 0).any())
        cofactors = xp.cofactors(a) if singular else _per_matrix(y) * _t(xp, xp.inv(a))
        return _per_matrix(g) * cofactors

    return y, (vjp,)


def _per_matrix(x: Any) -> Any:
    """Numbers (…), one for each matrix, as (…, 1, 1), which broadcasts against matrices."""
    return x[..., None, None]


@rule
def logabsdet(xp: Any, a: Any) -> Out:
    """y = ln |det A|: dL/dA = g A⁻ᵀ."""
    return xp.slogdet(a)[1], (lambda g: _per_matrix(g) * _t(xp, xp.inv(a)),)


@rule
def cholesky(xp: Any, a: Any) -> Out:
    """A = L Lᵀ: dL/dA = ½ L⁻ᵀ (P + Pᵀ) L⁻¹, P the lower triangle of Lᵀ g, its diagonal halved.

    (Murray 2016, "Differentiation of the Cholesky decomposition".)
    """
    y = xp.cholesky(a)

    def vjp(g: Any) -> Any:
        p = xp.matmul(_t(xp, y), g)
        half = (xp.tril(p, 0) + xp.tril(p, -1)) * 0.5
        s = xp.solve(_t(xp, y), half + _t(xp, half))
        return _t(xp, xp.solve(_t(xp, y), _t(xp, s))) * 0.5

    return y, (vjp,)


@rule
def qr(xp: Any, a: Any) -> Out:
    """A = Q R for m ≥ n, as [Qᵀ R]: dL/dA = (gQ + Q sym(M)) R⁻ᵀ, M = R gRᵀ − gQᵀ Q.

    sym(M) takes the lower triangle for both (Walter & Lehmann 2011, "Algorithmic differentiation
    of linear algebra functions with application in optimum experimental design").
    """
    y = xp.packed_qr(a)
    m = a.shape[-2]

    def vjp(g: Any) -> Any:
        q, r = _t(xp, y[..., :m]), y[..., m:]
        gq, gr = _t(xp, g[..., :m]), g[..., m:]
        both = xp.matmul(r, _t(xp, gr)) - xp.matmul(_t(xp, gq), q)
        both = xp.tril(both, 0) + _t(xp, xp.tril(both, -1))
        return _t(xp, xp.solve(r, _t(xp, gq + xp.matmul(q, both))))

    return y, (vjp,)


@rule
def full_qr(xp: Any, a: Any) -> Out:
    """[Q R] of A = Q R, Q square: asking for the gradient raises, as in PyTorch."""

    def none(_: Any) -> NoReturn:
        raise RuntimeError("linalg.qr: no gradient is defined for mode='complete' and m > n")

    return xp.full_qr(a), (none,)


@rule
def geqrf(xp: Any, a: Any) -> Out:
    """A = H₁ … Hₖ R, the reflections below R: asking for the gradient raises, as in PyTorch."""

    def none(_: Any) -> NoReturn:
        raise RuntimeError("geqrf: no gradient is defined; linalg.qr has one")

    return xp.reflections(a), (none,)


@rule
def eigh(xp: Any, a: Any, *, upper: bool = False) -> Out:
    """A = V diag(λ) Vᵀ, as λ above V: dL/dA = V (diag gλ + ½ F ∘ (M − Mᵀ)) Vᵀ, M = Vᵀ gV.

    (Section 3.1.) Fᵢⱼ = 1/(λⱼ − λᵢ); 0 on the diagonal, and for eigenvalues that are the same.
    """
    y = xp.packed_eigh(a, upper)

    def vjp(g: Any) -> Any:
        values, v = y[..., :1, :], y[..., 1:, :]
        turn = xp.matmul(_t(xp, v), g[..., 1:, :])
        inner = (turn - _t(xp, turn)) * 0.5 * _inverted(xp, values - _t(xp, values))
        return xp.matmul(v * g[..., :1, :] + xp.matmul(v, inner), _t(xp, v))

    return y, (vjp,)


@rule(complex="own")
def eig(xp: Any, a: Any) -> Out:
    """A = V diag(λ) V⁻¹, as λ, V and W = V⁻¹ above each other, complex; columns of V of length 1.

    dL/dA = Wᴴ (diag gλ + E ∘ (M − VᴴV diag re M)) Vᴴ, M = Vᴴ (gV − Wᴴ gW Wᴴ), Eᵢⱼ = 1/(λⱼ − λᵢ)*,
    0 on the diagonal; the real part of it for a real A. What a loss makes of the eigenvectors'
    phases, which are anybody's choice, has no gradient.

    (C. Boeddeker et al., "On the Computation of Complex-valued Gradients", 2017, section 4.)
    """
    y, n, is_real = xp.packed_eig(a), a.shape[-1], a.dtype.kind != "c"

    def vjp(g: Any) -> Any:
        values, v, w = y[..., :1, :], y[..., 1 : n + 1, :], y[..., n + 1 :, :]
        vh, wh = (xp.conj(_t(xp, part)) for part in (v, w))
        along = g[..., 1 : n + 1, :] - xp.matmul(xp.matmul(wh, g[..., n + 1 :, :]), wh)
        m = xp.matmul(vh, along)
        lengths = xp.sum(xp.real(xp.conj(v) * along), axis=-2, keepdims=True)  # M's diagonal
        apart = values - _t(xp, values)
        same = apart == 0  # on the diagonal, at least
        inner = (m - xp.matmul(vh, v) * lengths) / xp.conj(apart + xp.astype(same, apart.dtype))
        inner = inner * xp.astype(~same, apart.dtype)
        out = xp.matmul(wh * g[..., :1, :] + xp.matmul(wh, inner), vh)
        return xp.real(out) if is_real else out

    return y, (vjp,)


@rule
def svd(xp: Any, a: Any) -> Out:
    """A = U diag(s) Vᵀ, as U, s and V above each other, of min(m, n) columns.

    dL/dA = U (F ∘ (Uᵀ gU − gUᵀ U) S + S F ∘ (Vᵀ gV − gVᵀ V) + diag gs) Vᵀ
            + (gU − U Uᵀ gU) S⁻¹ Vᵀ + U S⁻¹ (gV − V Vᵀ gV)ᵀ, Fᵢⱼ = 1/(sⱼ² − sᵢ²)

    (Section 3.2; Townsend 2016, "Differentiating the singular value decomposition".)
    """
    y = xp.packed_svd(a)
    m = a.shape[-2]

    def vjp(g: Any) -> Any:
        u, s, v = y[..., :m, :], y[..., m : m + 1, :], y[..., m + 1 :, :]
        gu, gs, gv = g[..., :m, :], g[..., m : m + 1, :], g[..., m + 1 :, :]
        f, one = _inverted(xp, s * s - _t(xp, s * s)), _inverted(xp, s)
        uu, vv = xp.matmul(_t(xp, u), gu), xp.matmul(_t(xp, v), gv)
        inner = f * (uu - _t(xp, uu)) * s + _t(xp, s) * (f * (vv - _t(xp, vv)))
        out = xp.matmul(u * gs + xp.matmul(u, inner), _t(xp, v))
        if a.shape[-2] > s.shape[-1]:
            out = out + xp.matmul((gu - xp.matmul(u, uu)) * one, _t(xp, v))
        if a.shape[-1] > s.shape[-1]:
            out = out + xp.matmul(u * one, _t(xp, gv - xp.matmul(v, vv)))
        return out

    return y, (vjp,)


@rule
def full_svd(xp: Any, a: Any, *, side: int) -> Out:
    """U (side 0) or Vᵀ (2) of A = U S Vᵀ, square; asking for the gradient raises, as in PyTorch."""

    def none(_: Any) -> NoReturn:
        raise RuntimeError(
            "linalg.svd: the gradients of U and Vh exist for full_matrices=False alone"
        )

    return xp.full_svd(a)[side], (none,)


@rule
def pinv(xp: Any, a: Any, tolerance: Any) -> Out:
    """Y = A⁺: dL/dA = −Yᵀ g Yᵀ + (I − A Y) gᵀ Y Yᵀ + Yᵀ Y gᵀ (I − Y A).

    (Golub & Pereyra 1973, "The differentiation of pseudo-inverses and nonlinear least squares".)
    """
    y = xp.pinv(a, tolerance)

    def vjp(g: Any) -> Any:
        up, down = _t(xp, y), _t(xp, g)
        left = xp.matmul(down, xp.matmul(y, up))
        right = xp.matmul(xp.matmul(up, y), down)
        out = -xp.matmul(xp.matmul(up, g), up)
        out = out + left - xp.matmul(a, xp.matmul(y, left))
        return out + right - xp.matmul(xp.matmul(right, y), a)

    return y, (vjp, None)


@rule
def lu(xp: Any, a: Any, *, pivot: bool = True) -> Out:
    """S A = L U as [LU | S | rows]: dL/dA = Sᵀ L⁻ᵀ (tril(Lᵀ gL, −1) + triu(gU Uᵀ)) U⁻ᵀ.

    For more rows or columns than the square part K has, L₂ and U₂ beyond it add
    triu(−L₂ᵀ gL₂) or tril(−gU₂ U₂ᵀ, −1), and their own rows gL₂ U⁻ᵀ or columns L⁻ᵀ gU₂.
    (de Hoog, Anderssen & Lukas 2011, "Differentiation of matrix functionals using triangular
    factorization".)
    """
    y = xp.packed_lu(a, pivot)
    m, n = a.shape[-2:]
    k = min(m, n)

    def vjp(g: Any) -> Any:
        both, of_both = y[..., :k, :k], g[..., :k, :k]
        unit = xp.tril(xp.triu(xp.ones_like(both), 0), 0)
        low, up = xp.tril(both, -1) + unit, xp.triu(both, 0)
        of_l = xp.matmul(_t(xp, low), xp.tril(of_both, -1))
        of_u = xp.matmul(xp.triu(of_both, 0), _t(xp, up))
        if m > n:
            of_u = of_u - xp.matmul(_t(xp, y[..., k:, :k]), g[..., k:, :k])
        if n > m:
            of_l = of_l - xp.matmul(g[..., :k, k:n], _t(xp, y[..., :k, k:n]))
        inner = xp.solve(_t(xp, low), xp.tril(of_l, -1) + xp.triu(of_u, 0))
        out = _t(xp, xp.solve(up, _t(xp, inner)))
        if m > n:
            rows = _t(xp, xp.solve(up, _t(xp, g[..., k:, :k])))
            out = xp.concatenate([out, rows], axis=-2)
        if n > m:
            out = xp.concatenate([out, xp.solve(_t(xp, low), g[..., :k, k:n])], axis=-1)
        return xp.matmul(_t(xp, y[..., n : n + m]), out)

    return y, (vjp,)
