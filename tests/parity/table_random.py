"""Rows of what draws: of many draws the quantiles, of few the shapes and errors; generators."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES, Given
from .draw import ALL, Draw, shapes, values
from .draw_layers import pick, seed
from .experiment import Experiment, Steps, make
from .row import Row

MANY = (4000,)
# Of each method in place the arguments it is given; those that are refused come last.
METHODS: dict[str, list[tuple[Any, ...]]] = {
    "bernoulli_": [(), (0.3,), (0,), (1.0,), (1.5,), (-0.1,)],
    "cauchy_": [(), (1.0, 2.0), (0, 0.5), (0.0, 0.0), (0.0, -1.0)],
    "exponential_": [(), (2.0,), (0.5,), (0.0,), (-1.0,)],
    "geometric_": [(0.3,), (0.9,), (0.0,), (1.0,), (1.5,)],
    "log_normal_": [(), (0.5, 0.3), (0.0, 0.0), (0.0, -1.0)],
    "normal_": [(), (1.0, 2.0), (0, 0.5), (3.0, 0.0), (0.0, -1.0)],
    "random_": [(), (10,), (-3, 5), (0, 300), (5, 5), (5, 2)],
    "uniform_": [(), (-1.0, 2.0), (1, 1), (2.0, 1.0)],
}
PARTS = [0.05, 0.25, 0.5, 0.75, 0.95]


@st.composite
def in_place(draw: Draw, name: str) -> Experiment:
    """Fill a tensor."""
    dtype = pick(draw, "float32", "float64", "float32", *ALL)
    args = pick(draw, *METHODS[name])
    shape = pick(draw, MANY, MANY, draw(shapes(0, 3)))
    shape = shape if np.dtype(dtype).kind == "f" or 0 not in shape else MANY  # nobody looks then
    grad = np.dtype(dtype).kind == "f" and not draw(st.integers(0, 5))
    whole = values(0, shape, dtype)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        m.manual_seed(0)
        tensor = make(library, Given(whole, "plain", grad), [])
        found = getattr(tensor, name)(*args)
        yield "names of what it is", [found is tensor, str(tensor.dtype)[-5:], tuple(tensor.shape)]
        if shape == MANY:
            yield from _alike(library, tensor, lambda: _theirs(name, args, whole))

    return Experiment(f".{name}", f".{name}({args}) of {dtype}{list(shape)}", run)


def _theirs(name: str, args: tuple[Any, ...], whole: Any) -> Any:
    m = LIBRARIES["torch"]
    m.manual_seed(1)
    return getattr(m.from_numpy(whole.copy()), name)(*args)


def _alike(library: str, tensor: Any, theirs: Any) -> Steps:
    """Whether the quantiles are near those of another sample of PyTorch's."""
    mine, other = (np.asarray(t.double().numpy()) for t in (tensor, theirs()))
    a, b = (np.quantile(x, PARTS) for x in (mine, other))
    width = b[3] - b[1] + 1e-3 * abs(b[2]) + 1e-6
    near = np.abs(a - b) <= np.array([1.5, 0.25, 0.25, 0.25, 1.5]) * width
    if np.unique(other).size < 9:  # where a share is at a quantile
        counts = [[(x == v).mean() for v in np.unique(other)] for x in (mine, other)]
        near = np.abs(np.subtract(*counts)) < 0.06
    yield "value of being spread alike", bool(near.all())


@st.composite
def counted(draw: Draw, name: str) -> Experiment:
    """`poisson` and `binomial`, of rates and shares in any layout."""
    dtype = pick(draw, "float32", "float64", "float16", "int64")
    shape = pick(draw, MANY, draw(shapes(0, 3)))
    rng = np.random.default_rng(seed(draw))
    rate = np.full(shape, pick(draw, 3.0, 0.0, 40.0)) if shape == MANY else rng.uniform(0, 5, shape)
    if not draw(st.integers(0, 7)) and rate.size:
        rate = -rate - 1
    share = np.full(shape, pick(draw, 0.3, 0.0, 1.0, 0.9))
    share = share + (not draw(st.integers(0, 7)))
    given = Given(np.floor(rate).astype(dtype), pick(draw, "plain", "turned"))
    other = Given(share.astype(pick(draw, dtype, dtype, "float64")))

    def run(library: str) -> Steps:
        def found(of: str, number: int) -> Any:
            m = LIBRARIES[of]
            m.manual_seed(number)
            args = [make(of, given, [])] + ([make(of, other, [])] if name == "binomial" else [])
            return getattr(m, name)(*args)

        out = found(library, 0)
        yield "names of what it is", [tuple(out.shape), str(out.dtype)[-5:], out.requires_grad]
        if shape == MANY:
            yield from _alike(library, out, lambda: found("torch", 1))

    return Experiment(name, f"{name}({given!r}, {other!r})", run)


@st.composite
def generated(draw: Draw) -> Experiment:
    """Seeds, states and generators: when the same numbers come again."""
    number = pick(draw, 0, 1, 7, -1, 2**40, 2**63, 1.5, "text", None)
    how = pick(draw, "manual_seed", "Generator", "state", "fork", "seed")

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        if how == "Generator":
            g = m.Generator()
            yield "names of the default seed", [g.initial_seed()]
            yield "names of itself", [g.manual_seed(number) is g, g.initial_seed()]
            first, state = m.rand(3, generator=g).tolist(), g.get_state()
            second = m.rand(3, generator=g).tolist()
            g.set_state(state)
            same = m.rand(3, generator=g).tolist() == second
            again = m.rand(3, generator=g.manual_seed(number)).tolist() == first
            yield "names of coming again", [same, again]
            return
        found = m.manual_seed(number)
        yield "names of the generator", [type(found).__name__, m.initial_seed()]
        first = m.rand(3).tolist()
        if how == "state":
            state = m.get_rng_state()
            yield "names of the state", [state is not None]
            second = m.rand(3).tolist()
            m.set_rng_state(state)
            yield "names of coming again", [m.rand(3).tolist() == second, first == second]
        if how == "fork":
            with m.random.fork_rng():
                within = m.rand(3).tolist()
            yield "names of coming again", [m.rand(3).tolist() == within]
        if how == "seed":
            yield "names of a seed", [isinstance(m.seed(), int)]
        m.manual_seed(number)
        yield "names of the first", [m.rand(3).tolist() == first]

    names = "Generator manual_seed seed initial_seed get_rng_state set_rng_state random.fork_rng"
    return Experiment("manual_seed", f"{how} {number!r} ({names})", run)


def rows() -> list[Row]:
    """All rows of this file."""
    names = "Generator seed initial_seed get_rng_state set_rng_state random.fork_rng"
    return [
        *(Row(f".{name}", in_place(name)) for name in METHODS),
        *(Row(name, counted(name)) for name in ("poisson", "binomial")),
        Row(
            "manual_seed",
            generated(),
            names=f"{names} random.manual_seed random.seed random.initial_seed",
        ),
    ]
