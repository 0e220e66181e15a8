"""Mixtures of distributions of one kind."""

from __future__ import annotations

from typing import Any, ClassVar

from ..nn.functional import log_softmax
from ..tensor import Tensor, no_grad
from . import constraints
from .categorical import Categorical
from .distribution import Distribution, Shape

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """p(x) = Σₖ πₖ pₖ(x), where all pₖ are one distribution with a batch dimension for k.

    Args:
        mixture_distribution: π, categorical, of the batch shape (…).
        component_distribution: of the batch shape (…, K).
        validate_args: whether arguments are checked.

    Raises:
        ValueError: no categorical, or shapes that do not fit.
    """

    arg_constraints: ClassVar[Any] = {}

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        mixture: Any = mixture_distribution
        if not isinstance(mixture, Categorical):
            raise ValueError(
                " The Mixture distribution needs to be an instance of "
                "torch.distributions.Categorical"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "The Component distribution needs to be an instance of "
                "torch.distributions.Distribution"
            )
        batch = component_distribution.batch_shape
        for own, other in zip(reversed(mixture.batch_shape), reversed(batch[:-1]), strict=False):
            if 1 not in (own, other) and own != other:
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({mixture.batch_shape}) is not compatible "
                    f"with `component_distribution.batch_shape`({batch})"
                )
        count = mixture.logits.shape[-1]
        if batch[-1] != count:
            raise ValueError(
                f"`mixture_distribution component` ({count}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({batch[-1]})"
            )
        self.mixture_distribution, self.component_distribution = mixture, component_distribution
        super().__init__(batch[:-1], component_distribution.event_shape, validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        """See `Distribution.expand`."""
        new = super().expand(batch_shape, _instance)
        count = self.mixture_distribution.param_shape[-1]
        new.mixture_distribution = self.mixture_distribution.expand(batch_shape)
        new.component_distribution = self.component_distribution.expand((*batch_shape, count))
        return new

    @constraints.dependent_property
    def support(self) -> Any:
        """The components'."""
        return constraints.MixtureSameFamilyConstraint(self.component_distribution.support)

    def _weights(self) -> Tensor:
        """π, with a dimension of 1 for each of an event's."""
        probs = self.mixture_distribution.probs
        return probs.reshape(*probs.shape, *(1 for _ in self._event_shape))

    @property
    def mean(self) -> Tensor:
        """Σ πₖ μₖ."""
        return (self._weights() * self.component_distribution.mean).sum(-1 - len(self._event_shape))

    @property
    def variance(self) -> Tensor:
        """Σ πₖ (σₖ² + (μₖ − μ)²)."""
        dim, weights = -1 - len(self._event_shape), self._weights()
        within = (weights * self.component_distribution.variance).sum(dim)
        away = self.component_distribution.mean - self.mean.unsqueeze(dim)
        return within + (weights * away**2).sum(dim)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Of a component that is drawn for each."""
        with no_grad():
            dim = -1 - len(self._event_shape)
            chosen = self.mixture_distribution.sample(sample_shape)
            drawn = self.component_distribution.sample(sample_shape)
            index = chosen.reshape(*chosen.shape, 1, *(1 for _ in self._event_shape))
            shape = list(drawn.shape)
            shape[dim] = 1
            return drawn.gather(drawn.ndim + dim, index.expand(shape)).squeeze(dim)

    def log_prob(self, x: Tensor) -> Tensor:
        """log Σ πₖ pₖ(x)."""
        self._validate_sample(x)
        apart = x.unsqueeze(-1 - len(self._event_shape))
        logits = log_softmax(self.mixture_distribution.logits, dim=-1)
        return (self.component_distribution.log_prob(apart) + logits).logsumexp(-1)

    def cdf(self, x: Tensor) -> Tensor:
        """Σ πₖ Fₖ(x)."""
        apart = self.component_distribution.cdf(x.unsqueeze(-1 - len(self._event_shape)))
        return (apart * self.mixture_distribution.probs).sum(-1)

    def __repr__(self) -> str:
        return (
            f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
        )
