"""`Tensor.new_zeros` and its kin: new tensors of another's dtype and device.

Shapes are given as integers, one sequence, or `size=`. `dtype` and `device` replace the tensor's,
`requires_grad` has gradients gathered, `layout` and `pin_memory` have no effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import namespace
from ..backend.dtypes import as_dtype
from .base import new
from .data import array_of
from .dims import sizes
from .promote import element

if TYPE_CHECKING:
    from .tensor import Tensor


def new_zeros(input: Tensor, *size: Any, **words: Any) -> Tensor:
    """Zeros of a shape, of this tensor's dtype and device if no other is given."""
    return new_full(input, _size("new_zeros", size, words), 0, **words)


def new_ones(input: Tensor, *size: Any, **words: Any) -> Tensor:
    """Ones of a shape, of this tensor's dtype and device if no other is given."""
    return new_full(input, _size("new_ones", size, words), 1, **words)


def new_empty(input: Tensor, *size: Any, **words: Any) -> Tensor:
    """A tensor of a shape, whose elements are to be set, of this tensor's dtype and device."""
    return new_full(input, _size("new_empty", size, words), 0, **words)


def _size(name: str, size: tuple[Any, ...], words: dict[str, Any]) -> tuple[int, ...]:
    """The shape, which is taken out of the words if it is there."""
    return sizes(name, (words.pop("size"),) if "size" in words else size)


def new_full(
    input: Tensor,
    size: Any,
    fill_value: float,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A number in a shape, of this tensor's dtype and device if no other is given.

    Raises:
        RuntimeError: a negative size, or a number that the dtype can't hold.
    """
    own = input.array.dtype if dtype is None else as_dtype(dtype)
    value, shape = element("new_full", fill_value, own), sizes("new_full", (size,))
    if any(n < 0 for n in shape):
        raise RuntimeError(f"new_full: negative dimension in the size {shape}")
    array = namespace(input.array).full(shape, value, dtype=own)
    return new(array).to(device=device).requires_grad_(requires_grad)


def new_tensor(
    input: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A copy of data, as `tensor` makes it, of this tensor's dtype and device if none is given."""
    array, _ = array_of(data, input.array.dtype if dtype is None else as_dtype(dtype))
    out: Tensor = new(array)
    home = input.device if device is None else device
    return out.to(device=home).requires_grad_(requires_grad)
