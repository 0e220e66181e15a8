"""The negative binomial distribution."""

from __future__ import annotations

from typing import Any, ClassVar

from ..backend import random
from ..nn.functional import logsigmoid
from ..tensor import Tensor, no_grad
from ..tensor.special import lgamma
from . import constraints
from .distribution import Distribution, Shape
from .utils import (
    broadcast_all,
    drawn,
    either,
    lazy_property,
    logits_to_probs,
    probs_to_logits,
    shape_of,
    standard_gamma,
)

__all__ = ["NegativeBinomial"]


class NegativeBinomial(Distribution):
    """How many trials succeed before n fail: p(k) = Γ(n + k) / (k! Γ(n)) pᵏ (1 − p)ⁿ.

    Args:
        total_count: n, 0 or more, also between integers: a number or a tensor.
        probs: p of a success, in [0, 1); or
        logits: log(p / (1 − p)).
        validate_args: whether arguments are checked.

    Raises:
        ValueError: neither or both of them, or out of their range.
    """

    arg_constraints: ClassVar[Any] = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support: Any = constraints.nonnegative_integer
    _event_dims: ClassVar = {"total_count": 0, "probs": 0, "logits": 0}

    def __init__(
        self,
        total_count: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        given = either(probs, logits)
        self.total_count, found = broadcast_all(total_count, given)
        self.total_count = self.total_count.to(dtype=found.dtype)
        self.__dict__["logits" if probs is None else "probs"] = found
        shape = shape_of((found,), total_count, given)
        super().__init__(shape, validate_args=validate_args)

    @property
    def param_shape(self) -> Any:
        """The shape of the probability."""
        return self.probs.shape

    @lazy_property
    def logits(self) -> Tensor:
        """log(p / (1 − p))."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """p."""
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def mean(self) -> Tensor:
        """n p / (1 − p)."""
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Tensor:
        """⌊(n − 1) p / (1 − p)⌋, at least 0."""
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        """n p / (1 − p)²."""
        return self.mean / (-self.logits).sigmoid()

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Poisson draws whose rates are gamma draws of shape n and rate (1 − p) / p."""
        with no_grad():
            shape = self._extended_shape(sample_shape)
            rate = standard_gamma(self.total_count, shape) * self.logits.exp()
            return drawn(random.poisson, rate, shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """log Γ(n + k) − log k! − log Γ(n) + k log p + n log(1 − p)."""
        self._validate_sample(value)
        n = self.total_count
        chance = n * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
        ways = lgamma(n + value) - lgamma(1 + value) - lgamma(n)
        return chance + ways.masked_fill(n + value == 0, 0.0)
