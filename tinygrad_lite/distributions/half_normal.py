"""The half-normal distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..tensor import Tensor
from ..tensor.create import zeros_like
from . import constraints
from .normal import Normal
from .transformed_distribution import TransformedDistribution
from .transforms import AbsTransform

__all__ = ["HalfNormal"]


class Half(TransformedDistribution):
    """The size |x| of an x of a distribution around 0, of a `scale` above 0."""

    arg_constraints: ClassVar[Any] = {"scale": constraints.positive}
    support: Any = constraints.nonnegative
    _base: Any  # of x

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        base = self._base(0.0, scale, validate_args=False)
        super().__init__(base, AbsTransform(), validate_args=validate_args)

    @property
    def scale(self) -> Tensor:
        """That of x."""
        found: Tensor = self.base_dist.scale  # type: ignore[attr-defined]
        return found

    @property
    def mode(self) -> Tensor:
        """0."""
        return zeros_like(self.scale)

    def log_prob(self, value: Tensor) -> Tensor:
        """log 2 + log p(x) for the density p of x; −∞ below 0 and of NaN."""
        self._validate_sample(value)
        found: Tensor = self.base_dist.log_prob(value) + math.log(2)
        return found.masked_fill((~(value >= 0)).expand(found.shape), -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        """2 F(x) − 1 for the cdf F of x."""
        self._validate_sample(value)
        found: Tensor = 2 * self.base_dist.cdf(value) - 1
        return found

    def icdf(self, value: Tensor) -> Tensor:
        """F⁻¹((p + 1) / 2)."""
        found: Tensor = self.base_dist.icdf((value + 1) / 2)
        return found

    def entropy(self) -> Tensor:
        """That of x, less log 2."""
        found: Tensor = self.base_dist.entropy() - math.log(2)
        return found


class HalfNormal(Half):
    """p(x) = √(2 / π) exp(−x² / 2σ²) / σ for x ≥ 0: the size |y| of a normal y of mean 0.

    Args:
        scale: the standard deviation σ of y, above 0: a number or a tensor.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    _base: Any = Normal

    @property
    def mean(self) -> Tensor:
        """σ √(2/π)."""
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Tensor:
        """σ² (1 − 2/π)."""
        return self.scale**2 * (1 - 2 / math.pi)
