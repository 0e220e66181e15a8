"""The Gumbel distribution."""

from __future__ import annotations

import math

from ..tensor import Tensor
from ..tensor.draw import rand
from .distribution import Shape
from .location_scale import LocationScale
from .utils import eps_of

__all__ = ["Gumbel"]

EULER = 0.57721566490153286060


class Gumbel(LocationScale):
    """p(x) = exp(−z − e⁻ᶻ) / β with z = (x − μ) / β.

    The largest of many independent numbers is distributed so, if their tails are light.

    Args:
        loc: the mode μ: a number or a tensor.
        scale: β, above 0.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    @property
    def mean(self) -> Tensor:
        """μ + γ β with Euler's constant γ."""
        return self.loc + self.scale * EULER

    @property
    def stddev(self) -> Tensor:
        """π β / √6."""
        return math.pi / math.sqrt(6) * self.scale

    @property
    def variance(self) -> Tensor:
        """π² β² / 6."""
        return self.stddev**2

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """μ − β log(−log u) for u uniform on (0, 1)."""
        shape, eps = self._extended_shape(sample_shape), eps_of(self.loc)
        u = rand(shape, dtype=self.loc.dtype, device=self.loc.device).clamp(eps / 2, 1 - eps / 2)
        return self.loc - self.scale * (-u.log()).log()

    def log_prob(self, value: Tensor) -> Tensor:
        """−z − e⁻ᶻ − log β."""
        z = self._standardized(value)
        return -z - (-z).exp() - self.scale.log()

    def cdf(self, value: Tensor) -> Tensor:
        """exp(−e⁻ᶻ)."""
        return (-(-self._standardized(value)).exp()).exp()

    def icdf(self, value: Tensor) -> Tensor:
        """μ − β log(−log p)."""
        return self.loc - self.scale * (-value.log()).log()

    def entropy(self) -> Tensor:
        """log β + 1 + γ."""
        return self.scale.log() + (1 + EULER)
