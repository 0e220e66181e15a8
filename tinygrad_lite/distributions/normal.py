"""The normal distribution."""

from __future__ import annotations

from ..tensor import Tensor
from ..tensor.draw import randn
from ..tensor.elementwise import erf
from ..tensor.special import erfinv
from .distribution import Shape
from .exp_family import ExponentialFamily
from .location_scale import ROOT_2, LocationScale
from .utils import HALF_LOG_2PI

__all__ = ["Normal"]


class Normal(LocationScale, ExponentialFamily):
    """p(x) = exp(−(x − μ)² / 2σ²) / √(2πσ²).

    Args:
        loc: the mean μ: a number or a tensor.
        scale: the standard deviation σ, above 0.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    @property
    def stddev(self) -> Tensor:
        """σ."""
        return self.scale

    @property
    def variance(self) -> Tensor:
        """σ²."""
        return self.scale**2

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """μ + σ ε for standard normal ε."""
        shape = self._extended_shape(sample_shape)
        noise = randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + noise * self.scale

    def log_prob(self, value: Tensor) -> Tensor:
        """−(x − μ)² / 2σ² − log σ − ½ log 2π."""
        z = self._standardized(value)
        return -0.5 * z * z - self.scale.log() - HALF_LOG_2PI

    def cdf(self, value: Tensor) -> Tensor:
        """½ (1 + erf((x − μ) / σ√2))."""
        return 0.5 * (1 + erf(self._standardized(value) / ROOT_2))

    def icdf(self, value: Tensor) -> Tensor:
        """μ + σ√2 erf⁻¹(2p − 1)."""
        return self.loc + self.scale * erfinv(2 * value - 1) * ROOT_2

    def entropy(self) -> Tensor:
        """½ + ½ log 2π + log σ."""
        return 0.5 + HALF_LOG_2PI + self.scale.log()
