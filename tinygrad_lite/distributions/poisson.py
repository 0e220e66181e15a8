"""The Poisson distribution."""

from __future__ import annotations

from typing import Any, ClassVar

from ..backend import random
from ..tensor import Tensor
from ..tensor.elementwise import xlogy
from ..tensor.special import lgamma
from . import constraints
from .distribution import Shape
from .exp_family import ExponentialFamily
from .utils import broadcast_all, drawn, shape_of

__all__ = ["Poisson"]


class Poisson(ExponentialFamily):
    """p(k) = λᵏ exp(−λ) / k! for k = 0, 1, …

    Args:
        rate: λ, 0 or more: a number or a tensor.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    arg_constraints: ClassVar[Any] = {"rate": constraints.nonnegative}
    support: Any = constraints.nonnegative_integer
    _event_dims: ClassVar = {"rate": 0}

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(shape_of((self.rate,), rate), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """λ."""
        return self.rate

    @property
    def mode(self) -> Tensor:
        """⌊λ⌋."""
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        """λ."""
        return self.rate

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Drawn on the host, in the rate's dtype."""
        return drawn(random.poisson, self.rate, self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """k log λ − λ − log k!."""
        self._validate_sample(value)
        rate, value = broadcast_all(self.rate, value)
        return xlogy(value, rate) - rate - lgamma(value + 1)
