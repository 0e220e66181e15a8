"""The generalised Pareto distribution, of what exceeds a threshold."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..tensor import Tensor
from ..tensor.compare import where
from ..tensor.create import full_like, ones_like
from ..tensor.draw import rand
from . import constraints
from .distribution import Distribution, Shape
from .utils import broadcast_all, shape_of

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """P(X > x) = (1 + ξ z)^(−1/ξ) with z = (x − μ) / σ ≥ 0; e⁻ᶻ where ξ = 0.

    J. Pickands, "Statistical inference using extreme order statistics", 1975.

    Args:
        loc: μ: a number or a tensor.
        scale: σ, above 0.
        concentration: ξ; below 0 the values end at μ − σ/ξ.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real,
        "scale": constraints.positive,
        "concentration": constraints.real,
    }
    has_rsample = True
    _event_dims: ClassVar = {"loc": 0, "scale": 0, "concentration": 0}

    def __init__(
        self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None
    ) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        shape = shape_of((self.loc,), loc, scale, concentration)
        super().__init__(shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        """[μ, ∞), or [μ, μ − σ/ξ] for ξ < 0."""
        ends = self.concentration < 0
        last = self.loc - self.scale / where(ends, self.concentration, -1.0)
        return constraints.interval(self.loc, where(ends, last, math.inf))

    def _shape(self) -> tuple[Tensor, Tensor]:
        """Where ξ is 0, and ξ with 1 there."""
        xi = self.concentration
        zero = xi.abs() <= 1e-8
        return zero, where(zero, ones_like(xi), xi)

    @property
    def mean(self) -> Tensor:
        """μ + σ / (1 − ξ); NaN from ξ = 1 on."""
        xi = self.concentration
        found: Tensor = where(xi < 1, self.loc + self.scale / (1 - xi), full_like(xi, math.nan))
        return found

    @property
    def mode(self) -> Tensor:
        """μ."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """σ² / ((1 − ξ)² (1 − 2ξ)); NaN from ξ = ½ on."""
        xi = self.concentration
        inside = self.scale**2 / ((1 - xi) ** 2 * (1 - 2 * xi))
        found: Tensor = where(xi < 0.5, inside, full_like(xi, math.nan))
        return found

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """The inverse of the distribution function at uniform draws."""
        shape = self._extended_shape(sample_shape)
        return self.icdf(rand(shape, dtype=self.loc.dtype, device=self.loc.device))

    def log_survival_function(self, value: Tensor) -> Tensor:
        """log P(X > x) = −log(1 + ξ z) / ξ."""
        self._validate_sample(value)
        zero, xi = self._shape()
        z = (value - self.loc) / self.scale
        found: Tensor = where(zero, -z, -(xi * z).log1p() / xi)
        return found

    def log_prob(self, value: Tensor) -> Tensor:
        """−log σ − (1 + 1/ξ) log(1 + ξ z)."""
        self._validate_sample(value)
        zero, xi = self._shape()
        z = (value - self.loc) / self.scale
        power = 1 / xi + 1
        falls = where(power == 0, 0.0 * z, power * (xi * z).log1p())  # ξ = −1 is uniform
        found: Tensor = -self.scale.log() - where(zero, z, falls)
        return found

    def log_cdf(self, value: Tensor) -> Tensor:
        """log P(X ≤ x)."""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value: Tensor) -> Tensor:
        """P(X ≤ x)."""
        return -self.log_survival_function(value).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        """μ + σ ((1 − u)^(−ξ) − 1) / ξ."""
        zero, xi = self._shape()
        left = (-value).log1p()
        z = where(zero, -left, (-xi * left).expm1() / xi)
        found: Tensor = self.loc + self.scale * z
        return found

    def entropy(self) -> Tensor:
        """log σ + ξ + 1."""
        return self.scale.log() + self.concentration + 1
