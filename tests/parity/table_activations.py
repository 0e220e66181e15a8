"""Rows of activations, distances, embeddings, linear layers, dropout: modules and functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Given
from .draw import Draw, broadcastable, shapes
from .draw_layers import (
    DTYPES,
    Made,
    batch,
    functions,
    given,
    layers,
    mild,
    pick,
    positional,
    seed,
    some,
)
from .experiment import Experiment, function, layer
from .row import Row

INPLACE = {"inplace": [True, False]}
# name of the module, of the function, keywords
POINTWISE: list[tuple[str, str | None, dict[str, list[Any]]]] = [
    ("ReLU", "relu", INPLACE),
    ("ReLU6", "relu6", INPLACE),
    ("ELU", "elu", {"alpha": [1.0, 0.5, 2, -1], **INPLACE}),
    ("CELU", "celu", {"alpha": [1.0, 0.5, 2], **INPLACE}),
    ("SELU", "selu", INPLACE),
    ("SiLU", "silu", INPLACE),
    ("Mish", "mish", INPLACE),
    ("Hardswish", "hardswish", INPLACE),
    ("Hardsigmoid", "hardsigmoid", INPLACE),
    ("Hardtanh", "hardtanh", {"min_val": [-1.0, -2, 0.5], "max_val": [1.0, 2, 0.75], **INPLACE}),
    ("LeakyReLU", "leaky_relu", {"negative_slope": [0.01, 0.3, -0.5, 0], **INPLACE}),
    ("GELU", "gelu", {"approximate": ["none", "tanh"]}),
    ("Softplus", "softplus", {"beta": [1.0, 2, 0.5], "threshold": [20.0, 5, 1]}),
    ("Hardshrink", "hardshrink", {"lambd": [0.5, 1, 0]}),
    ("Softshrink", "softshrink", {"lambd": [0.5, 1, 0, -1]}),
    ("Softsign", "softsign", {}),
    ("Tanhshrink", "tanhshrink", {}),
    ("LogSigmoid", "logsigmoid", {}),
    ("Sigmoid", "sigmoid", {}),
    ("Tanh", "tanh", {}),
    ("Identity", None, {}),
    ("Softmax", "softmax", {"dim": [0, 1, -1, 2, None]}),
    ("LogSoftmax", "log_softmax", {"dim": [0, 1, -1, 2, None]}),
    ("Softmin", "softmin", {"dim": [0, 1, -1, 2, None]}),
    ("Softmax2d", None, {"dim": []}),
    ("GLU", "glu", {"dim": [0, 1, -1, 2]}),
]


def pointwise(draw: Draw, dtype: str, options: dict[str, list[Any]], widest: bool = True) -> Made:
    kwargs = some(draw, **options)
    dtype = dtype if widest or dtype != "float64" else "float32"
    dtype = dtype if "dim" in options else pick(draw, dtype, dtype, dtype, "int64", "bool")
    grad = False if kwargs.get("inplace") and draw(st.integers(0, 3)) else None
    x = given(draw, draw(shapes(0, 4)), dtype, grad=grad, special=draw(st.booleans()))
    if np.dtype(dtype).kind == "f":  # beyond which formulas overflow that ours do not
        values = np.where(np.isfinite(x.values), x.values.clip(-1e4, 1e4), x.values)
        if x.requires_grad:  # at NaN PyTorch's gradients differ by how they are cut
            values = np.where(np.isnan(values), 0.25, values)
        x = Given(values.astype(dtype), x.layout, x.requires_grad)
    if dtype == "float16" or "approximate" in options:  # PyTorch's differ by how they are cut
        x = Given(np.where(np.isfinite(x.values), x.values, 0.25).astype(dtype), x.layout,
                  x.requires_grad)  # fmt: skip
    order = " ".join(options) if "approximate" not in options else ""
    args, kwargs = positional(draw, (), kwargs, order)
    return args, kwargs, (x,)


@st.composite
def pointwise_layer(draw: Draw, name: str, **more: Any) -> Experiment:
    """Without weights a layer takes any dtype, so it is not converted."""
    args, kwargs, inputs = pointwise(draw, pick(draw, *DTYPES), **more)
    return layer(name, args, kwargs, inputs, train=draw(st.booleans()), seed=seed(draw))


def threshold(draw: Draw, dtype: str) -> Made:
    x = given(draw, draw(shapes(0, 3)), dtype)
    return (pick(draw, 0.5, 0, -1), pick(draw, 20.0, 0)), some(draw, inplace=[False]), (x,)


def prelu(draw: Draw, dtype: str) -> Made:
    shape = draw(shapes(0, 4))
    count = pick(draw, 1, 1, shape[1] if len(shape) > 1 and shape[1] else 1, 2)
    return (), some(draw, num_parameters=[count], init=[0.25, 0.1]), (given(draw, shape, dtype),)


@st.composite
def prelu_function(draw: Draw) -> Experiment:
    dtype, shape = pick(draw, *DTYPES), draw(shapes(0, 4))
    count = pick(draw, (1,), (), (shape[1] if len(shape) > 1 else 1,), (2,))
    return function("prelu", (given(draw, shape, dtype), given(draw, count, dtype)), {}, seed(draw))


def linear(draw: Draw, dtype: str) -> Made:
    a, b = pick(draw, 0, 1, 3), pick(draw, 0, 1, 2, 4)
    wrong = draw(st.integers(0, 9)) == 0
    x = given(draw, (*draw(shapes(0, 2)), a + wrong), pick(draw, *[dtype] * 6, "float64", "int64"))
    return (a, b), some(draw, bias=[True, False]), (x,)


@st.composite
def linear_function(draw: Draw) -> Experiment:
    dtype = pick(draw, *DTYPES)
    a, b = pick(draw, 0, 1, 3), pick(draw, 0, 1, 2, 4)
    x = given(draw, (*draw(shapes(0, 2)), a), dtype)
    weight = given(draw, pick(draw, (b, a), (b, a), (a,)), dtype)
    bias = pick(draw, None, given(draw, pick(draw, (b,), (b,), (), (1,)), dtype))
    bias = None if weight.values.ndim == 1 else bias
    return function("linear", (x, weight, bias), {}, seed(draw))


def bilinear(draw: Draw, dtype: str) -> Made:
    a, b, c = pick(draw, 1, 2), pick(draw, 1, 3), pick(draw, 1, 2)
    leading = draw(shapes(0, 2))
    inputs = given(draw, (*leading, a), dtype), given(draw, (*leading, b), dtype)
    return (a, b, c), some(draw, bias=[True, False]), inputs


def similar(draw: Draw, dtype: str) -> Made:
    shape = draw(shapes(1, 3))
    other = shape if draw(st.booleans()) else draw(broadcastable(shape))
    kwargs = some(draw, dim=[0, 1, -1], eps=[1e-8, 1e-3])
    inputs = [given(draw, s, dtype, special=False) for s in (shape, other)]
    return (), kwargs, tuple(inputs)


def distant(draw: Draw, dtype: str) -> Made:
    shape = pick(draw, (3,), (pick(draw, 0, 1, 3), pick(draw, 1, 4)))
    kwargs = some(draw, p=[1, 2.0, 3, np.inf, 0.5], eps=[1e-6, 1e-3], keepdim=[True, False])
    first, second = given(draw, shape, dtype), given(draw, shape, dtype)
    if np.array_equal(first.values, second.values):  # no distance: the second derivative is noise
        second = Given(second.values + 1, second.layout, second.requires_grad)
    return (), kwargs, (first, second)


def normalized(draw: Draw, dtype: str) -> Made:
    kwargs = some(draw, p=[1, 2.0, 3, np.inf, 0], dim=[0, 1, -1], eps=[1e-12, 1e-3])
    return (), kwargs, (given(draw, draw(shapes(1, 3)), dtype),)


def indices(draw: Draw, shape: Any, count: int, beyond: bool = False) -> Given:
    """Rows of a table; now and then, if so asked, one beyond."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    beyond = beyond and draw(st.integers(0, 15)) == 0
    low = 0
    found = np.asarray(rng.integers(low, count + beyond, shape))
    return Given(found.astype(pick(draw, "int64", "int64", "int32")))


def embedding(draw: Draw, dtype: str) -> Made:
    count, width = pick(draw, 1, 4), pick(draw, 1, 3)
    kwargs = some(draw, padding_idx=[0, -1, None, count - 1], max_norm=[1.0, None])
    kwargs |= some(draw, norm_type=[1.0, 2.0], scale_grad_by_freq=[True, False])
    return (count, width), kwargs, (indices(draw, draw(shapes(0, 2)), count, True),)


@st.composite
def embedding_function(draw: Draw) -> Experiment:
    args, kwargs, (x,) = embedding(draw, "float64")
    limited = kwargs.get("max_norm") is not None
    weight = mild(draw, args, pick(draw, *DTYPES), -2, 2, grad=False if limited else None)
    return function("embedding", (x, weight), kwargs, seed(draw))


def bagged(draw: Draw, dtype: str) -> tuple[Made, dict[str, Any]]:
    count, width = pick(draw, 1, 4), pick(draw, 1, 3)
    mode = pick(draw, "mean", "sum", "max")
    kwargs = some(draw, padding_idx=[0, -1, None], mode=[mode, mode, mode])
    kwargs |= some(draw, max_norm=[1.0, None], include_last_offset=[True, False, False])
    if draw(st.booleans()):
        kwargs.pop("include_last_offset", None)
        x = indices(draw, (pick(draw, 0, 1, 3), pick(draw, 1, 2)), count)
        named: dict[str, Any] = {}
    else:
        n = pick(draw, 0, 1, 4)
        x = indices(draw, (n,), count)
        cuts = sorted(draw(st.lists(st.integers(0, n), max_size=3)))
        last = [n] if kwargs.get("include_last_offset") else []
        # PyTorch reads beyond what other offsets, or indices, leave it.
        named = {"offsets": Given(np.array([0, *cuts, *last], x.values.dtype))}
    if kwargs.get("mode") == "sum" and draw(st.booleans()):
        named["per_sample_weights"] = given(draw, x.values.shape, dtype, special=False)
    return ((count, width), kwargs, (x,)), named


@st.composite
def bag_layer(draw: Draw) -> Experiment:
    dtype = pick(draw, "float32", "float64")
    (args, kwargs, inputs), named = bagged(draw, dtype)
    return layer("EmbeddingBag", args, kwargs, inputs, named, dtype=dtype, seed=seed(draw))


@st.composite
def bag_function(draw: Draw) -> Experiment:
    dtype = pick(draw, "float32", "float64")
    (args, kwargs, (x,)), named = bagged(draw, dtype)
    limited = kwargs.get("max_norm") is not None
    weight = mild(draw, args, dtype, -2, 2, grad=False if limited else None)
    return function("embedding_bag", (x, weight), kwargs | named, seed(draw))


@st.composite
def one_hot(draw: Draw) -> Experiment:
    shape = draw(shapes(0, 2))
    low = -1 if draw(st.integers(0, 9)) == 0 else 0
    x = Given(np.asarray(np.random.default_rng(seed(draw)).integers(low, 4, shape)))
    x = Given(x.values.astype(pick(draw, "int64", "int64", "int64", "int32")))
    kwargs = some(draw, num_classes=[-1, 4, 5, 2, 0])
    return function("one_hot", (x,), kwargs, seed(draw))


@st.composite
def dropped(draw: Draw, name: str, short: bool) -> Experiment:
    """Where nothing is drawn: in evaluation, and with p of 0 and 1."""
    dtype = pick(draw, *DTYPES)
    train = draw(st.booleans())
    kwargs: dict[str, Any] = {"p": pick(draw, 0.0, 1.0, 0, 1) if train else pick(draw, 0.5, 0, 1.0)}
    kwargs |= {"p": pick(draw, -0.1, 1.5)} if draw(st.integers(0, 9)) == 0 else {}
    kwargs |= some(draw, inplace=[True, False])
    dims = {"Dropout1d": (2, 4), "Dropout2d": (2, 5), "Dropout3d": (3, 6)}.get(name, (0, 4))
    dims = (2, 5) if name == "FeatureAlphaDropout" else dims
    shape = draw(shapes(*dims))
    x = given(draw, shape, dtype, special=False, grad=False if kwargs.get("inplace") else None)
    if short:
        word = {"Dropout": "dropout", "AlphaDropout": "alpha_dropout"}.get(name)
        word = word or {"FeatureAlphaDropout": "feature_alpha_dropout"}.get(name) or name.lower()
        return function(word, (x,), {**kwargs, "training": train}, seed(draw))
    return layer(name, (), kwargs, (x,), train=train, seed=seed(draw))


def rrelu(draw: Draw, dtype: str) -> Made:
    kwargs = some(draw, lower=[0.1, 0.2], upper=[0.3, 0.5])
    return (), kwargs, (given(draw, draw(shapes(0, 3)), dtype),)


@st.composite
def rrelu_layer(draw: Draw) -> Experiment:
    args, kwargs, inputs = rrelu(draw, pick(draw, *DTYPES))
    return layer("RReLU", args, kwargs, inputs, train=False, seed=seed(draw))


def channels(draw: Draw, dtype: str) -> Made:
    shape = (*batch(draw), pick(draw, 4, 6), 2, 2)
    return (pick(draw, 1, 2, 4),), {}, (given(draw, shape, dtype),)


def rows() -> list[Row]:
    """All rows of this file."""
    out: list[Any] = []
    for name, short, options in POINTWISE:
        # Hardsigmoid's factor 1/6 is a float32 in PyTorch.
        more = {"options": options, "widest": name != "Hardsigmoid"}
        out.append(Row(f"nn.{name}", pointwise_layer(name, **more)))
        if short:
            row = functions(short, pointwise, **more)
            out.append(Row(f"nn.functional.{short}", row, f"module form nn.functional.{short}"))
    for name, maker in (("Threshold", threshold), ("PReLU", prelu), ("Linear", linear),
                        ("Bilinear", bilinear), ("CosineSimilarity", similar),
                        ("PairwiseDistance", distant), ("Embedding", embedding),
                        ("ChannelShuffle", channels)):  # fmt: skip
        out.append(Row(f"nn.{name}", layers(name, maker)))
    for short, maker in (("threshold", threshold), ("cosine_similarity", similar),
                         ("pairwise_distance", distant), ("normalize", normalized),
                         ("rrelu", rrelu), ("channel_shuffle", channels)):  # fmt: skip
        out.append(Row(f"nn.functional.{short}", functions(short, maker)))
    for name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout",
                 "FeatureAlphaDropout"):  # fmt: skip
        out.append(Row(f"nn.{name}", dropped(name, False)))
        out.append(Row(f"nn.functional {name}", dropped(name, True)))
    return [
        *out,
        Row("nn.RReLU", rrelu_layer()),
        Row("nn.functional.prelu", prelu_function()),
        Row("nn.functional.linear", linear_function()),
        Row("nn.functional.embedding", embedding_function()),
        Row("nn.EmbeddingBag", bag_layer()),
        Row("nn.functional.embedding_bag", bag_function()),
        Row("nn.functional.one_hot", one_hot()),
    ]
