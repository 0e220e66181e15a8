"""Methods that move elements: shapes, indexing, joining is in `_functions`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..backend import is_array, namespace, numpy, to_host
from ..ops import shape as ops
from ._base import TensorBase, apply, new
from ._dims import axes, axis, sizes
from ._elementwise import Elementwise

if TYPE_CHECKING:
    from . import Tensor


class Shape(Elementwise):
    """What changes the shape or picks elements, and computes nothing."""

    __slots__ = ()

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        return self.shape if dim is None else self.shape[axis("size", self, dim)]

    def dim(self) -> int:
        """The number of dimensions."""
        return self.ndim

    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in another shape; one size may be −1. A view where possible.

        Raises:
            RuntimeError: the number of elements differs.
        """
        wanted = sizes("reshape", shape)
        known = math.prod(n for n in wanted if n != -1)
        fits = math.prod(self.shape) == known
        if -1 in wanted:
            fits = wanted.count(-1) == 1 and known > 0 and math.prod(self.shape) % known == 0
        if not fits or min(wanted, default=0) < -1:
            raise RuntimeError(
                f"reshape: shape {wanted} is invalid for input of shape {self.shape} "
                f"({math.prod(self.shape)} elements)"
            )
        return apply(ops.reshape, self, shape=wanted)

    def view(self, *shape: Any) -> Tensor:
        """`reshape`, or a cast if a dtype is given."""
        return self.reshape(*shape)

    def reshape_as(self, other: Tensor) -> Tensor:
        """The same elements in another tensor's shape."""
        return self.reshape(other.shape)

    view_as = reshape_as

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """The dimensions from start to end as one."""
        first, last = axis("flatten", self, start_dim), axis("flatten", self, end_dim)
        if first > last:
            raise RuntimeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
        if not self.ndim:
            return self.reshape(1)
        merged = math.prod(self.shape[first : last + 1])
        return self.reshape(*self.shape[:first], merged, *self.shape[last + 1 :])

    def ravel(self) -> Tensor:
        """All elements in one dimension."""
        return self.reshape(-1) if self.numel() else self.reshape(0)

    def unflatten(self, dim: int, sizes: Sequence[int]) -> Tensor:
        """One dimension as several."""
        at, new = axis("unflatten", self, dim), list(sizes)
        known = math.prod(n for n in new if n != -1)
        if new.count(-1) == 1 and known:  # counted here: the other dimensions may be empty
            new[new.index(-1)] = self.shape[at] // known
        if math.prod(new) != self.shape[at] or -1 in new:
            raise RuntimeError(
                f"unflatten: sizes {tuple(sizes)} do not multiply up to the size of dim {dim} "
                f"({self.shape[at]}) in a tensor of shape {self.shape}"
            )
        return self.reshape(*self.shape[:at], *new, *self.shape[at + 1 :])

    def permute(self, *dims: Any) -> Tensor:
        """The dimensions in another order."""
        order = axes("permute", self, sizes("permute", dims) or None)
        if len(order) != self.ndim:
            raise RuntimeError(f"permute: {len(order)} dims given for a tensor of {self.ndim}")
        return apply(ops.transpose, self, axes=order)

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """Two dimensions exchanged."""
        order = list(range(self.ndim))
        a, b = axis("transpose", self, dim0), axis("transpose", self, dim1)
        if self.ndim:
            order[a], order[b] = order[b], order[a]
        return apply(ops.transpose, self, axes=tuple(order))

    swapaxes = transpose

    def movedim(self, source: int, destination: int) -> Tensor:
        """One dimension moved to another place."""
        a, b = axis("movedim", self, source), axis("movedim", self, destination)
        order = [d for d in range(self.ndim) if d != a]
        order.insert(b, a)
        return apply(ops.transpose, self, axes=tuple(order))

    def t(self) -> Tensor:
        """The transpose of a matrix; vectors and numbers as they are."""
        if self.ndim > 2:
            raise RuntimeError(
                f"t: expects a tensor with <= 2 dimensions, but self is {self.ndim}D"
            )
        return apply(ops.transpose, self, axes=tuple(reversed(range(self.ndim))))

    @property
    def T(self) -> Tensor:
        """All dimensions reversed."""
        return apply(ops.transpose, self, axes=tuple(reversed(range(self.ndim))))

    @property
    def mT(self) -> Tensor:
        """The last two dimensions exchanged."""
        if self.ndim < 2:
            raise RuntimeError(f"mT: needs at least 2 dimensions, but the shape is {self.shape}")
        return self.transpose(-2, -1)

    def squeeze(self, dim: int | Sequence[int] | None = None) -> Tensor:
        """Without its dimensions of size 1, or without those named if their size is 1."""
        where = axes("squeeze", self, dim)
        kept = (n for a, n in enumerate(self.shape) if a not in where or n != 1)
        return apply(ops.reshape, self, shape=tuple(kept))

    def unsqueeze(self, dim: int) -> Tensor:
        """With a dimension of size 1 put in at a place."""
        at = axis("unsqueeze", self, dim, extra=1)
        return apply(ops.reshape, self, shape=(*self.shape[:at], 1, *self.shape[at:]))

    def expand(self, *shape: Any) -> Tensor:
        """Broadcast to a shape, without copying; −1 keeps a size.

        Raises:
            RuntimeError: the shape does not broadcast.
        """
        wanted = sizes("expand", shape)
        own = (1,) * (len(wanted) - self.ndim) + self.shape
        full = tuple(n if w == -1 else w for w, n in zip(wanted, own, strict=False))
        if len(own) != len(wanted) or any(n not in (1, w) for w, n in zip(full, own, strict=True)):
            raise RuntimeError(f"expand: shape {self.shape} does not broadcast to {wanted}")
        return apply(ops.expand, self, shape=full)

    broadcast_to = expand

    def expand_as(self, other: Tensor) -> Tensor:
        """Broadcast to another tensor's shape."""
        return self.expand(other.shape)

    def repeat(self, *repeats: Any) -> Tensor:
        """The tensor tiled: `repeats[i]` copies along dimension i."""
        counts = sizes("repeat", repeats)
        if len(counts) < self.ndim:
            raise RuntimeError(f"repeat: {len(counts)} repeats for a tensor of {self.ndim} dims")
        own = (1,) * (len(counts) - self.ndim) + self.shape
        paired = tuple(n for c, s in zip(counts, own, strict=True) for n in (c, s))
        spread = self.reshape(tuple(n for s in own for n in (1, s))).expand(paired)
        return spread.reshape(tuple(c * s for c, s in zip(counts, own, strict=True)))

    def flip(self, *dims: Any) -> Tensor:
        """Some dimensions reversed (a copy)."""
        return apply(ops.flip, self, axis=axes("flip", self, sizes("flip", dims)))

    def contiguous(self) -> Tensor:
        """Itself if its memory is in row-major order, else a copy that is."""
        if self.array.flags.c_contiguous:
            return self  # type: ignore[return-value]
        return apply(ops.contiguous, self)

    def is_contiguous(self) -> bool:
        """Whether the memory is in row-major order."""
        return bool(self.array.flags.c_contiguous)

    def narrow(self, dim: int, start: int, length: int) -> Tensor:
        """A range of one dimension, as a view."""
        at = axis("narrow", self, dim)
        if not 0 <= start <= start + length <= self.shape[at]:
            raise RuntimeError(
                f"narrow: start {start} and length {length} exceed dimension {dim} of size "
                f"{self.shape[at]}"
            )
        index = (slice(None),) * at + (slice(start, start + length),)
        return apply(ops.getitem, self, spec=index)

    def select(self, dim: int, index: int) -> Tensor:
        """One position of a dimension, which goes away."""
        return self[(slice(None),) * axis("select", self, dim) + (index,)]

    def split(self, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
        """Views of consecutive ranges of a dimension, of one size or of given sizes."""
        at = axis("split", self, dim)
        n = self.shape[at]
        if isinstance(split_size, int):
            if split_size <= 0:
                raise RuntimeError(f"split: split_size must be positive, but got {split_size}")
            lengths = [min(split_size, n - s) for s in range(0, max(n, 1), split_size)]
        else:
            lengths = list(split_size)
            if sum(lengths) != n:
                raise RuntimeError(f"split: sizes {lengths} must sum to {n}, the size of dim {dim}")
        starts = [sum(lengths[:i]) for i in range(len(lengths))]
        return tuple(self.narrow(at, s, k) for s, k in zip(starts, lengths, strict=True))

    def chunk(self, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
        """At most `chunks` views of equal size (the last may be smaller)."""
        if chunks <= 0:
            raise RuntimeError(f"chunk: chunks must be positive, but got {chunks}")
        n = self.shape[axis("chunk", self, dim)]
        return self.split(max(-(-n // chunks), 1), dim)

    def unbind(self, dim: int = 0) -> tuple[Tensor, ...]:
        """A view of each position of a dimension."""
        at = axis("unbind", self, dim)
        return tuple(self.select(at, i) for i in range(self.shape[at]))

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __getitem__(self, index: Any) -> Tensor:
        spec, indices = ops.split(prepare_index(self, index))
        return apply(ops.getitem, self, *indices, spec=spec)

    def gather(self, dim: int, index: Tensor) -> Tensor:
        """out[i, j, …] = self[i, index[i, j, …], …] for dim 1, and so on; index int64."""
        at = axis("gather", self, dim)
        try:
            return apply(ops.gather, self, index, axis=at)
        except IndexError as error:
            raise RuntimeError(str(error)) from None

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """The positions `index` (1-D, integers) of a dimension, in that order."""
        return self[(slice(None),) * axis("index_select", self, dim) + (index,)]

    def masked_select(self, mask: Tensor) -> Tensor:
        """The elements where a mask of the same shape is True, in one dimension."""
        return self[mask.expand(self.shape)]


def prepare_index(x: TensorBase, index: Any) -> Any:
    """A user's index with lists and arrays as tensors on x's device.

    Raises:
        IndexError: a float tensor, or too many indices.
    """
    parts = index if isinstance(index, tuple) else (index,)
    xp = namespace(x.array)

    def part(i: Any) -> Any:
        if isinstance(i, list | range):
            i = numpy.asarray(i, dtype=None if len(i) else "int64")
        if is_array(i):
            i = new(xp.array(to_host(i)))  # a copy, that no one can change
        elif isinstance(i, TensorBase) and type(i.array) is not type(x.array):
            i = new(xp.asarray(to_host(i.array)))
        if isinstance(i, TensorBase) and i.dtype.kind not in "iub":
            raise IndexError(
                f"getitem: tensors used as indices must be integers or bools, not {i.dtype}"
            )
        return i

    found = tuple(part(i) for i in parts)
    # With an ellipsis NumPy gives a view also of a single element.
    return found if any(i is Ellipsis for i in found) else (*found, ...)
