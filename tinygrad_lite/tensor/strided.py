"""Memory read with strides of one's own: `as_strided`, and tensors that are laid out so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..backend import Device, namespace_for, root
from ..backend.dtypes import as_dtype
from ..ops import shape as ops
from .apply import apply
from .base import new
from .dims import sizes
from .memory import storage_offset
from .modes import get_default_dtype
from .restride import in_place

if TYPE_CHECKING:
    from .tensor import Tensor

Place = str | int | Device | None

__all__ = ["as_strided", "as_strided_scatter", "empty_permuted", "empty_strided"]


def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A view of the memory that a tensor is a view of, with a shape and strides of one's own.

    The memory counts in the order in which it lies. That is what `stride()` says, and row-major for
    all that was made by hand or by `contiguous()`; of images and weights of a net the library
    chooses it (docs/architecture.md).

    Args:
        input: what has the memory.
        size: the shape.
        stride: how many elements lie between neighbours along each dimension.
        storage_offset: where the first one lies; default: the input's first.

    Raises:
        RuntimeError: not as many strides as sizes, a negative one, or places beyond the memory; or
            memory with gaps, whose gradient is asked for.

    Example:
        >>> torch.arange(6).as_strided((2, 2), (1, 2))
        tensor([[0, 2],
                [1, 3]])
    """
    shape, steps = sizes("as_strided", (size,)), sizes("as_strided", (stride,))
    if len(shape) != len(steps):
        raise RuntimeError(
            f"as_strided: mismatch in length of strides and shape: {steps} and {shape}"
        )
    if min(shape, default=0) < 0:
        raise RuntimeError(f"as_strided: sizes must not be negative, but are {shape}")
    if min(steps, default=0) < 0:
        raise RuntimeError(
            f"as_strided: Negative strides are not supported at the moment, got strides: {steps}"
        )
    whole, start = _memory(input)
    first = _offset(input) if storage_offset is None else storage_offset
    reach = 0 if 0 in shape else 1 + sum((n - 1) * s for n, s in zip(shape, steps, strict=True))
    if first < 0 or (reach and not 0 <= first - start <= whole.numel() - reach):
        raise RuntimeError(
            f"as_strided: sizes {shape}, strides {steps} and storage offset {first} are out of "
            f"bounds for a storage of {root(input.array).size} elements"
        )
    offset = first - start if reach else 0
    return apply(ops.as_strided, whole, size=shape, stride=steps, offset=offset)


_offset = storage_offset


def _memory(input: Tensor) -> tuple[Tensor, int]:
    """A tensor of all of the memory, in the order in which it lies, and where that begins."""
    whole = input._view[0] if input._view and input._view[1] is not None else input
    if root(whole.array) is not root(input.array):  # a copy that stands for a view (`twins.py`)
        whole = input
    strides = whole.array.strides
    order = sorted(range(whole.ndim), key=lambda axis: (-strides[axis], axis))
    turned = whole if whole.array.flags.c_contiguous else whole.permute(order)
    if turned.array.flags.c_contiguous:
        return turned, _offset(turned)
    if input.requires_grad:
        raise RuntimeError(
            f"as_strided: the memory of an input of shape {tuple(input.shape)} and strides "
            f"{input.stride()} has gaps, of which no gradient is known; use contiguous()"
        )
    line = new(root(input.array).reshape(-1))
    line._storage = input._storage
    return line, 0


as_strided_ = in_place(as_strided)


def as_strided_scatter(
    input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: int | None = None
) -> Tensor:
    """The elements (a copy), but src in place of `input.as_strided(size, stride, storage_offset)`.

    Raises:
        RuntimeError: src has another shape, or the input's memory has gaps; and as `as_strided`.
    """
    shape = sizes("as_strided_scatter", (size,))
    if src.shape != shape:
        raise RuntimeError(
            f"as_strided_scatter: src must have the shape of its place, {shape}, but has "
            f"{tuple(src.shape)}"
        )
    strides = input.array.strides
    order = sorted(range(input.ndim), key=lambda axis: (-strides[axis], axis))
    if not input.array.transpose(order).flags.c_contiguous:
        raise RuntimeError(
            f"as_strided_scatter: the memory of an input of shape {tuple(input.shape)} and strides "
            f"{input.stride()} has gaps; use contiguous()"
        )
    out = input.clone()
    first = 0 if storage_offset is None else storage_offset - _offset(input)
    as_strided(out, shape, stride, first).copy_(src)
    return out


def empty_strided(
    size: Any,
    stride: Any,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of a shape and strides, with whatever elements the memory held.

    Raises:
        RuntimeError: not as many strides as sizes, or a negative one of them.
    """
    shape, steps = sizes("empty_strided", (size,)), sizes("empty_strided", (stride,))
    if len(shape) != len(steps) or min((*shape, *steps), default=0) < 0:
        raise RuntimeError(
            "empty_strided: expected as many strides as sizes, none of them negative, but got "
            f"sizes {shape} and strides {steps}"
        )
    reach = 0 if 0 in shape else 1 + sum((n - 1) * s for n, s in zip(shape, steps, strict=True))
    own = get_default_dtype() if dtype is None else as_dtype(dtype)
    line = new(namespace_for(device).empty(reach, dtype=own))
    return new(as_strided(line, shape, steps).array).requires_grad_(requires_grad)


def new_empty_strided(
    input: Tensor,
    size: Any,
    stride: Any,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """`empty_strided` of the input's dtype and on its device, if no other is given."""
    return empty_strided(
        size,
        stride,
        dtype=input.dtype if dtype is None else dtype,
        device=input.device if device is None else device,
        requires_grad=requires_grad,
    )


def empty_permuted(
    size: Any,
    physical_layout: Sequence[int],
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor whose dimensions lie in memory in an order of one's own, the slowest first.

    Raises:
        RuntimeError: the order does not have each dimension once, counted from 0.
    """
    shape = sizes("empty_permuted", (size,))
    if sorted(physical_layout) != [*range(len(shape))]:
        raise RuntimeError(
            f"empty_permuted: the order must have each of {len(shape)} dimensions once, counted "
            f"from 0, but is {tuple(physical_layout)}"
        )
    steps = [0] * len(shape)
    for place, axis in enumerate(physical_layout):
        steps[axis] = math.prod(shape[a] for a in physical_layout[place + 1 :])
    return empty_strided(shape, steps, dtype=dtype, device=device, requires_grad=requires_grad)
