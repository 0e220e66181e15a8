"""The Bernoulli distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..nn.functional import binary_cross_entropy_with_logits
from ..tensor import Size, Tensor, no_grad
from ..tensor.compare import where
from ..tensor.create import full_like
from ..tensor.sample import bernoulli
from . import constraints
from .distribution import Distribution, Shape
from .exp_family import ExponentialFamily
from .utils import (
    broadcast_all,
    either,
    lazy_property,
    logits_to_probs,
    probs_to_logits,
    shape_of,
)

__all__ = ["Bernoulli"]


class WithProbability(Distribution):
    """Distributions of one probability p, which is given as it is, or as log(p / (1 − p)).

    Args:
        probs: p: a number or a tensor; or
        logits: log(p / (1 − p)).
        validate_args: whether arguments are checked.
    """

    arg_constraints: ClassVar[Any] = {
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    _event_dims: ClassVar = {"probs": 0, "logits": 0, "_param": 0}

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        given = either(probs, logits)
        (self._param,) = broadcast_all(given)
        self.__dict__["logits" if probs is None else "probs"] = self._param
        super().__init__(shape_of((self._param,), given), validate_args=validate_args)

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._param.shape

    @lazy_property
    def logits(self) -> Tensor:
        """log(p / (1 − p))."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """p."""
        return logits_to_probs(self.logits, is_binary=True)


class Bernoulli(WithProbability, ExponentialFamily):
    """1 with probability p, else 0.

    Args:
        probs: p: a number or a tensor; or
        logits: log(p / (1 − p)).
        validate_args: whether arguments are checked.

    Raises:
        ValueError: neither or both of them, or out of their range.
    """

    support: Any = constraints.boolean
    has_enumerate_support = True

    @property
    def mean(self) -> Tensor:
        """p."""
        probs: Tensor = self.probs
        return probs

    @property
    def mode(self) -> Tensor:
        """The likelier one; NaN where they are equally likely."""
        likelier = (self.probs >= 0.5).to(self.probs.dtype)
        found: Tensor = where(self.probs == 0.5, full_like(likelier, math.nan), likelier)
        return found

    @property
    def variance(self) -> Tensor:
        """p (1 − p)."""
        return self.mean * (1 - self.mean)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """0 and 1, in the parameter's dtype."""
        with no_grad():
            return bernoulli(self.mean.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """x log p + (1 − x) log(1 − p)."""
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        """−p log p − (1 − p) log(1 − p)."""
        return binary_cross_entropy_with_logits(self.logits, self.mean, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """0, then 1."""
        return self._listed(2, self._param, expand)
