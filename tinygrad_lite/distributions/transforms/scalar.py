"""Transforms of each element by itself."""

from __future__ import annotations

import math
from typing import Any

from ...nn.functional import softplus
from ...tensor import Tensor
from ...tensor.arrange import broadcast_shapes
from ...tensor.create import full_like
from ...tensor.info import finfo
from .. import constraints
from ..utils import eps_of, is_number, sum_rightmost
from .base import Shape, Transform

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


class ExpTransform(Transform):
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

    domain = codomain = constraints.positive

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.exponent = exponent

    @property
    def sign(self) -> Any:
        """That of the exponent."""
        return _sign(self.exponent)

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


def _inside(y: Tensor) -> Tensor:
    """y moved to where its logarithm and that of 1 − y are finite."""
    return y.clamp(min=float(finfo(y.dtype).tiny), max=1 - eps_of(y))


class SigmoidTransform(Transform):
    """y = 1 / (1 + e⁻ˣ)."""

    codomain = constraints.unit_interval

    def _call(self, x: Tensor) -> Tensor:
        return _inside(x.sigmoid())

    def _inverse(self, y: Tensor) -> Tensor:
        y = _inside(y)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """−log(1 + eˣ) − log(1 + e⁻ˣ)."""
        return -softplus(-x) - softplus(x)


class SoftplusTransform(Transform):
    """y = log(1 + eˣ); x itself where it is above 20."""

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return softplus(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return (-y).expm1().neg().log() + y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """−log(1 + e⁻ˣ)."""
        return -softplus(-x)


class AbsTransform(Transform):
    """y = |x|, of which the inverse takes the positive x."""

    bijective = False
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

    codomain = constraints.unit_interval

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


class TanhTransform(Transform):
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

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale, self.event_dim = loc, scale, event_dim
        if event_dim:
            self.domain = self.codomain = constraints.independent(constraints.real, event_dim)

    @property
    def sign(self) -> Any:
        """That of the scale."""
        return _sign(self.scale)

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
