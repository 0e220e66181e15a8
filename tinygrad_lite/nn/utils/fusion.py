"""A batch normalisation in evaluation, which is affine, merged into the layer before it."""

from __future__ import annotations

import copy
from typing import TypeVar

from ...tensor import Tensor
from ...tensor.create import ones_like, zeros_like
from ..conv import _Conv
from ..linear import Linear
from ..norm import _BatchNorm
from ..parameter import Parameter

__all__ = [
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
]

C = TypeVar("C", bound=_Conv)


def fuse_conv_bn_eval(conv: C, bn: _BatchNorm, transpose: bool = False) -> C:
    """A convolution that computes what another and a batch normalisation behind it compute.

    Args:
        conv: the other, in evaluation mode; it is copied.
        bn: the normalisation, in evaluation mode, with running statistics.
        transpose: conv is a transposed convolution, whose weight is (C, M, …).

    Raises:
        AssertionError: training mode, or no running statistics.
    """
    mean, variance = _statistics(conv.training or bn.training, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, mean, variance, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """W γ / √(σ² + ε) and (b − μ) γ / √(σ² + ε) + β, for each output channel.

    Args:
        conv_w, conv_b: W, (M, C, …), and b, (M), or None for 0.
        bn_rm, bn_rv: μ and σ², (M).
        bn_eps: ε.
        bn_w, bn_b: γ and β, (M), or None for 1 and 0.
        transpose: W is (C, M, …).
    """
    scale, shift = _scale_and_shift(conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
    lead = (1, -1) if transpose else (-1, 1)
    weight = conv_w * scale.reshape(*lead, *(1 for _ in conv_w.shape[2:]))
    return _parameters(conv_w, conv_b, weight, shift)


def fuse_linear_bn_eval(linear: Linear, bn: _BatchNorm) -> Linear:
    """A linear layer that computes what another and a batch normalisation behind it compute.

    Args:
        linear: the other, in evaluation mode; it is copied.
        bn: the normalisation, in evaluation mode, with running statistics.

    Raises:
        AssertionError: training mode, no running statistics, or another number of features.
    """
    mean, variance = _statistics(linear.training or bn.training, bn)
    if bn.num_features not in (linear.out_features, 1):
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"linear.out_features={linear.out_features} and bn.num_features={bn.num_features}"
        )
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, mean, variance, bn.eps, bn.weight, bn.bias
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """W γ / √(σ² + ε) and (b − μ) γ / √(σ² + ε) + β, for each output feature.

    Args:
        linear_w, linear_b: W, (M, K), and b, (M), or None for 0.
        bn_rm, bn_rv, bn_eps, bn_w, bn_b: as `fuse_conv_bn_weights`.
    """
    scale, shift = _scale_and_shift(linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
    return _parameters(linear_w, linear_b, linear_w * scale.unsqueeze(-1), shift)


def _statistics(training: bool, bn: _BatchNorm) -> tuple[Tensor, Tensor]:
    """The running mean and variance.

    Raises:
        AssertionError: there are none, or something is in training mode.
    """
    if training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    return bn.running_mean, bn.running_var


def _scale_and_shift(
    bias: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    eps: float,
    gamma: Tensor | None,
    beta: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """What W is multiplied with, γ / √(σ² + ε), and the new bias."""
    gamma = ones_like(mean) if gamma is None else gamma
    beta = zeros_like(mean) if beta is None else beta
    scale = gamma * (variance + eps).rsqrt()
    return scale, ((zeros_like(mean) if bias is None else bias) - mean) * scale + beta


def _parameters(
    old: Tensor, bias: Tensor | None, weight: Tensor, shift: Tensor
) -> tuple[Parameter, Parameter]:
    """A weight and a bias as parameters like the old ones: their dtypes, and whether they learn."""
    dtype, needs = (old.dtype, False) if bias is None else (bias.dtype, bias.requires_grad)
    return (
        Parameter(weight.detach().to(old.dtype), old.requires_grad),
        Parameter(shift.detach().to(dtype), needs),
    )
