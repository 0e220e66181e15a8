"""The Gumbel distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..tensor import Tensor
from ..tensor.create import full_like, ones_like
from . import constraints
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, ExpTransform
from .uniform import Uniform
from .utils import broadcast_all, eps_of, tiny_of

__all__ = ["Gumbel"]

EULER = 0.57721566490153286060


class Gumbel(TransformedDistribution):
    """p(x) = exp(−z − e⁻ᶻ) / β with z = (x − μ) / β.

    The largest of many independent numbers is distributed so, if their tails are light. It is
    μ − β log(−log u) of a u that is uniform on (0, 1).

    Args:
        loc: the mode μ: a number or a tensor.
        scale: β, above 0.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support: Any = constraints.real
    _event_dims: ClassVar = {"loc": 0, "scale": 0}

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        like = self.loc.detach()
        low, high = full_like(like, tiny_of(like)), full_like(like, 1 - eps_of(like))
        parts = [
            ExpTransform().inv,
            AffineTransform(0, -ones_like(self.scale.detach())),
            ExpTransform().inv,
            AffineTransform(loc, -self.scale),
        ]
        base = Uniform(low, high, validate_args=validate_args)
        super().__init__(base, parts, validate_args=validate_args)

    @property
    def mode(self) -> Tensor:
        """μ."""
        return self.loc

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

    def _standardized(self, value: Tensor) -> Tensor:
        """(x − μ) / β."""
        self._validate_sample(value)
        return (value - self.loc) / self.scale

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
