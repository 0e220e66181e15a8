"""Weibull's distribution."""

from __future__ import annotations

from typing import Any, ClassVar

from ..tensor import Tensor
from ..tensor.create import ones_like
from ..tensor.special import lgamma
from . import constraints
from .exponential import Exponential
from .gumbel import EULER
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, PowerTransform
from .utils import broadcast_all

__all__ = ["Weibull"]


class Weibull(TransformedDistribution):
    """P(x > t) = exp(−(t/λ)ᵏ).

    Args:
        scale: λ, above 0: a number or a tensor.
        concentration: k, above 0.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    arg_constraints: ClassVar[Any] = {
        "scale": constraints.positive,
        "concentration": constraints.positive,
    }
    support: Any = constraints.positive
    _event_dims: ClassVar = {"scale": 0, "concentration": 0, "concentration_reciprocal": 0}

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        self.concentration_reciprocal = self.concentration.reciprocal()
        base = Exponential(ones_like(self.scale.detach()), validate_args=validate_args)
        parts = [PowerTransform(self.concentration_reciprocal), AffineTransform(0.0, self.scale)]
        super().__init__(base, parts, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """λ Γ(1 + 1/k)."""
        return self.scale * lgamma(1 + self.concentration_reciprocal).exp()

    @property
    def mode(self) -> Tensor:
        """λ ((k − 1) / k)^(1/k)."""
        k = self.concentration
        found: Tensor = self.scale * ((k - 1) / k) ** self.concentration_reciprocal
        return found

    @property
    def variance(self) -> Tensor:
        """λ² (Γ(1 + 2/k) − Γ(1 + 1/k)²)."""
        one = self.concentration_reciprocal
        spread = lgamma(1 + 2 * one).exp() - (2 * lgamma(1 + one)).exp()
        found: Tensor = self.scale**2 * spread
        return found

    def entropy(self) -> Tensor:
        """γ (1 − 1/k) + log(λ/k) + 1."""
        one = self.concentration_reciprocal
        return EULER * (1 - one) + (self.scale * one).log() + 1
