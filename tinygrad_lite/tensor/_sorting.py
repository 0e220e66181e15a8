"""Order, counts and places: `sort`, `topk`, `unique`, `nonzero`, `scatter_` and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import namespace
from ..graph import mode
from ..ops import shape as shape_ops
from ._base import TensorBase, apply, new
from ._dims import axis, sizes
from ._inplace import InPlace
from ._reduce import ValuesIndices

if TYPE_CHECKING:
    from . import Tensor


class Sorting(InPlace):
    """Methods that order elements, count them, or write to listed places."""

    __slots__ = ()

    def argsort(self, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
        """The indices (int64) that sort along a dimension; equal elements keep their order."""
        at = axis("argsort", self, dim)
        xp = namespace(self.array)
        if self.ndim == 0:
            return new(xp.zeros((), dtype="int64"))
        array = xp.flip(self.array, at) if descending else self.array
        order = xp.argsort(array, at)
        if descending:
            order = self.shape[at] - 1 - xp.flip(order, at)
        return new(xp.ascontiguousarray(order))

    def sort(self, dim: int = -1, descending: bool = False, stable: bool = True) -> ValuesIndices:
        """The elements in order along a dimension, and where they were."""
        indices = self.argsort(dim, descending)
        if self.ndim == 0:
            return ValuesIndices(self.clone(), indices)
        values = apply(shape_ops.gather, self, indices, axis=axis("sort", self, dim))
        return ValuesIndices(values, indices)

    def topk(
        self, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
    ) -> ValuesIndices:
        """The k largest (or smallest) elements along a dimension in order, and where they were.

        Raises:
            RuntimeError: k is negative, or above the dimension's size.
        """
        at = axis("topk", self, dim)
        if not 0 <= k <= (self.shape[at] if self.ndim else 1):
            raise RuntimeError(f"topk: k={k} is out of range for dim {dim} of shape {self.shape}")
        if self.ndim == 0:
            return self.sort()
        indices = self.argsort(at, largest).narrow(at, 0, k).contiguous()
        return ValuesIndices(apply(shape_ops.gather, self, indices, axis=at), indices)

    def nonzero(self, as_tuple: bool = False) -> Any:
        """The places of what is not 0: int64 (count, dimensions), or a tensor per dimension."""
        xp = namespace(self.array)
        if self.ndim == 0:
            places = (xp.zeros(int(bool(self.array)), dtype="int64"),)
            return (new(places[0]),) if as_tuple else new(places[0].reshape(-1, 1)[:, :0])
        places = xp.nonzero(self.array)
        return tuple(new(p) for p in places) if as_tuple else new(xp.stack(places, axis=1))

    def unique(
        self, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False
    ) -> Any:
        """The different elements in order; and where each element went, and how many there are."""
        found = namespace(self.array).unique(
            self.array.reshape(-1), return_inverse=return_inverse, return_counts=return_counts
        )
        if not (return_inverse or return_counts):
            return new(found)
        parts = [new(part) for part in found]
        if return_inverse:
            parts[1] = parts[1].reshape(self.shape)
        return tuple(parts)

    def bincount(self, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
        """How often 0, 1, 2, … occur in a 1-D tensor of integers, or the sums of their weights.

        Raises:
            RuntimeError: not 1-D, not integers, or negative ones.
        """
        if self.ndim != 1 or self.dtype.kind not in "iu":
            raise RuntimeError(
                f"bincount: expected 1-D integers, but got shape {self.shape} of {self.dtype}"
            )
        xp = namespace(self.array)
        try:
            masses = None if weights is None else weights.array
            found = xp.bincount(self.array, masses, minlength=minlength)
        except ValueError as error:
            raise RuntimeError(f"bincount: {error}") from None
        return new(found)

    def scatter_(self, dim: int, index: Tensor, src: Any) -> Tensor:
        """Write a number, or src's elements, at self[i, index[i, j, …], …] for dim 1, and so on.

        Raises:
            RuntimeError: a gradient would be needed, an index out of range, or sizes that do
                not fit.
        """
        at = axis("scatter_", self, dim)
        own = isinstance(src, TensorBase)
        if mode.grad and (self.requires_grad or (own and src.requires_grad)):
            self._check_may_record("scatter_")
            raise RuntimeError("scatter_: gradients are not supported; use it under no_grad()")
        shape = index.shape
        fits = index.ndim == self.ndim > 0 and not (own and src.ndim != self.ndim)
        others = [
            n <= m for d, (n, m) in enumerate(zip(shape, self.shape, strict=False)) if d != at
        ]
        if not fits or not all(others) or (own and any(map(int.__gt__, shape, src.shape))):
            raise RuntimeError(
                f"scatter_: an index of shape {shape} does not fit a tensor of shape {self.shape}"
            )
        xp = namespace(self.array)
        if (
            index.numel()
            and not 0 <= int(index.array.min()) <= int(index.array.max()) < (self.shape[at])
        ):
            raise RuntimeError(f"scatter_: index out of range for size {self.shape[at]}")
        places = list(xp.meshgrid(*map(xp.arange, shape), indexing="ij", sparse=True))
        places[at] = index.array
        value = src.array[tuple(map(slice, shape))] if own else xp.asarray(src, dtype=self.dtype)
        self._write("scatter_", tuple(places), new(value))
        return self  # type: ignore[return-value]

    def diag(self, diagonal: int = 0) -> Tensor:
        """A matrix's diagonal (above the main one if positive); of a vector, a matrix with it.

        Raises:
            RuntimeError: neither a matrix nor a vector.
        """
        xp, up, down = namespace(self.array), max(diagonal, 0), max(-diagonal, 0)
        if self.ndim == 2:
            n = max(min(self.shape[0] - down, self.shape[1] - up), 0)
            return self[new(xp.arange(n) + down), new(xp.arange(n) + up)]
        if self.ndim != 1:
            raise RuntimeError(f"diag: expected 1 or 2 dimensions, but got shape {self.shape}")
        n, size = self.shape[0], self.shape[0] + abs(diagonal)
        if n == 0:
            return self.new_zeros(size, size)
        column = self[new(xp.arange(size).clip(down, down + n - 1) - down)].unsqueeze(1)
        mask = new(xp.eye(size, k=diagonal, dtype="bool"))
        return column.expand(size, size).where(mask, 0)

    def trace(self) -> Tensor:
        """The sum of a matrix's diagonal."""
        if self.ndim != 2:
            raise RuntimeError(f"trace: expected a matrix, but got shape {self.shape}")
        return self.diag().sum()

    def new_zeros(self, *size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
        """Zeros of a shape, with this tensor's dtype and device."""
        array = namespace(self.array).zeros(sizes("new_zeros", size), dtype=dtype or self.dtype)
        return new(array).requires_grad_(requires_grad)

    def new_ones(self, *size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
        """Ones of a shape, with this tensor's dtype and device."""
        array = namespace(self.array).ones(sizes("new_ones", size), dtype=dtype or self.dtype)
        return new(array).requires_grad_(requires_grad)

    @property
    def is_cuda(self) -> bool:
        """Whether the elements are on a GPU."""
        return self.device.type == "cuda"

    def nelement(self) -> int:
        """The number of elements."""
        return self.numel()

    def clamp_min(self, min: Any) -> Tensor:
        """At least min."""
        return self.clamp(min=min)

    def clamp_max(self, max: Any) -> Tensor:
        """At most max."""
        return self.clamp(max=max)
