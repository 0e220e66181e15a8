"""The continuous Bernoulli distribution, of numbers in [0, 1]."""

from __future__ import annotations

from typing import Any, ClassVar

from ..tensor import Tensor, no_grad
from ..tensor.compare import where
from ..tensor.draw import rand
from . import constraints
from .bernoulli import WithProbability
from .distribution import Shape
from .utils import broadcast_all, clamp_probs, lazy_property, logits_to_probs

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(WithProbability):
    """p(x) = λˣ (1 − λ)¹⁻ˣ / c for x in [0, 1]; with η = log(λ / (1 − λ)) that is η eᶯˣ / (eᶯ − 1).

    G. Loaiza-Ganem and J. P. Cunningham, "The continuous Bernoulli: fixing a pervasive error in
    variational autoencoders", NeurIPS 2019.

    Args:
        probs: λ, which is not the mean: a number or a tensor; or
        logits: η.
        lims: between which λ, around ½, series stand for quotients of what is nearly 0.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: neither or both of them, or out of their range.
    """

    support: Any = constraints.unit_interval
    has_rsample = True
    _event_dims: ClassVar = WithProbability._event_dims

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(probs, logits, validate_args)
        self._lims = lims
        if probs is not None:
            self.__dict__["probs"] = self._param = clamp_probs(self._param)

    @lazy_property
    def probs(self) -> Tensor:
        """λ."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    @property
    def _outside(self) -> Tensor:
        """Where λ is not near ½."""
        found: Tensor = (self.probs <= self._lims[0]) | (self.probs > self._lims[1])
        return found

    @property
    def _eta(self) -> Tensor:
        """η; 1 where λ is near ½, and the series stand in."""
        found: Tensor = where(self._outside, self.logits, self.logits.new_ones(()))
        return found

    def _either(self, exact: Tensor, series: Tensor) -> Tensor:
        found: Tensor = where(self._outside, exact, series)
        return found

    def _log_size(self) -> Tensor:
        """log ∫₀¹ eᶯˣ dx = log((eᶯ − 1) / η), which is η/2 + η²/24 − η⁴/2880 near 0."""
        eta, near = self._eta, self.logits
        size = eta.abs()
        exact = eta.clamp(min=0) + (-(-size).expm1()).log() - size.log()
        return self._either(exact, near / 2 + near**2 / 24 - near**4 / 2880)

    @property
    def mean(self) -> Tensor:
        """1 / (1 − e⁻ᶯ) − 1/η, which is ½ + η/12 − η³/720 near 0."""
        eta, near = self._eta, self.logits
        return self._either(-1 / (-eta).expm1() - 1 / eta, 0.5 + near / 12 - near**3 / 720)

    @property
    def variance(self) -> Tensor:
        """1/η² − 1 / (4 sinh²(η/2)), which is 1/12 − η²/240 near 0."""
        eta, near = self._eta, self.logits
        return self._either(1 / eta**2 - 0.25 / (eta / 2).sinh() ** 2, 1 / 12 - near**2 / 240)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Draws without a gradient."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """The inverse of the distribution function at uniform draws."""
        like = self._param
        shape = self._extended_shape(sample_shape)
        return self.icdf(rand(shape, dtype=like.dtype, device=like.device))

    def log_prob(self, value: Tensor) -> Tensor:
        """η x − log((eᶯ − 1) / η)."""
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return logits * value - self._log_size()

    def cdf(self, value: Tensor) -> Tensor:
        """(eᶯˣ − 1) / (eᶯ − 1), within [0, 1]."""
        self._validate_sample(value)
        eta = self._eta
        return self._either((eta * value).expm1() / eta.expm1(), value).clamp(0, 1)

    def icdf(self, value: Tensor) -> Tensor:
        """log(1 + u (eᶯ − 1)) / η."""
        eta = self._eta
        return self._either((value * eta.expm1()).log1p() / eta, value)

    def entropy(self) -> Tensor:
        """log((eᶯ − 1) / η) − η E[x]."""
        return self._log_size() - self.logits * self.mean
