"""Softmax, alone and with cross entropy, and the check of classes."""

from __future__ import annotations

import math
from typing import Any

from ..kernel import kernel


@kernel("plain")
def softmax(xp: Any, x: Any, axis: int) -> Any:
    """eˣ⁻ᵐ / Σ eˣ⁻ᵐ along an axis, m = max x."""
    e = xp.exp(x - xp.amax(x, axis=axis, keepdims=True))
    return e / xp.sum(e, axis=axis, keepdims=True)


@kernel("plain")
def softmax_gradient(xp: Any, g: Any, y: Any, axis: int) -> Any:
    """y (g − Σ g y)."""
    return y * (g - xp.sum(g * y, axis=axis, keepdims=True))


@kernel("plain")
def softmax_cross_entropy(xp: Any, x: Any, target: Any) -> tuple[Any, Any]:
    """For logits (N, C) and classes (N): the losses −ln softmax(x)[t] (N), and softmax (N, C)."""
    z = x - xp.amax(x, axis=1, keepdims=True)
    rows = xp.arange(x.shape[0])
    picked = z[rows, target]
    p = xp.exp(z)
    total = xp.sum(p, axis=1, keepdims=True)
    p /= total
    return xp.log(total[:, 0]) - picked, p


@kernel("plain")
def mean_of_all(xp: Any, a: Any) -> Any:
    """The mean of all elements, 0-d; NaN if there are none."""
    return xp.sum(a) / (a.size or math.nan)


@kernel("plain")
def softmax_cross_entropy_gradient(xp: Any, g: Any, p: Any, target: Any, share: float = 1.0) -> Any:
    """For cotangents (N), softmax (N, C) and classes (N): (softmax − one-hot) g share, (N, C)."""
    g = g if share == 1 else g * share
    column = xp.reshape(g, (-1, 1))
    gradient = p * column
    gradient[xp.arange(p.shape[0]), target] -= g
    return gradient


@kernel("plain")
def softmax_cross_entropy_probabilities(xp: Any, x: Any, target: Any) -> tuple[Any, Any]:
    """For logits and weights q (N, C, …): the losses −Σ q ln softmax(x) (N, …), and softmax."""
    z = x - xp.amax(x, axis=1, keepdims=True)
    p = xp.exp(z)
    total = xp.sum(p, axis=1, keepdims=True)
    p /= total
    z -= xp.log(total)
    z *= target
    return -xp.sum(z, axis=1), p


@kernel("plain")
def softmax_cross_entropy_probabilities_gradient(xp: Any, g: Any, p: Any, target: Any) -> Any:
    """For cotangents (N, …) or one for all, softmax and weights q (N, C, …): (p Σ q − q) g."""
    gradient = p * xp.sum(target, axis=1, keepdims=True)
    gradient -= target
    gradient *= xp.expand_dims(g, 1) if g.ndim else g
    return gradient


@kernel("plain")
def all_below(xp: Any, x: Any, n: int, looked_up: bool = False) -> bool:
    """Whether all of some integers are in [0, n); reading the answer waits for the device.

    `looked_up` says that `softmax_cross_entropy` comes next, where one that is not is met again.
    One pass: a negative number, read as unsigned, is a large one.
    """
    return x.size == 0 or int(xp.amax(x.view(f"u{x.dtype.itemsize}"))) < n
