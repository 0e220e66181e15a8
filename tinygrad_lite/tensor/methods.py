"""Functions that are methods alone, as in PyTorch: sizes and views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import NoneType
from typing import TYPE_CHECKING, Any, SupportsIndex

from ..backend import DType
from ..backend.dtypes import as_dtype
from ..graph import mode
from ..ops import shape as ops
from . import compare, info, real, twins
from .apply import apply, apply_to_view
from .base import new, storage_of
from .dims import axis, sizes
from .element import dtype_of
from .layout import lies_by_rows
from .operation import Operand
from .shape import reshaped

if TYPE_CHECKING:
    from .tensor import Tensor


def size(input: Tensor, dim: int | None = None) -> Any:
    """The shape, or the size of one dimension."""
    return input.shape if dim is None else input.shape[axis("size", input, dim)]


def dim(input: Tensor) -> int:
    """The number of dimensions."""
    return input.ndim


def view(input: Tensor, *sizes: Any, dtype: Any = None, size: Any = None) -> Tensor:
    """The same memory in another shape, or with its bytes read as another dtype.

    Args:
        sizes: the shape, as integers or one sequence, one size may be −1; or a dtype.
        dtype: the dtype by name; of another width it makes the last dimension longer or shorter.
        size: the shape by name.

    Raises:
        RuntimeError: another number of elements, a dtype whose width does not divide the last
            dimension, or elements whose order in memory does not allow it; `reshape` copies then.
    """
    if len(sizes) == 1 and not isinstance(sizes[0], Sequence | SupportsIndex):
        dtype, sizes = sizes[0], ()
    if dtype is not None:
        return _as_bits(input, as_dtype(dtype))
    shape = reshaped("view", input, sizes, size)
    out = apply_to_view(ops.reshape, input, shape=shape)
    # Where the library itself chose another order, as for a convolution's output, a program that
    # views it must go on working: there it is a copy, which follows what it is a copy of.
    if not input._storage.ours and out._storage is not input._storage and input.numel():
        raise RuntimeError(
            f"view: size {shape} is not compatible with the memory of an input of shape "
            f"{tuple(input.shape)} (at least one dimension spans across two contiguous "
            "subspaces); use .reshape(...) instead"
        )
    if input._storage.ours and out._storage is not input._storage:
        return twins.stand_in(input, out, ops.reshape, {"shape": shape})
    return out


def _as_bits(input: Tensor, dtype: DType) -> Tensor:
    """The memory read as another dtype; of another width the last dimension grows or shrinks."""
    mine, its = input.dtype.itemsize, dtype.itemsize
    if mine != its:
        last = input.shape[-1] if input.ndim else None
        if last is None or last * mine % its:
            raise RuntimeError(
                f"view: elements of {its} bytes ({dtype_of(dtype)}) can't be read from a shape of "
                f"{tuple(input.shape)} of {mine} bytes ({input.dtype}) each: its last dimension "
                "must be a multiple"
            )
        if input.numel() and last > 1 and input.array.strides[-1] != mine:
            raise RuntimeError(
                f"view: the last dimension of shape {tuple(input.shape)} must lie in one piece to "
                f"be read as {dtype_of(dtype)}; use .contiguous() first"
            )
    out = new(input.array.view(dtype))
    out._storage = storage_of(input)
    return out


def real_part(input: Tensor) -> Tensor:
    """The real parts, a view; of a real tensor, itself."""
    return real.real(input)


def set_real(input: Tensor, value: Any) -> None:
    """Write the real parts."""
    real.real(input).copy_(value)


def imaginary_part(input: Tensor) -> Tensor:
    """The imaginary parts, a view; a real tensor has none (RuntimeError)."""
    return real.imag(input)


def set_imag(input: Tensor, value: Any) -> None:
    """Write the imaginary parts."""
    real.imag(input).copy_(value)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """The same elements in another tensor's shape."""
    return input.reshape(other.shape)


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """The same memory in another tensor's shape."""
    return view(input, other.shape)


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Broadcast to another tensor's shape."""
    return input.expand(other.shape)


def _check_format(name: str, given: Any) -> None:
    if not isinstance(given, info.memory_format | NoneType):
        raise TypeError(
            f"{name}: memory_format must be a torch.memory_format, but is {type(given).__name__}"
        )


def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """Itself if its memory is in row-major order, else a copy that is.

    Args:
        memory_format: has no effect: the library chooses the order of dimensions.

    Raises:
        TypeError: a memory_format that is none.
    """
    _check_format("contiguous", memory_format)
    if input.array.flags.c_contiguous:
        return input.clone() if input._storage.ours and not lies_by_rows(input) else input
    if not (input._storage.ours and lies_by_rows(input)):
        return apply(ops.contiguous, input)
    recorded, mode.grad = mode.grad, True  # PyTorch's is the tensor itself
    try:
        return twins.stand_in(input, apply(ops.contiguous, input), ops.contiguous, {})
    finally:
        mode.grad = recorded


def is_contiguous(input: Tensor, memory_format: info.memory_format | None = None) -> bool:
    """Whether the memory is in row-major order, or in that of a memory format.

    Args:
        input: any shape.
        memory_format: `channels_last`: of N, C, H, W the memory is in the order N, H, W, C;
            `channels_last_3d`: likewise of N, C, D, H, W; default: row-major.

    Raises:
        TypeError: a memory_format that is none.
    """
    _check_format("is_contiguous", memory_format)
    known: dict[Any, int] = {info.channels_last: 4, info.channels_last_3d: 5}
    dimensions = known.get(memory_format)
    if dimensions is None:
        return bool(input.array.flags.c_contiguous)
    if input.ndim != dimensions:
        return False
    order = (0, *range(2, dimensions), 1)
    return bool(input.array.transpose(order).flags.c_contiguous)


def expand(input: Tensor, *shape: Any, size: Any = None, implicit: bool = False) -> Tensor:
    """Broadcast to a shape, without copying.

    Args:
        shape: as integers or one sequence; −1 keeps a size.
        size: the same by name.
        implicit: has no effect.

    Raises:
        RuntimeError: the shape does not broadcast.
    """
    wanted = sizes("expand", shape, size)
    own = (1,) * (len(wanted) - input.ndim) + input.shape
    if -1 in wanted[: len(wanted) - input.ndim]:
        raise RuntimeError(
            f"expand: -1 keeps a size, but {wanted} has it at a dimension that the input of shape "
            f"{tuple(input.shape)} does not have"
        )
    full = tuple(n if w == -1 else w for w, n in zip(wanted, own, strict=False))
    if len(own) != len(wanted) or any(n not in (1, w) for w, n in zip(full, own, strict=True)):
        raise RuntimeError(f"expand: shape {tuple(input.shape)} does not broadcast to {wanted}")
    return apply(ops.expand, input, shape=full)


def split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive ranges of a dimension, of given sizes."""
    return input.split(list(split_sizes), dim)


def sum_to_size(input: Tensor, *shape: Any, size: Any = None) -> Tensor:
    """Summed to a shape that broadcasts to this one: the transpose of `expand`.

    Raises:
        RuntimeError: that shape does not broadcast to this one.
    """
    wanted = sizes("sum_to_size", shape, size)
    if not wanted:
        return input.sum()
    own = (1,) * (input.ndim - len(wanted)) + wanted
    if len(own) != input.ndim or any(
        w not in (1, n) for w, n in zip(own, input.shape, strict=True)
    ):
        raise RuntimeError(
            f"sum_to_size: size {wanted} does not broadcast to shape {tuple(input.shape)}"
        )
    pairs = enumerate(zip(own, input.shape, strict=True))
    gone = [a for a, (w, n) in pairs if w != n or a < input.ndim - len(wanted)]
    return (input.sum(gone, True) if gone else input).reshape(wanted)


def refuse_deletion(input: Tensor, key: Any) -> None:
    """`del x[i]`.

    Raises:
        TypeError: always: a tensor keeps its elements.
    """
    raise TypeError("Tensor does not support deleting items")


def iterate(input: Tensor) -> Iterator[Tensor]:
    """An iterator over the positions of the first dimension.

    Raises:
        TypeError: a 0-d tensor.
    """
    if not input.shape:
        raise TypeError("iteration over a 0-d tensor")
    return iter(input.unbind(0))


def reverse(input: Tensor) -> Tensor:
    """`reversed(x)`: the tensor with its first dimension turned around; a 0-d one itself."""
    return input.flip(0) if input.shape else input


def where(input: Tensor, condition: Tensor, other: Operand) -> Tensor:
    """The elements where the condition holds, else other."""
    return compare.where(condition, input, other)  # type: ignore[no-any-return]
