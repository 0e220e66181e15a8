"""The binomial distribution."""

from __future__ import annotations

from typing import Any, ClassVar

from ..backend import namespace, random, to_host
from ..tensor import Tensor
from ..tensor.base import new
from ..tensor.special import lgamma
from . import constraints
from .distribution import Distribution, Shape
from .utils import broadcast_all, either, lazy_property, logits_to_probs, probs_to_logits, shape_of

__all__ = ["Binomial"]


class Binomial(Distribution):
    """How many of n trials succeed: p(k) = n! / (k! (n − k)!) pᵏ (1 − p)ⁿ⁻ᵏ.

    Args:
        total_count: n: a number or a tensor.
        probs: p of a success; or
        logits: log(p / (1 − p)).
        validate_args: whether arguments are checked.

    Raises:
        ValueError: neither or both of them, or out of their range.
    """

    arg_constraints: ClassVar[Any] = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True
    _event_dims: ClassVar = {"total_count": 0, "probs": 0, "logits": 0}

    def __init__(
        self,
        total_count: Any = 1,
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

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        """0 … n."""
        return constraints.integer_interval(0, self.total_count)

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
        """n p."""
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        """⌊(n + 1) p⌋, at most n."""
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Tensor:
        """n p (1 − p)."""
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Drawn on the host, in the parameter's dtype."""
        shape = self._extended_shape(sample_shape)
        chance = self.probs.detach().expand(shape).array
        count = self.total_count.detach().expand(shape).array
        found = random.binomial(to_host(count), to_host(chance))
        return new(namespace(chance).asarray(found))

    def log_prob(self, value: Tensor) -> Tensor:
        """log n! − log k! − log (n − k)! + k l − n log(1 + eˡ) for the logits l."""
        self._validate_sample(value)
        n, logits = self.total_count, self.logits
        size = logits.abs()
        whole = n * (size + logits) / 2 + n * (-size).exp().log1p()
        ways = lgamma(n + 1) - lgamma(value + 1) - lgamma(n - value + 1)
        found: Tensor = ways + value * logits - whole
        return found

    def _count(self, what: str) -> int:
        largest = int(self.total_count.max())
        if int(self.total_count.min()) != largest:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{what}`.")
        return largest

    def entropy(self) -> Tensor:
        """−Σ p(k) log p(k).

        Raises:
            NotImplementedError: several n.
        """
        self._count("entropy")
        log_p = self.log_prob(self.enumerate_support(False))
        return -(log_p.exp() * log_p).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """0 … n.

        Raises:
            NotImplementedError: several n.
        """
        return self._listed(self._count("enumerate_support") + 1, self.total_count, expand)
