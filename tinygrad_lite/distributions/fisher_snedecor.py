"""The F-distribution of Fisher and Snedecor."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..tensor import Tensor
from ..tensor.special import lgamma
from . import constraints
from .distribution import Distribution, Shape
from .utils import broadcast_all, shape_of, standard_gamma

__all__ = ["FisherSnedecor"]


class FisherSnedecor(Distribution):
    """(q₁ / m) / (q₂ / n) for q₁ and q₂ of chi squared with m and n degrees of freedom.

    Args:
        df1: m, above 0: a number or a tensor.
        df2: n, above 0.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    arg_constraints: ClassVar[Any] = {"df1": constraints.positive, "df2": constraints.positive}
    support: Any = constraints.positive
    has_rsample = True
    _event_dims: ClassVar = {"df1": 0, "df2": 0}

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = broadcast_all(df1, df2)
        super().__init__(shape_of((self.df1,), df1, df2), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """n / (n − 2), for n above 2."""
        return self.df2.masked_fill(self.df2 <= 2, math.nan) / (self.df2 - 2)

    @property
    def mode(self) -> Tensor:
        """(m − 2) / m · n / (n + 2), for m above 2."""
        found = (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)
        return found.masked_fill(self.df1 <= 2, math.nan)

    @property
    def variance(self) -> Tensor:
        """2 n² (m + n − 2) / (m (n − 2)² (n − 4)), for n above 4."""
        m, n = self.df1, self.df2.masked_fill(self.df2 <= 4, math.nan)
        found: Tensor = 2 * n**2 * (m + n - 2) / (m * (n - 2) ** 2 * (n - 4))
        return found

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """The quotient of two gamma draws."""
        shape = self._extended_shape(sample_shape)
        first, second = (standard_gamma(df / 2, shape) / df for df in (self.df1, self.df2))
        return first / second

    def log_prob(self, value: Tensor) -> Tensor:
        """−log B(m/2, n/2) + m/2 log(m/n) + (m/2 − 1) log x − (m + n)/2 log(1 + m x / n)."""
        self._validate_sample(value)
        a, b, ratio = self.df1 / 2, self.df2 / 2, self.df1 / self.df2
        beta = lgamma(a + b) - lgamma(a) - lgamma(b)
        powers = a * ratio.log() + (a - 1) * value.log()
        found: Tensor = beta + powers - (a + b) * (ratio * value).log1p()
        return found
