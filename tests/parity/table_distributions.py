"""Rows of probability distributions: what they say of drawn parameters and values."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES, Given
from .draw import Draw
from .draw_distributions import SHAPES, WAYS, given_as, in_dtype, parameters, tried
from .draw_layers import pick, seed
from .experiment import Experiment, Steps, gradients, make
from .row import Row, under

# Whose gradients have trigamma, of which PyTorch's has nine digits in float64.
POLYGAMMA = ("Beta", "Chi2", "Dirichlet", "FisherSnedecor", "Gamma", "InverseGamma", "StudentT")
ROUGH = (
    "Wishart",
    "Multinomial",
    "LKJCholesky",
    "GeneralizedPareto",
    *POLYGAMMA,
)  # where numbers become float32, too
ASKED = ("mean", "mode", "variance", "stddev")


def _within(name: str, matrix: Any) -> Any:
    """A matrix as one that is symmetric, or lower triangular, whatever becomes of its elements."""
    if name == "df":
        return matrix
    return matrix.tril() if name == "scale_tril" else (matrix + matrix.mT) / 2


@st.composite
def saying(draw: Draw, name: str) -> Experiment:
    """Everything a distribution says without drawing."""
    ways, kind = WAYS[name]
    dtype = "float32" if name in ROUGH else pick(draw, "float32", "float64", "float64")
    words = pick(draw, {}, {}, {"validate_args": True}, {"validate_args": False})
    unchecked = words == {"validate_args": False}  # mistakes that nobody looks for are not compared
    params = parameters(draw, ways, dtype, wrong=False if unchecked else None)
    if any(isinstance(p, float) for p in params.values()):
        dtype = "float32"  # as numbers are, beside which float64 would show float32's rounding
        params = {k: in_dtype(p, dtype) for k, p in params.items()}
    outside = not unchecked and draw(st.integers(0, 5)) == 0
    value = given_as(draw, kind, dtype, grad=False, value=True, wrong=outside)
    inside = Given(np.random.default_rng(seed(draw)).random(pick(draw, *SHAPES)).astype(dtype))
    wide = pick(draw, (3,), (2, 3), (4, 2, 3), (4, 1, 1))
    number = seed(draw)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        made: list[Any] = []
        given = make(library, params, made)
        if name == "Wishart":  # PyTorch's gradients have parts that lead out of its parameters
            given = {k: _within(k, v) for k, v in given.items()}
        dist = getattr(m.distributions, name)(**given, **words)
        yield "names of shapes", [tuple(dist.batch_shape), tuple(dist.event_shape)]
        yield "text", repr(dist)
        yield "names of facts", [dist.has_enumerate_support]
        for what in ASKED:
            yield from tried(what, lambda what=what: getattr(dist, what))
        x, p = make(library, value, []), make(library, inside, [])
        yield from tried("log_prob", lambda: dist.log_prob(x))
        yield from tried("entropy", dist.entropy)
        yield from tried("cdf", lambda: dist.cdf(x))
        yield from tried("icdf", lambda: dist.icdf(p))
        yield from tried("perplexity", dist.perplexity)
        yield from tried("enumerated", dist.enumerate_support)
        yield from tried("support", lambda: dist.support.check(x))
        yield from tried("expanded", lambda: dist.expand(wide).log_prob(x))
        yield from tried("expanded mean", lambda: dist.expand(wide).mean)
        wanted = [t for t in made if t.requires_grad]
        outputs = []
        for ask in (lambda: dist.log_prob(x), dist.entropy, lambda: dist.icdf(p)):
            try:
                outputs.append(ask())
            except (NotImplementedError, ValueError, RuntimeError):
                continue
        if all(bool(m.isfinite(y).all()) for y in outputs):
            yield from gradients(library, outputs, wanted, number)

    text = f"distributions.{name}({params}, {words}) of {value!r}, {inside!r}, to {wide}"
    return Experiment(f"distributions.{name}", text, run)


@st.composite
def drawing(draw: Draw, name: str) -> Experiment:
    """Shapes and dtypes of samples, and what their gradients are of what was drawn."""
    ways, _ = WAYS[name]
    dtype = pick(draw, "float32", "float64")
    params = parameters(draw, ways, dtype, wrong=False)
    shape = pick(draw, (), (2,), (2, 3), (0,))

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        m.manual_seed(0)
        made: list[Any] = []
        given = make(library, params, made)
        dist = getattr(m.distributions, name)(**given)
        one = dist.sample(shape)
        yield "names of a sample", [tuple(one.shape), str(one.dtype).removeprefix("torch.")]
        yield "names of requiring", [one.requires_grad]
        yield "value of whether it fits", bool(dist.support.check(one).all())
        if not dist.has_rsample or name in ("Gamma", "Chi2", "Beta", "Dirichlet", "StudentT"):
            return
        one = dist.rsample(shape)
        yield "names of an rsample", [tuple(one.shape), one.requires_grad]
        loc = given.get("loc")
        if one.requires_grad and hasattr(loc, "requires_grad") and loc.requires_grad:
            (found,) = m.autograd.grad(one.sum(), [loc], retain_graph=True)
            yield "gradient of loc", found if name != "LogNormal" else found > 0
        scale = given.get("scale")
        wanted = getattr(scale, "requires_grad", False) and one.numel()
        if wanted and name in ("Normal", "Laplace", "Gumbel", "Cauchy"):
            (found,) = m.autograd.grad(one.sum(), [scale])
            exact = ((one - loc) / scale).sum_to_size(*scale.shape)
            near = (found - exact).abs() <= 1e-3 * (1 + exact.abs())
            yield "gradient of scale as it should be", bool(near.all())

    return Experiment(f"distributions.{name}", f"{name}({params}).sample({shape})", run)


@st.composite
def diverging(draw: Draw) -> Experiment:
    """Divergences of any two kinds that have one."""
    here = [n for n in WAYS if hasattr(LIBRARIES["ours"].distributions, n)]
    first = pick(draw, *here)
    second = pick(draw, first, first, *here)
    dtype = "float32"  # as numbers are
    params = [parameters(draw, WAYS[n][0], dtype, wrong=False) for n in (first, second)]
    number = seed(draw)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        made: list[Any] = []
        p, q = (
            getattr(m.distributions, n)(**make(library, words, made))
            for n, words in zip((first, second), params, strict=True)
        )
        found = m.distributions.kl_divergence(p, q)
        yield "value of the divergence", found
        if bool(m.isfinite(found).all()):
            yield from gradients(library, found, [t for t in made if t.requires_grad], number)

    text = f"kl_divergence({first}({params[0]}), {second}({params[1]}))"
    return Experiment("distributions.kl_divergence", text, run)


TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "exp": lambda d: d.ExpTransform(),
    "affine": lambda d: d.AffineTransform(0.5, -2.0),
    "sigmoid": lambda d: d.SigmoidTransform(),
    "tanh": lambda d: d.TanhTransform(),
    "power": lambda d: d.PowerTransform(2.0),
    "inverse": lambda d: d.ExpTransform().inv,
    "composed": lambda d: d.ComposeTransform([d.SigmoidTransform(), d.AffineTransform(1.0, 3.0)]),
}

TRANSFORMING = """ExpTransform AffineTransform SigmoidTransform TanhTransform PowerTransform
ComposeTransform""".split()


@st.composite
def transforming(draw: Draw) -> Experiment:
    """Transforms there and back, their Jacobians, and what becomes of a distribution."""
    name = pick(draw, *TRANSFORMS)
    dtype = pick(draw, "float32", "float64")
    low, high = (0.3, 2.5) if name in ("power", "inverse") else (-2.0, 2.0)
    shape = pick(draw, (3,), (2, 3), (1, 4))
    x = Given(
        np.random.default_rng(seed(draw)).uniform(low, high, shape).astype(dtype),
        "plain",
        draw(st.booleans()),
    )
    number = seed(draw)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        d = m.distributions
        made: list[Any] = []
        given = make(library, x, made)
        transform = TRANSFORMS[name](d)
        y = transform(given)
        yield "value", y
        yield "names of facts", [transform.bijective]
        yield from tried("inverse", lambda: transform.inv(y))
        yield from tried("sign", lambda: transform.sign)
        yield from tried("jacobian", lambda: transform.log_abs_det_jacobian(given, y))
        yield from gradients(library, y, [t for t in made if t.requires_grad], number)
        base = d.Normal(m.zeros(shape[-1], dtype=y.dtype), m.ones(shape[-1], dtype=y.dtype))
        if name in ("exp", "affine", "sigmoid", "tanh", "composed"):
            dist = d.TransformedDistribution(base, [transform])
            yield "text", repr(dist)
            yield from tried("log_prob", lambda: dist.log_prob(y.detach()))
            yield from tried("cdf", lambda: dist.cdf(y.detach()))

    return Experiment("distributions.transforms", f"{name} of {x!r}", run)


@st.composite
def combining(draw: Draw) -> Experiment:
    """Independent and MixtureSameFamily over normal distributions."""
    dtype = pick(draw, "float32", "float64")
    shape = pick(draw, (3,), (2, 3), (4, 2, 3))
    kind = pick(draw, "independent", "mixture")
    depth = draw(st.integers(0, 3))
    rng = np.random.default_rng(seed(draw))
    arrays = {
        "loc": Given(rng.uniform(-1, 1, shape).astype(dtype), "plain", True),
        "scale": Given(rng.uniform(0.3, 2, shape).astype(dtype), "plain", True),
        "x": Given(rng.uniform(-1, 1, pick(draw, shape, shape[:-1], shape[:-2])).astype(dtype)),
        "weights": Given(rng.uniform(0.1, 1, shape).astype(dtype), "plain", True),
    }
    number = seed(draw)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        d = m.distributions
        t = make(library, arrays, [])
        base = d.Normal(t["loc"], t["scale"])
        if kind == "independent":
            dist = d.Independent(base, depth)
        else:
            dist = d.MixtureSameFamily(d.Categorical(t["weights"]), base)
        yield "names of shapes", [tuple(dist.batch_shape), tuple(dist.event_shape)]
        for what in ("mean", "variance", "stddev"):
            yield from tried(what, lambda what=what: getattr(dist, what))
        yield from tried("entropy", dist.entropy)
        yield from tried("cdf", lambda: dist.cdf(t["x"]))
        found = dist.log_prob(t["x"])
        yield "value", found
        wanted = [t["loc"], t["scale"]] + ([t["weights"]] if kind == "mixture" else [])
        yield from gradients(library, found, wanted, number)

    return Experiment("distributions.Independent", f"{kind} {depth} {arrays}", run)


def rows() -> list[Row]:
    """All rows of this file."""
    found = itertools.chain.from_iterable(
        (
            Row(f"distributions.{name}", saying(name)),
            Row(f"distributions.{name}", drawing(name), f"distributions.{name}.sample"),
        )
        for name in WAYS
    )
    return [
        *found,
        Row("distributions.kl_divergence", diverging()),
        Row(
            "distributions.transforms",
            transforming(),
            names=under("distributions", ("TransformedDistribution", *TRANSFORMING)),
        ),
        Row("distributions.Independent", combining(), names="distributions.MixtureSameFamily"),
    ]
