"""Functions that only give one tensor another shape or order of its elements.

Those that put several tensors together are in `concatenate.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import index
from typing import TYPE_CHECKING, Any, SupportsIndex

from ..ops import shape as ops
from . import twins
from .apply import apply, apply_to_view
from .base import TensorBase
from .dims import axis, named_axes, sizes, whole
from .operation import public
from .shown import called

if TYPE_CHECKING:
    from .tensor import Tensor


def reshape(input: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The same elements in another shape, in row-major order; a view where strides allow it.

    Args:
        input: any shape.
        sizes: the sizes, or one tuple of them; one may be −1, which the others then settle.
        shape: the sizes by keyword.

    Raises:
        RuntimeError: the number of elements differs.

    Example:
        >>> torch.arange(6).reshape(2, -1)
        tensor([[0, 1, 2],
                [3, 4, 5]])
    """
    wanted = reshaped("reshape", input, sizes, shape)
    out = apply_to_view(ops.reshape, input, shape=wanted)
    if input._storage.ours:
        return twins.as_theirs(input, out, ops.reshape, {"shape": wanted})
    return out


def reshaped(name: str, input: Tensor, args: tuple[Any, ...], given: Any) -> tuple[int, ...]:
    """The shape that `reshape` and `view` are asked for, with a −1 still in it.

    Args:
        name: the function, for errors.
        input: the tensor.
        args, given: what the user gave, by place or by keyword.

    Raises:
        RuntimeError: the number of elements differs.
    """
    wanted = sizes(name, args, given)
    known = math.prod(n for n in wanted if n != -1)
    fits = math.prod(input.shape) == known
    if -1 in wanted:
        fits = wanted.count(-1) == 1 and known > 0 and math.prod(input.shape) % known == 0
    if not fits or min(wanted, default=0) < -1:
        raise RuntimeError(
            f"{name}: shape {wanted} is invalid for input of shape {tuple(input.shape)} "
            f"({math.prod(input.shape)} elements)"
        )
    return wanted


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from start_dim to end_dim, both included, merged into one.

    Raises:
        RuntimeError: start_dim comes after end_dim.

    Example:
        >>> torch.zeros(8, 3, 4, 4).flatten(1).shape
        torch.Size([8, 48])
    """
    first, last = axis("flatten", input, start_dim), axis("flatten", input, end_dim)
    if first > last:
        raise RuntimeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    if not input.ndim:
        return input.reshape(1)
    if first == last:
        return input
    merged = math.prod(input.shape[first : last + 1])
    return input.reshape(*input.shape[:first], merged, *input.shape[last + 1 :])


def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension; a view if the input is contiguous."""
    return input.contiguous().reshape(input.numel())


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension split into several, whose sizes (one may be −1) multiply up to its own.

    Raises:
        RuntimeError: they do not, there are none, or the tensor has no dimensions.

    Example:
        >>> torch.zeros(2, 12).unflatten(1, (3, -1)).shape
        torch.Size([2, 3, 4])
    """
    if not len(sizes):
        raise RuntimeError("unflatten: sizes must not be empty")
    at, new = axis("unflatten", input, dim), list(sizes)
    if not input.ndim:
        raise RuntimeError("unflatten: the tensor has no dimensions")
    known = math.prod(n for n in new if n != -1)
    if new.count(-1) == 1 and known:  # counted here: the other dimensions may be empty
        new[new.index(-1)] = input.shape[at] // known
    if math.prod(new) != input.shape[at] or -1 in new:
        raise RuntimeError(
            f"unflatten: sizes {tuple(sizes)} do not multiply up to the size of dim {dim} "
            f"({input.shape[at]}) in a tensor of shape {tuple(input.shape)}"
        )
    return input.reshape(*input.shape[:at], *new, *input.shape[at + 1 :])


def permute(input: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """The dimensions in another order, as a view: dimension i of the result is dims[i] of input.

    Raises:
        RuntimeError: not each dimension once.

    Example:
        >>> torch.zeros(2, 3, 4).permute(2, 0, 1).shape
        torch.Size([4, 2, 3])
    """
    order = sizes("permute", order, dims)
    if len(order) != input.ndim:
        raise RuntimeError(f"permute: {len(order)} dims given for a tensor of {input.ndim}")
    return with_axes(input, named_axes("permute", input, order))


def with_axes(input: Tensor, order: tuple[int, ...]) -> Tensor:
    """`permute` to an order that is known to name each dimension once, from 0 on."""
    return apply_to_view(ops.transpose, input, axes=order)


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged.

    Example:
        >>> torch.arange(6).reshape(2, 3).transpose(0, 1)
        tensor([[0, 3],
                [1, 4],
                [2, 5]])
    """
    order = list(range(input.ndim))
    a, b = axis("transpose", input, dim0), axis("transpose", input, dim1)
    if input.ndim:
        order[a], order[b] = order[b], order[a]
    return apply_to_view(ops.transpose, input, axes=tuple(order))


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """Two dimensions exchanged."""
    return transpose(input, axis0, axis1)


def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged."""
    return transpose(input, dim0, dim1)


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """One dimension, or several, moved to other places; the rest keep their order.

    Raises:
        RuntimeError: not as many places as dimensions.

    Example:
        >>> torch.zeros(2, 3, 4).movedim(0, -1).shape
        torch.Size([3, 4, 2])
    """
    old, new = named_axes("movedim", input, source), named_axes("movedim", input, destination)
    if len(old) != len(new):
        raise RuntimeError(
            f"movedim: source {source} and destination {destination} must name as many dims"
        )
    if not input.ndim:
        return apply_to_view(ops.transpose, input, axes=())
    rest = iter(d for d in range(input.ndim) if d not in old)
    moved = dict(zip(new, old, strict=True))
    order = tuple(moved[d] if d in moved else next(rest) for d in range(input.ndim))
    return apply_to_view(ops.transpose, input, axes=order)


moveaxis = movedim


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; a vector, or a 0-d tensor, as it is.

    Raises:
        RuntimeError: more than two dimensions.
    """
    if input.ndim > 2:
        raise RuntimeError(f"t: expects a tensor with <= 2 dimensions, but input is {input.ndim}D")
    return with_axes(input, tuple(range(input.ndim))[::-1])


def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """A view without the dimensions of size 1; given dim, only those of them that it names.

    Example:
        >>> torch.zeros(1, 3, 1).squeeze().shape
        torch.Size([3])
        >>> torch.zeros(1, 3, 1).squeeze(0).shape
        torch.Size([3, 1])
    """
    where = range(input.ndim) if dim is None else named_axes("squeeze", input, dim)
    kept = (n for a, n in enumerate(input.shape) if a not in where or n != 1)
    out = apply_to_view(ops.reshape, input, shape=tuple(kept))
    form = 0 if dim is None else 1 if isinstance(dim, int) else 2
    return called(out, f"SqueezeBackward{form}")


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view with a new dimension of size 1 before dimension `dim` (−1: at the end).

    Example:
        >>> torch.zeros(3).unsqueeze(0).shape
        torch.Size([1, 3])
    """
    at = axis("unsqueeze", input, dim, extra=1)
    out = apply_to_view(ops.reshape, input, shape=(*input.shape[:at], 1, *input.shape[at:]))
    return called(out, "Unsqueeze")


def flip(input: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """A copy in which some dimensions run backwards.

    Example:
        >>> torch.arange(4).flip(0)
        tensor([3, 2, 1, 0])
    """
    where = named_axes("flip", input, sizes("flip", order, dims))
    return apply(ops.flip, input, axis=where if input.ndim else ())


def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """A range of one dimension, as a view; a negative start counts from the end.

    Raises:
        IndexError: the start is out of range.
        RuntimeError: the range is not within the dimension, or there is none.

    Example:
        >>> torch.arange(6).narrow(0, 2, 3)
        tensor([2, 3, 4])
    """
    _need_dims("narrow", input)
    if isinstance(start, bool):
        raise TypeError("narrow: start must be an int, but got bool")
    if isinstance(start, TensorBase) and (start.ndim or start.dtype.kind not in "iu"):
        raise RuntimeError(
            f"narrow: a tensor start must be 0-d and of integers, but is {start.dtype} of shape "
            f"{tuple(start.shape)}"
        )
    at, start = axis("narrow", input, dim), index(start)
    n = input.shape[at]
    if length < 0:
        raise RuntimeError(f"narrow: length must be non-negative, but got {length}")
    if not -n <= start <= n:
        raise IndexError(f"narrow: start {start} is out of range for dimension {dim} of size {n}")
    start += n if start < 0 else 0
    if start + length > n:
        raise RuntimeError(
            f"narrow: start {start} and length {length} exceed dimension {dim} of size {n}"
        )
    spec = (slice(None),) * at + (slice(start, start + length),)
    return apply(ops.getitem, input, spec=spec)


def narrow_copy(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`narrow` as a copy."""
    return narrow(input, dim, start, length).clone()


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """A view of one position of a dimension, without that dimension: x[:, index] for dim 1.

    Raises:
        IndexError: no such dimension or position.
    """
    if not input.ndim:
        raise IndexError("select: cannot be applied to a 0-d tensor")
    at = axis("select", input, dim)
    n = input.shape[at]
    if not -n <= index < n:
        raise IndexError(f"select: index {index} is out of range for dimension {dim} of size {n}")
    return apply(ops.getitem, input, spec=(*(slice(None),) * at, index, ...))


def split(
    tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Views of consecutive ranges of a dimension.

    Args:
        tensor: at least one dimension.
        split_size_or_sections: the size of each range (the last may be smaller), or a list of
            their sizes.
        dim: the dimension.

    Raises:
        RuntimeError: a size that is not positive, or sizes whose sum is not the dimension's.

    Example:
        >>> [part.tolist() for part in torch.arange(5).split(2)]
        [[0, 1], [2, 3], [4]]
    """
    return parts(tensor, split_size_or_sections, dim)


def parts(input: Tensor, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """`split`, as the method: PyTorch calls its argument `split_size` there."""
    _need_dims("split", input)
    if isinstance(split_size, bool):
        raise TypeError("split: split_size must be an int, but got bool")
    if isinstance(split_size, SupportsIndex) and index(split_size) < 0:
        raise RuntimeError(f"split: split_size must be positive, but got {split_size}")
    at = axis("split", input, dim)
    n = input.shape[at]
    if isinstance(split_size, SupportsIndex):
        size = index(split_size)
        if size == 0 and n:
            raise RuntimeError(f"split: split_size must be positive, but got {size}")
        lengths = [min(size, n - s) for s in range(0, n, size)] if n else [0]
    else:
        lengths = [whole("split", "split_size", size) for size in split_size]
        if min(lengths, default=0) < 0:
            raise RuntimeError(f"split: sizes must be non-negative, but got {lengths}")
        if sum(lengths) != n:
            raise RuntimeError(f"split: sizes {lengths} must sum to {n}, the size of dim {dim}")
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    return tuple(input.narrow(at, s, k) for s, k in zip(starts, lengths, strict=True))


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive ranges of ⌈n / chunks⌉ positions of a dimension of size n.

    The last may be smaller, and there may be fewer of them than chunks.

    Raises:
        RuntimeError: chunks is not positive, or the tensor has no dimensions.

    Example:
        >>> [part.tolist() for part in torch.arange(6).chunk(3)]
        [[0, 1], [2, 3], [4, 5]]
    """
    _need_dims("chunk", input)
    chunks = whole("chunk", "chunks", chunks)
    if chunks <= 0:
        raise RuntimeError(f"chunk: chunks must be positive, but got {chunks}")
    n = input.shape[axis("chunk", input, dim)]
    return input.split(-(-n // chunks) if n else [0] * chunks, dim)


def tensor_split(
    input: Tensor,
    indices_or_sections: Any = None,
    dim: int = 0,
    *,
    sections: int | None = None,
    indices: Any = None,
) -> tuple[Tensor, ...]:
    """Views of consecutive ranges of a dimension.

    Args:
        input: at least one dimension.
        indices_or_sections: a number of ranges, whose sizes differ by at most 1; or the indices
            at which a new range begins; either may be a tensor of int64.
        dim: the dimension.
        sections, indices: the same by keyword.

    Raises:
        RuntimeError: a number that is not positive, or a tensor without dimensions.

    Example:
        >>> [part.tolist() for part in torch.arange(5).tensor_split(2)]
        [[0, 1, 2], [3, 4]]
        >>> [part.tolist() for part in torch.arange(5).tensor_split([1, 3])]
        [[0], [1, 2], [3, 4]]
    """
    for given in (sections, indices):
        indices_or_sections = given if indices_or_sections is None else indices_or_sections
    _need_dims("tensor_split", input)
    at, parts = axis("tensor_split", input, dim), indices_or_sections
    if isinstance(parts, TensorBase):
        if parts.ndim > 1 or parts.dtype.name != "int64":
            raise RuntimeError(
                f"tensor_split: a tensor of indices must be int64 and of at most 1 dimension, but "
                f"is {parts.dtype} of shape {tuple(parts.shape)}"
            )
        parts = parts.tolist()
    n = input.shape[at]
    if isinstance(parts, SupportsIndex):
        count = index(parts)
        if count <= 0:
            raise RuntimeError(f"tensor_split: sections must be positive, but got {count}")
        lengths = [n // count + (i < n % count) for i in range(count)]
        stops = [sum(lengths[: i + 1]) for i in range(count)]
    else:
        stops = [*(index(i) for i in parts), n]
    ranges = zip([0, *stops[:-1]], stops, strict=True)
    before = (slice(None),) * at
    return tuple(apply(ops.getitem, input, spec=(*before, slice(a, b))) for a, b in ranges)


def _need_dims(name: str, input: Tensor) -> None:
    if not input.ndim:
        raise RuntimeError(f"{name}: expects at least a 1-dimensional tensor, but got a 0-d one")


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """A view of each position of a dimension, without that dimension.

    Raises:
        IndexError: the tensor has no dimensions.

    Example:
        >>> torch.tensor([[1, 2], [3, 4]]).unbind(1)
        (tensor([1, 3]), tensor([2, 4]))
    """
    at = axis("unbind", input, dim)
    if not input.ndim:
        raise IndexError("unbind: cannot be applied to a 0-d tensor")
    return tuple(input.select(at, i) for i in range(input.shape[at]))


if not TYPE_CHECKING:
    __all__ = [
        n for n in public(globals()) if n not in ("narrow_copy", "parts", "reshaped", "with_axes")
    ]
