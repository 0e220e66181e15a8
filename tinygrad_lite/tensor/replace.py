"""Functions that put other numbers in the place of some elements: those out of bounds, or NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..backend.dtypes import FLOATING
from ..ops import analytic
from ..ops import elementwise as ops
from .apply import apply
from .base import TensorBase, in_our_order
from .check import tensor_of
from .index import common_shape
from .info import finfo
from .operation import Operand, ordered, public, refuse
from .promote import common_dtype, filling, in_range, pair, to_dtype

if TYPE_CHECKING:
    from .tensor import Tensor


def clamp(input: Tensor, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """The elements limited to [min, max]; the gradient passes at the bounds.

    Args:
        input: any dtype but bool.
        min, max: the bounds: numbers, or tensors that broadcast; None for no bound.

    Raises:
        RuntimeError: neither bound is given, or one that the dtype can't hold.
        TypeError: a number and a tensor.

    Example:
        >>> torch.tensor([-2.0, 0.5, 3.0]).clamp(0, 1)
        tensor([0.0000, 0.5000, 1.0000])
    """
    if min is None and max is None:
        raise RuntimeError("clamp: at least one of min and max must not be None")
    given = [b for b in (min, max) if b is not None]
    tensors = [b for b in given if isinstance(b, TensorBase)]
    if not tensors:
        return _within_numbers(input, min, max)
    if len(tensors) == len(given):
        return _within_tensors(input, min, max)
    if any(b.ndim or b.requires_grad for b in tensors):
        raise TypeError("clamp: min and max must both be tensors, or both be numbers")
    return clamp(input, *(b.item() if isinstance(b, TensorBase) else b for b in (min, max)))


def _within_numbers(input: Tensor, min: Operand | None, max: Operand | None) -> Tensor:
    """`clamp` to numbers: a floating-point one makes integers floats; they widen no dtype else."""
    given = [b for b in (min, max) if b is not None]
    low, high = (None if b is None else pair("clamp", input, b)[1] for b in (min, max))
    out = input
    if input.array.dtype.kind not in FLOATING:
        for bound in (low, high):
            out = out if bound is None else pair("clamp", out, bound)[0]
        if out.dtype.kind == "b":
            refuse("clamp", out)
    for bound in given:
        in_range("clamp", bound, out.array.dtype)
    return apply(ops.clamp, out, min=low, max=high)


def _within_tensors(input: Tensor, min: Tensor | None, max: Tensor | None) -> Tensor:
    """`clamp` to tensors, in the dtype that all of them promote to."""
    given = [input, *(b for b in (min, max) if b is not None)]
    out = to_dtype(input, common_dtype(*given))
    if out.dtype.kind == "b" and min is not None and max is not None:  # as PyTorch
        refuse("clamp", out)
    low, high = (None if b is None else to_dtype(b, out.array.dtype) for b in (min, max))
    if low is None:
        return apply(ops.at_most, out, high)
    if high is None:
        return apply(ops.at_least, out, low)
    return apply(ops.between, out, low, high)


clip = clamp


def clamp_min(input: Tensor, min: Operand) -> Tensor:
    """The elements, but at least min: `clamp` with one bound."""
    tensor_of("clamp_min", input)
    return clamp(input, min=min)


def clamp_max(input: Tensor, max: Operand) -> Tensor:
    """The elements, but at most max: `clamp` with one bound."""
    tensor_of("clamp_max", input)
    return clamp(input, max=max)


def nan_to_num(
    input: Tensor,
    nan: float | None = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Tensor:
    """The elements with numbers in place of NaN and ±∞.

    Args:
        input: any dtype; integers and booleans are copied.
        nan: in place of NaN.
        posinf, neginf: in place of ∞ and −∞; default: the dtype's largest and smallest number.
    """
    if input.dtype.kind in "biu":
        return input.clone()
    ordered("nan_to_num", input)
    limits = finfo(input.dtype)
    given = ((nan, 0.0), (posinf, limits.max), (neginf, limits.min))
    zero, most, least = (float(usual if value is None else value) for value, usual in given)
    return apply(analytic.nan_to_num, input, nan=zero, posinf=most, neginf=least)


def masked_fill(input: Tensor, mask: Tensor, value: float) -> Tensor:
    """The elements, but a number wherever the mask is True.

    Args:
        input: any dtype.
        mask: booleans, of a shape that broadcasts with the input's.
        value: a number, or a 0-d tensor.

    Raises:
        RuntimeError: a mask of another dtype, shapes that do not broadcast, or a value that the
            dtype can't hold.

    Example:
        >>> x = torch.tensor([1.0, -2.0])
        >>> x.masked_fill(x < 0, 0)
        tensor([1., 0.])
    """
    if mask.dtype.kind != "b":
        raise RuntimeError(f"masked_fill: only supports boolean masks, but got {mask.dtype}")
    if mask.shape != input.shape:
        common_shape("masked_fill", input.shape, mask.shape)
    return in_our_order(apply(ops.where, mask, filling("masked_fill", value, input), input))


if not TYPE_CHECKING:
    __all__ = public(globals())
