"""Softmax, softmax with cross entropy, and the check that classes are in range."""

from __future__ import annotations

import math
from typing import Any

from ..kernel import kernel


@kernel("plain")
def softmax(xp: Any, x: Any, axis: int) -> Any:
    """y = eˣ / Σ eˣ along an axis, as eˣ⁻ᵐ / Σ eˣ⁻ᵐ with m = max x, which does not overflow."""
    e = xp.exp(x - xp.amax(x, axis=axis, keepdims=True))
    return e / xp.sum(e, axis=axis, keepdims=True)


@kernel("plain")
def softmax_gradient(xp: Any, g: Any, y: Any, axis: int) -> Any:
    """dL/dx = y (g − Σ g y), the sum along the axis, for softmax's output y."""
    return y * (g - xp.sum(g * y, axis=axis, keepdims=True))


@kernel("plain")
def log_softmax(xp: Any, x: Any, axis: int) -> Any:
    """y = x − m − ln Σ eˣ⁻ᵐ along an axis, m = max x."""
    z = x - xp.amax(x, axis=axis, keepdims=True)
    return z - xp.log(xp.sum(xp.exp(z), axis=axis, keepdims=True))


@kernel("plain")
def log_softmax_gradient(xp: Any, g: Any, y: Any, axis: int) -> Any:
    """dL/dx = g − eʸ Σ g, the sum along the axis, for log-softmax's output y."""
    return g - xp.exp(y) * xp.sum(g, axis=axis, keepdims=True)


@kernel("plain")
def logsumexp(xp: Any, x: Any, axis: tuple[int, ...]) -> Any:
    """y = ln Σ eˣ = m + ln Σ eˣ⁻ᵐ, m = max x, over axes that stay with length 1."""
    m = xp.amax(x, axis=axis, keepdims=True)
    m = xp.where(abs(m) == xp.inf, 0.0, m)
    return xp.log(xp.sum(xp.exp(x - m), axis=axis, keepdims=True)) + m


@kernel("plain")
def poisson_error(xp: Any, x: Any, t: Any) -> tuple[Any, Any]:
    """eˣ − t x, and eˣ; x and t broadcast."""
    e = xp.exp(x)
    return e - t * x, e


@kernel("plain")
def softmax_cross_entropy(xp: Any, x: Any, target: Any) -> tuple[Any, Any]:
    """For logits x (N, C) and classes t (N): the losses −ln p[t] (N), and p = softmax(x) (N, C)."""
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
    """dL/dx = (p − one-hot of t) · g · share, (N, C), for g = dL/dlosses (N), or one for all.

    p (N, C) is what `softmax_cross_entropy` returned; `share` is the 1/N of a mean.
    """
    g = g if share == 1 else g * share
    column = xp.reshape(g, (-1, 1))
    gradient = p * column
    gradient[xp.arange(p.shape[0]), target] -= g
    return gradient


@kernel("plain")
def softmax_cross_entropy_probabilities(xp: Any, x: Any, target: Any) -> tuple[Any, Any]:
    """For logits x and probabilities q (N, C, …): losses −Σ q ln p (N, …), and p = softmax(x)."""
    z = x - xp.amax(x, axis=1, keepdims=True)
    p = xp.exp(z)
    total = xp.sum(p, axis=1, keepdims=True)
    p /= total
    z -= xp.log(total)
    z *= target
    return -xp.sum(z, axis=1), p


@kernel("plain")
def softmax_cross_entropy_probabilities_gradient(xp: Any, g: Any, p: Any, target: Any) -> Any:
    """dL/dx = (p Σ q − q) g, for g = dL/dlosses (N, …), or one for all, and p, q (N, C, …)."""
    gradient = p * xp.sum(target, axis=1, keepdims=True)
    gradient -= target
    gradient *= xp.expand_dims(g, 1) if g.ndim else g
    return gradient


@kernel("plain")
def all_below(xp: Any, x: Any, n: int, looked_up: bool = False) -> bool:
    """Whether all integers in x are in [0, n). Reading the answer waits for the device.

    It takes one pass, because a negative number, read as unsigned, is a large one.

    Args:
        xp: the namespace of x.
        x: integers of any shape.
        n: as above.
        looked_up: whether `softmax_cross_entropy` of these classes comes next. A device that must
            not wait may leave the check to that kernel.
    """
    return x.size == 0 or int(xp.amax(x.view(f"u{x.dtype.itemsize}"))) < n
