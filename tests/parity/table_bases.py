"""Rows of base classes and of older names: what they hold, what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES, Given
from .draw import Draw
from .draw_distributions import tried
from .draw_layers import given, labels, pick, seed, some, spatial
from .experiment import Experiment, Steps, gradients, layer, make, words
from .row import Row, under


@st.composite
def across(draw: Draw) -> Experiment:
    """CrossMapLRN2d."""
    kwargs = some(draw, alpha=[1e-2, 0.5], beta=[0.5, 1.0], k=[2.0, 1])
    shape = pick(draw, (2, 5, 2, 3), (1, 1, 2, 2), (2, 3, 1, 1), (3, 2, 2))
    x = given(draw, shape, pick(draw, "float32", "float64"), special=False)
    return layer("CrossMapLRN2d", (pick(draw, 1, 2, 3, 5),), kwargs, (x,),
                 dtype=str(x.values.dtype), seed=seed(draw))  # fmt: skip


@st.composite
def classified(draw: Draw) -> Experiment:
    """NLLLoss2d, an older name."""
    kwargs = some(draw, reduction=["mean", "sum", "none"], ignore_index=[1, -100])
    shape = (pick(draw, 1, 2), 3, *spatial(draw, 2, 1, 3))
    x = given(draw, shape, "float64", special=False)
    target = labels(draw, (shape[0], *shape[2:]), 3)
    return layer("NLLLoss2d", (), kwargs, (x, target), dtype="float64", seed=seed(draw))


@st.composite
def recurring(draw: Draw) -> Experiment:
    """RNNBase and RNNCellBase as they are: parameters, texts, settings."""
    cell = draw(st.booleans())
    mode = pick(draw, "LSTM", "GRU", "RNN_TANH", "RNN_RELU", "wrong")
    sizes = pick(draw, (2, 3), (1, 1), (0, 2), (2, 0))
    kwargs = some(draw, num_layers=[1, 2, 0], bias=[True, False], batch_first=[True])
    kwargs |= some(draw, dropout=[0.0, 0.5, 2.0], bidirectional=[True], proj_size=[0, 1, 3])
    if mode != "LSTM":
        kwargs.pop("proj_size", None)  # PyTorch's base class takes it, but neither RNN nor GRU
    bias, chunks = draw(st.booleans()), pick(draw, 1, 3, 4)

    def run(library: str) -> Steps:
        nn = LIBRARIES[library].nn
        made = nn.RNNCellBase(*sizes, bias, chunks) if cell else nn.RNNBase(mode, *sizes, **kwargs)
        yield "text", repr(made)
        yield "names of state", [(k, tuple(v.shape)) for k, v in made.state_dict().items()]
        if not cell:
            yield "names of settings", [
                made.mode, made.input_size, made.hidden_size, made.num_layers, made.bias,
                made.batch_first, made.dropout, made.bidirectional, made.proj_size,
            ]  # fmt: skip
            yield "names of all weights", [len(w) for w in made.all_weights]
        bound = 1 / max(sizes[1], 1) ** 0.5
        inside = all(bool((p.abs() <= bound).all()) for p in made.parameters())
        yield "names of being inside", [inside]

    text = f"RNNCellBase{(*sizes, bias, chunks)}" if cell else f"RNNBase({mode}, {sizes}, {kwargs})"
    return Experiment("nn.RNNBase", text, run)


@st.composite
def holding(draw: Draw) -> Experiment:
    """Buffers and parameters that wait for their shape."""
    kind = pick(draw, "Buffer", "temporary Buffer", "empty Buffer", "UninitializedParameter",
                "UninitializedBuffer", "Parameter")  # fmt: skip
    what = pick(draw, "state", "shape", "arithmetic", "materialize", "copy", "assign", "delete",
                "load", "text", "identity")  # fmt: skip

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        nn = m.nn
        module = nn.Module()
        data = m.arange(3.0)
        made = {
            "Buffer": lambda: nn.Buffer(data),
            "temporary Buffer": lambda: nn.Buffer(data, persistent=False),
            "empty Buffer": lambda: nn.Buffer(),
            "Parameter": lambda: nn.Parameter(data, requires_grad=False),
            "UninitializedParameter": lambda: nn.UninitializedParameter(),
            "UninitializedBuffer": lambda: nn.UninitializedBuffer(),
        }[kind]()
        if kind == "UninitializedBuffer":
            module.register_buffer("held", made)
        else:
            module.held = made
        yield "names of members", [
            [k for k, _ in module.named_buffers()], [k for k, _ in module.named_parameters()],
        ]  # fmt: skip
        yield "names of kind", [isinstance(made, nn.Buffer), isinstance(made, nn.Parameter),
                                isinstance(made, m.Tensor), made.requires_grad]  # fmt: skip
        if what == "state":
            yield "names of state", [*module.state_dict()]
        elif what == "shape":
            yield "names of shape", [tuple(made.shape)]
        elif what == "arithmetic":
            yield "value", made + 1
        elif what == "materialize":
            made.materialize((2, 3))
            yield "names of what it became", [type(made).__name__, tuple(made.shape)]
        elif what == "assign":
            module.held = m.zeros(3) if "Parameter" not in kind else nn.Parameter(m.zeros(3))
            yield "names of state", [*module.state_dict()]
            yield "value", module.held
        elif what == "delete":
            del module.held
            yield "names of state", [*module.state_dict()]
        elif what == "load":
            module.load_state_dict({"held": m.ones(3)})
            yield "value", module.held
        elif what == "text":
            yield "text", repr(made)
        elif what == "identity":
            yield "names of identity", [module.held is made, module.double().held is made]
        else:
            twin = nn.Module()
            twin.held = made
            yield "names of twin", [*twin.state_dict()]

    return Experiment("nn.Buffer", f"{kind}: {what}", run)


OLD = """constant dirac eye kaiming_normal kaiming_uniform normal orthogonal sparse uniform
xavier_normal xavier_uniform""".split()


@st.composite
def older(draw: Draw, name: str) -> Experiment:
    """Initialisations under names without an underscore: the same, with a warning."""
    shape = pick(draw, (4, 3), (3, 3, 2), (5,), (2, 2))
    more: tuple[Any, ...] = {"constant": (2.5,), "sparse": (0.5,)}.get(name, ())

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        tensors = [m.zeros(shape), m.zeros(shape)]
        m.manual_seed(0)
        found = getattr(m.nn.init, name)(tensors[0], *more)
        m.manual_seed(0)
        getattr(m.nn.init, name + "_")(tensors[1], *more)
        yield "names of identity", [found is tensors[0], bool((tensors[0] == tensors[1]).all())]
        if name in ("constant", "dirac", "eye"):
            yield "value", found

    return Experiment(f"nn.init.{name}", f"nn.init.{name}({shape}, {more})", run)


@st.composite
def distributing(draw: Draw) -> Experiment:
    """Distributions and divergences of a user's own."""
    what = pick(draw, "bare", "own", "checks", "expand", "divergence", "subclasses", "ambiguous",
                "twice", "default", "enumerate", "shapes")  # fmt: skip
    value = pick(draw, 0.5, -1.0, [0.5, 2.0], 3)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        d = m.distributions

        class Own(d.Distribution):  # type: ignore[misc, name-defined]
            arg_constraints = {"rate": d.constraints.positive}  # noqa: RUF012
            support = d.constraints.unit_interval

            def __init__(self, rate: Any, validate_args: Any = None) -> None:
                (self.rate,) = d.utils.broadcast_all(rate)
                super().__init__(self.rate.shape, validate_args=validate_args)

            @property
            def mean(self) -> Any:
                return self.rate / 2

            @property
            def variance(self) -> Any:
                return self.rate * 0 + 4

            def log_prob(self, x: Any) -> Any:
                if self._validate_args:
                    self._validate_sample(x)
                return x * self.rate

            def sample(self, sample_shape: Any = ()) -> Any:
                return m.zeros(self._extended_shape(sample_shape))

        class Other(Own):
            pass

        x = m.tensor(value)
        if what == "bare":
            bare = d.Distribution(m.Size((2,)), m.Size((3,)), validate_args=False)
            yield "text", repr(bare)
            yield "names of shapes", [tuple(bare.batch_shape), tuple(bare.event_shape)]
            for asked in ("mean", "variance", "stddev", "mode", "support", "arg_constraints"):
                yield from tried(asked, lambda a=asked: getattr(bare, a))
            for called in ("sample", "rsample", "entropy", "perplexity", "enumerate_support"):
                yield from tried(called, lambda c=called: getattr(bare, c)())
            for called in ("log_prob", "cdf", "icdf"):
                yield from tried(called, lambda c=called: getattr(bare, c)(x))
            yield from tried("expand", lambda: bare.expand((4, 2)))
            yield "names of the shape of a sample", [tuple(bare._extended_shape((5,)))]
            return
        made = Own(m.tensor([1.0, 2.0]))
        yield "text", repr(made)
        if what == "own":
            yield "value of log_prob", made.log_prob(x)
            yield "value", made.stddev
            yield "names of a sample", [tuple(made.sample((3,)).shape), made.has_rsample]
        elif what == "checks":
            yield from tried("a wrong rate", lambda: Own(m.tensor([-1.0])).rate)
            yield from tried("unchecked", lambda: Own(m.tensor([-1.0]), False).log_prob(x))
            yield from tried("a wrong value", lambda: made.log_prob(m.tensor([3.0, 0.1])))
            yield from tried("a number", lambda: made.log_prob(0.5))
            yield from tried("another shape", lambda: made.log_prob(m.ones(3)))
        elif what == "expand":
            yield from tried("expand", lambda: made.expand((4, 2)))
        elif what == "enumerate":
            yield from tried("enumerate", lambda: made.enumerate_support())
        elif what == "shapes":
            yield from tried("a list of sizes", lambda: tuple(made.sample([2, 3]).shape))
            yield from tried("an integer", lambda: tuple(made.sample(2).shape))
        elif what == "default":
            d.Distribution.set_default_validate_args(False)
            try:
                yield from tried("a wrong rate", lambda: Own(m.tensor([-1.0])).rate)
            finally:
                d.Distribution.set_default_validate_args(True)
            yield from tried("another default", lambda: d.Distribution.set_default_validate_args(3))
        else:
            pairs = {
                "divergence": [(Own, Own)],
                "subclasses": [(Own, d.Distribution), (Own, Other)],
                "ambiguous": [(Own, Other), (Other, Own)],
                "twice": [(Own, Own), (Own, Own)],
            }[what]
            for n, pair in enumerate(pairs):

                @d.register_kl(*pair)  # type: ignore[untyped-decorator]
                def divergence(p: Any, q: Any, n: int = n) -> Any:
                    return p.rate * 0 + n

            for p, q in ((Own, Own), (Own, Other), (Other, Other)):
                yield from tried(
                    "the divergence",
                    lambda p=p, q=q: d.kl_divergence(p(m.ones(2)), q(m.ones(2))),
                )
            yield from tried("another", lambda: d.kl_divergence(made, d.Normal(0.0, 1.0)))
            yield from tried("no class", lambda: d.register_kl(3, Own))

    return Experiment("distributions.Distribution", f"{what}, {value}", run)


@st.composite
def helping(draw: Draw) -> Experiment:
    """distributions.utils."""
    name = pick(draw, "broadcast_all", "clamp_probs", "logits_to_probs", "probs_to_logits", "lazy")
    dtype = pick(draw, "float32", "float64", "float16", "int64")
    shape = pick(draw, (), (3,), (2, 3), (0,))
    x = given(draw, shape, dtype, special=draw(st.booleans()))
    if name in ("clamp_probs", "probs_to_logits"):
        x = Given(np.asarray(np.clip(x.values * 0.4, 0, 1)).astype(dtype), "plain", x.requires_grad)
    others = draw(st.lists(st.sampled_from([2, 0.5, True, "text", None]), max_size=2))
    binary, number = draw(st.booleans()), seed(draw)
    alone = draw(st.integers(0, 3)) == 0

    def run(library: str) -> Steps:
        m, made = LIBRARIES[library], []  # type: ignore[var-annotated]
        utils = m.distributions.utils
        tensor = make(library, x, made)
        if name == "broadcast_all":
            found = list(utils.broadcast_all(*([] if alone else [tensor]), *others))
        elif name == "lazy":

            class Lazy:
                count = 0

                @utils.lazy_property  # type: ignore[untyped-decorator]
                def twice(self) -> Any:
                    """Twice."""
                    self.count += 1
                    return tensor * 2

            one = Lazy()
            with m.no_grad():
                found = one.twice
            yield "names of the property", [one.twice is found, one.count, Lazy.twice.__doc__]
        elif name == "clamp_probs":
            found = utils.clamp_probs(tensor)
        else:
            found = getattr(utils, name)(tensor, is_binary=binary)
        yield "value", found
        yield from gradients(library, found, [t for t in made if t.requires_grad], number)

    text = f"{name} of {x!r}, {words(others, {})}, binary {binary}, alone {alone}"
    return Experiment("distributions.utils.broadcast_all", text, run)


def rows() -> list[Row]:
    """All rows of this file."""
    helpers = "clamp_probs lazy_property logits_to_probs probs_to_logits".split()
    return [
        Row("nn.CrossMapLRN2d", across()),
        Row("nn.NLLLoss2d", classified()),
        Row("nn.RNNBase", recurring(), names="nn.RNNCellBase"),
        Row("nn.Buffer", holding(), names="nn.UninitializedParameter nn.UninitializedBuffer"),
        *(Row(f"nn.init.{name}", older(name)) for name in OLD),
        Row("distributions.Distribution", distributing(), names="distributions.register_kl"),
        Row(
            "distributions.utils.broadcast_all",
            helping(),
            names=under("distributions.utils", helpers),
        ),
    ]
