"""What transforms are, their inverses, and several one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
        domain, codomain: what x and y satisfy.
        sign: whether f rises (1) or falls (−1).
    """

    bijective = True
    domain: Any = constraints.real
    codomain: Any = constraints.real
    sign: Any = 1

    def __init__(self, cache_size: int = 0) -> None:
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")
        self._cache_size = cache_size
        self._last: tuple[Any, Any] = (None, None)

    @property
    def inv(self) -> Transform:
        """The inverse, a transform too."""
        return _Inverse(self)

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


class _Inverse(Transform):
    """f⁻¹ of a transform f."""

    def __init__(self, base: Transform) -> None:
        super().__init__()
        self._base = base
        self.domain, self.codomain, self.sign = base.codomain, base.domain, base.sign

    @property
    def inv(self) -> Transform:
        """f itself."""
        return self._base

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
        return f"_InverseTransform({self._base!r})"


class ComposeTransform(Transform):
    """Several transforms, one after another.

    Args:
        parts: the first one first.
        cache_size: see `Transform`.
    """

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.parts = list(parts)
        self.bijective = all(part.bijective for part in parts)
        if parts:
            self.domain = _wide(parts[0].domain, _events(parts))
            back = [part.inv for part in reversed(self.parts) if part.bijective]
            dims = _events(back) if self.bijective else parts[-1].codomain.event_dim
            self.codomain = _wide(parts[-1].codomain, dims)
        self.sign = 1
        for part in parts:
            self.sign = self.sign * part.sign

    def _call(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return x

    def _inverse(self, y: Tensor) -> Tensor:
        for part in reversed(self.parts):
            y = part._inverted(y)
        return y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum of the parts', each over what makes one event there."""
        dims = self.domain.event_dim
        total: Any = sum_rightmost(zeros_like(x), dims)
        for part in self.parts:
            x, last = part(x), x
            own = part.log_abs_det_jacobian(last, x)
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
        return f"ComposeTransform(\n    {', '.join(map(repr, self.parts))}\n)"


def _events(parts: Sequence[Transform]) -> int:
    """How many dimensions of the first one's x make one event of all of them."""
    dims: int = parts[-1].codomain.event_dim
    for part in reversed(parts):
        dims += part.domain.event_dim - part.codomain.event_dim
        dims = max(dims, part.domain.event_dim)
    return dims


def _wide(constraint: Any, dims: int) -> Any:
    """A constraint of events of so many dimensions."""
    more = dims - constraint.event_dim
    return constraints.independent(constraint, more) if more > 0 else constraint


class IndependentTransform(Transform):
    """A transform of whose dimensions some more make one event: their log |dy/dx| is summed.

    Args:
        base_transform: the transform.
        reinterpreted_batch_ndims: how many more.
        cache_size: see `Transform`.
    """

    def __init__(
        self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int = 0
    ) -> None:
        super().__init__(cache_size)
        self.base_transform = base_transform
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        self.bijective, self.sign = base_transform.bijective, base_transform.sign
        more = reinterpreted_batch_ndims
        self.domain = constraints.independent(base_transform.domain, more)
        self.codomain = constraints.independent(base_transform.codomain, more)

    def _call(self, x: Tensor) -> Tensor:
        return self.base_transform(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self.base_transform._inverted(y)

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
