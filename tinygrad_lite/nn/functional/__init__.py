"""Layers without state, as functions: `torch.nn.functional`."""

from __future__ import annotations

import warnings
from typing import Any

from ...backend import capture, namespace, numpy, random
from ...backend.dtypes import is_half
from ...ops import linalg
from ...tensor import Tensor, apply
from ...tensor._autocast import one_dtype
from .._loss_functions import cross_entropy, nll_loss
from .activation import (
    elu,
    gelu,
    hardtanh,
    leaky_relu,
    logsigmoid,
    relu6,
    silu,
    softplus,
)
from .conv import conv1d, conv2d, conv_transpose2d, pad
from .fold import fold, unfold
from .loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)
from .norm import batch_norm, layer_norm
from .pool import (
    adaptive_avg_pool2d,
    avg_pool1d,
    avg_pool2d,
    max_pool1d,
    max_pool2d,
)

__all__ = [
    "adaptive_avg_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "conv1d",
    "conv2d",
    "conv_transpose2d",
    "cross_entropy",
    "dropout",
    "dropout2d",
    "elu",
    "flatten",
    "fold",
    "gelu",
    "hardtanh",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "max_pool1d",
    "max_pool2d",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "pad",
    "relu",
    "relu6",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
    "unfold",
]

flatten = Tensor.flatten
sigmoid = Tensor.sigmoid
tanh = Tensor.tanh


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = x Wᵀ + b for x (…, K), W (M, K), b (M) or None: shape (…, M).

    Raises:
        RuntimeError: sizes or dtypes that do not fit.
        TypeError: the input is not a Tensor.
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"linear: input must be a Tensor, not {type(input).__name__}")
    if input.array.dtype != weight.array.dtype and not one_dtype(input, weight):
        raise RuntimeError(
            f"linear: input and weight must have the same dtype, but got {input.dtype} and "
            f"{weight.dtype}"
        )
    if bias is None:
        return apply(linalg.linear, input, weight)
    return apply(linalg.linear, input, weight, bias)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(0, x), elementwise; the derivative at 0 is 0."""
    return input.relu_() if inplace else input.relu()


def softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """eˣ / Σ eˣ along a dimension.

    Args:
        input: any shape.
        dim: the dimension. Without one PyTorch's old rule picks it, with a warning: 0 for
            0, 1 or 3 dimensions, else 1.
        dtype: cast the input to it first.
    """
    return input.softmax(_dim("softmax", input, dim), dtype)


def log_softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Ln softmax(x) along a dimension, without overflow. Arguments as `softmax`."""
    return input.log_softmax(_dim("log_softmax", input, dim), dtype)


def _dim(name: str, input: Tensor, dim: int | None) -> int:
    if dim is not None:
        return dim
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument.",
        stacklevel=4,
    )
    return 0 if input.ndim in (0, 1, 3) else 1


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element 0 with probability p, else x / (1 − p); in evaluation the input itself.

    Args:
        input: any shape, floating point.
        p: the probability of a 0; 1 gives zeros.
        training: False for the identity.
        inplace: overwrite the input.

    Raises:
        ValueError: p is not in [0, 1].
    """
    check_probability(p)
    if not training or p == 0:
        return input
    return _drop(input, input.shape, p, inplace)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Each channel 0 with probability p, else x / (1 − p); in evaluation the input itself.

    Args:
        input: (N, C, H, W), floating point. Other ranks from 2 on drop whole channels (dimension
            1) as well, with PyTorch's warning: (N, C, L) is not read as one image (C, H, W).
        p: the probability of a dropped channel; 1 gives zeros.
        training: False for the identity.
        inplace: overwrite the input.

    Raises:
        ValueError: p is not in [0, 1].
        RuntimeError: fewer than 2 dimensions.
    """
    check_probability(p)
    if input.ndim < 2:
        raise RuntimeError(
            f"dropout2d: requires at least 2 dimensions in the input, but its shape is "
            f"{input.shape}"
        )
    if input.ndim != 4:
        warnings.warn(
            f"dropout2d: received a {input.ndim}-D input; its dimension 1 is taken for the "
            "channels. Give it 4 dimensions, (N, C, H, W).",
            stacklevel=2,
        )
    if not training or p == 0:
        return input
    return _drop(input, (*input.shape[:2], *(1,) * (input.ndim - 2)), p, inplace)


def _drop(input: Tensor, shape: tuple[int, ...], p: float, inplace: bool) -> Tensor:
    """The input times a mask of a shape, drawn on the host: 0, or 1 / (1 − p)."""

    def draw() -> Any:
        kept = random.uniform(shape, "float32") >= p
        scale = kept.astype(wide) * (1 / (1 - p) if p < 1 else 0.0)
        return scale.astype(dtype, copy=False)

    dtype = input.dtype
    wide = "float32" if is_half(dtype) else dtype
    mask = Tensor(capture.feed(namespace(input.array), draw))
    return input.mul_(mask) if inplace else input * mask


def check_probability(p: float) -> None:
    """Check a probability.

    Raises:
        ValueError: it is not in [0, 1].
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """1 at the index that each element gives, else 0: shape (*tensor.shape, num_classes), int64.

    Args:
        tensor: int64, any shape.
        num_classes: the number of classes; −1 for the largest value plus one.

    Raises:
        RuntimeError: another dtype, a value that is negative or too large, or no elements
            to find the number of classes from.
    """
    if tensor.dtype != numpy.int64:
        raise RuntimeError(
            f"one_hot is only applicable to index tensor of type int64, but got {tensor.dtype}"
        )
    if num_classes <= 0 and (num_classes != -1 or not tensor.numel()):
        raise RuntimeError(
            f"one_hot: can not infer total number of classes from num_classes={num_classes} and "
            f"a tensor of {tensor.numel()} elements"
        )
    if tensor.numel():
        low, high = tensor.min().item(), tensor.max().item()
        if low < 0:
            raise RuntimeError(f"one_hot: Class values must be non-negative, but got {low}")
        if num_classes == -1:
            num_classes = high + 1
        elif high >= num_classes:
            raise RuntimeError(
                f"one_hot: Class values must be smaller than num_classes, but got {high} with "
                f"num_classes={num_classes}"
            )
    classes = Tensor(namespace(tensor.array).arange(num_classes))
    return (tensor.unsqueeze(-1) == classes).to(dtype="int64")
