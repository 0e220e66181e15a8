"""The incomplete gamma functions, and how a gamma variable moves with its shape, in float64 inside.

P(a, x) = ∫₀ˣ p(t) dt and Q = 1 − P, of the density p(t) = tᵃ⁻¹ e⁻ᵗ / Γ(a). Below a = 10 they are
a series of positive terms and a continued fraction (Abramowitz & Stegun 1964, 6.5.29, 6.5.31); from
there on the density is smooth and 13 of its standard deviations hold it, so that Gauss's
quadrature is exact to rounding (as Press et al., "Numerical Recipes", 2007, 6.2, have it).
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from ..kernel import kernel

LARGE = 10.0
"""From this a on, P and Q are integrals; below, sums."""
TERMS = 80
FRACTIONS = 60


def _nodes() -> list[tuple[float, float]]:
    """Gauss's 48 nodes and weights on [0, 1]."""
    nodes, weights = numpy.polynomial.legendre.leggauss(48)
    return [(float(n), float(w)) for n, w in zip((nodes + 1) / 2, weights / 2, strict=True)]


def _span(xp: Any, a: Any, x: Any) -> tuple[Any, Any]:
    """Where to integrate: from x to where the density ends on the side where less of it is.

    Returns:
        The end, and which sides are the left ones.
    """
    width = 13 * xp.sqrt(a)
    left = x < a
    end = xp.where(left, xp.maximum(x - width, 0.0), xp.maximum(a, x) + xp.maximum(width, 45.0))
    return end, left


def _stirling(xp: Any, a: Any) -> Any:
    """ln Γ(a) − (a − ½) ln a + a − ½ ln 2π."""
    z = 1 / (a * a)
    return (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z / 1188)))) / a


def _tail(xp: Any, a: Any, x: Any) -> tuple[Any, Any]:
    """∫ p from x to the nearer end, and which ends are left, for a ≥ 10.

    t p(t) = √(a / 2π) exp(−a (μ − ln(1 + μ)) − stirling), μ = t/a − 1: nothing large cancels.
    """
    end, left = _span(xp, a, x)
    total = xp.zeros_like(a)
    for node, weight in _nodes():
        t = x + (end - x) * node
        mu = (t - a) / a
        total = total + weight * xp.exp(-a * (mu - xp.log1p(mu))) / t
    scale = xp.sqrt(a / (2 * math.pi)) * xp.exp(-_stirling(xp, a))
    return xp.abs(end - x) * scale * total, left


def _lower_sum(xp: Any, a: Any, x: Any) -> Any:
    """P = xᵃ e⁻ˣ / Γ(a) Σₙ xⁿ / (a (a + 1) … (a + n)), for x < a + 2."""
    term = total = 1 / a
    for n in range(1, TERMS):
        term = term * x / (a + n)
        total = total + term
    return xp.exp(a * xp.log(x) - x - xp.lgamma(a)) * total


def _upper_of_small(xp: Any, a: Any, x: Any) -> Any:
    """Q = 1 − xᵃ / Γ(a + 1) (1 + a Σₙ (−x)ⁿ / n! (a + n)), for a, x < 1, where P is near 1."""
    term, total = xp.ones_like(a), xp.zeros_like(a)
    for n in range(1, 20):
        term = term * -x / n
        total = total + term / (a + n)
    rest = a - ((a + 1) - 1)  # what a + 1 was rounded by; ψ(1) = −0.577…
    log = a * xp.log(x) - xp.lgamma(a + 1) + 0.5772156649015329 * rest
    return -xp.expm1(log) - xp.exp(log) * a * total


def _upper_fraction(xp: Any, a: Any, x: Any) -> Any:
    """Q = xᵃ e⁻ˣ / Γ(a) · 1 / (x + 1 − a − 1 (1 − a) / (x + 3 − a − …)), from its end inwards."""
    fraction = x + (2 * FRACTIONS + 1) - a
    for n in range(FRACTIONS, 0, -1):
        fraction = x + (2 * n - 1) - a - n * (n - a) / fraction
    return xp.exp(a * xp.log(x) - x - xp.lgamma(a)) / fraction


def _both(xp: Any, a: Any, x: Any) -> tuple[Any, Any, Any]:
    """P and Q, and the dtype that they are wanted in."""
    dtype = (a if hasattr(a, "dtype") else x).dtype
    a, x = (xp.astype(xp.asarray(v), "float64") for v in (a, x))
    inside = (a > 0) & (x > 0) & (a < xp.inf) & (x < xp.inf)
    a0, x0 = xp.where(inside, a, 1.0), xp.where(inside, x, 1.0)
    large = a0 >= LARGE
    tail, left = _tail(xp, xp.where(large, a0, LARGE), xp.where(large, x0, LARGE))
    small = xp.where(large, 1.0, a0)
    near = ~large & (x0 < xp.maximum(small + 1, 2.0))
    low = _lower_sum(xp, small, xp.where(near, x0, 1.0))
    high = _upper_fraction(xp, small, xp.where(near | large, 12.0, x0))
    known = xp.where(large, tail, xp.where(near, low, high))  # of P or of Q, the one without loss
    lower = xp.where(large, left, near)
    p, q = xp.where(lower, known, 1 - known), xp.where(lower, 1 - known, known)
    little = (a0 < 1) & (x0 < 1)
    q = xp.where(
        little, _upper_of_small(xp, xp.where(little, a0, 0.5), xp.where(little, x0, 0.5)), q
    )
    # At the ends: all of the density of a = 0 lies at 0, of a = ∞ beyond every x.
    void = (a < 0) | (x < 0) | (a != a) | (x != x) | ((a == 0) & (x == 0))
    void = void | ((a == xp.inf) & (x == xp.inf))
    p = xp.where(inside, p, xp.where((x == 0) | (a == xp.inf), 0.0, 1.0))
    q = xp.where(inside, q, xp.where((x == 0) | (a == xp.inf), 1.0, 0.0))
    return xp.where(void, xp.nan, p), xp.where(void, xp.nan, q), dtype


@kernel("plain")
def gammainc(xp: Any, a: Any, x: Any) -> Any:
    """P(a, x), the part of a gamma density of shape a that lies below x."""
    p, _, dtype = _both(xp, a, x)
    return xp.astype(p, dtype)


@kernel("plain")
def gammaincc(xp: Any, a: Any, x: Any) -> Any:
    """Q(a, x) = 1 − P(a, x), also where P is so near to 1 that the difference is lost."""
    _, q, dtype = _both(xp, a, x)
    return xp.astype(q, dtype)


@kernel("plain")
def gamma_slope(xp: Any, a: Any, x: Any) -> Any:
    """dx/da at constant P(a, x): −(∂P/∂a) / p(x).

    From the terms cₙ of the sum, −x Σ cₙ (ln x − ψ(a) − 1/a − … − 1/(a + n)); for a ≥ 10 the
    integral −∫ p(t)/p(x) (ln t − ψ(a)) dt below x, or over the other side without the sign.
    """
    wide, y = xp.astype(a, "float64"), xp.astype(x, "float64")
    large = wide >= LARGE
    small, near = xp.where(large, 1.0, wide), xp.where(large, 1.0, y)
    log = xp.log(near) - xp.digamma(small)
    term, rest, total = 1 / small, log - 1 / small, xp.zeros_like(wide)
    for n in range(1, 2 * TERMS):
        total = total + term * rest
        term = term * near / (small + n)
        rest = rest - 1 / (small + n)
    below = -near * total
    big, far = xp.where(large, wide, LARGE), xp.where(large, y, LARGE)
    end, left = _span(xp, big, far)
    mean, total = xp.digamma(big), xp.zeros_like(wide)
    for node, weight in _nodes():
        t = far + (end - far) * node
        ratio = xp.exp((big - 1) * xp.log(t / far) - (t - far))
        total = total + weight * ratio * (xp.log(t) - mean)
    above = xp.abs(end - far) * total * xp.where(left, -1.0, 1.0)
    return xp.astype(xp.where(large, above, below), x.dtype)
