"""Student's t-distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..tensor import Tensor
from ..tensor.compare import where
from ..tensor.create import full_like
from ..tensor.draw import randn
from ..tensor.special import digamma, lgamma
from . import constraints
from .distribution import Distribution, Shape
from .gamma import Chi2
from .utils import broadcast_all

__all__ = ["StudentT"]


class StudentT(Distribution):
    """p(x) = Γ((ν+1)/2) / (Γ(ν/2) √(νπ) σ) (1 + z²/ν)^(−(ν+1)/2) with z = (x − μ) / σ.

    Args:
        df: ν, above 0: a number or a tensor.
        loc: the mode μ.
        scale: σ, above 0.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    arg_constraints: ClassVar[Any] = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support: Any = constraints.real
    has_rsample = True
    _event_dims: ClassVar = {"df": 0, "loc": 0, "scale": 0}

    def __init__(
        self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """μ, for ν above 1."""
        found: Tensor = where(self.df > 1, self.loc, full_like(self.loc, math.nan))
        return found

    @property
    def mode(self) -> Tensor:
        """μ."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """σ² ν / (ν − 2) for ν above 2; infinite for ν above 1."""
        own = self.scale**2 * self.df / (self.df - 2)
        below = where(self.df > 1, full_like(own, math.inf), full_like(own, math.nan))
        found: Tensor = where(self.df > 2, own, below)
        return found

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """μ + σ ε √(ν / q) for standard normal ε and q of chi squared."""
        shape = self._extended_shape(sample_shape)
        noise = randn(shape, dtype=self.df.dtype, device=self.df.device)
        spread = Chi2(self.df, validate_args=False).expand(self.df.shape).rsample(sample_shape)
        return self.loc + self.scale * noise * (spread / self.df).rsqrt()

    def log_prob(self, value: Tensor) -> Tensor:
        """log Γ((ν+1)/2) − log Γ(ν/2) − ½ log πν − log σ − ½ (ν + 1) log(1 + z²/ν)."""
        self._validate_sample(value)
        z, df = (value - self.loc) / self.scale, self.df
        norm = self.scale.log() + 0.5 * (df.log() + math.log(math.pi))
        norm = norm + lgamma(0.5 * df) - lgamma(0.5 * (df + 1))
        found: Tensor = -0.5 * (df + 1) * (z**2 / df).log1p() - norm
        return found

    def entropy(self) -> Tensor:
        """log σ + ½ (ν + 1) (ψ((ν+1)/2) − ψ(ν/2)) + ½ log ν + log B(ν/2, ½)."""
        half, more = 0.5 * self.df, 0.5 * (self.df + 1)
        beta = lgamma(half) + 0.5 * math.log(math.pi) - lgamma(more)
        found: Tensor = (
            self.scale.log() + more * (digamma(more) - digamma(half)) + 0.5 * self.df.log() + beta
        )
        return found
