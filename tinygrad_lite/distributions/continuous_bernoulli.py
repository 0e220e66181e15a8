"""The continuous Bernoulli distribution, of numbers in [0, 1]."""

from __future__ import annotations

from typing import Any, ClassVar

from ..tensor import Tensor, no_grad
from ..tensor.compare import where
from ..tensor.draw import rand
from . import constraints
from .bernoulli import WithProbability
from .distribution import Shape
from .exp_family import ExponentialFamily
from .utils import broadcast_all, clamp_probs, lazy_property, logits_to_probs

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(WithProbability, ExponentialFamily):
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

    def _either(self, exact: Any, series: Any, cancels: bool = False) -> Tensor:
        """exact(η) where λ is not near ½, else series(η).

        Args:
            exact, series: functions of η.
            cancels: in float32 the exact form loses all digits long before λ is within `lims`;
                the series, up to η⁶, have them up to |η| = ½.
        """
        eta = self.logits
        outside = self._outside
        if cancels and eta.dtype.itemsize < 8:
            outside = outside & (eta.abs() > 0.5)
        one = eta.new_ones(())
        found: Tensor = where(outside, exact(where(outside, eta, one)), series(eta))
        return found

    def _log_size(self) -> Tensor:
        """log ∫₀¹ eᶯˣ dx = log((eᶯ − 1) / η), which is η/2 + η²/24 − η⁴/2880 + η⁶/181440 near 0."""

        def exact(eta: Tensor) -> Tensor:
            size = eta.abs()
            return eta.clamp(min=0) + (-(-size).expm1()).log() - size.log()

        return self._either(
            exact, lambda h: h / 2 + h**2 / 24 - h**4 / 2880 + h**6 / 181440, cancels=True
        )

    @property
    def mean(self) -> Tensor:
        """1 / (1 − e⁻ᶯ) − 1/η, which is ½ + η/12 − η³/720 + η⁵/30240 near 0."""
        return self._either(
            lambda h: -1 / (-h).expm1() - 1 / h,
            lambda h: 0.5 + h / 12 - h**3 / 720 + h**5 / 30240,
            cancels=True,
        )

    @property
    def variance(self) -> Tensor:
        """1/η² − 1 / (4 sinh²(η/2)), which is 1/12 − η²/240 + η⁴/6048 − η⁶/172800 near 0."""
        return self._either(
            lambda h: 1 / h**2 - 0.25 / (h / 2).sinh() ** 2,
            lambda h: 1 / 12 - h**2 / 240 + h**4 / 6048 - h**6 / 172800,
            cancels=True,
        )

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
        found = self._either(lambda h: (h * value).expm1() / h.expm1(), lambda h: value)
        return found.clamp(0, 1)

    def icdf(self, value: Tensor) -> Tensor:
        """log(1 + u (eᶯ − 1)) / η."""
        return self._either(lambda h: (value * h.expm1()).log1p() / h, lambda h: value)

    def entropy(self) -> Tensor:
        """log((eᶯ − 1) / η) − η E[x]."""
        return self._log_size() - self.logits * self.mean
