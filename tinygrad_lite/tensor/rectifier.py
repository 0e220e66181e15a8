"""`prelu` and `hardshrink`, the rectifiers that tensors have as methods too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend.dtypes import FLOATING, is_half
from ..ops import activation as ops
from .apply import apply
from .autocast import lowered
from .check import takes_tensors, tensor_of
from .operation import refuse
from .promote import coefficient

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["hardshrink", "prelu"]


def _checked(name: str, input: Any) -> None:
    if tensor_of(name, input).dtype.kind not in FLOATING:
        refuse(name, input)


@takes_tensors
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """y = x for x > 0, else w x; the derivative at 0 is w.

    K. He et al., "Delving Deep into Rectifiers", ICCV 2015.

    Args:
        input: x, (N, C, …), or any shape for one w.
        weight: w, a tensor (C), (1) or () of the input's dtype.

    Raises:
        RuntimeError: another number of weights, or another dtype.
    """
    _checked("prelu", input)
    input, weight = lowered(input, weight)
    if weight.ndim > 1 or (weight.numel() != 1 and input.shape[1:2] != weight.shape):
        raise RuntimeError(
            f"prelu: Mismatch of parameter numbers and input channel size: weight has shape "
            f"{weight.shape}, input {input.shape}"
        )
    if weight.dtype != input.dtype:
        raise RuntimeError(
            f"prelu: Type promoting not supported. Got {input.dtype} and {weight.dtype}"
        )
    if weight.numel() == 1:
        w = weight.reshape((1,) * input.ndim)
    else:
        w = weight.reshape(1, -1, *(1,) * (input.ndim - 2))
    return apply(ops.prelu, input, w)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """y = x where |x| > λ (or x is NaN), else 0; λ is `lambd`; the derivative at ±λ is 0."""
    _checked("hardshrink", input)
    coefficient("hardshrink", lambd, input)
    if is_half(input.array.dtype):  # which PyTorch compares with λ as 16 bits hold it
        lambd = float(input.array.dtype.type(lambd))
    return apply(ops.hardshrink, input, lambd=lambd)
