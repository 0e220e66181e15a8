"""Kumaraswamy's distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..tensor import Tensor
from ..tensor.create import ones_like, zeros_like
from ..tensor.special import digamma, lgamma
from . import constraints
from .gumbel import EULER
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, PowerTransform
from .uniform import Uniform
from .utils import broadcast_all

__all__ = ["Kumaraswamy"]


class Kumaraswamy(TransformedDistribution):
    """p(x) = a b xᵃ⁻¹ (1 − xᵃ)ᵇ⁻¹ on (0, 1): like Beta's, with a cdf of powers alone.

    Args:
        concentration1: a, above 0: a number or a tensor.
        concentration0: b, above 0.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    arg_constraints: ClassVar[Any] = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support: Any = constraints.unit_interval

    def __init__(
        self, concentration1: Any, concentration0: Any, validate_args: bool | None = None
    ) -> None:
        both = broadcast_all(concentration1, concentration0)
        self.concentration1, self.concentration0 = both
        base = Uniform(zeros_like(both[0]), ones_like(both[0]), validate_args=validate_args)
        powers = [PowerTransform(c.reciprocal()) for c in both]
        parts = [powers[1], AffineTransform(1.0, -1.0), powers[0]]
        super().__init__(base, parts, validate_args=validate_args)

    _event_dims: ClassVar = {"concentration1": 0, "concentration0": 0}

    def _moment(self, n: int) -> Tensor:
        """E[xⁿ] = b B(1 + n/a, b)."""
        a, b = self.concentration1, self.concentration0
        first = 1 + n / a
        found: Tensor = b * (lgamma(first) + lgamma(b) - lgamma(first + b)).exp()
        return found

    @property
    def mean(self) -> Tensor:
        """The first moment."""
        return self._moment(1)

    @property
    def mode(self) -> Tensor:
        """((a − 1) / (a b − 1))^(1/a), for a and b of at least 1, not both 1."""
        a, b = self.concentration1, self.concentration0
        base = ((a - 1) / (a * b - 1)).clamp(min=0.0)
        found = base ** a.reciprocal()
        return found.masked_fill((a < 1) | (b < 1), math.nan)

    @property
    def variance(self) -> Tensor:
        """By the first two moments."""
        return self._moment(2) - self.mean**2

    def entropy(self) -> Tensor:
        """1 − 1/b + (1 − 1/a) (ψ(b + 1) + γ) − log a b."""
        a, b = self.concentration1, self.concentration0
        t1, t0 = 1 - a.reciprocal(), 1 - b.reciprocal()
        return t0 + t1 * (digamma(b + 1) + EULER) - a.log() - b.log()
