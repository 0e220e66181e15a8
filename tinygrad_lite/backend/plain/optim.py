"""The optimizers' updates in their plain form, those of which there are faster ones.

Each changes the parameter p and its state in place and leaves the gradient g alone. They have in
common the direction d = ±g + λ p, with minus to maximize and the weight decay λ.

In a captured step numbers of the host are constants. There the optimizer passes those that change
from step to step once more, in `scalars`, a float64 array on the device; each kernel's text says
which of its arguments it then reads from there.
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

from ..kernel import kernel


def _direction(param: Any, grad: Any, weight_decay: float, maximize: bool) -> Any:
    """d = ±g + λ p."""
    d = -grad if maximize else grad
    return d if weight_decay == 0 else weight_decay * param + d


def _average(d: Any, m: Any, v: Any, beta1: float, beta2: float) -> None:
    """m ← β₁ m + (1 − β₁) d;  v ← β₂ v + (1 − β₂) d²: Adam's averages, and its relatives'."""
    m += (1 - beta1) * (d - m)
    v *= beta2
    v += (1 - beta2) * (d * d)


def _numbers(xp: Any, scalars: Any, param: Any) -> Any:
    """`scalars` in the parameter's dtype, which is what Python numbers would become there."""
    return xp.astype(scalars, param.dtype)


def adam_sizes(
    step: float, lr: float, beta1: float, beta2: float, eps: float
) -> tuple[float, float]:
    """Adam's bias corrections, folded into its step size and ε (Kingma & Ba, end of section 2).

    With c₁ = 1 − β₁ᵗ, c₂ = 1 − β₂ᵗ:  γ (m/c₁) / (√(v/c₂) + ε) = (γ √c₂ / c₁) m / (√v + ε √c₂).

    Returns:
        γ √c₂ / c₁ and ε √c₂.
    """
    root = math.sqrt(1 - beta2**step)
    return lr * root / (1 - beta1**step), eps * root


@kernel("plain")
def updates(xp: Any) -> contextlib.AbstractContextManager[Any]:
    """A context manager that gives a namespace with the kernels below.

    A device may collect the updates of a `with` block and do them together at its end.
    """
    return contextlib.nullcontext(xp)


@kernel("plain")
def updates_again(xp: Any, name: str, calls: list[tuple[Any, ...]]) -> Any:
    """A function that makes the same updates again with other gradients; or None.

    Args:
        xp: the namespace of the arrays.
        name: of the kernel, such as "adam_step".
        calls: the arrays (param, grad, *state) of each update.

    Returns:
        A function of a list of new gradients, in the memory order of the old ones, and of a dict of
        the kernel's options. None where that is no faster than one update after the other.
    """
    return None


@kernel("plain")
def sgd_step(
    xp: Any,
    param: Any,
    grad: Any,
    buffer: Any,
    *,
    first: bool,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    scalars: Any = None,
) -> None:
    """b ← μ b + (1 − τ) d (at first b ← d);  p ← p − γ b, or − γ (d + μ b) for Nesterov.

    Without a buffer (None), p ← p − γ d. Of `scalars` (1) it reads γ.
    """
    if scalars is not None:
        lr = _numbers(xp, scalars, param)[0]
    d = _direction(param, grad, weight_decay, maximize)
    if buffer is not None:
        if first:
            buffer[...] = d
        else:
            buffer *= momentum
            buffer += (1 - dampening) * d
        d = momentum * buffer + d if nesterov else buffer
    param -= lr * d


@kernel("plain")
def adam_step(
    xp: Any,
    param: Any,
    grad: Any,
    exp_avg: Any,
    exp_avg_sq: Any,
    max_exp_avg_sq: Any,
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
    """m ← m + (1 − β₁)(d − m);  v ← β₂ v + (1 − β₂) d²;  p ← p − γ m̂ / (√v̂ + ε).

    m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ) at step t = 1, 2, …. Given `max_exp_avg_sq`, v̂ comes
    from the largest v so far (AMSGrad). Decoupled decay is p ← (1 − γ λ) p beforehand, and d = ±g.
    Of `scalars` (3) it reads 1 − γ λ (for decoupled decay) and the two of `adam_sizes`.
    """
    if scalars is None:
        decay = 1 - lr * weight_decay
        size, eps = adam_sizes(step, lr, beta1, beta2, eps)
    else:
        decay, size, eps = (_numbers(xp, scalars, param)[i] for i in range(3))
    if decoupled and weight_decay != 0:
        param *= decay
        weight_decay = 0
    d = _direction(param, grad, weight_decay, maximize)
    _average(d, exp_avg, exp_avg_sq, beta1, beta2)
    v = exp_avg_sq
    if max_exp_avg_sq is not None:
        max_exp_avg_sq[...] = v = xp.maximum(max_exp_avg_sq, exp_avg_sq)
    param -= size * (exp_avg / (xp.sqrt(v) + eps))


@kernel("plain")
def rmsprop_step(
    xp: Any,
    param: Any,
    grad: Any,
    square_avg: Any,
    grad_avg: Any,
    buffer: Any,
    *,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    maximize: bool,
    scalars: Any = None,
) -> None:
    """v ← α v + (1 − α) d²;  b ← μ b + d / (√v + ε);  p ← p − γ b.

    Given `grad_avg` (centered), m ← m + (1 − α)(d − m) and v − m² stands in place of v. Without
    a buffer (None), b is the last term alone. Of `scalars` (1) it reads γ.
    """
    if scalars is not None:
        lr = _numbers(xp, scalars, param)[0]
    d = _direction(param, grad, weight_decay, maximize)
    square_avg *= alpha
    square_avg += (1 - alpha) * (d * d)
    v = square_avg
    if grad_avg is not None:
        grad_avg += (1 - alpha) * (d - grad_avg)
        v = square_avg - grad_avg * grad_avg
    d = d / (xp.sqrt(v) + eps)
    if buffer is not None:
        buffer *= momentum
        buffer += d
        d = buffer
    param -= lr * d


@kernel("plain")
def adagrad_step(
    xp: Any,
    param: Any,
    grad: Any,
    total: Any,
    *,
    lr: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
    scalars: Any = None,
) -> None:
    """s ← s + d²;  p ← p − γ d / (√s + ε). Of `scalars` (1) it reads γ."""
    if scalars is not None:
        lr = _numbers(xp, scalars, param)[0]
    d = _direction(param, grad, weight_decay, maximize)
    total += d * d
    param -= lr * (d / (xp.sqrt(total) + eps))
