"""Softmax, log-softmax, cross entropy, and losses that treat each element by itself."""

from __future__ import annotations

import math
from typing import Any

from .rule import rule

Out = tuple[Any, Any]


def softmax_composition(xp: Any, x: Any, *, axis: int) -> Any:
    """`softmax` from elementary operations."""
    e = xp.exp(x - xp.amax(x, axis=axis, keepdims=True))
    return e / xp.sum(e, axis=axis, keepdims=True)


@rule(autocast="float32", composition=softmax_composition)
def softmax(xp: Any, x: Any, *, axis: int) -> Out:
    """y = eˣ⁻ᵐ / Σ eˣ⁻ᵐ, m = max x: dL/dx = y (g − Σ g y), which is the report's equation 11."""
    y = xp.softmax(x, axis)
    return y, (lambda g: xp.softmax_gradient(g, y, axis),)


def log_softmax_composition(xp: Any, x: Any, *, axis: int) -> Any:
    """`log_softmax` from elementary operations."""
    z = x - xp.amax(x, axis=axis, keepdims=True)
    return z - xp.log(xp.sum(xp.exp(z), axis=axis, keepdims=True))


@rule(autocast="float32", composition=log_softmax_composition)
def log_softmax(xp: Any, x: Any, *, axis: int) -> Out:
    """y = x − m − ln Σ eˣ⁻ᵐ, m = max x: dL/dx = g − eʸ Σ g."""
    y = xp.log_softmax(x, axis)
    return y, (lambda g: xp.log_softmax_gradient(g, y, axis),)


def _reduced(xp: Any, losses: Any, reduction: str) -> Any:
    """The losses (N, …) themselves, their sum, or their mean (NaN if there are none)."""
    if reduction == "none":
        return losses
    total = xp.sum(losses)
    return total / (math.prod(losses.shape) or math.nan) if reduction == "mean" else total


def _reduced_at_once(xp: Any, losses: Any, reduction: str) -> Any:
    """The same, with one kernel for the mean; only a composition needs the elementary form."""
    return xp.mean_of_all(losses) if reduction == "mean" else _reduced(xp, losses, reduction)


def _share(x: Any, reduction: str) -> float:
    """The factor from the gradient of the reduced losses of x (N, C, …) to that of each loss."""
    return x.shape[1] / math.prod(x.shape) if reduction == "mean" and 0 not in x.shape else 1.0


def cross_entropy_composition(xp: Any, x: Any, target: Any, *, reduction: str = "none") -> Any:
    """`cross_entropy` from elementary operations."""
    z = x - xp.amax(x, axis=1, keepdims=True)
    picked = xp.take_along_axis(z, xp.expand_dims(target, 1), axis=1)
    losses = xp.squeeze(xp.log(xp.sum(xp.exp(z), axis=1, keepdims=True)) - picked, 1)
    return _reduced(xp, losses, reduction)


@rule(autocast="float32", composition=cross_entropy_composition)
def cross_entropy(xp: Any, x: Any, target: Any, *, reduction: str = "none") -> Out:
    """L_s = −ln p_s[t_s], p = softmax(x), logits x (N, C), classes t (N): dL_s/dx_s = p_s − 1ₜ.

    The report's equations 3 and 11 multiplied out. `reduction` is "none" (N), "sum" or "mean".
    That labels are in [0, C) the caller has checked.
    """
    losses, p = xp.softmax_cross_entropy(x, target)
    return _reduced_at_once(xp, losses, reduction), (
        lambda g: xp.softmax_cross_entropy_gradient(g, p, target, _share(p, reduction)),
        None,
    )


def cross_entropy_probabilities_composition(
    xp: Any, x: Any, target: Any, *, reduction: str = "none"
) -> Any:
    """`cross_entropy_probabilities` from elementary operations."""
    z = x - xp.amax(x, axis=1, keepdims=True)
    log_p = z - xp.log(xp.sum(xp.exp(z), axis=1, keepdims=True))
    return _reduced(xp, -xp.sum(log_p * target, axis=1), reduction)


@rule(autocast="float32", composition=cross_entropy_probabilities_composition)
def cross_entropy_probabilities(xp: Any, x: Any, target: Any, *, reduction: str = "none") -> Out:
    """L_s = −Σ_c q_sc ln p_sc, p = softmax(x), for logits x and weights q, both (N, C, …).

    dL_s/dx_s = p_s Σ_c q_sc − q_s, dL_s/dq_s = −ln p_s. With q one-hot this is `cross_entropy`.
    """
    losses, p = xp.softmax_cross_entropy_probabilities(x, target)

    def vjp_target(g: Any) -> Any:
        g = g * _share(x, reduction)
        return xp.log_softmax(x, 1) * -(xp.expand_dims(g, 1) if g.ndim else g)

    return _reduced_at_once(xp, losses, reduction), (
        lambda g: xp.softmax_cross_entropy_probabilities_gradient(
            g * _share(p, reduction), p, target
        ),
        vjp_target,
    )


@rule(autocast="float32")
def logits_error(xp: Any, x: Any, t: Any, p: Any) -> Out:
    """y = −(p t ln σ(x) + (1 − t) ln(1 − σ(x))) = (1 − t) x − (1 + (p − 1) t) ln σ(x).

    dL/dx = g ((1 − t) σ(x) − p t σ(−x)), in which no digits cancel; dL/dp = −g t ln σ(x);
    dL/dt = g (ln σ(−x) − p ln σ(x)). With ln σ(x) = min(x, 0) − ln(1 + e^−|x|) the last is computed
    so that the logarithms cancel for p = 1: it is −g x, also for infinite x.
    """
    soft = xp.log1p(xp.exp(-xp.abs(x)))
    log = xp.minimum(x, 0.0) - soft
    return (1 - t) * x - (1 + (p - 1) * t) * log, (
        lambda g: g * ((1 - t) * xp.sigma(x) - p * t * xp.sigma(-x)),
        lambda g: g * (xp.minimum(-x, 0.0) - p * xp.minimum(x, 0.0) + (p - 1) * soft),
        lambda g: -g * t * log,
    )


@rule(autocast="float32")
def squared_error(xp: Any, x: Any, t: Any) -> Out:
    """y = (x − t)²: dL/dx = 2 g (x − t), dL/dt = −dL/dx."""
    e = x - t
    return e * e, (lambda g: g * e * 2, lambda g: g * e * -2)


def poisson_error_composition(xp: Any, x: Any, t: Any) -> Any:
    """`poisson_error` from elementary operations."""
    return xp.exp(x) - t * x


@rule(autocast="float32", composition=poisson_error_composition)
def poisson_error(xp: Any, x: Any, t: Any) -> Out:
    """y = eˣ − t x: dL/dx = g (eˣ − t), dL/dt = −g x."""
    y, e = xp.poisson_error(x, t)
    return y, (lambda g: g * (e - t), lambda g: -g * x)


def huber_composition(xp: Any, x: Any, t: Any, *, delta: float) -> Any:
    """`huber`, whose c is constant at NaN too."""
    e = x - t
    c = xp.where(e >= delta, delta, xp.where(e <= -delta, -delta, xp.where(e == e, e, xp.nan)))
    return c * (e - c * 0.5)


@rule(autocast="float32", composition=huber_composition)
def huber(xp: Any, x: Any, t: Any, *, delta: float) -> Out:
    """y = e²/2 where |e| < δ, else δ (|e| − δ/2), e = x − t: dL/dx = g min(max(e, −δ), δ) = −dL/dt.

    (Huber 1964.) With c = e limited to ±δ this is y = c (e − c/2). At |e| = δ c is constant, which
    second derivatives see.
    """
    e = x - t
    c = xp.where(e >= delta, delta, xp.where(e <= -delta, -delta, e))
    return c * (e - c * 0.5), (lambda g: g * c, lambda g: -g * c)


@rule
def binary_cross_entropy(xp: Any, x: Any, t: Any) -> Out:
    """y = −(t ln x + (1 − t) ln(1 − x)), logarithms of at least −100.

    dL/dx = g (x − t) / max(x (1 − x), 10⁻¹²), dL/dt = g (ln(1 − x) − ln x). As in PyTorch dL/dx
    is large but finite where a logarithm is at its bound.
    """
    log_p = xp.log(xp.where(x == 0, 1.0, x))
    log_p = xp.where(x == 0, -100.0, xp.maximum(log_p, -100.0))
    log_q = xp.log1p(-xp.where(x == 1, 0.0, x))
    log_q = xp.where(x == 1, -100.0, xp.maximum(log_q, -100.0))
    return -(t * log_p + (1 - t) * log_q), (
        lambda g: g * (x - t) / xp.maximum(x * (1 - x), 1e-12),
        lambda g: g * (log_q - log_p),
    )


@rule(autocast="float32")
def x_log_x(xp: Any, x: Any) -> Out:
    """y = x ln x, 0 where x = 0, NaN below: dL/dx = g (ln x + 1), and g there."""
    log = xp.log(xp.where(x == 0, 1.0, x))
    return x * log, (lambda g: g * (log + 1),)
