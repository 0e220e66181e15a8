"""Special functions that the array libraries lack, computed in float64 and then rounded.

Sources: Abramowitz, Stegun, "Handbook of Mathematical Functions", 1964, chapters 6 (ψ, ψ⁽ⁿ⁾),
9 (I₀, I₁) and 23 (ζ); Cody, 1969, for erfc (see `elementwise.py`); Lanczos, "A Precision
Approximation of the Gamma Function", 1964, for ln Γ.
"""

from __future__ import annotations

import math
from typing import Any

from ..kernel import kernel
from .elementwise import R, S, polynomial


def _double(xp: Any, x: Any) -> Any:
    return xp.astype(x, "float64")


# Cody's third form, of 1/x², for x > 4: erfc(x) = e^(−x²) (1/√π − z U(z) / V(z)) / x.
_U = (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
      1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4)  # fmt: skip
_V = (1.0, 2.56852019228982242e0, 1.87295284992346047e0, 5.27905102951428412e-1,
      6.05183413124413191e-2, 2.33520497626869185e-3)  # fmt: skip


@kernel("plain")
def erfcx(xp: Any, x: Any) -> Any:
    """e^(x²) erfc(x), which does not underflow; for negative x it is 2 e^(x²) − erfcx(−x)."""
    size = xp.abs(_double(xp, x))
    near = xp.exp(size * size) * (1 - xp.erf(size))
    middle = xp.minimum(xp.maximum(size, 0.46875), 4.0)
    middle = polynomial(middle, R) / polynomial(middle, S)
    far = xp.maximum(size, 4.0)
    z = 1 / (far * far)
    far = (1 / math.sqrt(math.pi) - z * polynomial(z, _U) / polynomial(z, _V)) / far
    y = xp.where(size <= 0.46875, near, xp.where(size <= 4, middle, far))
    return xp.astype(xp.where(x < 0, 2 * xp.exp(size * size) - y, y), x.dtype)


@kernel("plain")
def erfc(xp: Any, x: Any) -> Any:
    """erfc(x) = 1 − erf(x), without its cancellation for large x."""
    size = xp.abs(_double(xp, x))
    finite = xp.minimum(size, 30.0)
    short = xp.floor(finite * 16) / 16  # x² = short² + …, so that e^(−x²) keeps its digits
    rest = (finite - short) * (finite + short)
    tail = xp.exp(-short * short) * xp.exp(-rest) * xp.erfcx(size)
    y = xp.where(x < 0, 2 - tail, tail)
    return xp.astype(xp.where(size <= 0.46875, 1 - xp.erf(_double(xp, x)), y), x.dtype)


@kernel("plain")
def erfinv(xp: Any, x: Any) -> Any:
    """The y with erf(y) = x: a rational approximation, then two steps of Halley's method."""
    wide = _double(xp, x)
    size = xp.abs(wide)
    square = wide * wide
    near = polynomial(square, (-0.140543331, 0.914624893, -1.645349621, 0.886226899))
    near = near / polynomial(square, (0.012229801, -0.329097515, 1.442710462, -2.118377725, 1.0))
    z = xp.sqrt(-xp.log((1 - xp.minimum(size, 1 - 1e-16)) / 2))
    far = polynomial(z, (1.641345311, 3.429567803, -1.624906493, -1.970840454))
    far = far / polynomial(z, (1.637067800, 3.543889200, 1.0))
    y = xp.where(size <= 0.7, wide * near, xp.copysign(far, wide))
    for _ in range(2):
        tail = xp.copysign((1 - size) - xp.erfc(xp.abs(y)), wide)  # keeps its digits near 1
        error = xp.where(size <= 0.7, xp.erf(y) - wide, tail)
        step = error / (2 / math.sqrt(math.pi) * xp.exp(-y * y))
        y = y - step / (1 + y * step)
    y = xp.where(size < 1, y, xp.where(size == 1, xp.copysign(xp.inf, wide), xp.nan))
    return xp.astype(y, x.dtype)


_LANCZOS = (676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
            12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
            1.5056327351493116e-7)  # fmt: skip


@kernel("plain")
def lgamma(xp: Any, x: Any) -> Any:
    """ln |Γ(x)|, infinite at 0, −1, −2, …; below ½ by Γ(x) Γ(1 − x) = π / sin πx."""
    wide = _double(xp, x)
    mirrored = wide < 0.5
    z = xp.where(mirrored, -wide, wide - 1)
    total = 0.99999999999980993
    for i, c in enumerate(_LANCZOS):
        total = total + c / (z + (i + 1))
    t = z + 7.5
    y = 0.5 * math.log(2 * math.pi) + (z + 0.5) * xp.log(t) - t + xp.log(total)
    y = xp.where(abs(wide) == xp.inf, xp.inf, y)
    fraction = wide - xp.rint(wide)
    sine = xp.abs(xp.sin(math.pi * xp.where(fraction == fraction, fraction, 0.0)))
    y = xp.where(mirrored & (wide > -xp.inf), math.log(math.pi) - xp.log(sine) - y, y)
    return xp.astype(xp.where((wide == 1) | (wide == 2), 0.0, y), x.dtype)


_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)


@kernel("plain")
def digamma(xp: Any, x: Any) -> Any:
    """ψ(x) = d ln Γ / dx: by ψ(x) = ψ(x + 1) − 1/x up to x ≥ 10, there by its asymptotic series.

    For x < 0 by ψ(x) = ψ(1 − x) − π / tan πx; NaN at −1, −2, …, ∓∞ at ±0.
    """
    wide = _double(xp, x)
    z = xp.where(wide < 0, 1 - wide, wide)
    y = xp.zeros_like(z)
    for _ in range(10):
        y = y - xp.where(z < 10, 1 / z, 0.0)
        z = xp.where(z < 10, z + 1, z)
    y = y + xp.log(z) - 0.5 / z
    for i, b in enumerate(_BERNOULLI):
        y = y - b / (2 * i + 2) / z ** (2 * i + 2)
    fraction = wide - xp.rint(wide)
    mirror = xp.where(fraction == 0, xp.nan, math.pi / xp.tan(math.pi * fraction))
    return xp.astype(xp.where(wide < 0, y - mirror, y), x.dtype)


@kernel("plain")
def zeta(xp: Any, x: Any, q: Any) -> Any:
    """Hurwitz's ζ(s, q) = Σ_{k≥0} (q + k)⁻ˢ, where s is the argument x; NaN for s < 1.

    For q > 0 it is summed by Euler and Maclaurin's formula. For q < 0 and a whole s, with the
    fraction f = q − ⌊q⌋, the terms below f are (−1)ˢ (ζ(s, 1 − f) − ζ(s, 1 − q)); for another s it
    is NaN. It is infinite for s = 1 and at q = 0, −1, −2, …
    """
    s, a = (_double(xp, v) if hasattr(v, "dtype") else float(v) for v in (x, q))
    s, a = xp.asarray(s), xp.asarray(a)
    f = a - xp.floor(a)
    below = _zeta(xp, s, 1 - f) - _zeta(xp, s, 1 - xp.minimum(a, 0.0))
    y = _zeta(xp, s, xp.where(a < 0, xp.where(f == 0, 1.0, f), a))
    y = y + xp.where(a < 0, (1 - 2 * xp.remainder(s, 2)) * below, 0.0)
    y = xp.where((a < 0) & (s != xp.floor(s)), xp.nan, y)
    y = xp.where((a <= 0) & (f == 0), xp.inf, y)
    y = xp.where(s == 1, xp.inf, xp.where(s > 1, y, xp.nan))
    like = x if hasattr(x, "dtype") else q
    return xp.astype(y, like.dtype)


def _zeta(xp: Any, s: Any, a: Any) -> Any:
    """ζ(s, a) for a > 0: twelve terms, then the integral, half a term and seven corrections."""
    y = 0.0
    for _ in range(12):
        y = y + a**-s
        a = a + 1
    y = y + a ** (1 - s) / (s - 1) + 0.5 * a**-s
    factor = s
    for i, b in enumerate(_BERNOULLI):
        k = 2 * i + 2
        y = y + b / math.factorial(k) * factor * a ** (1 - s - k)
        factor = factor * (s + k - 1) * (s + k)
    return y


@kernel("plain")
def polygamma(xp: Any, x: Any, n: int) -> Any:
    """ψ⁽ⁿ⁾(x) for n ≥ 1: (−1)ⁿ⁺¹ n! ζ(n + 1, x); ψ′ at negative x is π² / sin² πx − ψ′(1 − x)."""
    wide = _double(xp, x)
    sign = (-1) ** (n + 1) * float(math.factorial(n))
    if n > 1:
        return xp.astype(sign * xp.zeta(float(n + 1), wide), x.dtype)
    y = xp.zeta(2.0, xp.where(wide <= 0, 1 - wide, wide))
    sine = xp.sin(math.pi * (wide - xp.rint(wide)))
    return xp.astype(xp.where(wide <= 0, (math.pi / sine) ** 2 - y, y), x.dtype)


@kernel("plain")
def bessel_i(xp: Any, x: Any, order: int, scaled: bool = False) -> Any:
    """The modified Bessel function I₀ or I₁ (`order` 0 or 1), times e^(−|x|) if `scaled`.

    By its power series for |x| ≤ 20, beyond by Hankel's asymptotic series.
    """
    wide = _double(xp, x)
    size = xp.abs(wide)
    near = xp.minimum(size, 20.0)
    quarter, term = near * near / 4, (near / 2) ** order
    y = term
    for k in range(1, 60):
        term = term * quarter / (k * (k + order))
        y = y + term
    y = y * xp.exp(-near)
    far = xp.maximum(size, 20.0)
    series, term = 1.0, 1.0
    for k in range(1, 16):
        term = term * ((2 * k - 1) ** 2 - 4 * order * order) / (8 * k * far)
        series = series + term
    y = xp.where(size <= 20, y, series / xp.sqrt(2 * math.pi * far))
    if not scaled:
        y = y * xp.exp(size)
    y = xp.where(size == xp.inf, 0.0 if scaled else xp.inf, y)
    return xp.astype(y if order == 0 else xp.where(wide < 0, -y, y), x.dtype)
