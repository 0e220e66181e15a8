"""Activations beyond `elementwise`'s relu, sigmoid and tanh.

Exponentials are taken of numbers for which they can't overflow. For second derivatives the VJPs
are differentiated in turn, so none contains |x| or max(x, 0) where the kink at x = 0 would give a
wrong second derivative.
"""

from __future__ import annotations

from typing import Any

from ..graph import mode
from .rule import rule

Out = tuple[Any, Any]


@rule
def erf(xp: Any, x: Any) -> Out:
    """y = 2/√π ∫₀ˣ exp(−t²) dt: dL/dx = g 2/√π exp(−x²)."""
    return xp.erf(x), (lambda g: g * (xp.exp(-x * x) * 1.1283791670955126),)


@rule(flat=True)
def leaky_relu(xp: Any, x: Any, *, negative_slope: float) -> Out:
    """y = x where x > 0, else s x: dL/dx = g where x > 0, else s g. (Maas et al. 2013.)"""
    positive = x > 0
    return xp.where(positive, x, x * negative_slope), (
        lambda g: xp.where(positive, g, g * negative_slope),
    )


@rule(flat=True)
def prelu(xp: Any, x: Any, w: Any) -> Out:
    """y = x where x > 0, else w x: dL/dx = g where x > 0, else w g; dL/dw = g x where not x > 0.

    (He et al. 2015.)
    """
    positive = x > 0
    # The slope's gradient is made of negative elements alone: 0 times an infinite one is NaN.
    low = xp.where(positive, 0.0, x)
    return xp.where(positive, x, low * w), (
        lambda g: xp.where(positive, g, g * w),
        lambda g: xp.where(positive, 0.0, g) * low,
    )


@rule(flat=True)
def threshold(xp: Any, x: Any, *, threshold: float, value: float) -> Out:
    """y = x where x > t (or x is NaN), else v: dL/dx = g there, else 0."""
    low = x <= threshold
    return xp.where(low, value, x), (lambda g: xp.where(low, 0.0, g),)


@rule(flat=True)
def hardshrink(xp: Any, x: Any, *, lambd: float) -> Out:
    """y = x where |x| > λ (or x is NaN), else 0: dL/dx = g there, else 0."""
    small = (x <= lambd) & (x >= -lambd)
    return xp.where(small, 0.0, x), (lambda g: xp.where(small, 0.0, g),)


@rule(flat=True)
def softshrink(xp: Any, x: Any, *, lambd: float) -> Out:
    """y = x − min(max(x, −λ), λ): dL/dx = g where |x| > λ (or x is NaN), else 0."""
    small = (x <= lambd) & (x >= -lambd)
    near = xp.minimum(lambd, xp.maximum(-lambd, x))
    return x - near, (lambda g: xp.where(small, 0.0, g),)


@rule
def elu(xp: Any, x: Any, *, alpha: float) -> Out:
    """y = x where x > 0, else α (eˣ − 1): dL/dx = g where x > 0, else g α eˣ.

    (Clevert, Unterthiner & Hochreiter 2016, equation 15.)
    """
    negative = x <= 0  # False for NaN, which so passes its gradient on
    low = xp.where(x < 0, x, 0.0)  # no function of x at 0: the second derivative is 0 there
    return xp.where(x < 0, xp.expm1(low) * alpha, x), (
        lambda g: xp.where(negative, g * (xp.exp(low) * alpha), g),
    )


def gelu_composition(xp: Any, x: Any) -> Any:
    """`gelu` from elementary operations."""
    return x * ((xp.erf(x * 0.7071067811865476) + 1) * 0.5)


@rule(half="cuda", composition=gelu_composition)
def gelu(xp: Any, x: Any) -> Out:
    """y = x Φ(x), Φ(x) = (1 + erf(x/√2)) / 2: dL/dx = g (Φ(x) + x φ(x)), φ = Φ′.

    (Hendrycks & Gimpel 2016.)
    """
    y, kept = xp.gelu(x, mode.grad)
    return y, (lambda g: xp.gelu_gradient(g, kept),)


@rule(shown="gelu")
def gelu_tanh(xp: Any, x: Any) -> Out:
    """y = x (1 + t) / 2, t = tanh(√(2/π) (x + 0.044715 x³)), which is `gelu` to 5e-4.

    dL/dx = g [(1 + t) + x (1 − t²) √(2/π) (1 + 3·0.044715 x²)] / 2. (Hendrycks & Gimpel 2016.)
    """
    # Beyond ±12 t is ±1 to the last bit, and 1 − t² times any x is 0: no power can overflow.
    z = xp.minimum(xp.maximum(x, -12.0), 12.0)
    t = xp.tanh((z + z * z * z * 0.044715) * 0.7978845608028654)

    def vjp(g: Any) -> Any:
        slope = (1 - t * t) * (z * z * 0.134145 + 1) * 0.7978845608028654
        return g * ((t + 1 + x * slope) * 0.5)

    return x * (t + 1) * 0.5, (vjp,)


@rule
def silu(xp: Any, x: Any) -> Out:
    """y = x σ(x): dL/dx = g σ(x) (1 + x (1 − σ(x))). (Elfwing, Uchibe & Doya 2018.)"""
    y, kept = xp.silu(x, mode.grad)
    return y, (lambda g: xp.silu_gradient(g, kept),)


@rule(autocast="float32")
def softplus(xp: Any, x: Any, *, beta: float, threshold: float) -> Out:
    """y = ln(1 + e^(βx)) / β, or x where βx > threshold: dL/dx = g σ(βx), or g there.

    (Dugas et al. 2001.)
    """
    y = xp.softplus(x, beta, threshold)
    return y, (lambda g: xp.softplus_gradient(g, x, beta, threshold),)


@rule(shown="logsigmoid")
def log_sigmoid(xp: Any, x: Any) -> Out:
    """y = ln σ(x) = −ln(1 + e⁻ˣ): dL/dx = g σ(−x)."""
    return xp.minimum(x, 0.0) - xp.log1p(xp.exp(-xp.abs(x))), (lambda g: g * xp.sigma(-x),)


@rule(flat=True)
def hardtanh(xp: Any, x: Any, *, min_val: float, max_val: float) -> Out:
    """y = min(max(x, lo), hi): dL/dx = g where lo < x < hi, else 0 (at lo and hi as well)."""
    outside = (x <= min_val) | (x >= max_val)
    return xp.minimum(max_val, xp.maximum(min_val, x)), (lambda g: xp.where(outside, 0.0, g),)


@rule
def hardsigmoid(xp: Any, x: Any) -> Out:
    """y = min(max(x + 3, 0), 6) / 6: dL/dx = g / 6 where −3 < x < 3, else 0 (at a NaN as well)."""
    y = xp.minimum(6.0, xp.maximum(0.0, x + 3)) / 6
    return y, (lambda g: xp.where((x > -3) & (x < 3), g / 6, 0.0),)


@rule
def hardswish(xp: Any, x: Any) -> Out:
    """y = x min(max(x + 3, 0), 6) / 6: dL/dx = 0 for x ≤ −3, g for x ≥ 3, else g (x/3 + 1/2).

    (Howard et al. 2019.)
    """
    y = x * xp.minimum(xp.maximum(x + 3, 0.0), 6.0) / 6
    return y, (lambda g: xp.where(x <= -3, 0.0, xp.where(x < 3, g * (x / 3 + 0.5), g)),)
