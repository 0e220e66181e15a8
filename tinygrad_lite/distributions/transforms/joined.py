"""Transforms of parts: each of several transforms has its own part of a dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...tensor import Tensor
from ...tensor.concatenate import cat, stack
from .. import constraints
from ..utils import sum_rightmost
from .base import Transform

__all__ = ["CatTransform", "StackTransform"]


class _Joined(Transform):
    """Several transforms, the first for the first part, and so on."""

    dim: int

    def __init__(self, tseq: Sequence[Transform], cache_size: int) -> None:
        super().__init__(cache_size)
        if not all(isinstance(t, Transform) for t in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        self.transforms = [t.with_cache(cache_size) for t in tseq] if cache_size else list(tseq)

    def _parts(self, x: Tensor) -> Sequence[Tensor]:
        """The parts of a tensor, one for each transform.

        Raises:
            AssertionError: it has more or less, as in PyTorch.
        """
        raise NotImplementedError

    def _join(self, parts: list[Tensor]) -> Tensor:
        raise NotImplementedError

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        """Whether all are."""
        return all(t.bijective for t in self.transforms)

    def _of_parts(self, x: Tensor, size: int) -> None:
        if not -x.ndim <= self.dim < x.ndim or x.shape[self.dim] != size:
            raise AssertionError(
                f"{type(self).__name__}: expected {size} elements along dimension {self.dim}, but "
                f"the shape is {tuple(x.shape)}"
            )

    def _call(self, x: Tensor) -> Tensor:
        parts = zip(self.transforms, self._parts(x), strict=True)
        return self._join([transform(part) for transform, part in parts])

    def _inverse(self, y: Tensor) -> Tensor:
        parts = zip(self.transforms, self._parts(y), strict=True)
        return self._join([transform.inv(part) for transform, part in parts])

    def _slopes(self, x: Tensor, y: Tensor) -> list[Tensor]:
        """log |dy/dx| of each part."""
        parts = zip(self.transforms, self._parts(x), self._parts(y), strict=True)
        return [transform.log_abs_det_jacobian(a, b) for transform, a, b in parts]


class CatTransform(_Joined):
    """Transforms of parts of a dimension, whose lengths are given.

    Args:
        tseq: the transforms.
        dim: the dimension.
        lengths: how many elements are each one's; default: 1.
        cache_size: see `Transform`.

    Raises:
        AssertionError: something else than transforms, or not as many lengths, as in PyTorch.
    """

    _arguments = ("transforms", "dim", "lengths")

    def __init__(
        self,
        tseq: Sequence[Transform],
        dim: int = 0,
        lengths: Sequence[int] | None = None,
        cache_size: int = 0,
    ) -> None:
        super().__init__(tseq, cache_size)
        self.dim = dim
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(
                f"CatTransform: {len(self.lengths)} lengths for {len(self.transforms)} transforms"
            )

    @property
    def length(self) -> int:
        """How many elements the dimension has."""
        return sum(self.lengths)

    @property
    def event_dim(self) -> int:
        """The most dimensions of an event of any."""
        return max(t.event_dim for t in self.transforms)

    @property
    def domain(self) -> Any:
        """The parts' domains."""
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @property
    def codomain(self) -> Any:
        """The parts' codomains."""
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)

    def _parts(self, x: Tensor) -> Sequence[Tensor]:
        self._of_parts(x, self.length)
        return x.split(self.lengths, self.dim)

    def _join(self, parts: list[Tensor]) -> Tensor:
        return cat(parts, self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The parts' beside each other; their sum, if the dimension is one of an event's."""
        n = self.event_dim
        found = [
            sum_rightmost(slope, n - transform.event_dim)
            for slope, transform in zip(self._slopes(x, y), self.transforms, strict=True)
        ]
        dim = (self.dim - x.ndim if self.dim >= 0 else self.dim) + n
        if dim < 0:
            return cat(found, dim)
        return sum(found[1:], found[0])


class StackTransform(_Joined):
    """Transforms of the elements along a dimension.

    Args:
        tseq: the transforms.
        dim: the dimension.
        cache_size: see `Transform`.

    Raises:
        AssertionError: something else than transforms, as in PyTorch.
    """

    _arguments = ("transforms", "dim")

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(tseq, cache_size)
        self.dim = dim

    @property
    def domain(self) -> Any:
        """The parts' domains."""
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @property
    def codomain(self) -> Any:
        """The parts' codomains."""
        return constraints.stack([t.codomain for t in self.transforms], self.dim)

    def _parts(self, x: Tensor) -> Sequence[Tensor]:
        self._of_parts(x, len(self.transforms))
        return x.unbind(self.dim)

    def _join(self, parts: list[Tensor]) -> Tensor:
        return stack(parts, self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The parts', along the dimension."""
        return stack(self._slopes(x, y), self.dim)
