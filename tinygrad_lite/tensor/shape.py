"""Functions that move elements of one tensor and compute nothing; `join` has those of several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..ops import shape as ops
from .apply import apply
from .dims import axes, axis, sizes
from .operation import public

if TYPE_CHECKING:
    from .tensor import Tensor


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape; one size may be −1. A view where possible.

    Raises:
        RuntimeError: the number of elements differs.
    """
    wanted = sizes("reshape", shape)
    known = math.prod(n for n in wanted if n != -1)
    fits = math.prod(input.shape) == known
    if -1 in wanted:
        fits = wanted.count(-1) == 1 and known > 0 and math.prod(input.shape) % known == 0
    if not fits or min(wanted, default=0) < -1:
        raise RuntimeError(
            f"reshape: shape {wanted} is invalid for input of shape {tuple(input.shape)} "
            f"({math.prod(input.shape)} elements)"
        )
    return apply(ops.reshape, input, shape=wanted)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from start to end as one."""
    first, last = axis("flatten", input, start_dim), axis("flatten", input, end_dim)
    if first > last:
        raise RuntimeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    if not input.ndim:
        return input.reshape(1)
    merged = math.prod(input.shape[first : last + 1])
    return input.reshape(*input.shape[:first], merged, *input.shape[last + 1 :])


def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension."""
    return input.reshape(-1) if input.numel() else input.reshape(0)


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension as several."""
    at, new = axis("unflatten", input, dim), list(sizes)
    known = math.prod(n for n in new if n != -1)
    if new.count(-1) == 1 and known:  # counted here: the other dimensions may be empty
        new[new.index(-1)] = input.shape[at] // known
    if math.prod(new) != input.shape[at] or -1 in new:
        raise RuntimeError(
            f"unflatten: sizes {tuple(sizes)} do not multiply up to the size of dim {dim} "
            f"({input.shape[at]}) in a tensor of shape {tuple(input.shape)}"
        )
    return input.reshape(*input.shape[:at], *new, *input.shape[at + 1 :])


def permute(input: Tensor, *dims: Any) -> Tensor:
    """The dimensions in another order."""
    order = axes("permute", input, sizes("permute", dims) or None)
    if len(order) != input.ndim:
        raise RuntimeError(f"permute: {len(order)} dims given for a tensor of {input.ndim}")
    return apply(ops.transpose, input, axes=order)


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged."""
    order = list(range(input.ndim))
    a, b = axis("transpose", input, dim0), axis("transpose", input, dim1)
    if input.ndim:
        order[a], order[b] = order[b], order[a]
    return apply(ops.transpose, input, axes=tuple(order))


swapaxes = transpose


def movedim(input: Tensor, source: int, destination: int) -> Tensor:
    """One dimension moved to another place."""
    a, b = axis("movedim", input, source), axis("movedim", input, destination)
    order = [d for d in range(input.ndim) if d != a]
    order.insert(b, a)
    return apply(ops.transpose, input, axes=tuple(order))


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; vectors and numbers as they are."""
    if input.ndim > 2:
        raise RuntimeError(f"t: expects a tensor with <= 2 dimensions, but input is {input.ndim}D")
    return apply(ops.transpose, input, axes=tuple(reversed(range(input.ndim))))


def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Without its dimensions of size 1, or without those named if their size is 1."""
    where = axes("squeeze", input, dim)
    kept = (n for a, n in enumerate(input.shape) if a not in where or n != 1)
    return apply(ops.reshape, input, shape=tuple(kept))


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a dimension of size 1 put in at a place."""
    at = axis("unsqueeze", input, dim, extra=1)
    return apply(ops.reshape, input, shape=(*input.shape[:at], 1, *input.shape[at:]))


def flip(input: Tensor, *dims: Any) -> Tensor:
    """Some dimensions reversed (a copy)."""
    return apply(ops.flip, input, axis=axes("flip", input, sizes("flip", dims)))


def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """A range of one dimension, as a view."""
    at = axis("narrow", input, dim)
    if not 0 <= start <= start + length <= input.shape[at]:
        raise RuntimeError(
            f"narrow: start {start} and length {length} exceed dimension {dim} of size "
            f"{input.shape[at]}"
        )
    index = (slice(None),) * at + (slice(start, start + length),)
    return apply(ops.getitem, input, spec=index)


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """One position of a dimension, which goes away."""
    return input[(slice(None),) * axis("select", input, dim) + (index,)]


def split(input: Tensor, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive ranges of a dimension, of one size or of given sizes."""
    at = axis("split", input, dim)
    n = input.shape[at]
    if isinstance(split_size, int):
        if split_size <= 0:
            raise RuntimeError(f"split: split_size must be positive, but got {split_size}")
        lengths = [min(split_size, n - s) for s in range(0, max(n, 1), split_size)]
    else:
        lengths = list(split_size)
        if sum(lengths) != n:
            raise RuntimeError(f"split: sizes {lengths} must sum to {n}, the size of dim {dim}")
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    return tuple(input.narrow(at, s, k) for s, k in zip(starts, lengths, strict=True))


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` views of equal size (the last may be smaller)."""
    if chunks <= 0:
        raise RuntimeError(f"chunk: chunks must be positive, but got {chunks}")
    n = input.shape[axis("chunk", input, dim)]
    return input.split(max(-(-n // chunks), 1), dim)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """A view of each position of a dimension."""
    at = axis("unbind", input, dim)
    return tuple(input.select(at, i) for i in range(input.shape[at]))


def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """out[i, j, …] = input[i, index[i, j, …], …] for dim 1, and so on; index int64."""
    at = axis("gather", input, dim)
    try:
        return apply(ops.gather, input, index, axis=at)
    except IndexError as error:
        raise RuntimeError(str(error)) from None


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The positions `index` (1-D, integers) of a dimension, in that order."""
    return input[(slice(None),) * axis("index_select", input, dim) + (index,)]


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where a mask of the same shape is True, in one dimension."""
    return input[mask.expand(input.shape)]


if not TYPE_CHECKING:
    __all__ = public(globals())
