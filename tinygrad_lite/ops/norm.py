"""Batch and layer normalisation: y = γ x̂ + β with x̂ = (x − μ) / √(σ² + ε).

What is kept for the gradient is x, μ and 1 / √(σ² + ε), not x̂. The gradients of x, γ and β
share their sums.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..backend.plain.norm import Running
from ..graph import Joint
from .rule import rule

Out = tuple[Any, Any]
Shape = tuple[int, ...]
Sums = tuple[Any, Any]


def _joint(
    whole: Callable[[Any], tuple[Any, ...]],
    sums: Callable[[Any], Sums],
    weight: Any,
    bias: Any,
    others: tuple[Callable[[Any, Any], Any], ...] = (),
) -> Joint:
    """The VJPs of x, γ and β, which share the sums over g.

    Args:
        whole: g ↦ all three gradients.
        sums: g ↦ those of γ and β alone, for an x that wants none.
        weight, bias: γ and β, or None.
        others: the VJPs of inputs behind them.
    """
    return Joint(
        lambda g, wanted: whole(g) if wanted[0] else (None, *sums(g)),
        lambda g, found: found[0],
        _in_dtype_of(weight, 1),
        _in_dtype_of(bias, 2),
        *others,
        sharers=(0, 1, 2),
    )


def _in_dtype_of(array: Any, place: int) -> Callable[[Any, Any], Any]:
    """The VJP that takes the gradient at a place of what was prepared, in an array's dtype.

    The sums of 16-bit arrays come as float32.
    """
    dtype = None if array is None else array.dtype

    def part(g: Any, found: Any) -> Any:
        gradient = found[place]
        return gradient if gradient.dtype == dtype else gradient.astype(dtype)

    return part


def _per_channel(xp: Any, a: Any, ndim: int) -> Any:
    """An array (C) as (1, C, 1, …)."""
    return xp.reshape(a, (1, -1) + (1,) * (ndim - 2))


def _affine(normal: Any, weight: Any, bias: Any) -> Any:
    """γ x̂ + β, without the γ or β that is None."""
    y = normal if weight is None else normal * weight
    return y if bias is None else y + bias


def _standardised(xp: Any, x: Any, axes: tuple[int, ...], eps: float) -> Any:
    """x̂ over some axes, from elementary operations."""
    m = math.prod(x.shape[a] for a in axes)
    t = x - xp.sum(x, axis=axes, keepdims=True) / m
    return t / xp.sqrt(xp.sum(t * t, axis=axes, keepdims=True) / m + eps)


def batch_norm_composition(
    xp: Any,
    x: Any,
    weight: Any = None,
    bias: Any = None,
    shift: Any = None,
    *,
    eps: float,
    relu: bool = False,
    running: list[Running] | None = None,
) -> Any:
    """`batch_norm` from elementary operations."""
    x = x if shift is None else x + _per_channel(xp, shift, x.ndim)
    normal = _standardised(xp, x, (0, *range(2, x.ndim)), eps)
    affine = (None if a is None else _per_channel(xp, a, x.ndim) for a in (weight, bias))
    y = _affine(normal, *affine)
    return xp.relu(y) if relu else y


@rule(half="anywhere", composition=batch_norm_composition)
def batch_norm(
    xp: Any,
    x: Any,
    weight: Any = None,
    bias: Any = None,
    shift: Any = None,
    *,
    eps: float,
    relu: bool = False,
    running: list[Running] | None = None,
) -> Out:
    """y = γ x̂ + β for x (N, C, …), x̂ = (x − μ) / √(σ² + ε), with μ, σ² (biased) of the batch.

    Sums over the B elements x^s of a channel (the report's equations 53 to 82):
    dL/dγ = Σ g^s x̂^s (53 to 56), dL/dβ = Σ g^s (57 to 59), and (60 to 81)
    dL/dx^r = γ/B (σ² + ε)^(−½) (B g^r − Σ g^s − (x^r − μ) (σ² + ε)⁻¹ Σ g^s (x^s − μ)).
    (Ioffe & Szegedy 2015.)

    With `relu` it is max(0, y), and g above is 0 where y ≤ 0; y is computed again for that.

    `shift` (C) is a constant of each channel that belongs to x but was not added: x − μ is the
    same without it, so y does not depend on it and dL/dshift = 0. The batch's mean does.

    `running` holds the statistics that move towards the batch's, or nothing. They are taken out of
    the list, so that they move once, even if the rule runs again for a second derivative.
    """
    _check("batch_norm", x, x.shape[1:2], weight=weight, bias=bias)
    if running:
        y, mean, rstd = xp.batch_norm_tracked(x, weight, bias, eps, relu, running.pop())
    else:
        y, mean, _, rstd = xp.batch_norm(x, weight, bias, eps, relu)
    behind = bias if relu else None, relu
    of_shift = None if shift is None else shift.dtype

    def zeros(g: Any, found: Any) -> Any:
        return found[3] if len(found) > 3 else xp.zeros(x.shape[1:2], of_shift)

    return y, _joint(
        lambda g: xp.batch_norm_gradient(g, x, mean, rstd, weight, *behind, of_shift),
        lambda g: xp.batch_norm_sums(g, x, mean, rstd, weight, *behind),
        weight,
        bias,
        () if shift is None else (zeros,),
    )


def batch_norm_eval_composition(
    xp: Any,
    x: Any,
    mean: Any,
    var: Any,
    weight: Any = None,
    bias: Any = None,
    *,
    eps: float,
    relu: bool = False,
) -> Any:
    """`batch_norm_eval` from elementary operations."""
    columns: list[Any] = [
        None if a is None else _per_channel(xp, a, x.ndim) for a in (mean, var, weight, bias)
    ]
    y = _affine((x - columns[0]) / xp.sqrt(columns[1] + eps), *columns[2:])
    return xp.relu(y) if relu else y


@rule(half="anywhere", composition=batch_norm_eval_composition)
def batch_norm_eval(
    xp: Any,
    x: Any,
    mean: Any,
    var: Any,
    weight: Any = None,
    bias: Any = None,
    *,
    eps: float,
    relu: bool = False,
) -> Out:
    """y = γ x̂ + β, x̂ = (x − μ) / √(σ² + ε) with given μ, σ², which get no gradient.

    dL/dx = g γ / √(σ² + ε), dL/dγ = Σ g x̂, dL/dβ = Σ g over the elements of a channel.
    With `relu` it is max(0, y), and g above is 0 where y ≤ 0.
    """
    channels = x.shape[1:2]
    _check("batch_norm", x, channels, running_mean=mean, running_var=var, weight=weight, bias=bias)
    rstd, behind = 1 / xp.sqrt(var + eps), (bias, True) if relu else ()
    y = xp.batch_norm_apply(x, mean, rstd, weight, bias, relu)

    def of_x(g: Any, _: Any) -> Any:
        return xp.batch_norm_apply(g, None, rstd, weight, None)

    return y, Joint(
        lambda g, _: xp.batch_norm_sums(g, x, mean, rstd, weight, *behind),
        (lambda g, _: of_x(xp.relu_gradient(g, y), None)) if relu else of_x,
        None,
        None,
        _in_dtype_of(weight, 0),
        _in_dtype_of(bias, 1),
        sharers=(3, 4),
    )


def layer_norm_composition(
    xp: Any, x: Any, weight: Any = None, bias: Any = None, *, shape: Shape, eps: float
) -> Any:
    """`layer_norm` from elementary operations."""
    return _affine(
        _standardised(xp, x, tuple(range(x.ndim - len(shape), x.ndim)), eps), weight, bias
    )


@rule(autocast="float32", half="anywhere", composition=layer_norm_composition)
def layer_norm(
    xp: Any, x: Any, weight: Any = None, bias: Any = None, *, shape: Shape, eps: float
) -> Out:
    """y = γ x̂ + β, x̂ = (x − μ) / √(σ² + ε) with μ, σ² over the last dimensions of each sample.

    With r = 1 / √(σ² + ε) and ĝ = γ g: dL/dx = r (ĝ − mean ĝ − x̂ mean(ĝ x̂)), which is
    equation 81 over a sample's features; dL/dγ = Σ g x̂, dL/dβ = Σ g over the samples.
    (Ba, Kiros & Hinton 2016.)
    """
    if tuple(x.shape[x.ndim - len(shape) :]) != shape or len(shape) > x.ndim:
        raise RuntimeError(
            f"layer_norm: given normalized_shape={shape}, expected input with shape "
            f"(*, {', '.join(map(str, shape))}), but got {tuple(x.shape)}"
        )
    _check("layer_norm", x, shape, weight=weight, bias=bias)
    y, mean, rstd = xp.layer_norm(x, weight, bias, shape, eps)
    return y, _joint(
        lambda g: xp.layer_norm_gradient(g, x, mean, rstd, weight, shape, eps),
        lambda g: xp.layer_norm_sums(g, x, mean, rstd, shape),
        weight,
        bias,
    )


def _check(name: str, x: Any, shape: Shape, **arrays: Any) -> None:
    """Raise unless each array that is given has a shape, and x's dtype.

    For 16-bit x an array may be float32, as parameters are in mixed precision.
    """
    for what, array in arrays.items():
        if array is None:
            continue
        if tuple(array.shape) != tuple(shape):
            raise RuntimeError(
                f"{name}: {what} must have shape {tuple(shape)} for an input of shape "
                f"{tuple(x.shape)}, but has {tuple(array.shape)}"
            )
        if array.dtype != x.dtype and not (x.dtype.itemsize == 2 and array.dtype == "float32"):
            raise RuntimeError(
                f"{name}: input and {what} must have the same dtype, but got {x.dtype} and "
                f"{array.dtype}"
            )
