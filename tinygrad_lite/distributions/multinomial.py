"""The multinomial distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..nn.functional import one_hot
from ..tensor import Tensor
from ..tensor.arrange import broadcast_tensors
from ..tensor.special import lgamma
from . import constraints
from .binomial import Binomial
from .categorical import Categorical
from .distribution import Distribution, Shape

__all__ = ["Multinomial"]


class Multinomial(Distribution):
    """How often each of K categories came in n draws: p(x) = n! Π pₖ^xₖ / xₖ!, with Σ xₖ = n.

    Args:
        total_count: n.
        probs, logits: as for `Categorical`.
        validate_args: whether arguments are checked.

    Raises:
        NotImplementedError: n is no int.
        ValueError: n is negative.
    """

    arg_constraints: ClassVar[Any] = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }

    def __init__(
        self,
        total_count: int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if type(total_count) is not int:
            raise NotImplementedError("inhomogeneous total_count is not supported")
        if total_count < 0:
            raise ValueError(f"Multinomial: total_count must not be negative, but is {total_count}")
        self.total_count = total_count
        self._categorical = Categorical(probs=probs, logits=logits)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        """See `Distribution.expand`."""
        new = super().expand(batch_shape, _instance)
        new._categorical = self._categorical.expand(batch_shape)
        return new

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        """Counts whose sum is n."""
        return constraints.multinomial(self.total_count)

    @property
    def param_shape(self) -> Any:
        """The shape of the probabilities."""
        return self._categorical.param_shape

    @property
    def probs(self) -> Tensor:
        """p."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """log p."""
        return self._categorical.logits

    @property
    def mean(self) -> Tensor:
        """n p."""
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        """n p (1 − p)."""
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Counts, in the parameter's dtype."""
        drawn = self._categorical.sample((self.total_count, *sample_shape))
        return one_hot(drawn, self.event_shape[0]).sum(0).to(self.probs.dtype)

    def entropy(self) -> Tensor:
        """n H(p) − log n! + Σᵢ E[log kᵢ!], each kᵢ being binomial."""
        n = self.total_count
        binomial = Binomial(n, self.probs, validate_args=False)
        counts = binomial.enumerate_support(expand=False)[1:]
        spread = (binomial.log_prob(counts).exp() * lgamma(counts + 1)).sum((0, -1))
        return n * self._categorical.entropy() - math.lgamma(n + 1) + spread

    def log_prob(self, value: Tensor) -> Tensor:
        """log n! − Σ log kᵢ! + Σ kᵢ log pᵢ, where 0 log 0 = 0."""
        self._validate_sample(value)
        logits, value = broadcast_tensors(self.logits, value)
        logits = logits.masked_fill((value == 0) & (logits == -float("inf")), 0.0)
        factors = lgamma(value.sum(-1) + 1) - lgamma(value + 1).sum(-1)
        found: Tensor = factors + (logits * value).sum(-1)
        return found
