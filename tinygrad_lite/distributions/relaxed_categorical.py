"""The relaxed categorical distribution: one-hot vectors whose samples have gradients."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..tensor import Tensor
from ..tensor.draw import rand
from . import constraints
from .categorical import Categorical
from .distribution import Distribution, Shape
from .transformed_distribution import TransformedDistribution
from .transforms import ExpTransform
from .utils import clamp_probs

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]


class ExpRelaxedCategorical(Distribution):
    """The logarithms of `RelaxedOneHotCategorical`.

    Args:
        temperature: T, above 0: a tensor.
        probs, logits: as for `Categorical`.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: neither or both of them, or out of their range.
    """

    arg_constraints: ClassVar[Any] = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    support: Any = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        temperature: Any,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self.temperature = temperature
        self._categorical = Categorical(probs, logits)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        """See `Distribution.expand`."""
        new = super().expand(batch_shape, _instance)
        new._categorical = self._categorical.expand(batch_shape)
        return new

    @property
    def probs(self) -> Tensor:
        """p."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """log p."""
        return self._categorical.logits

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter."""
        return self._categorical.param_shape

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """log softmax((log p + Gumbel's noise) / T)."""
        shape = self._extended_shape(sample_shape)
        u = clamp_probs(rand(shape, dtype=self.logits.dtype, device=self.logits.device))
        scores = (self.logits - (-u.log()).log()) / self.temperature
        found: Tensor = scores.log_softmax(dim=-1)
        return found

    def log_prob(self, value: Tensor) -> Tensor:
        """log (K − 1)! + (K − 1) log T + Σ log softmax(log p − T x)."""
        self._validate_sample(value)
        k = self.event_shape[0]
        scores = (self.logits - value * self.temperature).log_softmax(dim=-1).sum(-1)
        temperature = scores.new_tensor(1.0) * self.temperature
        found: Tensor = scores + math.lgamma(k) + (k - 1) * temperature.log()
        return found


class RelaxedOneHotCategorical(TransformedDistribution):
    """Vectors of the simplex that near its corners for low temperatures T, with gradients for p.

    Maddison, Mnih, Teh, "The Concrete Distribution", ICLR 2017: https://arxiv.org/abs/1611.00712;
    Jang, Gu, Poole, "Categorical Reparameterization with Gumbel-Softmax", ICLR 2017.

    Args:
        temperature: T, above 0: a tensor.
        probs, logits: as for `Categorical`.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: neither or both of them, or out of their range.
    """

    arg_constraints: ClassVar[Any] = ExpRelaxedCategorical.arg_constraints
    support: Any = constraints.simplex

    def __init__(
        self,
        temperature: Any,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

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
        """log p."""
        return self.base_dist.logits  # type: ignore[attr-defined]
