"""Softmax, log-softmax and cross entropy."""

from __future__ import annotations

from typing import Any

from ._rule import fused, rule

Out = tuple[Any, Any]


@rule
def softmax(xp: Any, x: Any, *, axis: int) -> Out:
    """y = eˣ⁻ᵐ / Σ eˣ⁻ᵐ, m = max x: dL/dx = y (g − Σ g y), which is the report's equation 11."""
    e = xp.exp(x - xp.amax(x, axis=axis, keepdims=True))
    y = e / xp.sum(e, axis=axis, keepdims=True)
    return y, (lambda g: y * (g - xp.sum(g * y, axis=axis, keepdims=True)),)


@rule
def log_softmax(xp: Any, x: Any, *, axis: int) -> Out:
    """y = x − m − ln Σ eˣ⁻ᵐ, m = max x: dL/dx = g − eʸ Σ g."""
    z = x - xp.amax(x, axis=axis, keepdims=True)
    y = z - xp.log(xp.sum(xp.exp(z), axis=axis, keepdims=True))
    return y, (lambda g: g - xp.exp(y) * xp.sum(g, axis=axis, keepdims=True),)


def cross_entropy_composition(xp: Any, x: Any, target: Any) -> Any:
    """`cross_entropy` from elementary operations."""
    z = x - xp.amax(x, axis=1, keepdims=True)
    picked = xp.take_along_axis(z, xp.expand_dims(target, 1), axis=1)
    return xp.squeeze(xp.log(xp.sum(xp.exp(z), axis=1, keepdims=True)) - picked, 1)


@fused(cross_entropy_composition)
def cross_entropy(xp: Any, x: Any, target: Any) -> Out:
    """L_s = −ln softmax(x_s)[t_s] for logits x (N, C), classes t (N): dL_s/dx_s = softmax(x_s) − 1ₜ.

    The report's equations 3 and 11 multiplied out. Labels must be in [0, C): checked before.
    """
    losses, p = xp.softmax_cross_entropy(x, target)
    return losses, (lambda g: xp.softmax_cross_entropy_gradient(g, p, target), None)
