"""Rows of what surrounds training: initialisation, `nn.utils`, `utils.data`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES, Given
from .draw import Draw
from .draw_layers import pick, seed, some
from .experiment import Experiment, Steps, fill, make
from .row import Row, under

GAINS = """linear conv1d conv2d conv3d conv_transpose2d sigmoid tanh relu leaky_relu selu
nothing""".split()

INITIALISATIONS = """uniform_ normal_ trunc_normal_ constant_ zeros_ ones_ eye_ dirac_ sparse_
xavier_uniform_ xavier_normal_ kaiming_uniform_ kaiming_normal_ orthogonal_""".split()


@st.composite
def initialising(draw: Draw) -> Experiment:
    """What an initialisation gives: what it returns, its range and deviation, its errors."""
    shape = pick(
        draw, (200, 300), (64, 32, 3, 3), (300,), (), (0, 3), (40, 50, 7), (16, 8, 3, 3, 3)
    )
    name = pick(draw, *INITIALISATIONS)
    words: dict[str, Any] = {
        "uniform_": lambda: some(draw, a=(-1.0, 0.5), b=(1.0, 2.0)),
        "normal_": lambda: some(draw, mean=(0.0, 3.0), std=(1.0, 0.1)),
        "trunc_normal_": lambda: some(
            draw, mean=(0.0, 1.0), std=(1.0, 0.5), a=(-2.0, -0.5), b=(2.0, 0.5)
        ),
        "constant_": lambda: {"val": pick(draw, 0.3, 2, True)},
        "dirac_": lambda: some(draw, groups=(1, 2, 3)),
        "sparse_": lambda: {"sparsity": pick(draw, 0.1, 0.5)},
        "xavier_uniform_": lambda: some(draw, gain=(1.0, 2.0)),
        "xavier_normal_": lambda: some(draw, gain=(1.0, 2.0)),
        "kaiming_uniform_": lambda: some(
            draw, a=(0, 0.5), mode=("fan_in", "fan_out", "fan_no"), nonlinearity=GAINS
        ),
        "kaiming_normal_": lambda: some(
            draw, a=(0, 0.5), mode=("fan_in", "fan_out", "fan_no"), nonlinearity=GAINS
        ),
        "orthogonal_": lambda: some(draw, gain=(1, 2.0)),
    }.get(name, dict)()
    grad = draw(st.booleans())

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        m.manual_seed(0)
        tensor = m.full(shape, 7.0, requires_grad=grad)
        found = getattr(m.nn.init, name)(tensor, **words)
        yield "names of identity", [found is tensor, found.requires_grad, found.is_leaf]
        if name in ("constant_", "zeros_", "ones_", "eye_", "dirac_"):
            yield "value", found
        x = found.detach().numpy()
        if name == "orthogonal_" and x.size:
            rows = x.reshape(x.shape[0], -1)
            rows = rows if rows.shape[0] <= rows.shape[1] else rows.T
            yield "value of products", m.from_numpy(np.round(rows @ rows.T, 4) + 0.0)
        if name == "sparse_":
            yield "value of zeros", m.from_numpy((x == 0).sum(0))
        if x.size > 250 and not name.startswith(("sparse", "eye", "dirac")):
            other = m.full(shape, 7.0)
            other = LIBRARIES["torch"].full(shape, 7.0)
            y = getattr(LIBRARIES["torch"].nn.init, name)(other, **words).numpy()
            yield (
                "value of being spread alike",
                all(_near(f(x), f(y), y.std()) for f in (np.mean, np.std, np.min, np.max)),
            )

    return Experiment(f"nn.init.{name}", f"nn.init.{name}({shape}, {words})", run)


def _near(a: float, b: float, deviation: float) -> bool:
    """Of two samples: extremes of normal numbers may lie a deviation and a half apart."""
    return bool(abs(a - b) <= 1.5 * deviation + 1e-6) and bool(math.isfinite(a) == math.isfinite(b))


@st.composite
def gaining(draw: Draw) -> Experiment:
    """calculate_gain."""
    name, param = pick(draw, *GAINS), pick(draw, None, 0, 0.3, -2, True, "text", 1)

    def run(library: str) -> Steps:
        yield "value", LIBRARIES[library].nn.init.calculate_gain(name, param)

    return Experiment("nn.init.calculate_gain", f"calculate_gain({name!r}, {param!r})", run)


CLIPS = ("clip_grad_norm_", "clip_grad_value_", "get_total_norm")


@st.composite
def clipping(draw: Draw) -> Experiment:
    """Clipping of drawn gradients, of which some are missing, infinite or NaN."""
    name = pick(draw, *CLIPS)
    dtype = pick(draw, "float32", "float64")
    rng = np.random.default_rng(seed(draw))
    shapes = draw(st.lists(st.sampled_from([(3,), (2, 2), (), (0,)]), max_size=3))
    arrays: list[Any] = []
    for shape in shapes:
        array = np.asarray(rng.normal(0, 3, shape)).astype(dtype)
        if array.size and not draw(st.integers(0, 9)):
            array.flat[0] = pick(draw, np.inf, np.nan)
        arrays.append(Given(array) if draw(st.integers(0, 4)) else None)
    bound = pick(draw, 1.0, 0.1, 100, 0.0, -1.0, math.inf)
    words: dict[str, Any] = {}
    if name != "clip_grad_value_":
        words = some(
            draw, norm_type=(2.0, 1, 3.0, math.inf, "inf", 0.5, 0), error_if_nonfinite=(True, False)
        )
    alone = len(arrays) == 1 and draw(st.booleans())

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        given = make(library, arrays, [])
        if name == "get_total_norm":
            yield "value", m.nn.utils.get_total_norm([g for g in given if g is not None], **words)
            return
        parameters = [
            m.nn.Parameter(
                m.ones(
                    (1,) if g is None else tuple(g.shape), dtype=make(library, np.dtype(dtype), [])
                )
            )
            for g in given
        ]
        for p, g in zip(parameters, given, strict=True):
            p.grad = g
        found = getattr(m.nn.utils, name)(
            parameters[0] if alone else iter(parameters), bound, **words
        )
        yield "value", found
        for n, p in enumerate(parameters):
            yield f"gradient {n}", p.grad

    text = f"nn.utils.{name}({arrays}, {bound}, {words})"
    return Experiment(f"nn.utils.{name}", text, run)


@st.composite
def vectors(draw: Draw) -> Experiment:
    """parameters_to_vector and back."""
    shapes = draw(st.lists(st.sampled_from([(3,), (2, 2), (), (0,)]), max_size=3))
    extra = pick(draw, 0, 0, 1, -1)
    size = sum(math.prod(s) for s in shapes)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        parameters = [m.nn.Parameter(m.full(s, float(n))) for n, s in enumerate(shapes)]
        yield "value of vector", m.nn.utils.parameters_to_vector(parameters)
        vector = m.arange(float(max(size + extra, 0)))
        m.nn.utils.vector_to_parameters(vector, parameters)
        for n, p in enumerate(parameters):
            yield f"value {n}", p

    return Experiment("nn.utils.parameters_to_vector", f"vectors of {shapes}, {extra} more", run)


LAYERS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda m: m.nn.Linear(3, 4),
    "conv": lambda m: m.nn.Conv2d(2, 3, 2),
    "turned conv": lambda m: m.nn.ConvTranspose2d(2, 3, 2),
    "embedding": lambda m: m.nn.Embedding(5, 3),
}
INPUTS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda m: m.linspace(-1, 1, 6).reshape(2, 3),
    "conv": lambda m: m.linspace(-1, 1, 36).reshape(2, 2, 3, 3),
    "turned conv": lambda m: m.linspace(-1, 1, 36).reshape(2, 2, 3, 3),
    "embedding": lambda m: m.tensor([0, 3]),
}


@st.composite
def reweighting(draw: Draw) -> Experiment:
    """weight_norm and parametrizations: names, values, gradients, removal."""
    layer = pick(draw, *LAYERS)
    how = pick(draw, "weight_norm", "parametrizations.weight_norm", "own", "two")
    dim = pick(draw, 0, 1, -1, None, 5)
    name = pick(draw, "weight", "weight", "bias", "nothing")
    leave = draw(st.booleans())
    number = seed(draw)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        module = LAYERS[layer](m)
        fill(library, module, number)

        class Double(m.nn.Module):  # type: ignore[misc, name-defined]
            def forward(self, x: Any) -> Any:
                return x * 2

            def right_inverse(self, x: Any) -> Any:
                return x / 2

        p = m.nn.utils.parametrize
        if how == "weight_norm":
            m.nn.utils.weight_norm(module, name, dim)
        elif how == "parametrizations.weight_norm":
            m.nn.utils.parametrizations.weight_norm(module, name, dim)
        else:
            p.register_parametrization(module, name, Double())
            if how == "two":
                p.register_parametrization(module, name, m.nn.Tanh(), unsafe=True)
        yield "names of parameters", [k for k, _ in module.named_parameters()]
        yield "names of state", [(k, tuple(v.shape)) for k, v in module.state_dict().items()]
        yield "names of being parametrized", [p.is_parametrized(module)]
        y = module(INPUTS[layer](m))
        yield "value", y
        (y * y).sum().backward()
        for k, q in module.named_parameters():
            yield f"gradient of {k}", q.grad if q.grad is not None else m.zeros(1)
        if how == "weight_norm":
            m.nn.utils.remove_weight_norm(module, name)
        else:
            p.remove_parametrizations(module, name, leave)
        yield "names afterwards", [k for k, _ in module.named_parameters()]
        yield "value afterwards", getattr(module, name)

    text = f"{how} of {layer}.{name}, dim={dim}, leave={leave}"
    return Experiment("nn.utils.parametrize", text, run)


DATA: dict[str, Callable[[Any], Any]] = {
    "tensors": lambda m: m.utils.data.TensorDataset(m.arange(6.0).reshape(6, 1), m.arange(6)),
    "list": lambda m: [m.tensor(k) for k in range(5)],
    "numbers": lambda m: [0, 0.5, 1],
    "texts": lambda m: ["a", "b", "c"],
    "dicts": lambda m: [{"x": m.ones(2) * k, "n": k} for k in range(4)],
    "pairs": lambda m: [(m.ones(2), k, "t") for k in range(4)],
    "uneven": lambda m: [m.ones(k) for k in range(3)],
    "arrays": lambda m: [np.arange(2) + k for k in range(4)],
    "empty": lambda m: [],
    "none": lambda m: [None, None],
    "bools": lambda m: [True, False],
    "nested": lambda m: [[1, (2, {"a": 3.0})]] * 3,
    "lengths": lambda m: [[1, 2], [1]],
    "subset": lambda m: m.utils.data.Subset(list(range(7)), [5, 1, 3]),
    "joined": lambda m: m.utils.data.ConcatDataset([[0, 1], [2], [3, 4, 5]]),
}


@st.composite
def loading(draw: Draw) -> Experiment:
    """Data sets read one by one and in batches, in order."""
    data = pick(draw, *DATA)
    words = some(
        draw, batch_size=(1, 2, 3, None, 0, -1), drop_last=(True, False), shuffle=(False,),
        sampler=([2, 0], [0], []), batch_sampler=([[0, 1], [2]],), num_workers=(0, -1),
        timeout=(0, -1), collate_fn=(list,),
    )  # fmt: skip
    places = pick(draw, (0,), (-1, 1), (9,), (-9,))

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        found = DATA[data](m)
        yield "names of length", [len(found)]
        for k in places:
            if not isinstance(found, list):
                yield from _words(f"item {k}", lambda k=k: found[k])
        loader = m.utils.data.DataLoader(found, **words)
        yield from _words("its length", lambda: len(loader))
        for n, batch in enumerate(loader):
            yield from _words(f"batch {n}", lambda batch=batch: batch)

    return Experiment("utils.data.DataLoader", f"DataLoader({data}, {words})[{places}]", run)


def _words(label: str, ask: Callable[[], Any]) -> Steps:
    try:
        found = ask()
    except Exception as error:
        known = (IndexError, KeyError, TypeError, ValueError)
        name = next((k.__name__ for k in known if isinstance(error, k)), "RuntimeError")
        yield f"names of the error of {label}", name
        return
    yield f"names of {label}", [_written(found)]


def _written(value: Any) -> str:
    """Nested values as text, tensors with their dtypes."""
    if hasattr(value, "detach"):
        return f"{str(value.dtype).removeprefix('torch.')}{value.tolist()}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return type(value).__name__ + "[" + ", ".join(map(_written, value)) + "]"
    return repr(value)


SAMPLING = """SequentialSampler RandomSampler SubsetRandomSampler WeightedRandomSampler
BatchSampler random_split DistributedSampler""".split()


@st.composite
def sampling(draw: Draw) -> Experiment:
    """Samplers: how many, which, without which mistakes (orders are drawn and differ)."""
    name = pick(draw, *SAMPLING)
    n = draw(st.integers(0, 7))
    words: dict[str, Any] = {}
    if name == "RandomSampler":
        words = some(draw, replacement=(True, False, 1), num_samples=(3, 9, 0, -1, None, 2.5, True))
    weights = pick(draw, [1.0, 0, 2], [1, 1], [], [[1.0, 2.0]], [0.0, 0.0])
    count = pick(draw, 3, 1, 0, -2, 2.0, True)
    replacement = draw(st.booleans())
    batch, last = pick(draw, 1, 2, 3, 0, -1, 1.5, True), pick(draw, True, False, 1)
    lengths = pick(
        draw, [n], [1, 2], [0.5, 0.5], [0.3, 0.3, 0.4], [0.5], [n, 0], [0.9, 0.2], [-1, 4]
    )
    replicas, rank = pick(draw, (1, 0), (2, 0), (2, 1), (3, 2), (2, 2), (2, -1))
    shuffle, drop = draw(st.booleans()), draw(st.booleans())

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        d = m.utils.data
        if name == "random_split":
            parts = d.random_split(range(n), lengths)
            yield "names of lengths", [len(p) for p in parts]
            yield "names of all", sorted(x for p in parts for x in p)
            return
        if name == "SequentialSampler":
            sampler = d.SequentialSampler(range(n))
        elif name == "RandomSampler":
            sampler = d.RandomSampler(range(n), **words)
        elif name == "SubsetRandomSampler":
            sampler = d.SubsetRandomSampler(list(range(n)))
        elif name == "WeightedRandomSampler":
            sampler = d.WeightedRandomSampler(weights, count, replacement)
        elif name == "DistributedSampler":
            sampler = d.DistributedSampler(range(n), replicas, rank, shuffle, 0, drop)
        else:
            sampler = d.BatchSampler(d.SequentialSampler(range(n)), batch, last)
        yield "names of length", [len(sampler)]
        found = list(sampler)
        yield "names of types", sorted({type(x).__name__ for x in found})
        yield "names of count", [len(found)]
        if name in ("SequentialSampler", "BatchSampler") or (
            name == "DistributedSampler" and not shuffle
        ):
            yield "names of places", found
        elif name == "SubsetRandomSampler" or (name == "RandomSampler" and not words):
            yield "names of places", sorted(found)

    text = (
        f"{name}: {n}, {words}, {weights}, {count}, {replacement}, {batch}, {last}, {lengths}, "
        f"{replicas}, {rank}, {shuffle}, {drop}"
    )
    return Experiment(f"utils.data.{name}", text, run)


def rows() -> list[Row]:
    """All rows of this file."""
    return [
        Row("nn.init.uniform_", initialising(), "nn.init", under("nn.init", INITIALISATIONS)),
        Row("nn.init.calculate_gain", gaining()),
        Row("nn.utils.clip_grad_norm_", clipping(), "nn.utils.clip_grad", under("nn.utils", CLIPS)),
        Row("nn.utils.parameters_to_vector", vectors(), names="nn.utils.vector_to_parameters"),
        Row(
            "nn.utils.parametrize",
            reweighting(),
            names=under("nn.utils", ("weight_norm", "remove_weight_norm"))
            + " nn.utils.parametrizations.weight_norm "
            + under(
                "nn.utils.parametrize",
                ("register_parametrization", "is_parametrized", "remove_parametrizations"),
            ),
        ),
        Row(
            "utils.data.DataLoader",
            loading(),
            names=under("utils.data", ("TensorDataset", "Subset", "ConcatDataset")),
        ),
        Row(
            "utils.data.RandomSampler",
            sampling(),
            "utils.data samplers",
            under("utils.data", SAMPLING),
        ),
    ]
