"""Bessel's functions and Airy's, computed in float64 and then rounded.

Near 0 by their power series, elsewhere by one integral with a Gaussian weight,

    eᶻ K_ν(z) = √(2/z) ∫₀^∞ e^(−u²) cosh(νt) / √(1 + u²/2z) du  with u² = z (cosh t − 1),

for which the trapezoidal rule converges geometrically; a complex z = −ix gives J and Y. (DLMF,
"Digital Library of Mathematical Functions", 9.4, 9.6, 10.8, 10.27, 10.31, 10.32.)
"""

from __future__ import annotations

import math
from typing import Any

from ..kernel import kernel

_GAMMA = 0.57721566490153286  # Euler's constant
_STEP, _NODES = 0.2, 32  # of the trapezoidal rule: e^(−u²) is 1e-17 at the last one
_ZERO, _SLOPE = 0.35502805388781724, 0.25881940379280680  # Ai(0), −Ai′(0)


def _scaled_k(xp: Any, z: Any, order: float) -> Any:
    """eᶻ K_ν(z) for real z ≥ ½, or z = −ix with x ≥ 2; ν is 0, 1 or ⅓."""
    total = 0.5
    for node in range(1, _NODES):
        square = (node * _STEP) ** 2
        w = square / (2 * z)  # sinh² t/2
        term = math.exp(-square) / xp.sqrt(1 + w)
        if order == 1:
            term = term * (1 + 2 * w)  # cosh t
        elif order:
            root = xp.exp(2 * order * xp.log(xp.sqrt(w) + xp.sqrt(1 + w)))  # e^(νt)
            term = term * (root + 1 / root) * 0.5
        total = total + term
    return xp.sqrt(2 / z) * (total * _STEP)


def _series(xp: Any, q: Any, order: int) -> tuple[Any, Any]:
    """Σ qᵏ/(k! (k+n)!), and the same with H_k + H_{k+n} in each term; H are harmonic numbers."""
    term = xp.ones_like(q)
    low, high = 0.0, float(order)  # H_k, H_{k+n} for n of 0 or 1
    plain, weighted = term, term * (low + high)
    for k in range(1, 18):
        term = term * (q / (k * (k + order)))
        low, high = low + 1 / k, high + 1 / (k + order)
        plain, weighted = plain + term, weighted + term * (low + high)
    return plain, weighted


def _near(xp: Any, x: Any, order: int, sign: int) -> tuple[Any, Any]:
    """(J, Y) for a sign of −1, (I, K) for 1, of 0 ≤ x ≤ 3."""
    plain, weighted = _series(xp, sign * x * x / 4, order)
    power = (x / 2) ** order
    first, rest = power * plain, power * weighted / 2
    pole = order / x if order else 0.0
    log = (xp.log(x / 2) + _GAMMA) * first
    if sign < 0:
        return first, (2 / math.pi) * (log - rest - pole)
    return first, (pole + log - rest if order else rest - log)


def _finite(xp: Any, x: Any, y: Any, dtype: Any) -> Any:
    """The values y of x; NaN where x is infinite or NaN."""
    return xp.astype(xp.where(xp.isfinite(x), y, xp.nan), dtype)


@kernel("plain")
def bessel_jy(xp: Any, x: Any, order: int, second: bool) -> Any:
    """J₀, J₁ of any x, or (`second`) Y₀, Y₁, NaN below 0; NaN where x is infinite."""
    wide = xp.astype(x, "float64")
    size = xp.abs(wide)
    far = xp.where((size >= 2.5) & xp.isfinite(size), size, 2.5)
    hankel = _scaled_k(xp, -1j * far, order) * xp.exp(1j * far) * (-2j / math.pi) * (-1j) ** order
    near = _near(xp, xp.where(size < 2.5, size, 2.5), order, -1)[second]
    y = xp.where(size < 2.5, near, hankel.imag if second else hankel.real)
    if second:
        y = xp.where(wide > 0, y, xp.where(wide == 0, -xp.inf, xp.nan))
    elif order:
        y = xp.copysign(1.0, wide) * y
    return _finite(xp, wide, y, x.dtype)


@kernel("plain")
def bessel_k(xp: Any, x: Any, order: int, scaled: bool) -> Any:
    """K₀, K₁ of x > 0, or (`scaled`) eˣ times that; infinite at 0, NaN below."""
    wide = xp.astype(x, "float64")
    far = xp.where((wide >= 1) & (wide < xp.inf), wide, 1.0)
    y = _scaled_k(xp, far, order)
    low = xp.where((wide > 0) & (wide < 1), wide, 1.0)
    near = _near(xp, low, order, 1)[1]
    near, y = (near * xp.exp(low), y) if scaled else (near, y * xp.exp(-far))
    y = xp.where(wide < 1, near, y)
    y = xp.where(wide > 0, xp.where(wide == xp.inf, 0.0, y), xp.where(wide == 0, xp.inf, xp.nan))
    return xp.astype(y, x.dtype)


@kernel("plain")
def airy_ai(xp: Any, x: Any) -> Any:
    """Ai(x) = √(x/3) K_⅓(ζ)/π for x > 0, Ai(−x) = 2/π √(x/3) Im K_⅓(−iζ), with ζ = ⅔ x^(3/2)."""
    wide = xp.astype(x, "float64")
    is_near = (wide > -2) & (wide < 1)
    cube = xp.where(is_near, wide, 0.0) ** 3
    f, g = xp.ones_like(cube), xp.ones_like(cube)
    first, second = f, g
    for k in range(1, 13):
        f, g = f * (cube / (3 * k * (3 * k - 1))), g * (cube / (3 * k * (3 * k + 1)))
        first, second = first + f, second + g
    near = _ZERO * first - _SLOPE * wide * second
    size = xp.where(is_near | ~xp.isfinite(wide), 2.0, xp.abs(wide))
    zeta = size**1.5 * (2 / 3)
    root = xp.sqrt(size / 3) / math.pi
    right = root * _scaled_k(xp, zeta, 1 / 3) * xp.exp(-zeta)
    left = 2 * root * (_scaled_k(xp, -1j * zeta, 1 / 3) * xp.exp(1j * zeta)).imag
    return _finite(xp, wide, xp.where(is_near, near, xp.where(wide > 0, right, left)), x.dtype)
