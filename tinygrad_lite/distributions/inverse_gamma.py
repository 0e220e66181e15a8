"""The inverse gamma distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..tensor import Tensor
from ..tensor.special import digamma, lgamma
from . import constraints
from .gamma import Gamma
from .transformed_distribution import TransformedDistribution
from .transforms import PowerTransform

__all__ = ["InverseGamma"]


class InverseGamma(TransformedDistribution):
    """1/x for x of a gamma distribution.

    Args:
        concentration: α of x, above 0: a number or a tensor.
        rate: β of x, above 0.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    arg_constraints: ClassVar[Any] = {
        "concentration": constraints.positive,
        "rate": constraints.positive,
    }
    support: Any = constraints.positive

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        base = Gamma(concentration, rate, validate_args=validate_args)
        super().__init__(base, PowerTransform(-1.0), validate_args=validate_args)

    @property
    def concentration(self) -> Any:
        """α."""
        return self.base_dist.concentration  # type: ignore[attr-defined]

    @property
    def rate(self) -> Any:
        """β."""
        return self.base_dist.rate  # type: ignore[attr-defined]

    @property
    def mean(self) -> Tensor:
        """β / (α − 1), infinite for α up to 1."""
        alpha = self.concentration
        found: Tensor = (self.rate / (alpha - 1)).masked_fill(alpha <= 1, math.inf)
        return found

    @property
    def mode(self) -> Tensor:
        """β / (α + 1)."""
        found: Tensor = self.rate / (self.concentration + 1)
        return found

    @property
    def variance(self) -> Tensor:
        """β² / ((α − 1)² (α − 2)), infinite for α up to 2."""
        alpha = self.concentration
        own = self.rate**2 / ((alpha - 1) ** 2 * (alpha - 2))
        found: Tensor = own.masked_fill(alpha <= 2, math.inf)
        return found

    def entropy(self) -> Tensor:
        """α + log β + log Γ(α) − (1 + α) ψ(α)."""
        alpha = self.concentration
        found: Tensor = alpha + self.rate.log() + lgamma(alpha) - (1 + alpha) * digamma(alpha)
        return found
