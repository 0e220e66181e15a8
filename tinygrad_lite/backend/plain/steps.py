"""The optimizers' updates of which no device has a faster form; the others are in `optim.py`.

As there, each changes the parameter p and its state in place; d = ±g + λ p is the direction, with
minus to maximize and the weight decay λ; `scalars` has the numbers that a captured step renews.
"""

from __future__ import annotations

import math
from typing import Any

from ..kernel import kernel
from .optim import _average, _direction, _numbers


@kernel("plain")
def nadam_step(
    xp: Any,
    param: Any,
    grad: Any,
    exp_avg: Any,
    exp_avg_sq: Any,
    *,
    decay: float,
    grad_size: float,
    mean_size: float,
    correction2: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """m ← β₁ m + (1 − β₁) d;  v ← β₂ v + (1 − β₂) d²;  p ← p − (a d + b m) / (√(v / c₂) + ε).

    a is `grad_size`, b `mean_size` and c₂ `correction2`. Before that, p ← `decay` p.
    """
    if decay != 1:
        param *= decay
    d = _direction(param, grad, weight_decay, maximize)
    _average(d, exp_avg, exp_avg_sq, beta1, beta2)
    param -= (grad_size * d + mean_size * exp_avg) / (xp.sqrt(exp_avg_sq / correction2) + eps)


def radam_sizes(step: float, lr: float, beta1: float, beta2: float) -> tuple[float, float]:
    """RAdam's sizes of a step without √v and of one with it, of which one is 0.

    With c₁ = 1 − β₁ᵗ, c₂ = 1 − β₂ᵗ, ρ∞ = 2 / (1 − β₂) − 1 and ρ = ρ∞ − 2 t β₂ᵗ / c₂, the step is
    divided by √v for ρ > 5, and its size is then multiplied by r, with
    r² = (ρ − 4)(ρ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρ).

    Returns:
        γ / c₁ and 0 for ρ ≤ 5, else 0 and γ r √c₂ / c₁.
    """
    correction1, correction2 = 1 - beta1**step, 1 - beta2**step
    most = 2 / (1 - beta2) - 1
    rho = most - 2 * step * beta2**step / correction2
    if rho <= 5:
        return lr / correction1, 0.0
    rect = math.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
    return 0.0, lr * rect * math.sqrt(correction2) / correction1


@kernel("plain")
def radam_step(
    xp: Any,
    param: Any,
    grad: Any,
    exp_avg: Any,
    exp_avg_sq: Any,
    *,
    step: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
    scalars: Any = None,
) -> None:
    """m and v as in Adam;  p ← p − (a + b / (√v + ε)) m with a and b from `radam_sizes`.

    Decoupled decay is p ← (1 − γ λ) p beforehand, and d = ±g. Of `scalars` (3) it reads 1 − γ λ,
    a and b.
    """
    if scalars is None:
        decay, (plain, adaptive) = 1 - lr * weight_decay, radam_sizes(step, lr, beta1, beta2)
    else:
        decay, plain, adaptive = (_numbers(xp, scalars, param)[i] for i in range(3))
    if decoupled and weight_decay != 0:
        param *= decay
        weight_decay = 0
    d = _direction(param, grad, weight_decay, maximize)
    _average(d, exp_avg, exp_avg_sq, beta1, beta2)
    if scalars is None and adaptive == 0:
        param -= plain * exp_avg
    else:
        param -= (plain + adaptive / (xp.sqrt(exp_avg_sq) + eps)) * exp_avg


@kernel("plain")
def adamax_step(
    xp: Any,
    param: Any,
    grad: Any,
    exp_avg: Any,
    exp_inf: Any,
    *,
    size: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
    scalars: Any = None,
) -> None:
    """m ← β₁ m + (1 − β₁) d;  u ← max(β₂ u, |d| + ε);  p ← p − s m / u.

    s is `size`, which it reads from `scalars` (1) if they are given.
    """
    if scalars is not None:
        size = _numbers(xp, scalars, param)[0]
    d = _direction(param, grad, weight_decay, maximize)
    exp_avg += (1 - beta1) * (d - exp_avg)
    exp_inf[...] = xp.maximum(beta2 * exp_inf, xp.abs(d) + eps)
    param -= size * (exp_avg / exp_inf)


@kernel("plain")
def adadelta_step(
    xp: Any,
    param: Any,
    grad: Any,
    square_avg: Any,
    acc_delta: Any,
    *,
    lr: float,
    rho: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
    scalars: Any = None,
) -> None:
    """v ← ρ v + (1 − ρ) d²;  δ = d √(a + ε) / √(v + ε);  a ← ρ a + (1 − ρ) δ²;  p ← p − γ δ.

    Of `scalars` (1) it reads γ.
    """
    if scalars is not None:
        lr = _numbers(xp, scalars, param)[0]
    d = _direction(param, grad, weight_decay, maximize)
    square_avg *= rho
    square_avg += (1 - rho) * (d * d)
    delta = xp.sqrt(acc_delta + eps) / xp.sqrt(square_avg + eps) * d
    acc_delta *= rho
    acc_delta += (1 - rho) * (delta * delta)
    param -= lr * delta


@kernel("plain")
def rprop_step(
    xp: Any,
    param: Any,
    grad: Any,
    prev: Any,
    step_size: Any,
    *,
    etas: tuple[float, float],
    step_sizes: tuple[float, float],
    maximize: bool,
) -> None:
    """s ← clip(η s), with η₊ where g kept its sign, η₋ where it changed, 1 where either is 0.

    Where it changed, g counts as 0 in what follows: p ← p − s sign(g), and g is kept in `prev`.
    """
    g = -grad if maximize else grad
    product = g * prev
    turned = product < 0
    one = xp.ones_like(step_size)
    factor = xp.where(turned, etas[0] * one, xp.where(product > 0, etas[1] * one, one))
    step_size[...] = xp.clip(step_size * factor, step_sizes[0], step_sizes[1])
    prev[...] = xp.where(turned, xp.zeros_like(g), g)
    param -= xp.sign(prev) * step_size


@kernel("plain")
def asgd_step(
    xp: Any,
    param: Any,
    grad: Any,
    average: Any,
    *,
    eta: float,
    lambd: float,
    mu: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """p ← (1 − λ η) p − η d;  a ← a + μ (p − a), the average of the parameters.

    λ is `lambd` here, and weight decay is in d.
    """
    d = _direction(param, grad, weight_decay, maximize)
    param *= 1 - lambd * eta
    param -= eta * d
    if mu == 1:
        average[...] = param
    else:
        average += mu * (param - average)


@kernel("plain")
def adafactor_step(
    xp: Any,
    param: Any,
    grad: Any,
    row_var: Any,
    col_var: Any,
    variance: Any,
    *,
    step: float,
    lr: float,
    beta2_decay: float,
    eps1: float,
    eps2: float,
    d: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """One step of Adafactor; see `optim.Adafactor` for its equations.

    With w = t^k, t the step and k `beta2_decay`:

        r ← (1 − w) r + w · (mean of g² over each row),   c the same over each column
        v = r c / max(mean(r), ε₁),   u = g / √max(v, ε₁²)
        p ← p − α u / max(1, rms(u) / d),   α = max(ε₂, rms(p)) min(γ, 1 / √t)

    Args:
        row_var, col_var: r (…, m, 1) and c (…, 1, n) for a parameter (…, m, n); None for vectors.
        variance: v itself for vectors, else None.
    """
    newest = step**beta2_decay
    alpha = max(eps2, _rms(xp, param)) * min(lr, 1 / math.sqrt(step))
    if weight_decay != 0:
        param *= 1 - lr * weight_decay
    g = -grad if maximize else grad
    square = g * g
    if variance is None:
        row_var += newest * (xp.mean(square, axis=-1, keepdims=True) - row_var)
        col_var += newest * (xp.mean(square, axis=-2, keepdims=True) - col_var)
        mean = xp.mean(row_var, axis=-2, keepdims=True)
        estimate = row_var * col_var / xp.maximum(mean, xp.full_like(mean, eps1))
    else:
        variance += newest * (square - variance)
        estimate = variance
    update = g / xp.sqrt(xp.maximum(estimate, xp.full_like(estimate, eps1 * eps1)))
    param -= (alpha / max(1.0, _rms(xp, update) / d)) * update


def _rms(xp: Any, x: Any) -> float:
    """√(mean x²), on the host."""
    return math.sqrt(float(xp.sum(x * x)) / x.size)


@kernel("plain")
def muon_step(
    xp: Any,
    param: Any,
    grad: Any,
    momentum_buffer: Any,
    *,
    lr: float,
    scale: float,
    weight_decay: float,
    momentum: float,
    nesterov: bool,
    coefficients: tuple[float, float, float],
    eps: float,
    steps: int,
) -> None:
    """b ← b + (1 − μ) (g − b);  p ← (1 − γ λ) p − γ s NS(b), or NS(g + μ (b − g)) for Nesterov.

    NS(u), about the nearest matrix of orthonormal rows: x = u / |u|, then a few times
    x ← α x + (β x xᵀ + δ (x xᵀ)²) x. (PyTorch does these products with bfloat16.)
    """
    momentum_buffer += (1 - momentum) * (grad - momentum_buffer)
    x = grad + momentum * (momentum_buffer - grad) if nesterov else momentum_buffer
    tall = x.shape[0] > x.shape[1]
    x = xp.swapaxes(x, 0, 1) if tall else x
    x = x / xp.maximum(xp.sqrt(xp.sum(x * x)), xp.asarray(eps, dtype=x.dtype))
    a, b, c = coefficients
    for _ in range(steps):
        gram = xp.matmul(x, xp.swapaxes(x, 0, 1))
        x = a * x + xp.matmul(b * gram + c * xp.matmul(gram, gram), x)
    param *= 1 - lr * weight_decay
    param -= (lr * scale) * (xp.swapaxes(x, 0, 1) if tall else x)
