"""What transforms are, their inverses, and several one after another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from ...tensor import Tensor
from ...tensor.create import zeros_like
from .. import constraints
from ..utils import sum_rightmost

__all__ = ["ComposeTransform", "IndependentTransform", "Transform", "identity_transform"]

Shape = tuple[int, ...]


class Transform:
    """Base class: y = f(x) with an inverse, and log |dy/dx|.

    Args:
        cache_size: 1 to remember the last x and y, so that the inverse of what was just computed
            is exact; 0 for not.

    Attributes:
        bijective: whether each y comes from one x.
        domain, codomain: what x and y satisfy.
        sign: whether f rises (1) or falls (−1), where each element has its own y.
    """

    bijective = False
    domain: Any = constraints.real
    codomain: Any = constraints.real
    _arguments: ClassVar[tuple[str, ...]] = ()  # what the constructor takes beside the cache's size

    def __init__(self, cache_size: int = 0) -> None:
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")
        self._cache_size = cache_size
        self._last: tuple[Any, Any] = (None, None)
        self._inv: Transform | None = None

    @property
    def event_dim(self) -> int:
        """How many of the last dimensions make one event.

        Raises:
            ValueError: of x and y not as many.
        """
        found: int = self.domain.event_dim
        if found != self.codomain.event_dim:
            raise ValueError("Please use either .domain.event_dim or .codomain.event_dim")
        return found

    @property
    def sign(self) -> Any:
        """Whether f rises (1) or falls (−1).

        Raises:
            NotImplementedError: elements have no y of their own.
        """
        raise NotImplementedError(f"{type(self).__name__} has no sign")

    @property
    def inv(self) -> Transform:
        """The inverse, a transform too, whose inverse this one is."""
        if self._inv is None:
            self._inv = _InverseTransform(self)
        return self._inv

    def with_cache(self, cache_size: int = 1) -> Transform:
        """This transform, or one like it with a cache of another size.

        Raises:
            NotImplementedError: of a class whose constructor takes arguments of its own.
        """
        if self._cache_size == cache_size:
            return self
        kind: Any = type(self)
        if not self._arguments and kind.__init__ is not Transform.__init__:
            raise NotImplementedError(f"{kind}.with_cache is not implemented")
        return kind(*(getattr(self, n) for n in self._arguments), cache_size=cache_size)  # type: ignore[no-any-return]

    def __call__(self, x: Tensor) -> Tensor:
        """f(x)."""
        if self._cache_size and x is self._last[0]:
            y: Tensor = self._last[1]
            return y
        y = self._call(x)
        if self._cache_size:
            self._last = x, y
        return y

    def _inverted(self, y: Tensor) -> Tensor:
        if self._cache_size and y is self._last[1]:
            x: Tensor = self._last[0]
            return x
        x = self._inverse(y)
        if self._cache_size:
            self._last = x, y
        return x

    def _call(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _inverse(self, y: Tensor) -> Tensor:
        raise NotImplementedError

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """log |dy/dx|."""
        raise NotImplementedError

    def forward_shape(self, shape: Shape) -> Shape:
        """The shape of y for that of x: the same, if nothing else is said."""
        return shape

    def inverse_shape(self, shape: Shape) -> Shape:
        """The shape of x for that of y."""
        return shape

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Alike(Transform):
    """A transform without arguments: all of one class are equal."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self))

    __hash__: Any = None


class Rising(Alike):
    """A bijective transform of each element, whose y rises with x."""

    bijective = True

    @property
    def sign(self) -> Any:
        """1."""
        return 1


class _InverseTransform(Transform):
    """f⁻¹ of a transform f."""

    def __init__(self, base: Transform) -> None:
        super().__init__(base._cache_size)
        self._base = self._inv = base

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        """Whether f is."""
        return self._base.bijective

    @property
    def domain(self) -> Any:
        """f's codomain."""
        return self._base.codomain

    @property
    def codomain(self) -> Any:
        """f's domain."""
        return self._base.domain

    @property
    def sign(self) -> Any:
        """That of f."""
        return self._base.sign

    def with_cache(self, cache_size: int = 1) -> Transform:
        """The inverse of f with such a cache."""
        return self._base.with_cache(cache_size).inv

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _InverseTransform) and self._base == other._base

    __hash__: Any = None

    def __call__(self, x: Tensor) -> Tensor:
        return self._base._inverted(x)

    def _inverted(self, y: Tensor) -> Tensor:
        return self._base(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """−log |f'(y)|."""
        return -self._base.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape: Shape) -> Shape:
        """That of f's x."""
        return self._base.inverse_shape(shape)

    def inverse_shape(self, shape: Shape) -> Shape:
        """That of f's y."""
        return self._base.forward_shape(shape)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._base!r})"


class ComposeTransform(Transform):
    """Several transforms, one after another, each with a cache of its own.

    Args:
        parts: the first one first.
        cache_size: see `Transform`.
    """

    _arguments = ("parts",)

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.parts = [part.with_cache(cache_size) for part in parts] if cache_size else list(parts)

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        """Whether all are."""
        return all(part.bijective for part in self.parts)

    @property
    def sign(self) -> Any:
        """The product of the parts'."""
        return math.prod(part.sign for part in self.parts)

    @property
    def domain(self) -> Any:
        """The first one's, of events as large as any part needs."""
        if not self.parts:
            return constraints.real
        steps = [(p.codomain.event_dim, p.domain.event_dim) for p in reversed(self.parts)]
        return _wide(self.parts[0].domain, steps)

    @property
    def codomain(self) -> Any:
        """The last one's, likewise."""
        if not self.parts:
            return constraints.real
        steps = [(p.domain.event_dim, p.codomain.event_dim) for p in self.parts]
        return _wide(self.parts[-1].codomain, steps)

    @property
    def inv(self) -> Transform:
        """The parts' inverses, the last one's first."""
        if self._inv is None:
            self._inv = ComposeTransform([part.inv for part in reversed(self.parts)])
            self._inv._inv = self
        return self._inv

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ComposeTransform) and self.parts == other.parts

    __hash__: Any = None

    def __call__(self, x: Tensor) -> Tensor:
        """Through all parts."""
        for part in self.parts:
            x = part(x)
        return x

    def _inverted(self, y: Tensor) -> Tensor:
        return self.inv(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum of the parts', each over what makes one event there."""
        if not self.parts:
            return zeros_like(x)
        dims, values = self.domain.event_dim, [x]
        total: Any = 0
        for part in self.parts[:-1]:
            values.append(part(values[-1]))
        for part, before, after in zip(self.parts, values, [*values[1:], y], strict=True):
            own = part.log_abs_det_jacobian(before, after)
            total = total + sum_rightmost(own, dims - part.domain.event_dim)
            dims += part.codomain.event_dim - part.domain.event_dim
        result: Tensor = total
        return result

    def forward_shape(self, shape: Shape) -> Shape:
        """Through all parts."""
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape: Shape) -> Shape:
        """Back through all parts."""
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape

    def __repr__(self) -> str:
        inner = ",\n    ".join(map(repr, self.parts))
        return f"ComposeTransform(\n    {inner}\n)"


def _wide(constraint: Any, steps: Sequence[tuple[int, int]]) -> Any:
    """A constraint of events of as many dimensions as steps from one part to the next leave.

    `steps`: of how many dimensions each part's events are before and after it.
    """
    dims = steps[0][0]
    for before, after in steps:
        dims = max(dims + after - before, after)
    more = dims - constraint.event_dim
    return constraints.independent(constraint, more) if more > 0 else constraint


class IndependentTransform(Transform):
    """A transform of whose dimensions some more make one event: their log |dy/dx| is summed.

    Args:
        base_transform: the transform.
        reinterpreted_batch_ndims: how many more.
        cache_size: see `Transform`.
    """

    _arguments = ("base_transform", "reinterpreted_batch_ndims")

    def __init__(
        self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int = 0
    ) -> None:
        super().__init__(cache_size)
        self.base_transform = base_transform.with_cache(cache_size)
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        """Whether the base is."""
        return self.base_transform.bijective

    @property
    def sign(self) -> Any:
        """That of the base."""
        return self.base_transform.sign

    @property
    def domain(self) -> Any:
        """The base's, of larger events."""
        return constraints.independent(self.base_transform.domain, self.reinterpreted_batch_ndims)

    @property
    def codomain(self) -> Any:
        """The base's, of larger events."""
        return constraints.independent(self.base_transform.codomain, self.reinterpreted_batch_ndims)

    @staticmethod
    def _checked(x: Tensor, dims: int) -> Tensor:
        if x.ndim < dims:
            raise ValueError(f"Too few dimensions on input: {x.ndim}, where an event has {dims}")
        return x

    def _call(self, x: Tensor) -> Tensor:
        return self.base_transform(self._checked(x, self.domain.event_dim))

    def _inverse(self, y: Tensor) -> Tensor:
        return self.base_transform.inv(self._checked(y, self.codomain.event_dim))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The base's, summed."""
        own = self.base_transform.log_abs_det_jacobian(x, y)
        return sum_rightmost(own, self.reinterpreted_batch_ndims)

    def forward_shape(self, shape: Shape) -> Shape:
        """The base's."""
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape: Shape) -> Shape:
        """The base's."""
        return self.base_transform.inverse_shape(shape)

    def __repr__(self) -> str:
        more = self.reinterpreted_batch_ndims
        return f"IndependentTransform({self.base_transform!r}, {more})"


identity_transform = ComposeTransform([])
"""y = x."""
