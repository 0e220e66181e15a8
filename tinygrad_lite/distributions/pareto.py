"""Pareto's distribution."""

from __future__ import annotations

from typing import Any, ClassVar

from ..tensor import Tensor
from . import constraints
from .exponential import Exponential
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, ExpTransform
from .utils import broadcast_all

__all__ = ["Pareto"]


class Pareto(TransformedDistribution):
    """p(x) = α mᵅ / xᵅ⁺¹ for x from m on.

    Args:
        scale: m, above 0: a number or a tensor.
        alpha: α, above 0.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    arg_constraints: ClassVar[Any] = {"alpha": constraints.positive, "scale": constraints.positive}
    _event_dims: ClassVar = {"scale": 0, "alpha": 0}

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = broadcast_all(scale, alpha)
        base = Exponential(self.alpha, validate_args=validate_args)
        parts = [ExpTransform(), AffineTransform(0.0, self.scale)]
        super().__init__(base, parts, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        """[m, ∞]."""
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Tensor:
        """α m / (α − 1), infinite for α up to 1."""
        a = self.alpha.clamp(min=1)
        found: Tensor = a * self.scale / (a - 1)
        return found

    @property
    def mode(self) -> Tensor:
        """m."""
        return self.scale

    @property
    def variance(self) -> Tensor:
        """m² α / ((α − 1)² (α − 2)), infinite for α up to 2."""
        a = self.alpha.clamp(min=2)
        found: Tensor = self.scale**2 * a / ((a - 1) ** 2 * (a - 2))
        return found

    def entropy(self) -> Tensor:
        """log(m / α) + 1 + 1/α."""
        found: Tensor = (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())
        return found
