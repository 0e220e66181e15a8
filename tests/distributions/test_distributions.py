"""Distributions give what PyTorch's give, and their samples have the moments they should."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.distributions.cases import CASES
from tinygrad_lite import distributions as d
from tinygrad_lite.autograd import gradcheck
from tinygrad_lite.backend import to_host

PATH = pathlib.Path(__file__).with_name("recorded.json")
RECORDED: dict[str, Any] = json.loads(PATH.read_text("utf-8")) if PATH.exists() else {}
ASKED = ("mean", "mode", "variance", "stddev")


def answers(module: Any, name: str, device: str = "cpu") -> Iterator[tuple[str, Any]]:
    """What a distribution says: text, shapes, moments, log p and its gradients, and the rest."""
    case = CASES[name]
    made = [
        module.tensor(p, dtype=module.float64, device=device, requires_grad=True)
        for p in case.params
    ]
    value = module.tensor(case.value, dtype=module.float64, device=device)
    dist = case.make(module, *made)
    yield "text", repr(dist)
    yield "shapes", [list(dist.batch_shape), list(dist.event_shape)]
    yield "has", [bool(dist.has_rsample), bool(dist.has_enumerate_support)]
    yield "support", [dist.support.event_dim, bool(dist.support.is_discrete)]
    yield "valid", dist.support.check(value)
    for what in ASKED:
        yield what, _try(lambda what=what: getattr(dist, what))
    log_p = dist.log_prob(value)
    yield "log_prob", log_p
    # Random cotangents: a sum's ones would hide what cancels.
    weights = module.tensor(np.cos(np.arange(log_p.numel())).tolist(), dtype=module.float64)
    (log_p * weights.reshape(log_p.shape).to(device)).sum().backward()
    yield from ((f"gradient-{i}", p.grad) for i, p in enumerate(made))
    yield "entropy", _try(dist.entropy)
    yield "perplexity", _try(dist.perplexity)
    yield "cdf", _try(lambda: dist.cdf(value))
    inside = module.linspace(0.1, 0.9, max(value.numel(), 1), dtype=module.float64).to(device)
    yield "icdf", _try(lambda: dist.icdf(inside.reshape(value.shape)))
    for expand in (True, False):
        yield f"listed-{expand}", _try(lambda e=expand: dist.enumerate_support(e))
    wide = dist.expand((4, *dist.batch_shape))
    one = value if value.ndim <= len(dist.batch_shape + dist.event_shape) else value[0]
    yield "wide", [list(wide.batch_shape), list(wide.sample().shape), wide.log_prob(one)]
    if case.other is not None:
        other = [module.tensor(p, dtype=module.float64, device=device) for p in case.other]
        second = case.make(module, *other)
        yield "divergence", module.distributions.kl_divergence(dist, second)
        yield "backwards", module.distributions.kl_divergence(second, dist)


def _try(ask: Any) -> Any:
    try:
        return ask()
    except NotImplementedError:
        return "NotImplementedError"


def plain(value: Any) -> Any:
    """Tensors as shape, dtype and rounded numbers."""
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "detach"):
        host = value.detach().cpu().numpy()
        return [str(host.dtype), list(host.shape), [repr(float(x)) for x in host.ravel()]]
    return value


def same(ours: Any, theirs: Any, rtol: float = 1e-9) -> bool:
    if isinstance(theirs, list) and len(theirs) == 3 and theirs[:1] in (["float64"], ["int64"]):
        a, b = ([float(x) for x in v[2]] for v in (ours, theirs))
        return ours[:2] == theirs[:2] and np.allclose(a, b, rtol, 1e-12, equal_nan=True)
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(
            same(a, b, rtol) for a, b in zip(ours, theirs, strict=True)
        )
    return bool(ours == theirs)


# PyTorch's Bessel functions there are approximations, and so is its log n! of float32.
ROUGH = {"von-mises": 1e-6, "multinomial": 1e-6, "multinomial-logits": 1e-6}
# Log of a negative number there, where the mode exists.
WRONG_THERE = {("kumaraswamy", "mode")}


def agrees(name: str, what: str, ours: Any, theirs: Any) -> bool:
    return (name, what) in WRONG_THERE or same(ours, theirs, ROUGH.get(name, 1e-9))


@pytest.mark.parametrize("name", CASES)
def test_as_recorded(name: str, device: str) -> None:
    for what, found in answers(tg, name, device):
        expected = RECORDED[name][what]
        if what == "text" and device != "cpu":
            continue
        assert agrees(name, what, plain(found), expected), (what, plain(found), expected)


@pytest.mark.filterwarnings("ignore:Singular sample")
@pytest.mark.parametrize("name", CASES)
def test_as_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    theirs = {what: plain(value) for what, value in answers(torch, name)}
    ours = {what: plain(value) for what, value in answers(tg, name)}
    assert ours.keys() == theirs.keys()
    for what, expected in theirs.items():
        assert agrees(name, what, ours[what], expected), (what, ours[what], expected)


# None, infinite ones, or tails that a few thousand samples do not know.
NO_MOMENTS = ("cauchy", "half-cauchy", "student", "fisher", "inverse-gamma", "pareto", "von-mises")


@pytest.mark.parametrize("name", CASES)
def test_samples_have_the_moments(name: str, device: str) -> None:
    case = CASES[name]
    tg.manual_seed(3)
    made = [tg.tensor(p, dtype=tg.float64, device=device) for p in case.params]
    dist = case.make(tg, *made)
    count = 4000
    drawn = dist.sample((count,))
    assert drawn.device.type == device
    assert drawn.shape == (count, *dist.batch_shape, *dist.event_shape)
    assert not drawn.requires_grad
    assert bool(dist.support.check(drawn).all())
    host = to_host(drawn.array).astype("float64")
    if name.startswith("categorical"):
        host = np.eye(3)[to_host(drawn.array)]
        mean = to_host(dist.probs.array)
        variance = mean * (1 - mean)
    elif name in NO_MOMENTS or "NotImplementedError" in map(plain, (_try(lambda: dist.mean),)):
        return
    else:
        mean, variance = to_host(dist.mean.array), to_host(dist.variance.array)
    error = np.abs(host.mean(0) - mean) / np.sqrt(variance / count + 1e-12)
    assert (error < 5).all(), error
    if name not in ("log-normal", "student-plain"):  # their tails are too heavy for as few
        np.testing.assert_allclose(host.var(0), variance, rtol=0.35)


# Whose samples move with a parameter implicitly: drawn anew, they jump.
IMPLICIT = ("gamma", "chi2", "beta", "dirichlet", "student", "student-plain", "fisher",
            "inverse-gamma", "wishart")  # fmt: skip


@pytest.mark.parametrize("alpha", [0.05, 0.7, 3.0, 9.9, 10.1, 300.0])
def test_gamma_samples_move_at_constant_probability(alpha: float) -> None:
    tg.manual_seed(0)
    a = tg.full((50,), alpha, dtype=tg.float64, requires_grad=True)
    x = d.Gamma(a, 1.0).rsample()
    x.sum().backward()
    h = 1e-5 * alpha
    with tg.no_grad():
        by_a = (d.Gamma(a + h, 1.0).cdf(x) - d.Gamma(a - h, 1.0).cdf(x)) / (2 * h)
        expected = -by_a / d.Gamma(a, 1.0).log_prob(x).exp()
    np.testing.assert_allclose(a.grad.numpy(), expected.numpy(), rtol=1e-4)


@pytest.mark.parametrize("name", ["gamma", "chi2", "beta", "dirichlet"])
def test_implicit_gradients_of_a_mean(name: str, device: str) -> None:
    case, found = CASES[name], []
    tg.manual_seed(0)
    for count in (20000, 0):
        made = [
            tg.tensor(p, dtype=tg.float64, device=device, requires_grad=True) for p in case.params
        ]
        dist = case.make(tg, *made)
        mean = dist.rsample((count,)).mean(0) if count else dist.mean
        weights = tg.tensor(np.cos(np.arange(mean.numel())), device=device).reshape(mean.shape)
        (mean * weights).sum().backward()
        found.append([to_host(p.grad.array) for p in made])
    for drawn, exact in zip(*found, strict=True):
        np.testing.assert_allclose(drawn, exact, atol=0.05 * np.abs(exact).max() + 0.02)


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_samples(name: str) -> None:
    case = CASES[name]
    made = [tg.tensor(p, dtype=tg.float64, requires_grad=True) for p in case.params]
    dist = case.make(tg, *made)
    if not dist.has_rsample:
        with pytest.raises(NotImplementedError):
            dist.rsample((2,))
        return
    if name == "one-hot-straight":
        weights = tg.tensor([1.0, 2.0, 4.0], dtype=tg.float64)
        (dist.rsample() * weights).sum().backward()
        p = dist.probs.detach()
        expected = p * (weights - (p * weights).sum(-1, keepdim=True))
        np.testing.assert_allclose(made[0].grad.numpy(), expected.numpy(), rtol=1e-9)
        return

    def sample(*params: Any) -> Any:
        tg.manual_seed(1)
        return case.make(tg, *params).rsample((2,))

    if name in ("multivariate", "multivariate-precision", *IMPLICIT):
        return  # their matrices must stay symmetric
    d.Distribution.set_default_validate_args(False)
    try:
        assert gradcheck(sample, made)
    finally:
        d.Distribution.set_default_validate_args(True)


def test_text() -> None:
    assert repr(d.Normal(0.0, 1.0)) == "Normal(loc: 0.0, scale: 1.0)"
    assert repr(d.Normal(tg.zeros(2), 1)) == "Normal(loc: torch.Size([2]), scale: torch.Size([2]))"
    assert repr(d.Independent(d.Normal(tg.zeros(2), 1), 1)).startswith("Independent(Normal(loc: to")
    assert repr(d.constraints.real_vector) == "IndependentConstraint(Real(), 1)"
    assert repr(d.constraints.unit_interval) == "Interval(lower_bound=0.0, upper_bound=1.0)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: d.Normal(0.0, -1.0), r"Expected parameter scale \(Tensor of shape \(\)\) of dist"),
        (lambda: d.Normal(float("nan"), 1.0), r"constraint Real\(\), but found invalid values"),
        (lambda: d.Normal("a", 1.0), "Input arguments must all be instances of Number"),
        (lambda: d.Uniform(1.0, 0.0), "Expected parameter low"),
        (lambda: d.Bernoulli(), "Either `probs` or `logits` must be specified, but not both"),
        (lambda: d.Bernoulli(0.5, 0.5), "Either `probs` or `logits` must be specified"),
        (lambda: d.Bernoulli(1.5), "Expected parameter probs"),
        (lambda: d.Geometric(0.0), "to be positive but found invalid values"),
        (lambda: d.Categorical(tg.tensor(0.5)), "`probs` parameter must be at least one-dim"),
        (lambda: d.Categorical(logits=tg.tensor(0.5)), "`logits` parameter must be at least one"),
        (lambda: d.Categorical(tg.tensor([0.5, -0.1])), "satisfy the constraint Simplex"),
        (lambda: d.Dirichlet(tg.tensor(1.0)), "`concentration` parameter must be at least one"),
        (lambda: d.Independent(d.Normal(0.0, 1.0), 1), "actual 1 vs 0"),
        (lambda: d.Normal(0.0, 1.0).log_prob(1.0), "value argument to log_prob must be a Tensor"),
        (lambda: d.Exponential(1.0).log_prob(tg.tensor(-1.0)), r"within the support \(GreaterT"),
        (lambda: d.Normal(tg.zeros(3), 1.0).log_prob(tg.zeros(2)), "Value is not broadcastable"),
        (
            lambda: d.MultivariateNormal(tg.zeros(2), tg.eye(2)).log_prob(tg.zeros(3)),
            "right-most size of value must match event_shape",
        ),
        (lambda: d.MultivariateNormal(tg.zeros(2)), "Exactly one of covariance_matrix or prec"),
        (lambda: d.MultivariateNormal(tg.zeros(2), -tg.eye(2)), "PositiveDefinite"),
        (lambda: d.TransformedDistribution(d.Normal(0.0, 1.0), 3), "must be a Transform or list"),
        (lambda: d.Distribution.set_default_validate_args(2), "must be True or False"),
        (
            lambda: d.MixtureSameFamily(d.Normal(0.0, 1.0), d.Normal(tg.zeros(2), 1.0)),
            "needs to be an instance of",
        ),
        (
            lambda: d.MixtureSameFamily(d.Categorical(tg.ones(3)), d.Normal(tg.zeros(2), 1.0)),
            r"\(3\) does not equal",
        ),
        (
            lambda: d.MixtureSameFamily(
                d.Categorical(tg.ones(4, 3)), d.Normal(tg.zeros(2, 3), 1.0)
            ),
            "is not compatible",
        ),
        (lambda: d.ExpTransform(cache_size=2), "cache_size must be 0 or 1"),
    ],
)
def test_errors(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_checks_can_be_turned_off() -> None:
    assert d.Normal(0.0, -1.0, validate_args=False).scale == -1
    assert d.Exponential(1.0, validate_args=False).log_prob(tg.tensor(-1.0)) == 1
    d.Distribution.set_default_validate_args(False)
    try:
        d.Normal(0.0, -1.0)
    finally:
        d.Distribution.set_default_validate_args(True)


def test_divergences() -> None:
    with pytest.raises(NotImplementedError, match="p type Normal and q type Poisson"):
        d.kl_divergence(d.Normal(0.0, 1.0), d.Poisson(1.0))
    with pytest.raises(TypeError, match="Expected type_q to be a Distribution subclass"):
        d.register_kl(d.Normal, int)

    class Point(d.Normal):
        pass

    assert d.kl_divergence(Point(0.0, 1.0), d.Normal(0.0, 1.0)) == 0

    @d.register_kl(Point, Point)
    def points(p: Any, q: Any) -> Any:
        return tg.tensor(7.0)

    assert d.kl_divergence(Point(0.0, 1.0), Point(0.0, 1.0)) == 7
    outside = d.kl_divergence(d.Uniform(0.0, 2.0), d.Uniform(0.0, 1.0))
    assert outside == float("inf")
    assert d.kl_divergence(d.Bernoulli(0.5), d.Bernoulli(0.0)) == float("inf")
    mixed = d.kl_divergence(d.Uniform(-1.0, 1.0), d.Normal(0.5, 2.0))
    assert mixed.item() == pytest.approx(0.9918552, rel=1e-6)


def test_a_remembered_inverse_is_exact() -> None:
    x = tg.tensor([20.0, -30.0])
    plain, remembering = d.TanhTransform(), d.TanhTransform(cache_size=1)
    assert not plain.inv(plain(x)).isfinite().any()
    assert (remembering.inv(remembering(x)) == x).all()


def test_categories_of_probability_0_are_never_drawn() -> None:
    drawn = d.Categorical(tg.tensor([0.0, 1.0, 0.0])).sample((5000,))
    assert (drawn == 1).all()
    assert d.Categorical(tg.ones(3)).sample((0, 2)).shape == (0, 2)


def test_divergence_of_wisharts() -> None:
    """By samples: −E[log q] − H(p). (PyTorch 2.13 says 2.40.)"""
    tg.manual_seed(0)
    p = d.Wishart(6.0, tg.tensor([[2.0, 0.6], [0.6, 1.0]], dtype=tg.float64))
    q = d.Wishart(7.0, tg.tensor([[1.0, -0.3], [-0.3, 0.8]], dtype=tg.float64))
    assert d.kl_divergence(p, q).item() == pytest.approx(3.680209569783335)
    x = p.sample((20000,))
    assert -(q.log_prob(x).mean() + p.entropy()).item() == pytest.approx(3.68, abs=0.15)
    assert d.kl_divergence(p, p).item() == pytest.approx(0, abs=1e-12)
    with pytest.raises(AssertionError, match="Exactly one"):
        d.Wishart(6.0)
    with pytest.raises(ValueError, match="greater than ndim - 1 = 1"):
        d.Wishart(1.0, tg.eye(2))
    with pytest.warns(UserWarning, match="Low df"):
        d.Wishart(1.5, scale_tril=tg.eye(2))


def test_correlations_are_all_alike() -> None:
    """Each of Beta(η − 1 + D/2) on [−1, 1]: of variance 1 / (2 η + D − 1). (PyTorch's are not.)"""
    tg.manual_seed(0)
    low = d.LKJCholesky(3, tg.tensor([0.7, 2.0], dtype=tg.float64)).sample((8000,))
    r = (low @ low.mT).numpy()
    for row, column in ((1, 0), (2, 0), (2, 1)):
        found = r[:, :, row, column].var(0)
        np.testing.assert_allclose(found, [1 / 3.4, 1 / 6], rtol=0.06)
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        d.LKJCholesky(1)


def test_what_exceeds_a_threshold() -> None:
    tg.manual_seed(0)
    x = d.GeneralizedPareto(tg.tensor([0.5, -1.0, 0.0]), tg.tensor([1.0, 2.0, 1.0]), 0.2)
    assert x.cdf(x.icdf(tg.tensor([0.3, 0.6, 0.9]))).tolist() == pytest.approx([0.3, 0.6, 0.9])
    drawn = x.sample((20000,))
    np.testing.assert_allclose(drawn.mean(0).numpy(), x.mean.numpy(), atol=0.08)
    np.testing.assert_allclose(-x.log_prob(drawn).mean(0).numpy(), x.entropy().numpy(), atol=0.05)
    ends = d.GeneralizedPareto(0.0, 2.0, -0.5)
    with pytest.raises(ValueError, match="support"):
        ends.log_prob(tg.tensor(4.5))


def test_entropy_of_an_exponential_family() -> None:
    class Exponential(d.ExponentialFamily):
        """By its natural parameter θ = −λ alone, of which F(θ) = −log(−θ)."""

        def __init__(self, rate: tg.Tensor) -> None:
            self.rate = rate
            super().__init__(rate.shape, validate_args=False)

        @property
        def _natural_params(self) -> tuple[tg.Tensor, ...]:
            return (-self.rate,)

        def _log_normalizer(self, *natural_params: Any) -> Any:
            return -(-natural_params[0]).log()

        _mean_carrier_measure = 0.0

    class Dirichlet(Exponential):
        """F(α) = Σ log Γ(αᵢ) − log Γ(Σ αᵢ) and E[k] = −Σ E[log xᵢ], of a vector of parameters."""

        def __init__(self, concentration: tg.Tensor) -> None:
            self.concentration = concentration
            d.Distribution.__init__(self, (), concentration.shape, validate_args=False)

        @property
        def _natural_params(self) -> tuple[tg.Tensor, ...]:
            return (self.concentration,)

        def _log_normalizer(self, *natural_params: Any) -> Any:
            return natural_params[0].lgamma().sum(-1) - natural_params[0].sum(-1).lgamma()

        @property
        def _mean_carrier_measure(self) -> Any:
            a = self.concentration
            return -(a.digamma() - a.sum(-1, keepdim=True).digamma()).sum(-1)

    rate, a = tg.tensor([0.5, 2.0]), tg.tensor([0.5, 2.0, 3.0])
    pairs = ((Exponential(rate), d.Exponential(rate)), (Dirichlet(a), d.Dirichlet(a)))
    for ours, known in pairs:
        np.testing.assert_allclose(ours.entropy().detach().numpy(), known.entropy().numpy(), 1e-5)
    for asked in (
        lambda: d.ExponentialFamily(validate_args=False)._natural_params,
        lambda: d.ExponentialFamily(validate_args=False)._log_normalizer(),
        lambda: d.ExponentialFamily(validate_args=False)._mean_carrier_measure,
    ):
        with pytest.raises(NotImplementedError):
            asked()


@pytest.mark.parametrize("diag", [-2, -1, 0, 1, 2])
def test_triangles_as_vectors(diag: int) -> None:
    matrix = tg.arange(18.0).reshape(2, 3, 3)
    vec = d.utils.tril_matrix_to_vec(matrix, diag)
    assert vec[0].tolist() == matrix[0].numpy()[np.tri(3, k=diag, dtype=bool)].tolist()
    assert d.utils.vec_to_tril_matrix(vec, diag).tolist() == matrix.tril(diag).tolist()
    vec.requires_grad_()
    d.utils.vec_to_tril_matrix(vec, diag).sum().backward()
    assert vec.grad is not None
    assert vec.grad.tolist() == tg.ones(vec.shape).tolist()


def test_no_triangles() -> None:
    with pytest.raises(ValueError, match=r"diag \(3\) provided is outside \[-3, 2\]"):
        d.utils.tril_matrix_to_vec(tg.eye(3), 3)
    with pytest.raises(ValueError, match="size of last dimension is 4"):
        d.utils.vec_to_tril_matrix(tg.ones(4))


def test_expand_of_a_class_with_a_constructor_of_its_own() -> None:
    class Box(d.Independent):
        def __init__(self, low: Any, high: Any) -> None:
            super().__init__(d.Uniform(low, high), 1)

        def expand(self, batch_shape: Any, new: Any = None) -> Any:
            return super().expand(batch_shape, self._get_checked_instance(Box, new))

    wide = Box(tg.zeros(2), tg.ones(2)).expand((3,))
    assert (type(wide), wide.batch_shape, wide.event_shape) == (Box, (3,), (2,))
    assert wide.log_prob(tg.ones(2) / 2).tolist() == [0, 0, 0]
    assert wide._get_checked_instance(d.Independent, wide) is wide
    with pytest.raises(NotImplementedError, match="Box has its own __init__"):
        wide._get_checked_instance(d.Independent)
