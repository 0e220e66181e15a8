"""Elementwise kernels, among them the error function, which NumPy lacks, and GELU."""

from __future__ import annotations

from typing import Any

import numpy

from ..kernel import kernel


def _order(x: Any) -> Any:
    """The memory order of a copy: x's own, but of what lies expanded row-major.

    An expanded axis has steps of 0, so that it would come to lie innermost.
    """
    return "C" if 0 in x.strides else "K"


@kernel("plain")
def copy(xp: Any, x: Any) -> Any:
    """A copy in x's memory order."""
    return xp.array(x, order=_order(x))


@kernel("plain")
def astype(xp: Any, x: Any, dtype: Any) -> Any:
    """A copy in another dtype, in x's memory order."""
    return x.astype(dtype, order=_order(x))


@kernel("plain")
def full_like(xp: Any, x: Any, value: Any, dtype: Any = None) -> Any:
    """An array of one number, of x's shape and memory order."""
    return xp.library.full_like(x, value, dtype=dtype, order=_order(x))


@kernel("plain")
def new_like(xp: Any, x: Any, dtype: Any = None) -> Any:
    """An array of x's shape and memory order; kernels, which pass it on, take `xp.empty_like`."""
    return xp.library.empty_like(x, dtype=dtype, order=_order(x))


@kernel("plain")
def one(xp: Any, dtype: Any) -> Any:
    """A 0-d array of 1. Nobody may write to it: a device may give the same array each time."""
    return xp.ones((), dtype=dtype)


@kernel("plain")
def plus(xp: Any, a: Any, b: Any) -> Any:
    """a + b."""
    return a + b


@kernel("plain")
def minus(xp: Any, a: Any, b: Any) -> Any:
    """a − b."""
    return a - b


def _rounds(number: float) -> bool:
    """Whether float16 has another number for this one."""
    return not (abs(number) < 65520 and float(numpy.float16(number)) == number)


@kernel("plain")
def times(xp: Any, a: Any, b: Any) -> Any:
    """a b, elementwise; a number beside float16 is not rounded, as in PyTorch."""
    x, number = (b, a) if type(a) is float else (a, b)
    if type(number) is float and x.dtype == "float16" and _rounds(number):
        return (x.astype("float32") * number).astype("float16")
    return a * b


@kernel("plain")
def log10(xp: Any, x: Any) -> Any:
    """log₁₀ x; of float32 by way of float64, so that powers of 10 have whole logarithms."""
    if x.dtype != "float32":
        return xp.library.log10(x)
    return xp.library.log10(x, dtype="float64").astype("float32")


@kernel("plain")
def relu(xp: Any, x: Any) -> Any:
    """max(0, x); NaN stays NaN, and −0 itself: of equal operands NumPy gives the second."""
    return xp.maximum(0, x)


@kernel("plain")
def relu_gradient(xp: Any, g: Any, y: Any) -> Any:
    """g where the output y of `relu` is not 0 (a NaN is not 0), else 0."""
    return xp.where(y != 0, g, 0.0)  # not a product, because 0 times an infinite g is NaN


@kernel("plain")
def sign(xp: Any, x: Any) -> Any:
    """−1, 0 or 1; 0 for NaN."""
    y = xp.astype(x > 0, x.dtype)
    return y if x.dtype.kind == "u" else y - (x < 0)


@kernel("plain")
def integer_power(xp: Any, a: Any, b: Any) -> Any:
    """aᵇ for integers; for b < 0 it is 0, but where a is 1 or −1, whose inverses are whole."""
    y = xp.power(a, xp.maximum(b, 0))
    if b.dtype.kind == "u":
        return y
    return xp.where(b < 0, xp.where(a == 1, 1, xp.where(a == -1, 1 - 2 * (b & 1), 0)), y)


# W. J. Cody, "Rational Chebyshev Approximations for the Error Function", Mathematics of
# Computation 23, 1969: erf(x) = x P(x²) / Q(x²) for |x| ≤ 0.46875, and
# 1 − erf(x) = exp(−x²) R(x) / S(x) up to 4. Highest power first.
P = (
    1.85777706184603153e-1,
    3.16112374387056560e0,
    1.13864154151050156e2,
    3.77485237685302021e2,
    3.20937758913846947e3,
)
Q = (
    1.0,
    2.36012909523441209e1,
    2.44024637934444173e2,
    1.28261652607737228e3,
    2.84423683343917062e3,
)
R = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e0,
    6.61191906371416295e1,
    2.98635138197400131e2,
    8.81952221241769090e2,
    1.71204761263407058e3,
    2.05107837782607147e3,
    1.23033935479799725e3,
)
S = (
    1.0,
    1.57449261107098347e1,
    1.17693950891312499e2,
    5.37181101862009858e2,
    1.62138957456669019e3,
    3.29079923573345963e3,
    4.36261909014324716e3,
    3.43936767414372164e3,
    1.23033935480374942e3,
)


@kernel("plain")
def erf(xp: Any, x: Any) -> Any:
    """erf(x), with errors of at most 4e-16 in float64 and 2e-7 in float32.

    The second form above is meant for |x| ≤ 4. Beyond it has fewer right digits, but these are
    enough: 1 − erf(x) is below 2e-8 there, and from 6 on erf(x) is rounded to 1.
    """
    if x.dtype == "float16":  # too narrow for the polynomials
        return xp.astype(erf(xp, xp.astype(x, "float32")), x.dtype)
    size = xp.minimum(xp.abs(x), 6.0)
    square = size * size
    tail = xp.exp(-square)
    tail *= polynomial(size, R)
    tail /= polynomial(size, S)
    y = xp.copysign(1 - tail, x)
    square = xp.minimum(square, 0.25)
    near = x * polynomial(square, P)
    near /= polynomial(square, Q)
    return xp.where(size <= 0.46875, near, y)


@kernel("plain")
def gelu(xp: Any, x: Any, recorded: bool) -> tuple[Any, Any]:
    """x Φ(x), with the normal distribution's Φ(x) = (1 + erf(x/√2)) / 2.

    Returns:
        x Φ(x), and if it is `recorded` what `gelu_gradient` needs of x: here x itself; else None.
    """
    return x * normal(xp, x), x if recorded else None


@kernel("plain")
def gelu_gradient(xp: Any, g: Any, kept: Any) -> Any:
    """g (Φ(x) + x φ(x)) with φ = Φ′, from what `gelu` returned second."""
    return g * gelu_slope(xp, kept)


def gelu_slope(xp: Any, x: Any) -> Any:
    """Φ(x) + x φ(x), the derivative of x Φ(x)."""
    return normal(xp, x) + x * xp.exp(x * x * -0.5) * 0.3989422804014327


def normal(xp: Any, x: Any) -> Any:
    """Φ(x) = (1 + erf(x/√2)) / 2, the standard normal distribution function."""
    return (erf(xp, x * 0.7071067811865476) + 1) * 0.5


def polynomial(x: Any, coefficients: tuple[float, ...]) -> Any:
    """A polynomial in x by Horner's rule; the highest power's coefficient comes first."""
    y = x * coefficients[0]
    for c in coefficients[1:-1]:
        y += c
        y *= x
    y += coefficients[-1]
    return y
