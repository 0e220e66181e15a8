"""The relaxed Bernoulli distribution: a coin whose samples have gradients."""

from __future__ import annotations

from typing import Any, ClassVar

from ..tensor import Tensor
from ..tensor.draw import rand
from . import constraints
from .bernoulli import WithProbability
from .distribution import Shape
from .transformed_distribution import TransformedDistribution
from .transforms import SigmoidTransform
from .utils import clamp_probs, probs_to_logits

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(WithProbability):
    """The logits of `RelaxedBernoulli`: (l + logit u) / T for u uniform on (0, 1).

    Args:
        temperature: T, above 0: a tensor.
        probs, logits: as for `Bernoulli`.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: neither or both of them, or out of their range.
    """

    support: Any = constraints.real
    has_rsample = True

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        self.temperature = temperature
        super().__init__(probs, logits, validate_args)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """(logit p + logit u) / T."""
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(rand(shape, dtype=probs.dtype, device=probs.device))
        logits = probs_to_logits(u, is_binary=True) + probs_to_logits(probs, is_binary=True)
        found: Tensor = logits / self.temperature
        return found

    def log_prob(self, value: Tensor) -> Tensor:
        """log T + d − 2 log(1 + eᵈ) with d = l − T x."""
        self._validate_sample(value)
        difference = self.logits - value * self.temperature
        scale = self.logits.new_tensor(1.0) * self.temperature
        found: Tensor = scale.log() + difference - 2 * difference.exp().log1p()
        return found


class RelaxedBernoulli(TransformedDistribution):
    """Numbers in (0, 1) that near 0 and 1 for low temperatures T, with gradients for p.

    Maddison, Mnih, Teh, "The Concrete Distribution", ICLR 2017: https://arxiv.org/abs/1611.00712

    Args:
        temperature: T, above 0: a tensor.
        probs, logits: as for `Bernoulli`.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: neither or both of them, or out of their range.
    """

    arg_constraints: ClassVar[Any] = LogitRelaxedBernoulli.arg_constraints
    support: Any = constraints.unit_interval

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Any:
        """T."""
        return self.base_dist.temperature  # type: ignore[attr-defined]

    @property
    def probs(self) -> Any:
        """p."""
        return self.base_dist.probs  # type: ignore[attr-defined]

    @property
    def logits(self) -> Any:
        """log(p / (1 − p))."""
        return self.base_dist.logits  # type: ignore[attr-defined]
