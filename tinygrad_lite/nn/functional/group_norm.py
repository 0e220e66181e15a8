"""Normalisation of groups of channels, of instances and by mean squares; compositions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...backend import numpy
from ...backend.dtypes import FLOATING, is_half
from ...graph import mode
from ...tensor import Tensor, no_grad
from ...tensor.autocast import need_one_dtype
from ...tensor.base import in_our_order
from ...tensor.check import takes_tensors
from ...tensor.dtypes import float32
from ...tensor.operation import refuse
from ...tensor.padding import pad
from ...tensor.placement import put
from ...tensor.shown import called
from .norm import batch_norm, layer_norm

__all__ = ["group_norm", "instance_norm", "local_response_norm", "normalize", "rms_norm"]


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """γ (x − μ) / √(σ² + ε) + β, μ and σ² (biased) of each sample's groups of channels.

    Y. Wu and K. He, "Group Normalization", ECCV 2018.

    Args:
        input: x, (N, C, …).
        num_groups: into how many groups of neighbouring channels they are split.
        weight: γ, (C), or None for 1.
        bias: β, (C), or None for 0.
        eps: ε.

    Raises:
        RuntimeError: groups that do not divide the channels, or other shapes or dtypes that do not
            fit.
        ValueError: one sample, whose groups have one element each.
    """
    out = normed_groups(input, num_groups, weight, bias, eps)
    if input.numel() == num_groups:
        raise ValueError(
            "Expected more than 1 value per channel when training, got input size "
            f"{list(input.shape)}"
        )
    return out


def normed_groups(
    input: Tensor, num_groups: int, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Tensor:
    """`group_norm`, which may have one element in each group."""
    if input.ndim < 2:
        raise RuntimeError(
            f"group_norm: Expected at least 2 dimensions for input tensor but received {input.ndim}"
        )
    if input.dtype.kind not in FLOATING:
        refuse("group_norm", input)
    n, c = input.shape[:2]
    if num_groups < 1 or c % num_groups:
        raise RuntimeError(
            "group_norm: Expected number of channels in input to be divisible by num_groups, but "
            f"got input of shape {input.shape} and num_groups={num_groups}"
        )
    for name, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tensor.shape != (c,):
            raise RuntimeError(
                f"group_norm: Expected {name} to be a vector of size {c}, but got {tensor.shape}"
            )
    low = is_half(input.array.dtype)  # beside it parameters may be float32, as in mixed precision
    both = {"weight": weight, "bias": bias}
    alike = {k: t for k, t in both.items() if t is not None and not (low and t.dtype == float32)}
    need_one_dtype("group_norm", input=input, **alike)
    size = c // num_groups * math.prod(input.shape[2:])
    # What is scaled afterwards is not rounded before.
    x = input.float() if low and (weight is not None or bias is not None) else input
    grouped = x.reshape(n, num_groups, size)
    out = layer_norm(grouped, size, eps=eps).reshape(input.shape) if size and n else x
    channels = (1, c, *(1,) * (input.ndim - 2))
    out = out if weight is None else out * weight.reshape(channels)
    out = out if bias is None else out + bias.reshape(channels)
    out = out if mode.cast is not None else out.to(input.dtype)
    return out if out is input else called(out, "NativeGroupNorm")


@takes_tensors
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """γ (x − μ) / √(σ² + ε) + β, μ and σ² (biased) of each channel of each sample.

    D. Ulyanov, A. Vedaldi and V. Lempitsky, "Instance Normalization", 2016.

    Args:
        input: x, (N, C, …).
        running_mean, running_var: (C), or None. With use_input_stats they move by `momentum`
            towards the batch's mean of the samples' means and unbiased variances, and stay where
            the input has no elements; without, they are μ and σ².
        weight, bias: γ and β, (C), or None.
        use_input_stats: use the input's own statistics.
        momentum: the share of the batch in the running statistics.
        eps: ε.

    Raises:
        ValueError: one element a channel, which has no variance.
        RuntimeError: shapes that do not fit.
    """
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    size = math.prod(input.shape[2:])
    if size == 1:
        raise ValueError(
            "Expected more than 1 spatial element when training, got input size "
            f"{list(input.shape)}"
        )
    if running_mean is not None and running_var is not None and input.numel():
        with no_grad():
            flat = input.reshape(*input.shape[:2], size)
            for running, new in (
                (running_mean, flat.mean(2).mean(0)),
                (running_var, flat.var(2).mean(0)),
            ):
                running.mul_(1 - momentum).add_(new * momentum)
    return group_norm(input, input.shape[1], weight, bias, eps)


@takes_tensors
def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """γ x / √(mean x² + ε) over each sample's last dimensions.

    B. Zhang and R. Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019.

    Args:
        input: x, (…, *normalized_shape).
        normalized_shape: the sizes of those dimensions.
        weight: γ, of that shape, or None for 1.
        eps: ε; default: what separates 1 from the next number of the input's dtype (of float32's
            for 16 bits).

    Raises:
        RuntimeError: shapes that do not fit.
    """
    shape = tuple(normalized_shape)
    if not shape or input.shape[-len(shape) :] != shape:
        raise RuntimeError(
            f"rms_norm: Given normalized_shape={list(shape)}, expected input with shape [*, "
            f"{str(list(shape))[1:]}, but got input of size {list(input.shape)}"
        )
    if weight is not None and weight.shape != shape:
        raise RuntimeError(
            f"rms_norm: Expected weight to be of shape {shape}, but got {weight.shape}"
        )
    if input.dtype.kind not in FLOATING:
        refuse("rms_norm", input)
    x = input.float() if is_half(input.array.dtype) else input
    if eps is None:
        eps = float(numpy.finfo(x.array.dtype).eps)
    out = x * ((x * x).mean(tuple(range(-len(shape), 0)), keepdim=True) + eps).rsqrt()
    out = out if weight is None else out * weight
    return in_our_order(out.to(dtype=input.dtype))


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """x / (k + α mean(x² of the neighbouring channels))^β; beyond the first and last are zeros.

    A. Krizhevsky, I. Sutskever and G. E. Hinton, "ImageNet Classification with Deep Convolutional
    Neural Networks", NIPS 2012.

    Args:
        input: (N, C, …), at least 3 dimensions.
        size: how many channels the mean is over: ⌊size/2⌋ before each, ⌊(size − 1)/2⌋ behind.
        alpha, beta, k: α, β and k.

    Raises:
        ValueError: fewer dimensions.
    """
    if input.ndim < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions)"
        )
    if input.dtype.kind not in FLOATING and input.dtype.name != "int64":
        refuse("local_response_norm", input)
    c = input.shape[1]
    around = (0, 0) * (input.ndim - 2) + (size // 2, (size - 1) // 2)
    squares = pad(input * input, around)
    total = squares.narrow(1, 0, c)
    for i in range(1, size):
        total = total + squares.narrow(1, i, c)
    return input / (total * (alpha / size) + k) ** beta


def normalize(
    input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """x / max(‖x‖, ε), the p-norm along a dimension.

    Args:
        input: any shape, floating point.
        p: the order of the norm.
        dim: the dimension.
        eps: ε.
        out: takes the result, where no gradient is wanted.

    Raises:
        RuntimeError: `out` is given and the input requires a gradient.

    Example:
        >>> F.normalize(torch.tensor([[3.0, 4.0]]))
        tensor([[0.6000, 0.8000]])
    """
    made = input / input.norm(p, dim, keepdim=True).clamp(min=eps)
    return made if out is None else put("normalize", out, made)
