"""Rules of the trigonometric, hyperbolic and exponential functions beyond `elementwise`'s."""

from __future__ import annotations

from typing import Any

from .rule import rule

Out = tuple[Any, Any]

LN_2, LN_10 = 0.6931471805599453, 2.302585092994046


@rule(autocast="float32", complex="analytic")
def tan(xp: Any, x: Any) -> Out:
    """y = tan x: dL/dx = g (1 + y²)."""
    y = xp.tan(x)
    return y, (lambda g: g * (y * y + 1),)


@rule(autocast="float32")
def asin(xp: Any, x: Any) -> Out:
    """y = arcsin x: dL/dx = g / √(1 − x²)."""
    return xp.arcsin(x), (lambda g: g / xp.sqrt(1 - x * x),)


@rule(autocast="float32")
def acos(xp: Any, x: Any) -> Out:
    """y = arccos x: dL/dx = −g / √(1 − x²)."""
    return xp.arccos(x), (lambda g: -g / xp.sqrt(1 - x * x),)


@rule(autocast="float32")
def atan(xp: Any, x: Any) -> Out:
    """y = arctan x: dL/dx = g / (1 + x²)."""
    return xp.arctan(x), (lambda g: g / (x * x + 1),)


@rule(autocast="float32", complex="analytic")
def sinh(xp: Any, x: Any) -> Out:
    """y = sinh x: dL/dx = g cosh x."""
    return xp.sinh(x), (lambda g: g * xp.cosh(x),)


@rule(autocast="float32", complex="analytic")
def cosh(xp: Any, x: Any) -> Out:
    """y = cosh x: dL/dx = g sinh x."""
    return xp.cosh(x), (lambda g: g * xp.sinh(x),)


@rule(autocast="float32")
def asinh(xp: Any, x: Any) -> Out:
    """y = arsinh x: dL/dx = g / √(x² + 1)."""
    return xp.arcsinh(x), (lambda g: g / xp.sqrt(x * x + 1),)


@rule(autocast="float32")
def acosh(xp: Any, x: Any) -> Out:
    """y = arcosh x: dL/dx = g / √(x² − 1)."""
    return xp.arccosh(x), (lambda g: g / xp.sqrt(x * x - 1),)


@rule(autocast="float32")
def atanh(xp: Any, x: Any) -> Out:
    """y = artanh x: dL/dx = g / (1 − x²)."""
    return xp.arctanh(x), (lambda g: g / (1 - x * x),)


@rule(autocast="float32")
def exp2(xp: Any, x: Any) -> Out:
    """y = 2ˣ: dL/dx = g y ln 2."""
    y = xp.exp2(x)
    return y, (lambda g: g * (y * LN_2),)


@rule(autocast="float32")
def log2(xp: Any, x: Any) -> Out:
    """y = log₂ x, exact for powers of 2: dL/dx = g / (x ln 2)."""
    return xp.log2(x), (lambda g: g / (x * LN_2),)


@rule(autocast="float32")
def log10(xp: Any, x: Any) -> Out:
    """y = log₁₀ x, exact for powers of 10: dL/dx = g / (x ln 10)."""
    return xp.log10(x), (lambda g: g / (x * LN_10),)


@rule
def logit(xp: Any, x: Any) -> Out:
    """y = ln(x / (1 − x)): dL/dx = g / (x (1 − x)), NaN outside of [0, 1]."""

    def vjp(g: Any) -> Any:
        slope = g / xp.abs(x * (1 - x))  # without the sign of a 0
        return xp.where((x < 0) | (x > 1), xp.nan, slope)

    return xp.log(x / (1 - x)), (vjp,)


@rule(autocast="float32")
def atan2(xp: Any, a: Any, b: Any) -> Out:
    """y = the angle of the point (b, a): dL/da = g b / (a² + b²), dL/db = −g a / (a² + b²)."""

    def square() -> Any:
        whole = a * a + b * b
        return xp.where(whole == 0, xp.inf, whole)  # the gradient at the origin is 0

    return xp.arctan2(a, b), (lambda g: g * (b / square()), lambda g: g * (-a / square()))


@rule
def hypot(xp: Any, a: Any, b: Any) -> Out:
    """y = √(a² + b²): dL/da = g a / y, dL/db = g b / y."""
    y = xp.hypot(a, b)
    return y, (lambda g: g * (a / y), lambda g: g * (b / y))


@rule(autocast="float32")
def logaddexp(xp: Any, a: Any, b: Any) -> Out:
    """y = ln(eᵃ + eᵇ): dL/da = g σ(a − b), dL/db = g σ(b − a).

    These are eᵃ⁻ʸ and eᵇ⁻ʸ, but for the digits that a large y lacks; 1/2 each where both are ±∞.
    In e = e^−|d|, d = a − b, they are 1 / (1 + e) and e / (1 + e): so their derivatives keep their
    digits however far apart a and b are.
    """

    def share(x: Any, other: Any) -> Any:
        def vjp(g: Any) -> Any:
            d = xp.where((x == other) & (xp.abs(x) == xp.inf), 0.0, x - other)
            below = d < 0
            e = xp.exp(xp.where(below, d, -d))
            return g * (xp.where(below, e, 1.0) / (1 + e))

        return vjp

    return xp.logaddexp(a, b), (share(a, b), share(b, a))


@rule
def copysign(xp: Any, a: Any, b: Any) -> Out:
    """y = |a| with b's sign: dL/da = g y / a, 0 at 0, and dL/db = 0."""
    y = xp.copysign(a, b)
    return y, (
        lambda g: g * xp.where(a == 0, 0.0, y / xp.where(a == 0, 1.0, a)),
        lambda g: xp.zeros_like(g),
    )


@rule
def entr(xp: Any, x: Any) -> Out:
    """y = −x ln x, 0 at 0 and −∞ below: dL/dx = −g (ln x + 1), ∞ at 0 and NaN below."""
    y = xp.where(x == 0, 0.0, xp.where(x < 0, -xp.inf, -x * xp.log(x)))
    return y, (lambda g: -g * (xp.log(x) + 1),)


@rule
def xlog1py(xp: Any, a: Any, b: Any) -> Out:
    """y = a ln(1 + b), 0 where a = 0: dL/da = g ln(1 + b) (0 where a = 0 and b ≤ −1).

    dL/db = g a / (1 + b).
    """

    def log(zero: Any) -> Any:
        return xp.where((a == 0) & zero, 0.0, xp.log1p(b))

    return a * log(b == b), (lambda g: g * log(b <= -1), lambda g: g * (a / (b + 1)))


@rule
def xlogy(xp: Any, a: Any, b: Any) -> Out:
    """y = a ln b, 0 where a = 0: dL/da = g ln b (0 where a = 0 and b ≤ 0), dL/db = g a / b."""

    def log(zero: Any) -> Any:
        return xp.where((a == 0) & zero, 0.0, xp.log(b))

    return a * log(b == b), (lambda g: g * log(b <= 0), lambda g: g * (a / b))


@rule
def nan_to_num(xp: Any, x: Any, *, nan: float, posinf: float, neginf: float) -> Out:
    """y = x with numbers for NaN and the infinities: dL/dx = g · 1, and g · 0 where they stand."""
    y = xp.where(x != x, nan, x)
    y = xp.where(x == xp.inf, posinf, xp.where(x == -xp.inf, neginf, y))
    return y, (lambda g: g * xp.astype((x == x) & (abs(x) != xp.inf), g.dtype),)


@rule
def lerp(xp: Any, a: Any, b: Any, w: Any) -> Out:
    """y = a + w (b − a): dL/da = g (1 − w), dL/db = g w, dL/dw = g (b − a)."""
    if hasattr(w, "dtype"):
        y = xp.where(xp.abs(w) < 0.5, a + w * (b - a), b - (b - a) * (1 - w))  # exact at both ends
    else:  # CuPy chooses by arrays alone
        y = a + w * (b - a) if abs(w) < 0.5 else b - (b - a) * (1 - w)
    return y, (lambda g: g * (1 - w), lambda g: g * w, lambda g: g * (b - a))
