"""Rows of transforms, of the constraints they lead from and to, of what chooses them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES, Given
from .draw import Draw, Shape
from .draw_distributions import tried
from .draw_layers import pick, seed
from .experiment import Experiment, Steps, gradients, make
from .row import Row, under

Maker = Callable[[Any, Any], Any]  # of the library and its distributions

# Each with the last dimensions of its input and the bounds of its elements.
TRANSFORMS: dict[str, tuple[Maker, Shape, tuple[float, float]]] = {
    "abs": (lambda m, d: d.AbsTransform(), (), (-2, 2)),
    "exp": (lambda m, d: d.ExpTransform(), (), (-2, 2)),
    "affine": (lambda m, d: d.AffineTransform(0.5, -2.0), (), (-2, 2)),
    "affine of tensors": (
        lambda m, d: d.AffineTransform(m.tensor([1.0, 2.0, 0.0]), m.tensor([-1.0, 0.5, 2.0])),
        (3,),
        (-2, 2),
    ),
    "affine of vectors": (
        lambda m, d: d.AffineTransform(m.tensor([1.0, 2.0, 0.0]), 3.0, event_dim=1),
        (3,),
        (-2, 2),
    ),
    "sigmoid": (lambda m, d: d.SigmoidTransform(), (), (-4, 4)),
    "tanh": (lambda m, d: d.TanhTransform(), (), (-2, 2)),
    "power": (lambda m, d: d.PowerTransform(m.tensor(2.5)), (), (0.2, 3)),
    "negative power": (lambda m, d: d.PowerTransform(m.tensor([-1.0, 2.0, -0.5])), (3,), (0.2, 3)),
    "softplus": (lambda m, d: d.SoftplusTransform(), (), (-3, 25)),
    "softmax": (lambda m, d: d.SoftmaxTransform(), (3,), (-2, 2)),
    "sticks": (lambda m, d: d.StickBreakingTransform(), (3,), (-2, 2)),
    "cholesky": (lambda m, d: d.LowerCholeskyTransform(), (3, 3), (-1, 1)),
    "definite": (lambda m, d: d.PositiveDefiniteTransform(), (3, 3), (-1, 1)),
    "correlation": (lambda m, d: d.CorrCholeskyTransform(), (6,), (-1, 1)),
    "correlation of two": (lambda m, d: d.CorrCholeskyTransform(), (1,), (-2, 2)),
    "no correlation": (lambda m, d: d.CorrCholeskyTransform(), (4,), (-1, 1)),
    "distribution": (
        lambda m, d: d.CumulativeDistributionTransform(d.Normal(0.5, 2.0)),
        (),
        (-3, 3),
    ),
    "reshaped": (lambda m, d: d.ReshapeTransform((2, 3), (6,)), (2, 3), (-2, 2)),
    "reshaped from nothing": (lambda m, d: d.ReshapeTransform((), (1, 1)), (), (-2, 2)),
    "badly reshaped": (lambda m, d: d.ReshapeTransform((2, 3), (4,)), (2, 3), (-2, 2)),
    "independent": (lambda m, d: d.IndependentTransform(d.ExpTransform(), 1), (3,), (-2, 2)),
    "independent twice": (
        lambda m, d: d.IndependentTransform(d.TanhTransform(), 2),
        (3, 3),
        (-2, 2),
    ),
    "joined": (
        lambda m, d: d.CatTransform([d.ExpTransform(), d.AffineTransform(1.0, 2.0)], -1, [1, 2]),
        (3,),
        (-2, 2),
    ),
    "joined without lengths": (
        lambda m, d: d.CatTransform([d.ExpTransform(), d.TanhTransform()], -1),
        (2,),
        (-2, 2),
    ),
    "stacked": (
        lambda m, d: d.StackTransform([d.ExpTransform(), d.AffineTransform(1.0, -2.0)], -1),
        (2,),
        (-2, 2),
    ),
    "stacked vectors": (
        lambda m, d: d.StackTransform([d.SoftplusTransform(), d.TanhTransform()], -2),
        (2, 3),
        (-2, 2),
    ),
    "composed": (
        lambda m, d: d.ComposeTransform([d.SigmoidTransform(), d.AffineTransform(1.0, -3.0)]),
        (),
        (-2, 2),
    ),
    "composed of vectors": (
        lambda m, d: d.ComposeTransform([d.ExpTransform(), d.StickBreakingTransform()]),
        (3,),
        (-2, 1),
    ),
    "composed of shapes": (
        lambda m, d: d.ComposeTransform(
            [d.AffineTransform(0.0, 2.0), d.ReshapeTransform((2, 3), (6,)), d.ExpTransform()]
        ),
        (2, 3),
        (-2, 2),
    ),
    "composed of none": (lambda m, d: d.ComposeTransform([]), (), (-2, 2)),
    "the same": (lambda m, d: d.identity_transform, (), (-2, 2)),
    "inverse": (lambda m, d: d.ExpTransform().inv, (), (0.2, 3)),
    "inverse of several": (
        lambda m, d: d.ComposeTransform([d.ExpTransform(), d.AffineTransform(0.0, 2.0)]).inv,
        (),
        (0.2, 3),
    ),
}
EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, 30.0, -30.0, 120.0, -120.0, np.inf, -np.inf, np.nan]


@st.composite
def transforming(draw: Draw) -> Experiment:
    """There and back, Jacobians, shapes, domains, what a copy with a cache does."""
    name = pick(draw, *TRANSFORMS)
    maker, event, (low, high) = TRANSFORMS[name]
    shape = (*pick(draw, (), (2,), (4, 1), (2,) if event else (0,)), *event)
    rng = np.random.default_rng(seed(draw))
    edges = draw(st.integers(0, 3)) == 0 and name != "composed of vectors"  # all rounding there
    array = rng.choice(EDGES, shape) if edges else rng.uniform(low, high, shape)
    # Beside what the transforms hold, which are float32, and where a rounding is a large step.
    x = Given(np.asarray(array).astype("float32"), "plain", not edges and draw(st.booleans()))
    cached, other = draw(st.booleans()), pick(draw, *TRANSFORMS)
    odd, number = pick(draw, (), (3,), (2, 2), (5, 3)), seed(draw)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        d = m.distributions
        made: list[Any] = []
        given = make(library, x, made)
        transform = maker(m, d)
        if cached:
            transform = transform.with_cache(1)
        yield "text", repr(transform)
        yield "text of the inverse", repr(transform.inv)
        yield from tried("bijective", lambda: transform.bijective)
        yield "names of inverses", [transform.inv.inv is transform]
        yield from tried("sign", lambda: transform.sign)
        for part in ("domain", "codomain"):
            yield from tried(f"{part}'s event", lambda p=part: getattr(transform, p).event_dim)
            yield from tried(f"{part}'s kind", lambda p=part: getattr(transform, p).is_discrete)
            yield from tried(f"{part}'s text", lambda p=part: repr(getattr(transform, p)))
        for sizes in (shape, odd):
            yield from tried("forward_shape", lambda s=sizes: tuple(transform.forward_shape(s)))
            yield from tried("inverse_shape", lambda s=sizes: tuple(transform.inverse_shape(s)))
        yield (
            "names of equality",
            [transform == maker(m, d), transform == TRANSFORMS[other][0](m, d)],
        )
        y = transform(given)
        yield "value", y
        if cached:
            yield "names of what is kept", [transform.inv(y) is given, transform(given) is y]
        yield from tried("domain", lambda: transform.domain.check(given))
        yield from tried("codomain", lambda: transform.codomain.check(y))
        yield from tried("inverse", lambda: transform.inv(y))
        jacobian = lambda: transform.log_abs_det_jacobian(given, y)  # noqa: E731
        yield from tried("jacobian", jacobian)
        yield from tried("inverse jacobian", lambda: transform.inv.log_abs_det_jacobian(y, given))
        outputs = [y]
        with suppress(NotImplementedError, RuntimeError, ValueError):
            outputs.append(jacobian())
        if not edges:
            yield from gradients(library, outputs, [t for t in made if t.requires_grad], number)

    text = f"{name} of {x!r}, cached {cached}, beside {other}, of {odd}"
    return Experiment("distributions.Transform", text, run)


BASES: dict[str, Callable[[Any, Any, Shape], Any]] = {
    "normal": lambda m, d, s: d.Normal(m.zeros(s), m.ones(s)),
    "number": lambda m, d, s: d.Normal(0.0, 2.0),
    "uniform": lambda m, d, s: d.Uniform(m.zeros(s), m.ones(s)),
    "independent": lambda m, d, s: d.Independent(d.Normal(m.zeros(s), m.ones(s)), min(len(s), 1)),
    "vectors": lambda m, d, s: d.MultivariateNormal(m.zeros(*s[:-1], 3), m.eye(3)),
}


@st.composite
def transformed(draw: Draw) -> Experiment:
    """Distributions of what transforms give: shapes, supports, densities, mistakes."""
    names = draw(st.lists(st.sampled_from(list(TRANSFORMS)), min_size=0, max_size=2))
    base = pick(draw, *BASES)
    batch = pick(draw, (3,), (2, 3), (2, 3, 3), (6,), (2, 2, 3))
    wide = pick(draw, (3,), (2, 3), (4, 2, 3))
    words = pick(draw, {}, {}, {"validate_args": False})
    rng = np.random.default_rng(seed(draw))
    inside = rng.uniform(0.1, 0.9, pick(draw, batch, (3,), (2, 3), (6,))).astype("float32")
    alone = len(names) == 1 and draw(st.booleans())

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        d = m.distributions
        parts = [TRANSFORMS[n][0](m, d) for n in names]
        dist = d.TransformedDistribution(
            BASES[base](m, d, batch), parts[0] if alone else parts, **words
        )
        yield "names of shapes", [tuple(dist.batch_shape), tuple(dist.event_shape)]
        yield "text", repr(dist)
        yield from tried("has_rsample", lambda: dist.has_rsample)
        yield from tried("support's text", lambda: repr(dist.support))
        value = m.from_numpy(inside.copy())
        yield from tried("support", lambda: dist.support.check(value))
        yield from tried("log_prob", lambda: dist.log_prob(value))
        yield from tried("cdf", lambda: dist.cdf(value))
        yield from tried("icdf", lambda: dist.icdf(value))
        yield from tried("mean", lambda: dist.mean)
        yield from tried("entropy", lambda: dist.entropy())
        yield from tried("shape of a sample", lambda: tuple(dist.sample((2,)).shape))
        yield from tried("expanded", lambda: tuple(dist.expand(wide).batch_shape))
        yield from tried("expanded event", lambda: tuple(dist.expand(wide).event_shape))

    text = f"{base} of {batch} through {names}, {words}, alone {alone}, to {wide}, at {inside}"
    return Experiment("distributions.TransformedDistribution", text, run)


CONSTRAINTS: dict[str, Callable[[Any, Any], Any]] = {
    **{
        name: lambda m, c, name=name: getattr(c, name)
        for name in """boolean corr_cholesky dependent lower_cholesky lower_triangular nonnegative
            nonnegative_integer one_hot positive positive_definite positive_integer
            positive_semidefinite real real_vector simplex square symmetric unit_interval""".split()
    },
    "greater_than": lambda m, c: c.greater_than(1.5),
    "greater_than_eq": lambda m, c: c.greater_than_eq(m.tensor([0.0, 1.0, 2.0])),
    "less_than": lambda m, c: c.less_than(0.5),
    "interval": lambda m, c: c.interval(-1, m.tensor(2.0)),
    "half_open_interval": lambda m, c: c.half_open_interval(0.0, 1.0),
    "integer_interval": lambda m, c: c.integer_interval(0, 3),
    "multinomial": lambda m, c: c.multinomial(3),
    "independent": lambda m, c: c.independent(c.positive, 1),
    "independent twice": lambda m, c: c.independent(c.simplex, 1),
    "stack": lambda m, c: c.stack([c.positive, c.real, c.unit_interval], -1),
    "stack of rows": lambda m, c: c.stack([c.simplex, c.real_vector, c.simplex], -2),
    "cat": lambda m, c: c.cat([c.positive, c.real], -1, [1, 2]),
    "cat of rows": lambda m, c: c.cat([c.positive, c.real, c.boolean], -2),
    "mixture": lambda m, c: c.MixtureSameFamilyConstraint(c.positive),
}
# What registries know by these.
CHOOSING = ("biject_to", "transform_to")


def _matrix(rng: np.random.Generator, shape: Shape, kind: str) -> Any:
    """Elements that some constraint holds for, and a few that it does not."""
    if kind == "edges":
        return rng.choice([0.0, 1.0, 2.0, -1.0, 0.5, 1.5, 3.0, np.inf, -np.inf, np.nan], shape)
    if kind == "whole":
        return rng.integers(-1, 4, shape).astype(float)
    out = rng.uniform(-1, 2, shape)
    if len(shape) and kind == "simplex":
        out = np.abs(out) / np.abs(out).sum(-1, keepdims=True)
    if len(shape) > 1 and shape[-1] == shape[-2] and kind in ("symmetric", "definite"):
        out = (out + np.swapaxes(out, -1, -2)) / 2
        out = out @ out if kind == "definite" else out
    if len(shape) > 1 and kind in ("lower", "correlated"):
        out = np.tril(np.abs(out) + 0.1)
        if kind == "correlated":
            out = out / np.linalg.norm(out, axis=-1, keepdims=True)
    return out


@st.composite
def constraining(draw: Draw) -> Experiment:
    """What a constraint says of itself and of values, and the transforms that lead to it."""
    name = pick(draw, *CONSTRAINTS)
    kind = pick(draw, "edges", "whole", "plain", "simplex", "symmetric", "definite", "lower",
                "correlated")  # fmt: skip
    shape = pick(draw, (), (3,), (3, 3), (2, 3, 3), (2, 3), (3, 2), (0, 3), (2,))
    array = _matrix(np.random.default_rng(seed(draw)), shape, kind)
    dtype = pick(draw, "float32", "float64", "int64" if kind == "whole" else "float32")
    value = np.asarray(array).astype(dtype)
    start = pick(draw, (3,), (2, 3), (3, 3), (), (6,))
    number = seed(draw)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        d = m.distributions
        constraint = CONSTRAINTS[name](m, d.constraints)
        yield "text", repr(constraint)
        yield from tried("is_discrete", lambda: constraint.is_discrete)
        yield from tried("event_dim", lambda: constraint.event_dim)
        yield "names of dependence", [d.constraints.is_dependent(constraint)]
        yield from tried("check", lambda: constraint.check(m.from_numpy(value.copy())))
        for choosing in CHOOSING:
            yield from tried(f"{choosing}", lambda c=choosing: repr(getattr(d, c)(constraint)))
            rng = np.random.default_rng(number)
            x = m.from_numpy(rng.uniform(-2, 2, start).astype("float32")).requires_grad_()
            found: list[Any] = []
            yield from tried(
                f"a value by {choosing}",
                lambda c=choosing, x=x, f=found: (f.append(getattr(d, c)(constraint)(x)), f[0])[1],
            )
            if found:
                yield from tried("its being inside", lambda f=found: constraint.check(f[0]))
                yield from gradients(library, found, [x], number)

    text = f"constraints.{name} of {kind} {dtype}{list(shape)} {value.tolist()}, from {start}"
    return Experiment("distributions.constraints", text, run)


@st.composite
def registering(draw: Draw) -> Experiment:
    """Constraints and transforms of a user's own."""
    what = pick(draw, "class", "instance", "wrong", "decorated", "unknown", "subclass")

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        d = m.distributions
        c = d.constraints

        class Own(c.Constraint):  # type: ignore[misc, name-defined]
            def check(self, value: Any) -> Any:
                return value > 3

        class Shift(d.Transform):  # type: ignore[misc, name-defined]
            domain, codomain, bijective, sign = c.real, Own(), True, 1

            def _call(self, x: Any) -> Any:
                return x.exp() + 3

            def _inverse(self, y: Any) -> Any:
                return (y - 3).log()

        registry = type(d.biject_to)()
        if what == "decorated":

            @registry.register(Own)  # type: ignore[untyped-decorator]
            def factory(constraint: Any) -> Any:
                return Shift()

            yield "names of what is given back", [callable(factory)]
        elif what == "wrong":
            registry.register(3, lambda constraint: Shift())
        elif what == "instance":
            registry.register(Own(), lambda constraint: Shift())
        elif what in ("class", "subclass"):
            registry.register(Own, lambda constraint: Shift())
        x = m.tensor([0.5, -1.0])
        kind = type("Sub", (Own,), {}) if what == "subclass" else Own
        transform = registry(kind())
        yield "value", transform(x)
        yield "value of the inverse", transform.inv(transform(x))
        yield "text", repr(transform)
        yield "names of inside", transform.codomain.check(transform(x)).tolist()
        dist = d.TransformedDistribution(d.Normal(0.0, 1.0), [transform])
        yield from tried("log_prob", lambda: dist.log_prob(m.tensor(4.0)))
        yield from tried("cdf", lambda: dist.cdf(m.tensor(4.0)))
        yield from tried("forward_shape", lambda: tuple(transform.forward_shape((2,))))
        yield from tried("bare", lambda: d.Transform()(x))
        yield from tried("bare sign", lambda: d.Transform().sign)
        yield from tried("bare cache", lambda: d.Transform(cache_size=2))
        yield from tried("bare check", lambda: c.Constraint().check(x))
        yield "text of a constraint", repr(Own())

        class Ranged:
            @c.dependent_property(is_discrete=True, event_dim=1)  # type: ignore[untyped-decorator]
            def support(self) -> Any:
                return c.real

        asked: Any = Ranged.support
        yield "names of dependence", [
            Ranged().support is c.real, asked.is_discrete, asked.event_dim, c.is_dependent(asked),
        ]  # fmt: skip

    return Experiment("distributions.Transform", f"own: {what}", run)


NAMES = """AbsTransform AffineTransform CatTransform ComposeTransform CorrCholeskyTransform
CumulativeDistributionTransform ExpTransform IndependentTransform LowerCholeskyTransform
PositiveDefiniteTransform PowerTransform ReshapeTransform SigmoidTransform SoftmaxTransform
SoftplusTransform StackTransform StickBreakingTransform TanhTransform
identity_transform""".split()
OF_CONSTRAINTS = [name for name in CONSTRAINTS if " " not in name and name != "mixture"]
OF_CONSTRAINTS += [
    "Constraint",
    "MixtureSameFamilyConstraint",
    "dependent_property",
    "is_dependent",
]


def rows() -> list[Row]:
    """All rows of this file."""
    return [
        Row("distributions.Transform", transforming(), names=under("distributions", NAMES)),
        Row("distributions.Transform", registering(), "distributions.Transform of one's own"),
        Row("distributions.TransformedDistribution", transformed()),
        Row(
            "distributions.constraints",
            constraining(),
            names=under("distributions.constraints", OF_CONSTRAINTS)
            + " "
            + under("distributions", CHOOSING),
        ),
    ]
