"""Normalisation as functions, with PyTorch's signatures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, SupportsIndex

from ...backend.dtypes import FLOATING
from ...backend.plain.norm import Running
from ...ops import norm as ops
from ...tensor import Tensor, apply
from ...tensor.check import not_a_tensor
from ...tensor.operation import refuse

__all__ = ["batch_norm", "layer_norm"]


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """γ (x − μ) / √(σ² + ε) + β for each channel (Ioffe & Szegedy 2015).

    In training μ and σ² (biased) are the batch's, and the running statistics, if given, move by
    `momentum` towards its mean and its unbiased variance. Otherwise μ and σ² are the running ones.
    The derivation of the gradient is at the rule, `ops.norm.batch_norm`.

    Args:
        input: x, (N, C) or (N, C, …).
        running_mean: (C), changed in place in training; it gets no gradient.
        running_var: (C), likewise.
        weight: γ, (C), or None for 1.
        bias: β, (C), or None for 0.
        training: use the batch's statistics.
        momentum: the share of the batch in the running statistics.
        eps: ε.

    Raises:
        ValueError: training with a single value per channel, or an ε that is 0 (in evaluation:
            negative).
        RuntimeError: shapes or dtypes that do not fit, or no running statistics to use.

    Example:
        >>> x = torch.tensor([[1.0], [3.0]])
        >>> F.batch_norm(x, None, None, training=True)
        tensor([[-1.0000],
                [ 1.0000]])
    """
    return fused_batch_norm(
        input, running_mean, running_var, weight, bias, training, momentum, eps, relu=False
    )


def fused_batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    *,
    relu: bool,
    shift: Tensor | None = None,
    tracked: Tensor | None = None,
) -> Tensor:
    """`batch_norm`, with what a module asks besides in the same passes over memory.

    Args:
        input, running_mean, running_var, weight, bias, training, momentum, eps: as `batch_norm`.
        relu: rectify the result.
        shift: a bias (C) that the layer before has left out of its output, in training: of the
            results only the running mean depends on it.
        tracked: the number of batches so far, which is counted up in place.
    """
    shape = input.array.shape
    if input.array.dtype.kind not in FLOATING:
        refuse("batch_norm", input)
    if len(shape) < 2:
        raise RuntimeError(f"batch_norm: expected an input (N, C, …), but its shape is {shape}")
    if not training:
        if eps < 0.0:
            raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
        if running_mean is None or running_var is None:
            raise RuntimeError(
                "batch_norm: running_mean and running_var must be defined in evaluation mode"
            )
        rule = ops.batch_norm_eval
        return apply(rule, input, running_mean, running_var, weight, bias, eps=eps, relu=relu)
    count = shape[0] * math.prod(shape[2:])
    if count == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {list(shape)}"
        )
    if eps <= 0.0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    for name, running in (("running_mean", running_mean), ("running_var", running_var)):
        if running is not None and running.array.shape != shape[1:2]:
            raise RuntimeError(
                f"batch_norm: {name} must have shape {shape[1:2]} for an input of shape {shape}, "
                f"but has {tuple(running.shape)}"
            )
    operands = (input, weight, bias) if shift is None else (input, weight, bias, shift)
    moved = [t for t in (running_mean, running_var, tracked) if t is not None]
    statistics = []
    if count and moved:
        of_batch = Running(
            None if shift is None else shift.array,
            None if running_mean is None else running_mean.array,
            None if running_var is None else running_var.array,
            None if tracked is None else tracked.array,
            momentum,
            count / (count - 1),
        )
        statistics.append(of_batch)
    out = apply(ops.batch_norm, *operands, eps=eps, relu=relu, running=statistics)
    if count and moved:
        for buffer in moved:
            buffer._storage.version += 1
    elif tracked is not None:
        tracked.add_(1)
    return out


def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """γ (x − μ) / √(σ² + ε) + β, μ and σ² (biased) over each sample's last dimensions.

    Args:
        input: x, (…, *normalized_shape).
        normalized_shape: the sizes of the dimensions to normalise over, or of the last one.
        weight: γ, of shape normalized_shape, or None for 1.
        bias: β, likewise, or None for 0.
        eps: ε.

    Raises:
        TypeError: the input is no tensor.
        RuntimeError: shapes or dtypes that do not fit.

    Example:
        >>> F.layer_norm(torch.tensor([[1.0, 2.0, 3.0]]), 3)
        tensor([[-1.2247,  0.0000,  1.2247]])
    """
    shape = trailing_shape(normalized_shape)
    if not shape:
        raise RuntimeError("layer_norm: normalized_shape must have at least one dimension")
    if not isinstance(input, Tensor):
        raise not_a_tensor("layer_norm", input, "input")
    if input.array.dtype.kind not in FLOATING:
        refuse("layer_norm", input)
    return apply(ops.layer_norm, input, weight, bias, shape=shape, eps=eps)


def trailing_shape(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    """The sizes of the last dimensions, given as a sequence, or as an int for the last one."""
    one = isinstance(normalized_shape, SupportsIndex)
    shape: Any = (normalized_shape,) if one else normalized_shape
    return tuple(shape)
