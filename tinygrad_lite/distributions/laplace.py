"""The Laplace distribution."""

from __future__ import annotations

from ..tensor import Tensor
from ..tensor.draw import rand
from .distribution import Shape
from .location_scale import ROOT_2, LocationScale
from .utils import eps_of

__all__ = ["Laplace"]


class Laplace(LocationScale):
    """p(x) = exp(−|x − μ| / b) / 2b.

    Args:
        loc: the mean μ: a number or a tensor.
        scale: b, above 0.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    @property
    def stddev(self) -> Tensor:
        """√2 b."""
        return ROOT_2 * self.scale

    @property
    def variance(self) -> Tensor:
        """2b²."""
        return 2 * self.scale**2

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """μ − b sgn(u) log(1 − |u|) for u uniform on (−1, 1)."""
        shape = self._extended_shape(sample_shape)
        low = eps_of(self.loc) - 1
        u = rand(shape, dtype=self.loc.dtype, device=self.loc.device) * (1 - low) + low
        return self.loc - self.scale * u.sign() * (-u.abs()).log1p()

    def log_prob(self, value: Tensor) -> Tensor:
        """−|x − μ| / b − log 2b."""
        return -(2 * self.scale).log() - self._standardized(value).abs()

    def cdf(self, value: Tensor) -> Tensor:
        """½ − ½ sgn(x − μ) (exp(−|x − μ| / b) − 1)."""
        z = self._standardized(value)
        return 0.5 - 0.5 * z.sign() * (-z.abs()).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        """μ − b sgn(p − ½) log(1 − 2|p − ½|)."""
        term = value - 0.5
        return self.loc - self.scale * term.sign() * (-2 * term.abs()).log1p()

    def entropy(self) -> Tensor:
        """1 + log 2b."""
        return 1 + (2 * self.scale).log()
