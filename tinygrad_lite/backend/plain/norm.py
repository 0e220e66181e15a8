"""Batch and layer normalisation in their plain form: y = γ x̂ + β with x̂ = (x − μ) / √(σ² + ε).

Both work on matrices: batch normalisation with a row for each channel, layer normalisation with a
row for each sample; μ and σ² (biased) are of a row. In code r, `rstd`, is 1 / √(σ² + ε). 16 bits
are computed in float32, and the gradients of γ and β stay in it.

Ioffe, Szegedy, "Batch Normalization", ICML 2015: https://arxiv.org/abs/1502.03167
Ba, Kiros, Hinton, "Layer Normalization", 2016: https://arxiv.org/abs/1607.06450
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..dtypes import narrow, wide
from ..kernel import kernel
from ..layout import channel_rows, from_channel_rows, lies_by_sample

__all__ = [
    "batch_norm",
    "batch_norm_apply",
    "batch_norm_gradient",
    "batch_norm_sums",
    "batch_norm_track",
    "batch_norm_tracked",
    "layer_norm",
    "layer_norm_gradient",
    "layer_norm_sums",
]

TERMS = 32  # of a channel, of which so few may lie close beside their mean


class Running(NamedTuple):
    """Running statistics that a batch is to move; see `batch_norm_track`. None leaves one out.

    Args:
        shift: (C), a constant of each channel that belongs to x but was not added to it.
        mean: (C), the running mean; changed in place.
        var: (C), the running variance; changed in place.
        tracked: int64 (), how many batches there were; changed in place.
        momentum: how much of the batch goes into mean and variance.
        correction: the factor that makes a batch's variance unbiased, m / (m − 1).
    """

    shift: Any
    mean: Any
    var: Any
    tracked: Any
    momentum: float
    correction: float


def _rows(xp: Any, x: Any) -> Any:
    """An array (N, C, …) as a matrix (C, N · …), at least float32; a view where that can be."""
    return wide(x.T if lies_by_sample(x) else channel_rows(xp, x))


def _from_rows(xp: Any, rows: Any, like: Any) -> Any:
    """The inverse of `_rows`: a matrix (C, N · …) in the shape and dtype of the array `like`."""
    return from_channel_rows(xp, narrow(rows, like), like.shape)


def _column(a: Any) -> Any:
    return a.reshape(-1, 1)


def _affine(t: Any, scale: Any, bias: Any) -> Any:
    y = t * _column(scale)
    return y if bias is None else y + _column(bias)


def _standard(xp: Any, rows: Any, eps: float) -> tuple[Any, Any, Any, Any]:
    """Of each row x − μ, μ, σ² (biased) and 1 / √(σ² + ε)."""
    m = max(rows.shape[1], 1)
    mean = xp.sum(rows, axis=1) / m
    t = rows - _column(mean)
    var = xp.sum(t * t, axis=1) / m
    return t, mean, var, 1 / xp.sqrt(var + eps)


@kernel("plain")
def batch_norm(
    xp: Any, x: Any, weight: Any, bias: Any, eps: float, relu: bool = False
) -> tuple[Any, Any, Any, Any]:
    """y = γ (x − μ) / √(σ² + ε) + β for x (N, C, …), and the batch's μ, σ² and 1 / √(σ² + ε), (C).

    γ and β (C) may be None, for 1 and 0. With `relu`, max(0, y) in place of y.
    """
    t, mean, var, rstd = _standard(xp, _rows(xp, x), eps)
    y = _from_rows(xp, _affine(t, rstd if weight is None else rstd * weight, bias), x)
    return xp.relu(y) if relu else y, mean, var, rstd


@kernel("plain")
def batch_norm_apply(
    xp: Any, x: Any, mean: Any, rstd: Any, weight: Any, bias: Any, relu: bool = False
) -> Any:
    """y = γ (x − μ) r + β for x (N, C, …) and statistics μ and r (C) as given.

    μ, γ and β may be None, for 0, 1 and 0. With `relu`, max(0, y) in place of y.
    """
    rows = _rows(xp, x)
    rows = rows if mean is None else rows - _column(wide(mean))
    y = _from_rows(xp, _affine(rows, rstd if weight is None else rstd * weight, bias), x)
    return xp.relu(y) if relu else y


def behind_relu(xp: Any, g: Any, x: Any, mean: Any, rstd: Any, weight: Any, bias: Any) -> Any:
    """dL/dy of a normalisation of x with a ReLU behind it, for g = dL/dmax(0, y): g where y > 0."""
    return xp.relu_gradient(g, xp.batch_norm_apply(x, mean, rstd, weight, bias, True))


@kernel("plain")
def batch_norm_sums(
    xp: Any,
    g: Any,
    x: Any,
    mean: Any,
    rstd: Any,
    weight: Any = None,
    bias: Any = None,
    relu: bool = False,
) -> tuple[Any, Any]:
    """dL/dγ = Σ g x̂ and dL/dβ = Σ g of each channel, (C); with `relu`, for g behind a ReLU."""
    g = behind_relu(xp, g, x, mean, rstd, weight, bias) if relu else g
    h, t = _rows(xp, g), _rows(xp, x) - _column(wide(mean))
    return xp.sum(h * t, axis=1) * rstd, xp.sum(h, axis=1)


@kernel("plain")
def batch_norm_gradient(
    xp: Any,
    g: Any,
    x: Any,
    mean: Any,
    rstd: Any,
    weight: Any,
    bias: Any = None,
    relu: bool = False,
    zeros: Any = None,
) -> tuple[Any, ...]:
    """dL/dx = γ r (g − mean g − x̂ mean(g x̂)), dL/dγ and dL/dβ of `batch_norm`.

    The means are over a channel. With `relu`, g is that of a ReLU's output behind it. If `zeros` is
    a dtype, a device may give zeros (C) of that dtype as a fourth array, where they cost nothing:
    the gradient of a bias that the mean takes away again. In float32 what μ was rounded by,
    δ = mean(x − μ), is taken out of both terms if a channel has a few numbers alone: where those
    lie close it is most of the error.
    """
    g = behind_relu(xp, g, x, mean, rstd, weight, bias) if relu else g
    rows = _rows(xp, x)
    m = max(rows.shape[1], 1)
    h, t = _rows(xp, g), rows - _column(mean)
    total, moment = xp.sum(h, axis=1), xp.sum(h * t, axis=1)
    rounded = xp.sum(t, axis=1) / m if m <= TERMS and t.dtype.itemsize == 4 else None
    if rounded is not None:
        moment = moment - rounded * total
    scale, slope = rstd if weight is None else rstd * weight, moment * rstd * rstd / m
    level = total / m if rounded is None else total / m - rounded * slope
    inner = h - _column(level) - t * _column(slope)
    dx = _from_rows(xp, inner * _column(scale), x)
    return dx, moment * rstd, total


def sample_rows(xp: Any, x: Any, shape: tuple[int, ...]) -> Any:
    """An array (…, *shape) as a matrix with a row for each sample, at least float32."""
    size = math.prod(shape)
    return wide(xp.ascontiguousarray(x).reshape(x.size // size if size else 0, size))


@kernel("plain")
def batch_norm_track(
    xp: Any,
    mean: Any,
    var: Any,
    shift: Any,
    running_mean: Any,
    running_var: Any,
    tracked: Any,
    momentum: float,
    correction: float,
) -> None:
    """Move the running statistics towards those of a batch, in place.

    running ← (1 − momentum) running + momentum s, where s is the batch's mean plus `shift`, or its
    (biased) variance times `correction`; `tracked` goes up by 1. What is None is left out.
    """
    if running_mean is not None:
        running_mean *= 1 - momentum
        running_mean += momentum * (mean if shift is None else mean + shift)
    if running_var is not None:
        running_var *= 1 - momentum
        running_var += momentum * correction * var
    if tracked is not None:
        tracked += 1


@kernel("plain")
def batch_norm_tracked(
    xp: Any, x: Any, weight: Any, bias: Any, eps: float, relu: bool, running: Running
) -> tuple[Any, Any, Any]:
    """`batch_norm`, then `batch_norm_track` with its statistics: y, μ and 1 / √(σ² + ε)."""
    y, mean, var, rstd = xp.batch_norm(x, weight, bias, eps, relu)
    xp.batch_norm_track(mean, var, *running)
    return y, mean, rstd


@kernel("plain")
def layer_norm(
    xp: Any, x: Any, weight: Any, bias: Any, shape: tuple[int, ...], eps: float
) -> tuple[Any, Any, Any]:
    """y = γ (x − μ) / √(σ² + ε) + β over the last dimensions, of `shape`; μ and r of each sample.

    γ and β, of `shape`, may be None, for 1 and 0.
    """
    t, mean, _, rstd = _standard(xp, sample_rows(xp, x, shape), eps)
    y = t * _column(rstd)
    y = y if weight is None else y * weight.reshape(1, -1)
    y = y if bias is None else y + bias.reshape(1, -1)
    return narrow(y, x).reshape(x.shape), mean, rstd


@kernel("plain")
def layer_norm_sums(
    xp: Any, g: Any, x: Any, mean: Any, rstd: Any, shape: tuple[int, ...]
) -> tuple[Any, Any]:
    """dL/dγ = Σ g x̂ and dL/dβ = Σ g over all samples, of `shape`."""
    h = sample_rows(xp, g, shape)
    normal = (sample_rows(xp, x, shape) - _column(mean)) * _column(rstd)
    sums = xp.sum(h * normal, axis=0), xp.sum(h, axis=0)
    return sums[0].reshape(shape), sums[1].reshape(shape)


@kernel("plain")
def layer_norm_gradient(
    xp: Any,
    g: Any,
    x: Any,
    mean: Any,
    rstd: Any,
    weight: Any,
    shape: tuple[int, ...],
    eps: float = 0.0,
) -> tuple[Any, Any, Any]:
    """dL/dx = r (ĝ − mean ĝ − x̂ mean(ĝ x̂)) with ĝ = γ g; dL/dγ and dL/dβ of `layer_norm`.

    The means are over a sample's features. ε tells a kernel, which has 1 / √(σ² + ε) alone, σ².
    """
    h = sample_rows(xp, g, shape)
    normal = (sample_rows(xp, x, shape) - _column(mean)) * _column(rstd)
    sums = xp.sum(h * normal, axis=0), xp.sum(h, axis=0)
    m = max(h.shape[1], 1)
    h = h if weight is None else h * weight.reshape(1, -1)
    inner = h - _column(xp.sum(h, axis=1) / m) - normal * _column(xp.sum(h * normal, axis=1) / m)
    dx = narrow(inner * _column(rstd), x).reshape(x.shape)
    return dx, sums[0].reshape(shape), sums[1].reshape(shape)
