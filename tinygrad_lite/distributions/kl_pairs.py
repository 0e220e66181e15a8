"""Divergences between distributions of two kinds: KL(p ‖ q) = −H(p) − E_p[log q(x)].

With what q's density needs of p: its mean and variance, E[log x], E[e^(−t x)]. Where q excludes
what p does not, the divergence is ∞.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from ..tensor import Tensor
from ..tensor.arrange import broadcast_shapes
from ..tensor.compare import where
from ..tensor.create import full_like
from ..tensor.elementwise import xlogy
from ..tensor.solve import solve_triangular
from ..tensor.special import digamma, lgamma
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .cauchy import Cauchy
from .continuous_bernoulli import ContinuousBernoulli
from .exponential import Exponential
from .gamma import Gamma
from .gumbel import EULER, Gumbel
from .half_cauchy import HalfCauchy
from .kl import register_kl
from .laplace import Laplace
from .lowrank_multivariate_normal import LowRankMultivariateNormal
from .multivariate_normal import MultivariateNormal
from .normal import Normal
from .pareto import Pareto
from .poisson import Poisson
from .uniform import Uniform

__all__: list[str] = []

Of = Callable[[Any], Tensor]


def _log_beta(q: Beta) -> Tensor:
    a, b = q.concentration1, q.concentration0
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _between(f: Callable[[Tensor], Tensor], low: Tensor, high: Tensor) -> Tensor:
    return (f(high) - f(low)) / (high - low)


# E[log x], and E[e^(−t x)].
LOGARITHM: dict[type, Of] = {
    Exponential: lambda p: -EULER - p.rate.log(),
    Gamma: lambda p: digamma(p.concentration) - p.rate.log(),
    Beta: lambda p: digamma(p.concentration1) - digamma(p.concentration1 + p.concentration0),
    Uniform: lambda p: _between(lambda x: xlogy(x, x), p.low, p.high) - 1,
    Pareto: lambda p: p.scale.log() + p.alpha.reciprocal(),
}
DECAY: dict[type, Callable[[Any, Tensor], Tensor]] = {
    Exponential: lambda p, t: p.rate / (p.rate + t),
    Gamma: lambda p, t: (1 + t / p.rate) ** -p.concentration,
    Normal: lambda p, t: (t * t * p.scale**2 / 2 - p.loc * t).exp(),
    Uniform: lambda p, t: _between(lambda x: (-x * t).exp(), p.low, p.high) / -t,
    Gumbel: lambda p, t: (lgamma(1 + p.scale * t) - p.loc * t).exp(),
}


def _log_normal_density(p: Any, q: Normal) -> Tensor:
    square: Tensor = (p.variance + (p.mean - q.loc) ** 2) / (2 * q.scale**2)
    width: Tensor = (2 * math.pi * q.scale**2).log()
    return -0.5 * width - square


def _log_exponential_density(p: Any, q: Exponential) -> Tensor:
    found: Tensor = q.rate.log() - q.rate * p.mean
    return found


def _log_gamma_density(p: Any, q: Gamma) -> Tensor:
    a, b = q.concentration, q.rate
    found: Tensor = a * b.log() - lgamma(a) + (a - 1) * LOGARITHM[_kind(p)](p) - b * p.mean
    return found


def _log_gumbel_density(p: Any, q: Gumbel) -> Tensor:
    decay = DECAY[_kind(p)](p, 1 / q.scale) * (q.loc / q.scale).exp()
    found: Tensor = -q.scale.log() - (p.mean - q.loc) / q.scale - decay
    return found


def _log_continuous_density(p: Any, q: ContinuousBernoulli) -> Tensor:
    found: Tensor = q.logits * p.mean - q._log_size()
    return found


def _kind(p: Any) -> type:
    """Of its bases the one that the tables have."""
    return next(k for k in type(p).__mro__ if k in LOGARITHM or k in DECAY)


def _register(p: type, q: type, log_density: Callable[[Any, Any], Tensor]) -> None:
    register_kl(p, q)(lambda p, q: -p.entropy() - log_density(p, q))


_DENSITIES: list[tuple[type, Callable[[Any, Any], Tensor], tuple[type, ...]]] = [
    (
        Normal,
        _log_normal_density,
        (Exponential, Gamma, Gumbel, Beta, Laplace, ContinuousBernoulli, Pareto),
    ),
    (Exponential, _log_exponential_density, (Gamma, Beta, ContinuousBernoulli, Pareto)),
    (Gamma, _log_gamma_density, (Exponential, Beta, Pareto)),
    (ContinuousBernoulli, _log_continuous_density, (Beta,)),
    (Gumbel, _log_gumbel_density, (Exponential, Gamma, Normal, Uniform, Gumbel)),
]
for _q, _log_density, _known in _DENSITIES:
    for _p in _known:
        _register(_p, _q, _log_density)


def _infinite(p: Any, q: Any) -> Tensor:
    return full_like(p.mean + q.mean, math.inf)


_EXCLUDED: list[tuple[tuple[type, ...], tuple[type, ...]]] = [
    ((Exponential, Gamma, Pareto), (Beta, Uniform, ContinuousBernoulli)),
    (
        (Gumbel, Laplace, Normal),
        (Beta, Exponential, Gamma, Uniform, ContinuousBernoulli, Pareto),
    ),
    ((Exponential, Gamma, Beta, ContinuousBernoulli), (Pareto,)),
    ((Poisson,), (Bernoulli, Binomial)),
]
for _of_p, _of_q in _EXCLUDED:
    for _p, _q in itertools.product(_of_p, _of_q):
        register_kl(_p, _q)(_infinite)


def _unless(bad: Tensor, value: Tensor) -> Tensor:
    found: Tensor = where(bad, full_like(value, math.inf), value)
    return found


@register_kl(Beta, Uniform)
def _beta_uniform(p: Beta, q: Uniform) -> Tensor:
    return _unless((q.low > 0) | (q.high < 1), (q.high - q.low).log() - p.entropy())


@register_kl(ContinuousBernoulli, Uniform)
def _continuous_uniform(p: ContinuousBernoulli, q: Uniform) -> Tensor:
    return _unless((q.low > 0) | (q.high < 1), (q.high - q.low).log() - p.entropy())


@register_kl(Uniform, ContinuousBernoulli)
def _uniform_continuous(p: Uniform, q: ContinuousBernoulli) -> Tensor:
    density = _log_continuous_density(p, q)
    return _unless((p.low < 0) | (p.high > 1), -p.entropy() - density)


@register_kl(Uniform, Pareto)
def _uniform_pareto(p: Uniform, q: Pareto) -> Tensor:
    density = (q.alpha / q.scale).log() - (q.alpha + 1) * (LOGARITHM[Uniform](p) - q.scale.log())
    return _unless(p.low < q.scale, -p.entropy() - density)


@register_kl(Uniform, Exponential)
def _uniform_exponential(p: Uniform, q: Exponential) -> Tensor:
    return _unless(p.low < 0, -p.entropy() - _log_exponential_density(p, q))


@register_kl(Uniform, Gamma)
def _uniform_gamma(p: Uniform, q: Gamma) -> Tensor:
    return _unless(p.low < 0, -p.entropy() - _log_gamma_density(p, q))


@register_kl(Uniform, Beta)
def _uniform_beta(p: Uniform, q: Beta) -> Tensor:
    """With E[log(1 − x)] as E[log x] between 1 − high and 1 − low."""
    rest = _between(lambda x: xlogy(x, x), 1 - p.high, 1 - p.low) - 1
    terms = (q.concentration1 - 1) * LOGARITHM[Uniform](p) + (q.concentration0 - 1) * rest
    return _unless((p.low < 0) | (p.high > 1), _log_beta(q) - p.entropy() - terms)


@register_kl(Normal, Laplace)
def _normal_laplace(p: Normal, q: Laplace) -> Tensor:
    """With E|x − m| = s √(2/π) e^(−z²/2) + (μ − m) erf(z / √2), z = (μ − m) / s."""
    distance = p.loc - q.loc
    z = distance / p.scale
    spread = math.sqrt(2 / math.pi) * p.scale * (-0.5 * z * z).exp()
    mean = spread + distance * (z / math.sqrt(2)).erf()
    return -p.entropy() + (2 * q.scale).log() + mean / q.scale


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    """F. Chyzak and F. Nielsen, 2019."""
    first = ((p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2).log()
    return first - (4 * p.scale * q.scale).log()


@register_kl(HalfCauchy, HalfCauchy)
def _half_cauchy(p: HalfCauchy, q: HalfCauchy) -> Tensor:
    """That of the whole: both halves are alike."""
    return _cauchy(p.base_dist, q.base_dist)


def _solved(low: Tensor, b: Tensor) -> Tensor:
    """L⁻¹ b for batches that broadcast."""
    batch = broadcast_shapes(low.shape[:-2], b.shape[:-2])
    whole = (x.expand(*batch, *x.shape[-2:]) for x in (low, b))
    return solve_triangular(*whole, upper=False)


def _factors(p: Any) -> list[Tensor]:
    """Matrices F of Σ = Σᵢ Fᵢ Fᵢᵀ."""
    if isinstance(p, MultivariateNormal):
        return [p.scale_tril]
    return [p.cov_factor, p.cov_diag.sqrt().diag_embed()]


def _square(q: Any, b: Tensor) -> Tensor:
    """tr(bᵀ Σ⁻¹ b); of a low rank Σ⁻¹ = D⁻¹ − D⁻¹ W C⁻¹ Wᵀ D⁻¹ (Woodbury)."""
    if isinstance(q, MultivariateNormal):
        return (_solved(q.scale_tril, b) ** 2).sum((-2, -1))
    scaled = b / q.cov_diag.unsqueeze(-1)
    inner = _solved(q._capacitance, q.cov_factor.mT @ scaled)
    found: Tensor = (b * scaled).sum((-2, -1)) - (inner**2).sum((-2, -1))
    return found


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _low_rank(p: Any, q: Any) -> Tensor:
    """½ (log det Σ_q − log det Σ_p + tr Σ_q⁻¹ Σ_p + (μ_q − μ_p)ᵀ Σ_q⁻¹ (μ_q − μ_p) − n)."""
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two (Low Rank) Multivariate Normals with different event "
            "shapes cannot be computed"
        )
    total = _square(q, (q.loc - p.loc).unsqueeze(-1))
    for factor in _factors(p):
        total = total + _square(q, factor)
    found: Tensor = q._half_log_det() - p._half_log_det() + (total - p.event_shape[0]) / 2
    return found
