"""Distributions to compare with PyTorch's: how they are made, and values to ask them about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Make = Callable[..., Any]


class Case(NamedTuple):
    """A distribution of parameters, and a value of it.

    Attributes:
        make: from the module and the parameters, tensors.
        params: their values.
        value: of the shape sample_shape + batch_shape + event_shape.
        other: parameters of a second one, for the divergence.
    """

    make: Make
    params: list[Any]
    value: Any
    other: list[Any] | None = None


LOC, SCALE = [[0.5, -1.0, 2.0], [0.0, 0.3, -0.7]], [[1.0, 0.5, 2.0], [0.1, 3.0, 1.5]]
LOC2, SCALE2 = [[0.0, -1.5, 2.5], [1.0, 0.0, -0.2]], [[0.4, 0.6, 1.0], [0.7, 2.0, 0.5]]
P, P2 = [[0.2, 0.5, 0.9], [0.01, 0.7, 0.4]], [[0.3, 0.6, 0.5], [0.2, 0.1, 0.9]]
LOGITS = [[0.2, -1.0, 3.0], [0.0, 0.5, -2.0]]
WEIGHTS, WEIGHTS2 = [[0.2, 0.3, 0.5], [3.0, 1.0, 4.0]], [[0.1, 0.8, 0.1], [1.0, 1.0, 1.0]]
ABOVE = [[0.4, 1.7, 3.0], [0.2, 2.2, 0.9]]
INSIDE = [[0.4, 0.7, 0.3], [0.2, 0.9, 0.5]]
COUNTS = [[0.0, 3.0, 1.0], [2.0, 0.0, 5.0]]
BITS = [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]
VECTOR, VECTOR2 = [[0.5, -1.0], [0.0, 0.3], [2.0, 1.0]], [0.1, 0.2]
LOWER, LOWER2 = [[1.0, 0.0], [0.5, 2.0]], [[0.7, 0.0], [-0.3, 1.1]]
COVARIANCE, COVARIANCE2 = [[2.0, 0.6], [0.6, 1.0]], [[1.0, -0.3], [-0.3, 0.8]]


def plain(name: str) -> Make:
    return lambda m, *params: getattr(m.distributions, name)(*params)


def named(name: str, *words: str) -> Make:
    return lambda m, *params: getattr(m.distributions, name)(
        **dict(zip(words, params, strict=True))
    )


def squashed(m: Any, loc: Any, scale: Any) -> Any:
    d = m.distributions
    transforms = [d.AffineTransform(0.5, -2.0), d.TanhTransform(cache_size=1)]
    return d.TransformedDistribution(d.Normal(loc, scale), transforms)


def stretched(m: Any, loc: Any, scale: Any) -> Any:
    d = m.distributions
    transforms = [d.SigmoidTransform(), d.AffineTransform(1.0, scale, event_dim=1)]
    return d.TransformedDistribution(d.Normal(loc, scale), transforms)


CASES: dict[str, Case] = {
    "normal": Case(plain("Normal"), [LOC, SCALE], ABOVE, [LOC2, SCALE2]),
    "normal-number": Case(lambda m, s: m.distributions.Normal(0.5, s), [SCALE], ABOVE, [SCALE2]),
    "laplace": Case(plain("Laplace"), [LOC, SCALE], ABOVE, [LOC2, SCALE2]),
    "gumbel": Case(plain("Gumbel"), [LOC, SCALE], ABOVE),
    "uniform": Case(
        lambda m, a, b: m.distributions.Uniform(a, a + b),
        [LOC, SCALE],
        [[1.0, -0.8, 3.0], [0.05, 1.0, 0.2]],
        [[[0.0, -2.0, 1.0], [-1.0, 0.0, -0.8]], [[3.0, 4.0, 6.0], [5.0, 9.0, 7.0]]],
    ),
    "exponential": Case(plain("Exponential"), [SCALE], ABOVE, [SCALE2]),
    "log-normal": Case(plain("LogNormal"), [LOC, SCALE], ABOVE, [LOC2, SCALE2]),
    "bernoulli": Case(named("Bernoulli", "probs"), [P], BITS, [P2]),
    "bernoulli-logits": Case(named("Bernoulli", "logits"), [LOGITS], BITS, [P2]),
    "geometric": Case(named("Geometric", "probs"), [P], COUNTS, [P2]),
    "geometric-logits": Case(named("Geometric", "logits"), [LOGITS], COUNTS, [P2]),
    "poisson": Case(plain("Poisson"), [ABOVE], COUNTS, [SCALE]),
    "categorical": Case(named("Categorical", "probs"), [WEIGHTS], [[2.0, 1.0], [0.0, 2.0]]),
    "categorical-logits": Case(
        named("Categorical", "logits"), [LOGITS], [[2.0, 1.0], [0.0, 2.0]], [WEIGHTS2]
    ),
    "one-hot": Case(
        named("OneHotCategorical", "probs"),
        [WEIGHTS],
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]],
        [WEIGHTS2],
    ),
    "one-hot-straight": Case(
        named("OneHotCategoricalStraightThrough", "logits"),
        [LOGITS],
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]],
        [WEIGHTS2],
    ),
    "gamma": Case(plain("Gamma"), [ABOVE, SCALE], ABOVE, [SCALE, ABOVE]),
    "chi2": Case(plain("Chi2"), [ABOVE], ABOVE, [SCALE]),
    "beta": Case(plain("Beta"), [ABOVE, SCALE], INSIDE, [SCALE, ABOVE]),
    "dirichlet": Case(plain("Dirichlet"), [ABOVE], [[0.2, 0.3, 0.5], [0.7, 0.1, 0.2]], [SCALE]),
    "multivariate": Case(
        plain("MultivariateNormal"), [VECTOR, COVARIANCE], VECTOR, [VECTOR2, COVARIANCE2]
    ),
    "multivariate-lower": Case(
        named("MultivariateNormal", "loc", "scale_tril"),
        [VECTOR, [LOWER, LOWER2, LOWER]],
        VECTOR2,
        [VECTOR2, LOWER2],
    ),
    "multivariate-precision": Case(
        named("MultivariateNormal", "loc", "precision_matrix"),
        [VECTOR2, COVARIANCE],
        VECTOR,
        [VECTOR2, COVARIANCE2],
    ),
    "independent": Case(
        lambda m, a, b: m.distributions.Independent(m.distributions.Normal(a, b), 1),
        [LOC, SCALE],
        [ABOVE, LOC2],
        [LOC2, SCALE2],
    ),
    "independent-none": Case(
        lambda m, p: m.distributions.Independent(m.distributions.Bernoulli(p), 0), [P], BITS, [P2]
    ),
    "cauchy": Case(plain("Cauchy"), [LOC, SCALE], ABOVE),
    "half-normal": Case(plain("HalfNormal"), [SCALE], ABOVE),
    "student": Case(plain("StudentT"), [[[0.7, 1.5, 3.0], [8.0, 5.0, 30.0]], LOC, SCALE], ABOVE),
    "student-plain": Case(plain("StudentT"), [[[7.0, 5.0, 9.0], [8.0, 5.0, 30.0]]], ABOVE),
    "multinomial": Case(
        lambda m, p: m.distributions.Multinomial(6, p),
        [WEIGHTS],
        [[2.0, 1.0, 3.0], [0.0, 2.0, 4.0]],
    ),
    "multinomial-logits": Case(
        lambda m, p: m.distributions.Multinomial(3, logits=p),
        [LOGITS],
        [[2.0, 1.0, 0.0], [0.0, 0.0, 3.0]],
    ),
    "mixture": Case(
        lambda m, p, a, b: m.distributions.MixtureSameFamily(
            m.distributions.Categorical(p), m.distributions.Normal(a, b)
        ),
        [WEIGHTS, LOC, SCALE],
        [0.3, 1.2],
    ),
    "mixture-of-vectors": Case(
        lambda m, p, a, b: m.distributions.MixtureSameFamily(
            m.distributions.Categorical(logits=p),
            m.distributions.Independent(m.distributions.Normal(a, b), 1),
        ),
        [[0.3, -0.7], LOC, SCALE],
        ABOVE,
    ),
    "binomial": Case(lambda m, p: m.distributions.Binomial(6, p), [P], COUNTS, [P2]),
    "binomial-logits": Case(
        lambda m, p: m.distributions.Binomial(5, logits=p), [LOGITS], COUNTS, [P2]
    ),
    "negative-binomial": Case(plain("NegativeBinomial"), [ABOVE, P], COUNTS),
    "negative-binomial-logits": Case(
        named("NegativeBinomial", "total_count", "logits"), [ABOVE, LOGITS], COUNTS
    ),
    "fisher": Case(
        plain("FisherSnedecor"),
        [[[7.0, 1.5, 3.0], [8.0, 5.0, 30.0]], [[7.0, 15.0, 9.0], [8.0, 1.0, 3.0]]],
        ABOVE,
    ),
    "half-cauchy": Case(plain("HalfCauchy"), [SCALE], ABOVE),
    "inverse-gamma": Case(
        plain("InverseGamma"), [[[4.0, 1.7, 5.0], [0.2, 9.0, 2.9]], SCALE], ABOVE
    ),
    "kumaraswamy": Case(plain("Kumaraswamy"), [ABOVE, SCALE], INSIDE),
    "pareto": Case(
        plain("Pareto"),
        [[[0.3, 0.5, 2.0], [0.1, 1.0, 0.5]], [[4.0, 3.0, 0.5], [1.5, 7.0, 9.0]]],
        ABOVE,
        [[[0.2, 0.9, 1.0], [0.1, 1.0, 0.4]], SCALE],
    ),
    "von-mises": Case(plain("VonMises"), [LOC, SCALE], ABOVE),
    "weibull": Case(plain("Weibull"), [SCALE, [[4.0, 1.7, 5.0], [2.0, 9.0, 2.9]]], ABOVE),
    "relaxed-bernoulli": Case(plain("RelaxedBernoulli"), [0.7, P], INSIDE),
    "relaxed-bernoulli-logits": Case(
        named("RelaxedBernoulli", "temperature", "logits"), [0.7, LOGITS], INSIDE
    ),
    "relaxed-categorical": Case(
        plain("RelaxedOneHotCategorical"), [0.7, WEIGHTS], [[0.2, 0.3, 0.5], [0.7, 0.1, 0.2]]
    ),
    "relaxed-categorical-logits": Case(
        named("RelaxedOneHotCategorical", "temperature", "logits"),
        [0.7, LOGITS],
        [[0.2, 0.3, 0.5], [0.7, 0.1, 0.2]],
    ),
    "continuous-bernoulli": Case(
        named("ContinuousBernoulli", "probs"),
        [[[0.2, 0.5004, 0.9], [0.01, 0.7, 0.4996]]],
        INSIDE,
        [P2],
    ),
    "continuous-bernoulli-logits": Case(
        named("ContinuousBernoulli", "logits"), [LOGITS], INSIDE, [P2]
    ),
    "lkj": Case(
        lambda m, c: m.distributions.LKJCholesky(3, c),
        [[0.7, 2.0]],
        [[[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, -0.8, 0.6]]] * 2,
    ),
    "wishart": Case(plain("Wishart"), [[7.5, 12.0], COVARIANCE], [COVARIANCE2, COVARIANCE]),
    "low-rank": Case(
        plain("LowRankMultivariateNormal"),
        [[[0.5, -1.0, 2.0], [0.0, 0.3, -0.7]], [[1.0], [0.5], [-2.0]], [0.4, 1.7, 3.0]],
        ABOVE,
    ),
    "logistic-normal": Case(
        plain("LogisticNormal"), [LOC, SCALE], [[0.2, 0.3, 0.4, 0.1], [0.7, 0.1, 0.1, 0.1]]
    ),
    "softened": Case(
        lambda m, a, b: m.distributions.TransformedDistribution(
            m.distributions.Normal(a, b), m.distributions.SoftplusTransform()
        ),
        [LOC, SCALE],
        ABOVE,
    ),
    "squashed": Case(squashed, [LOC, SCALE], INSIDE),
    "stretched": Case(stretched, [LOC, [1.0, 0.5, 2.0]], [[1.2, 1.3, 2.0], [1.9, 1.05, 1.1]]),
}
"""Shapes (2, 3) unless they say otherwise."""
