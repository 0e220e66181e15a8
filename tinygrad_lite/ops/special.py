"""Rules of special functions: of the error function, the gamma function and Bessel's.

Their derivatives are made of each other's values (Abramowitz & Stegun, "Handbook of Mathematical
Functions", 1964).
"""

from __future__ import annotations

import math
from typing import Any

from .rule import rule

Out = tuple[Any, Any]


def _unknown(name: str, of: str) -> Any:
    """A VJP that nobody has derived."""

    def none(_: Any) -> Any:
        raise NotImplementedError(f"{name}: the derivative {of} is not implemented")

    return none


@rule(autocast="float32")
def erfc(xp: Any, x: Any) -> Out:
    """y = erfc x = 1 − erf x: dL/dx = −g 2/√π e^(−x²)."""
    return xp.erfc(x), (lambda g: g * (-2 / math.sqrt(math.pi) * xp.exp(-x * x)),)


@rule(autocast="float32")
def erfcx(xp: Any, x: Any) -> Out:
    """y = e^(x²) erfc x: dL/dx = g (2 x y − 2/√π).

    Where that cancels, its asymptotic series: −2/√π (t − 3t² + 15t³ − 105t⁴ …), t = 1 / 2x².
    """
    y = xp.erfcx(x)
    far = 8.0 if x.dtype.itemsize < 8 else 30.0

    def slope() -> Any:
        large = xp.where(x > far, x, far)
        t, series = 0.5 / large / large, 1.0
        for factor in (13, 11, 9, 7, 5, 3):
            series = 1 - factor * t * series
        usual = x * y * 2 - 2 / math.sqrt(math.pi)
        return xp.where(x > far, -2 / math.sqrt(math.pi) * t * series, usual)

    return y, (lambda g: g * slope(),)


@rule(autocast="float32")
def erfinv(xp: Any, x: Any) -> Out:
    """y = erf⁻¹ x: dL/dx = g √π/2 e^(y²)."""
    y = xp.erfinv(x)
    return y, (lambda g: g * (math.sqrt(math.pi) / 2 * xp.exp(y * y)),)


@rule(autocast="float32")
def lgamma(xp: Any, x: Any) -> Out:
    """y = ln |Γ(x)|: dL/dx = g ψ(x)."""
    return xp.lgamma(x), (lambda g: g * xp.digamma(x),)


@rule(autocast="float32")
def digamma(xp: Any, x: Any) -> Out:
    """y = ψ(x): dL/dx = g ψ′(x)."""
    return xp.digamma(x), (lambda g: g * xp.polygamma(x, 1),)


@rule(autocast="float32")
def polygamma(xp: Any, x: Any, *, n: int) -> Out:
    """y = ψ⁽ⁿ⁾(x): dL/dx = g ψ⁽ⁿ⁺¹⁾(x)."""
    return xp.polygamma(x, n), (lambda g: g * xp.polygamma(x, n + 1),)


@rule(autocast="float32")
def zeta(xp: Any, x: Any, q: Any) -> Out:
    """y = ζ(x, q) = Σ_k (q + k)⁻ˣ: dL/dq = −g x ζ(x + 1, q); that by x is not known."""
    none = _unknown("zeta", "by its first argument")
    return xp.zeta(x, q), (none, lambda g: g * (-x * xp.zeta(x + 1, q)))


@rule(autocast="float32")
def gammainc(xp: Any, a: Any, x: Any) -> Out:
    """y = P(a, x) = 1/Γ(a) ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt: dL/dx = g xᵃ⁻¹ e⁻ˣ / Γ(a); that by a is not known."""
    slope = lambda g: g * _gamma_density(xp, a, x)  # noqa: E731
    return xp.gammainc(a, x), (_unknown("gammainc", "by its first argument"), slope)


@rule(autocast="float32")
def gammaincc(xp: Any, a: Any, x: Any) -> Out:
    """y = Q(a, x) = 1 − P(a, x): dL/dx = −g xᵃ⁻¹ e⁻ˣ / Γ(a); that by a is not known."""
    slope = lambda g: -g * _gamma_density(xp, a, x)  # noqa: E731
    return xp.gammaincc(a, x), (_unknown("gammaincc", "by its first argument"), slope)


def _gamma_density(xp: Any, a: Any, x: Any) -> Any:
    return xp.exp((a - 1) * xp.log(x) - x - xp.lgamma(a))


@rule
def gamma_sample(xp: Any, a: Any, x: Any) -> Out:
    """y = x, a draw of the gamma distribution of shape a: dL/da = g dy/da at constant P(a, y).

    (Figurnov, Mohamed & Mnih 2018, "Implicit reparameterization gradients".)
    """
    return xp.copy(x), (lambda g: g * xp.gamma_slope(a, x), None)


@rule
def gamma_slope(xp: Any, a: Any, x: Any) -> Out:
    """y = dx/da at constant P(a, x), for `gamma_sample`; its derivatives are not known."""
    none = _unknown("gamma_sample", "of its derivative")
    return xp.gamma_slope(a, x), (none, none)


@rule(autocast="float32")
def i0(xp: Any, x: Any) -> Out:
    """y = I₀(x): dL/dx = g I₁(x)."""
    return xp.bessel_i(x, 0), (lambda g: g * xp.bessel_i(x, 1),)


@rule(autocast="float32")
def i1(xp: Any, x: Any) -> Out:
    """y = I₁(x): dL/dx = g (I₀(x) − y / x), which is g / 2 at 0."""
    y = xp.bessel_i(x, 1)

    def slope() -> Any:
        return xp.where(_tiny(xp, x), 0.5, xp.bessel_i(x, 0) - y / _not_tiny(xp, x))

    return y, (lambda g: g * slope(),)


@rule(autocast="float32")
def i0e(xp: Any, x: Any) -> Out:
    """y = e^(−|x|) I₀(x): dL/dx = g (e^(−|x|) I₁(x) − sign(x) y)."""
    y = xp.bessel_i(x, 0, True)
    return y, (lambda g: g * (xp.bessel_i(x, 1, True) - xp.sign(x) * y),)


@rule(autocast="float32")
def i1e(xp: Any, x: Any) -> Out:
    """y = e^(−|x|) I₁(x): dL/dx = g (e^(−|x|) I₀(x) − y (sign(x) + 1/x)), which is g / 2 at 0."""
    y = xp.bessel_i(x, 1, True)

    def slope() -> Any:
        usual = xp.bessel_i(x, 0, True) - y * (xp.sign(x) + 1 / _not_tiny(xp, x))
        return xp.where(_tiny(xp, x), 0.5, usual)

    return y, (lambda g: g * slope(),)


def _tiny(xp: Any, x: Any) -> Any:
    """Where x adds nothing to 1."""
    return xp.abs(x) <= (2.0**-23 if x.dtype.itemsize < 8 else 2.0**-52)


def _not_tiny(xp: Any, x: Any) -> Any:
    """x with 1 where it is tiny, to divide by where the quotient is not used."""
    return xp.where(_tiny(xp, x), 1.0, x)


def _no_zero(xp: Any, x: Any) -> Any:
    """x with 1 in place of 0, to divide by where the quotient is not used."""
    return xp.where(x == 0, 1.0, x)


@rule(autocast="float32")
def sinc(xp: Any, x: Any) -> Out:
    """y = sin πx / πx, 1 at 0: dL/dx = g (cos πx − y) / x, which is 0 at 0."""
    y = xp.where(x == 0, 1.0, xp.sin(x * math.pi) / _no_zero(xp, x * math.pi))

    def slope() -> Any:
        t = (x * math.pi) ** 2
        series = 1 - t / 130
        for n in (88, 54, 28, 10):
            series = 1 - t / n * series
        near = x * (-(math.pi**2) / 3) * series  # where the difference cancels
        return xp.where(t < 0.1, near, (xp.cos(x * math.pi) - y) / _no_zero(xp, x))

    return y, (lambda g: g * slope(),)


def _scaled(xp: Any, x: Any, b: Any) -> Any:
    """x 2ᵇ in three steps: 2ᵇ alone may be infinite, or 0, where the product is neither."""
    most = 300.0 if b.dtype.itemsize < 8 else 2200.0  # from the least number to beyond the largest
    b = xp.where(b > most, most, xp.where(b < -most, -most, b))
    third = xp.floor(b / 3)
    step = xp.exp2(third)
    return x * step * step * xp.exp2(b - third * 2)


@rule
def ldexp(xp: Any, a: Any, b: Any) -> Out:
    """y = a 2ᵇ: dL/da = g 2ᵇ, dL/db = g y ln 2."""
    y = _scaled(xp, a, b)
    return y, (lambda g: _scaled(xp, g, b), lambda g: g * (y * math.log(2)))
