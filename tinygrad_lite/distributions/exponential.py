"""The exponential distribution."""

from __future__ import annotations

from typing import Any, ClassVar

from ..tensor import Tensor
from ..tensor.create import zeros_like
from ..tensor.draw import rand
from . import constraints
from .distribution import Shape
from .exp_family import ExponentialFamily
from .utils import broadcast_all, eps_of, shape_of

__all__ = ["Exponential"]


class Exponential(ExponentialFamily):
    """p(x) = λ exp(−λ x) for x ≥ 0.

    Args:
        rate: λ, above 0: a number or a tensor.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: a parameter out of its range.
    """

    arg_constraints: ClassVar[Any] = {"rate": constraints.positive}
    support: Any = constraints.nonnegative
    has_rsample = True
    _event_dims: ClassVar = {"rate": 0}

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(shape_of((self.rate,), rate), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """1 / λ."""
        return 1 / self.rate

    @property
    def mode(self) -> Tensor:
        """0."""
        return zeros_like(self.rate)

    @property
    def stddev(self) -> Tensor:
        """1 / λ."""
        return 1 / self.rate

    @property
    def variance(self) -> Tensor:
        """1 / λ²."""
        return self.rate**-2

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """−log(1 − u) / λ for u uniform on (0, 1)."""
        shape = self._extended_shape(sample_shape)
        u = rand(shape, dtype=self.rate.dtype, device=self.rate.device)
        u = u.clamp(min=eps_of(u) / 2)
        return -(-u).log1p() / self.rate

    def log_prob(self, value: Tensor) -> Tensor:
        """log λ − λ x."""
        self._validate_sample(value)
        return self.rate.log() - self.rate * value

    def cdf(self, value: Tensor) -> Tensor:
        """1 − exp(−λ x)."""
        self._validate_sample(value)
        return 1 - (-self.rate * value).exp()

    def icdf(self, value: Tensor) -> Tensor:
        """−log(1 − p) / λ."""
        return -(-value).log1p() / self.rate

    def entropy(self) -> Tensor:
        """1 − log λ."""
        return 1.0 - self.rate.log()
