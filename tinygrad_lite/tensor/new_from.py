"""`Tensor.new_zeros` and its kin: new tensors of another's dtype and device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import namespace, namespace_for
from .base import new
from .dims import sizes

if TYPE_CHECKING:
    from .tensor import Tensor


def _filled(
    name: str,
    input: Tensor,
    size: tuple[int, ...],
    value: Any,
    dtype: Any,
    device: Any,
    requires_grad: bool,
) -> Tensor:
    if min(size, default=0) < 0:
        raise RuntimeError(f"{name}: sizes must not be negative, but are {size}")
    xp = namespace(input.array) if device is None else namespace_for(device)
    array = xp.empty(size, dtype=input.dtype if dtype is None else dtype)
    out = new(array)
    if value is not None:
        out.fill_(value)
    return out.requires_grad_(requires_grad)


def new_empty(
    input: Tensor,
    *shape: Any,
    size: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Memory of a shape, with this tensor's dtype and device unless others are given."""
    wanted = sizes("new_empty", shape, size)
    return _filled("new_empty", input, wanted, None, dtype, device, requires_grad)


def new_zeros(
    input: Tensor,
    *shape: Any,
    size: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Zeros of a shape, with this tensor's dtype and device unless others are given."""
    wanted = sizes("new_zeros", shape, size)
    return _filled("new_zeros", input, wanted, 0, dtype, device, requires_grad)


def new_ones(
    input: Tensor,
    *shape: Any,
    size: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Ones of a shape, with this tensor's dtype and device unless others are given."""
    wanted = sizes("new_ones", shape, size)
    return _filled("new_ones", input, wanted, 1, dtype, device, requires_grad)


def new_full(
    input: Tensor,
    size: Any,
    fill_value: Any,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A shape filled with a number, with this tensor's dtype and device unless others are given."""
    wanted = sizes("new_full", (size,))
    return _filled("new_full", input, wanted, fill_value, dtype, device, requires_grad)
