"""Transforms of each element by itself."""

from __future__ import annotations

import math
from typing import Any

from ...nn.functional import softplus
from ...tensor import Tensor
from ...tensor.arrange import broadcast_shapes
from ...tensor.create import full_like
from .. import constraints
from ..utils import eps_of, is_number, sum_rightmost, tiny_of
from .base import Alike, Rising, Shape, Transform

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "CumulativeDistributionTransform",
    "ExpTransform",
    "PowerTransform",
    "SigmoidTransform",
    "SoftplusTransform",
    "TanhTransform",
]


def _shape(shape: Shape, *parameters: Any) -> Shape:
    """A shape broadcast with those of parameters, numbers or tensors."""
    return tuple(broadcast_shapes(shape, *(tuple(getattr(p, "shape", ())) for p in parameters)))


def _sign(x: Any) -> Any:
    return (x > 0) - (x < 0) if is_number(x) else x.sign()


def _same(a: Any, b: Any) -> bool:
    """Whether two numbers or tensors are equal."""
    found = a == b
    return bool(found if isinstance(found, bool) else found.all())


class ExpTransform(Rising):
    """y = eˣ."""

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.exp()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """x."""
        return x


class PowerTransform(Transform):
    """y = xᵏ for x above 0.

    Args:
        exponent: k: a number or a tensor.
        cache_size: see `Transform`.
    """

    bijective = True
    domain = codomain = constraints.positive
    _arguments = ("exponent",)

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.exponent = exponent

    @property
    def sign(self) -> Any:
        """That of the exponent."""
        return _sign(self.exponent)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PowerTransform) and _same(self.exponent, other.exponent)

    __hash__: Any = None

    def forward_shape(self, shape: Shape) -> Shape:
        """Broadcast with the exponent."""
        return _shape(shape, self.exponent)

    inverse_shape = forward_shape

    def _call(self, x: Tensor) -> Tensor:
        found: Tensor = x**self.exponent
        return found

    def _inverse(self, y: Tensor) -> Tensor:
        found: Tensor = y ** (1 / self.exponent)
        return found

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """log |k y / x|."""
        found: Tensor = (self.exponent * y / x).abs().log()
        return found


class SigmoidTransform(Rising):
    """y = 1 / (1 + e⁻ˣ)."""

    codomain = constraints.unit_interval

    def _call(self, x: Tensor) -> Tensor:
        return x.sigmoid().clamp(min=tiny_of(x), max=1 - eps_of(x))

    def _inverse(self, y: Tensor) -> Tensor:
        y = y.clamp(min=tiny_of(y), max=1 - eps_of(y))
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """−log(1 + eˣ) − log(1 + e⁻ˣ)."""
        return -softplus(-x) - softplus(x)


class SoftplusTransform(Rising):
    """y = log(1 + eˣ); x itself where it is above 20."""

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return softplus(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return (-y).expm1().neg().log() + y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """−log(1 + e⁻ˣ)."""
        return -softplus(-x)


class AbsTransform(Alike):
    """y = |x|, of which the inverse takes the positive x."""

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.abs()

    def _inverse(self, y: Tensor) -> Tensor:
        return y


class CumulativeDistributionTransform(Transform):
    """y = F(x), uniform for an x of the distribution.

    Args:
        distribution: of which F is the cumulative distribution function.
        cache_size: see `Transform`.
    """

    bijective = True
    codomain = constraints.unit_interval
    _arguments = ("distribution",)

    @property
    def sign(self) -> Any:
        """1."""
        return 1

    def __init__(self, distribution: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.distribution = distribution
        self.domain = distribution.support

    def _call(self, x: Tensor) -> Tensor:
        found: Tensor = self.distribution.cdf(x)
        return found

    def _inverse(self, y: Tensor) -> Tensor:
        found: Tensor = self.distribution.icdf(y)
        return found

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """log p(x)."""
        found: Tensor = self.distribution.log_prob(x)
        return found


class TanhTransform(Rising):
    """y = tanh x; with `cache_size=1`, the inverse of a large y is exact too."""

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Tensor) -> Tensor:
        return x.tanh()

    def _inverse(self, y: Tensor) -> Tensor:
        return 0.5 * (y.log1p() - (-y).log1p())

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """log(1 − tanh² x) = 2 (log 2 − x − log(1 + e⁻²ˣ))."""
        return 2.0 * (math.log(2.0) - x - softplus(-2.0 * x))


class AffineTransform(Transform):
    """y = loc + scale x.

    Args:
        loc, scale: numbers or tensors.
        event_dim: how many of the last dimensions make one event.
        cache_size: see `Transform`.
    """

    bijective = True
    event_dim: int = 0
    _arguments = ("loc", "scale", "event_dim")

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale, self.event_dim = loc, scale, event_dim
        if event_dim:
            self.domain = self.codomain = constraints.independent(constraints.real, event_dim)

    @property
    def sign(self) -> Any:
        """That of the scale."""
        return _sign(self.scale)

    def __eq__(self, other: object) -> bool:
        alike = isinstance(other, AffineTransform) and _same(self.loc, other.loc)
        return alike and _same(self.scale, other.scale)  # type: ignore[attr-defined]

    __hash__: Any = None

    def forward_shape(self, shape: Shape) -> Shape:
        """Broadcast with loc and scale."""
        return _shape(shape, self.loc, self.scale)

    inverse_shape = forward_shape

    def _call(self, x: Tensor) -> Tensor:
        found: Tensor = self.loc + self.scale * x
        return found

    def _inverse(self, y: Tensor) -> Tensor:
        found: Tensor = (y - self.loc) / self.scale
        return found

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """log |scale|, summed over an event."""
        if is_number(self.scale):
            found = full_like(x, math.log(abs(self.scale)))
        else:
            found = self.scale.abs().log().expand(x.shape)
        return sum_rightmost(found, self.event_dim)
