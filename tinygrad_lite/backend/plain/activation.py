"""Activations of one exponential, and their gradients, in their plain form.

Exponentials are taken of numbers for which they can't overflow, where an infinity would do harm.
Second derivatives run these forms on tensors (`tensor/space.py`).
"""

from __future__ import annotations

from typing import Any

from ..kernel import kernel

__all__ = [
    "sigma",
    "sigmoid",
    "sigmoid_gradient",
    "silu",
    "silu_gradient",
    "softplus",
    "softplus_gradient",
]


@kernel("plain")
def sigma(xp: Any, x: Any) -> Any:
    """σ(x) = 1 / (1 + e⁻ˣ), to full precision where it is small, and 0 where e⁻ˣ would overflow."""
    low = -700.0 if x.dtype == "float64" else -88.5
    return (x > low) * (xp.exp(-xp.maximum(x, low)) + 1) ** -1


@kernel("plain")
def sigmoid(xp: Any, x: Any) -> Any:
    """1 / (1 + e⁻ˣ), exact where it is small."""
    return 1 / (xp.exp(-x) + 1)


@kernel("plain")
def sigmoid_gradient(xp: Any, g: Any, y: Any) -> Any:
    """g y (1 − y), for the output y of `sigmoid`."""
    return g * (y * (1 - y))


@kernel("plain")
def silu(xp: Any, x: Any, recorded: bool) -> tuple[Any, Any]:
    """x σ(x).

    Returns:
        x σ(x), and if it is `recorded` what `silu_gradient` needs: here x and σ(x); else None.
    """
    s = xp.sigma(x)
    return x * s, (x, s) if recorded else None


@kernel("plain")
def silu_gradient(xp: Any, g: Any, kept: Any) -> Any:
    """g σ(x) (1 + x (1 − σ(x))), from what `silu` returned second."""
    x, s = kept
    return g * (s * (x * (1 - s) + 1))


@kernel("plain")
def softplus(xp: Any, x: Any, beta: float, threshold: float) -> Any:
    """ln(1 + e^(βx)) / β, as (max(βx, 0) + ln(1 + e⁻|βx|)) / β; x where βx > threshold."""
    z = x * beta
    y = (xp.maximum(z, 0.0) + xp.log1p(xp.exp(-xp.abs(z)))) / beta
    return xp.where(z > threshold, x, y)


@kernel("plain")
def softplus_gradient(xp: Any, g: Any, x: Any, beta: float, threshold: float) -> Any:
    """g σ(βx), or g where βx > threshold.

    It is no function of x from the threshold on: the second derivative is 0 there.
    """
    z = x * beta
    inside = xp.where(z >= threshold, threshold, z)
    return xp.where(z > threshold, g, g * xp.sigma(inside))
