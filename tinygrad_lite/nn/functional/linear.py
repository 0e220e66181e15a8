"""The linear map as a function, with PyTorch's signature."""

from __future__ import annotations

from ...ops import linalg
from ...tensor import Tensor, apply
from ...tensor.autocast import need_one_dtype, one_dtype
from ...tensor.check import need_tensors
from ...tensor.placement import put

__all__ = ["linear"]


def linear(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, *, out: Tensor | None = None
) -> Tensor:
    """y = x Wᵀ + b.

    Args:
        input: x, (…, K).
        weight: W, (M, K); or (K) for one output, which then has no dimension of its own.
        bias: b, (M) or of one element, or None.
        out: the tensor to write to and to return, if given.

    Returns:
        (…, M), or (…).

    Raises:
        RuntimeError: sizes or dtypes that do not fit.
        TypeError: an operand is not a Tensor.

    Example:
        >>> F.linear(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]]), torch.tensor([0.5]))
        tensor([[11.5000]])
    """
    if out is not None:  # named here: a wrapper, as others have, would be a call for each layer
        made: Tensor = put("linear", out, linear(input, weight, bias))
        return made
    if not isinstance(input, Tensor):
        raise TypeError(f"linear: input must be a Tensor, not {type(input).__name__}")
    if not hasattr(weight, "array") or (not hasattr(bias, "array") and bias is not None):
        need_tensors("linear", weight=weight, **({} if bias is None else {"bias": bias}))
    if input.array.dtype != weight.array.dtype and not one_dtype(input, weight):
        raise RuntimeError(
            f"linear: input and weight must have the same dtype, but got {input.dtype} and "
            f"{weight.dtype}"
        )
    if bias is not None and bias.array.dtype != weight.array.dtype:
        need_one_dtype("linear", weight=weight, bias=bias)
    if weight.array.ndim == 1:  # one output, which has no dimension of its own
        if bias is not None and bias.ndim:
            raise RuntimeError(
                f"linear: a weight of shape {tuple(weight.shape)} takes a 0-d bias, but got shape "
                f"{tuple(bias.shape)}"
            )
        y = linear(input, weight.unsqueeze(0)).squeeze(-1)
        return y if bias is None else y + bias
    if bias is not None and bias.array.size == 1 and bias.array.shape != weight.array.shape[:1]:
        return apply(linalg.linear, input, weight) + bias
    return apply(linalg.linear, *((input, weight) if bias is None else (input, weight, bias)))


def linear_relu(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """max(0, x Wᵀ + b), one rule for the operands that a layer has; errors as `linear`."""
    x, w = getattr(input, "array", None), weight.array
    fits = x is not None and x.dtype == w.dtype and w.ndim == 2
    if not fits or (bias is not None and bias.array.shape != w.shape[:1]):
        return linear(input, weight, bias).relu()
    operands = (input, weight) if bias is None else (input, weight, bias)
    return apply(linalg.linear, *operands, relu=True)
