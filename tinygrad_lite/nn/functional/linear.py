"""The linear map as a function, with PyTorch's signature."""

from __future__ import annotations

from ...ops import linalg
from ...tensor import Tensor, apply
from ...tensor.autocast import one_dtype
from ...tensor.check import need_tensors

__all__ = ["linear"]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = x Wᵀ + b for x (…, K), W (M, K), b (M) or None: shape (…, M).

    Raises:
        RuntimeError: sizes or dtypes that do not fit.
        TypeError: an operand is not a Tensor.
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"linear: input must be a Tensor, not {type(input).__name__}")
    try:
        if input.array.dtype != weight.array.dtype and not one_dtype(input, weight):
            raise RuntimeError(
                f"linear: input and weight must have the same dtype, but got {input.dtype} and "
                f"{weight.dtype}"
            )
        if bias is None:
            return apply(linalg.linear, input, weight)
        return apply(linalg.linear, input, weight, bias)
    except AttributeError:
        need_tensors("linear", weight=weight, **({} if bias is None else {"bias": bias}))
        raise
