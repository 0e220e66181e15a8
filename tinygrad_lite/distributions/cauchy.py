"""The Cauchy distribution."""

from __future__ import annotations

import math

from ..tensor import Tensor
from ..tensor.create import full_like
from ..tensor.draw import rand
from ..tensor.elementwise import atan, tan
from .distribution import Shape
from .location_scale import LocationScale

__all__ = ["Cauchy"]


class Cauchy(LocationScale):
    """p(x) = 1 / (π γ (1 + z²)) with z = (x − x₀) / γ: it has no mean.

    Args:
        loc: the mode x₀: a number or a tensor.
        scale: γ, half the width at half the height, above 0.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    @property
    def mean(self) -> Tensor:
        """NaN."""
        return full_like(self.loc, math.nan)

    @property
    def variance(self) -> Tensor:
        """Infinite."""
        return full_like(self.loc, math.inf)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """x₀ + γ tan(π (u − ½)) for u uniform on [0, 1)."""
        shape = self._extended_shape(sample_shape)
        u = rand(shape, dtype=self.loc.dtype, device=self.loc.device)
        return self.icdf(u)

    def log_prob(self, value: Tensor) -> Tensor:
        """−log π γ − log(1 + z²)."""
        z = self._standardized(value)
        return -math.log(math.pi) - self.scale.log() - (z**2).log1p()

    def cdf(self, value: Tensor) -> Tensor:
        """arctan(z) / π + ½."""
        found: Tensor = atan(self._standardized(value)) / math.pi + 0.5
        return found

    def icdf(self, value: Tensor) -> Tensor:
        """x₀ + γ tan(π (p − ½))."""
        found: Tensor = tan(math.pi * (value - 0.5)) * self.scale + self.loc
        return found

    def entropy(self) -> Tensor:
        """log 4πγ."""
        return math.log(4 * math.pi) + self.scale.log()
