"""The Kullback–Leibler divergence KL(p ‖ q) of two distributions, in closed form.

Each function gives that of one pair of types, of the batch shape of p and q, in nats. Sources:
Kullback & Leibler (1951), "On information and sufficiency"; formulas as derived by Gil, Alajaji &
Linder (2013), "Rényi divergence measures for commonly used univariate continuous distributions".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..nn.functional import softplus
from ..tensor import Tensor
from ..tensor.arrange import broadcast_shapes
from ..tensor.compare import where
from ..tensor.create import full_like, zeros_like
from ..tensor.solve import solve_triangular
from ..tensor.special import digamma, lgamma, mvlgamma
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .continuous_bernoulli import ContinuousBernoulli
from .dirichlet import Dirichlet
from .distribution import Distribution
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .half_normal import HalfNormal
from .independent import Independent
from .laplace import Laplace
from .multivariate_normal import MultivariateNormal
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .pareto import Pareto
from .poisson import Poisson
from .transformed_distribution import LogNormal, TransformedDistribution
from .uniform import Uniform
from .utils import sum_rightmost
from .wishart import Wishart

__all__ = ["kl_divergence", "register_kl"]

Divergence = Callable[[Any, Any], Tensor]

_known: dict[tuple[type, type], Divergence] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Divergence], Divergence]:
    """Decorate a function of p and q that computes KL(p ‖ q) for two types and their subclasses.

    `kl_divergence` finds it from then on.

    Args:
        type_p, type_q: subclasses of `Distribution`.

    Raises:
        TypeError: a type that is no subclass of `Distribution`.

    Example:
        >>> from tinygrad_lite.distributions import Normal, kl_divergence, register_kl
        >>> class Centred(Normal):
        ...     pass
        >>> @register_kl(Centred, Centred)
        ... def of_centred(p, q):
        ...     ratio = (p.scale / q.scale) ** 2
        ...     return 0.5 * (ratio - 1 - ratio.log())
        >>> kl_divergence(Centred(0.0, 1.0), Centred(0.0, 1.0)).item()
        0.0
    """
    for name, given in (("type_p", type_p), ("type_q", type_q)):
        if not issubclass(given, Distribution):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {given}")

    def register(function: Divergence) -> Divergence:
        _known[type_p, type_q] = function
        return function

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p ‖ q) = E_p[log p(x) − log q(x)] in nats, of the batch shape (Kullback & Leibler 1951).

    Args:
        p: the distribution of the expectation.
        q: the other, of a type for which a formula with p's type is known; their batch shapes
            broadcast.

    Raises:
        NotImplementedError: no formula for these two types is known (`register_kl` adds one).
    """
    for of_p in type(p).__mro__:
        for of_q in type(q).__mro__:
            found = _known.get((of_p, of_q))
            if found is not None:
                return found(p, q)
    raise NotImplementedError(
        f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}"
    )


def _infinite_where(bad: Any, value: Tensor) -> Tensor:
    """∞ where `bad`, a tensor of bool, is true, and `value` elsewhere."""
    found: Tensor = where(bad, full_like(value, math.inf), value)
    return found


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    """½ (r + ((μ_p − μ_q) / σ_q)² − 1 − log r) with r = (σ_p / σ_q)²."""
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - ratio.log())


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    """log(b_q / b_p) + |μ_p − μ_q| / b_q + (b_p / b_q) exp(−|μ_p − μ_q| / b_p) − 1."""
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + distance / q.scale + ratio * (-distance / p.scale).exp() - 1


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    """log((b_q − a_q) / (b_p − a_p)); ∞ where q's interval [a_q, b_q] does not contain p's."""
    value = ((q.high - q.low) / (p.high - p.low)).log()
    return _infinite_where((q.low > p.low) | (q.high < p.high), value)


@register_kl(Uniform, Normal)
def _uniform_normal(p: Uniform, q: Normal) -> Tensor:
    """log(σ √(2π) / (b − a)) + ((b − a)² / 12 + ((a + b) / 2 − μ)²) / (2 σ²) for p on [a, b]."""
    width = p.high - p.low
    first = (math.sqrt(2 * math.pi) * q.scale / width).log()
    second = (width**2 / 12 + ((p.high + p.low - 2 * q.loc) / 2) ** 2) / (2 * q.scale**2)
    return first + second


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    """log(λ_p / λ_q) + λ_q / λ_p − 1."""
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    """p (log p − log q) + (1 − p) (log(1 − p) − log(1 − q)); ∞ where q excludes what p does not."""
    a = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    a = where(p.probs == 0, zeros_like(a), _infinite_where(q.probs == 0, a))
    b = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    b = where(p.probs == 1, zeros_like(b), _infinite_where(q.probs == 1, b))
    found: Tensor = a + b
    return found


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    """Σ_k p_k (log p_k − log q_k) with 0 log 0 = 0; ∞ where q excludes what p does not."""
    t = p.probs * (p.logits - q.logits)
    t = _infinite_where((q.probs == 0).expand(t.shape), t)
    t = where((p.probs == 0).expand(t.shape), zeros_like(t), t)
    found: Tensor = t.sum(-1)
    return found


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    """That of the categories: the same events under other names."""
    return _categorical(p._categorical, q._categorical)


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    """n times that of one trial; ∞ where p has more of them than q."""
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    one = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return _infinite_where(p.total_count > q.total_count, p.total_count * one)


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: HalfNormal, q: HalfNormal) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Pareto, Pareto)
def _pareto(p: Pareto, q: Pareto) -> Tensor:
    """α_q log(m_p / m_q) − log(α_q / α_p) + α_q / α_p − 1; ∞ where q begins later."""
    ratio = q.alpha / p.alpha
    value = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return _infinite_where(p.support.lower_bound < q.support.lower_bound, value)


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Tensor:
    """−H(p) − log(1 − q) / p − log(q / (1 − q)) for probabilities p and q, H being the entropy."""
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    """λ_p log(λ_p / λ_q) − (λ_p − λ_q)."""
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Tensor:
    """α_q log(β_p / β_q) + log Γ(α_q) − log Γ(α_p) + (α_p − α_q) ψ(α_p) + (β_q − β_p) α_p / β_p."""
    a, b = p.concentration, q.concentration
    first = b * (p.rate / q.rate).log() + lgamma(b) - lgamma(a)
    return first + (a - b) * digamma(a) + (q.rate - p.rate) * (a / p.rate)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    """For α = α_p, β = α_q and α₀ = Σ_k α_k, β₀ = Σ_k β_k:

    log Γ(α₀) − log Γ(β₀) − Σ_k (log Γ(α_k) − log Γ(β_k)) + Σ_k (α_k − β_k) (ψ(α_k) − ψ(α₀)).
    """
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    first = lgamma(total) - lgamma(b.sum(-1)) - (lgamma(a) - lgamma(b)).sum(-1)
    return first + ((a - b) * (digamma(a) - digamma(total).unsqueeze(-1))).sum(-1)


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor:
    """That of the Dirichlet distributions of (x, 1 − x)."""
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    """½ (|L_q⁻¹ L_p|² + |L_q⁻¹ (μ_q − μ_p)|² − n) + log det L_q − log det L_p."""
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two Multivariate Normals with different event shapes cannot be "
            "computed"
        )
    n = p.event_shape[0]
    batch = broadcast_shapes(p.batch_shape, q.batch_shape)
    low_q = q._unbroadcasted_scale_tril.expand(*batch, n, n)
    low_p = p._unbroadcasted_scale_tril.expand(*batch, n, n)
    difference = (q.loc - p.loc).unsqueeze(-1).expand(*batch, n, 1)
    square = (solve_triangular(low_q, low_p, upper=False) ** 2).sum((-2, -1))
    square = square + (solve_triangular(low_q, difference, upper=False) ** 2).sum((-2, -1))
    found: Tensor = q._half_log_det() - p._half_log_det() + 0.5 * (square - n)
    return found


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    """The sum of the bases' divergences over the dimensions that are one event."""
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError(
            "KL(p || q) of two Independent needs the same reinterpreted_batch_ndims, not "
            f"{p.reinterpreted_batch_ndims} and {q.reinterpreted_batch_ndims}"
        )
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    """That of the bases: the same invertible transforms on both sides leave it as it is."""
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("KL(p || q) needs the same transforms on both sides")
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(LogNormal, LogNormal)
def _log_normal(p: LogNormal, q: LogNormal) -> Tensor:
    """That of the normal distributions of log x."""
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p: ContinuousBernoulli, q: ContinuousBernoulli) -> Tensor:
    """E_p[x] (η_p − η_q) − log c_p + log c_q, where c is ∫ eᶯˣ dx."""
    return p.mean * (p.logits - q.logits) - p._log_size() + q._log_size()


@register_kl(Wishart, Wishart)
def _wishart(p: Wishart, q: Wishart) -> Tensor:
    """½ (ν_q log det V_p⁻¹V_q + ν_p (tr V_q⁻¹V_p − n) + (ν_p − ν_q) ψₙ(ν_p/2)) + log Γₙ ratios."""
    n = p.event_shape[-1]
    trace = (q.precision_matrix @ p.covariance_matrix).diagonal(dim1=-2, dim2=-1).sum(-1)
    found: Tensor = (
        q.df * (q._half_log_det() - p._half_log_det())
        + p.df * (trace - n) / 2
        + (p.df - q.df) / 2 * p._digamma()
        + mvlgamma(q.df / 2, n)
        - mvlgamma(p.df / 2, n)
    )
    return found
