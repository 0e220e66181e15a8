"""Rows of recurrent nets, attention and transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES, Given
from .draw import Draw
from .draw_layers import given, mild, pick, seed, some
from .experiment import Experiment, Steps, fill, function, gradients, layer, make, words
from .row import Row, under

DTYPES = ("float32", "float64", "float64")


@st.composite
def recurrent(draw: Draw, name: str) -> Experiment:
    """All layers, directions, orders, with and without initial states."""
    dtype = pick(draw, *DTYPES)
    width, hidden = pick(draw, 1, 2, 3), pick(draw, 1, 2, 4)
    kwargs = some(
        draw,
        num_layers=[1, 2, 3],
        bias=[True, False],
        batch_first=[True, False],
        bidirectional=[True, False],
        dropout=[0.0],
    )
    if name == "RNN":
        kwargs |= some(draw, nonlinearity=["tanh", "relu"])
    if name == "LSTM" and draw(st.booleans()) and hidden > 1:
        kwargs["proj_size"] = hidden - 1
    steps, count = pick(draw, 1, 2, 4), pick(draw, None, 1, 2, 3)
    shape: Any = (steps, width) if count is None else (steps, count, width)
    if count is not None and kwargs.get("batch_first"):
        shape = (count, steps, width)
    x = given(draw, shape, dtype, special=False)
    inputs: tuple[Any, ...] = (x,)
    if draw(st.booleans()):
        layers = kwargs.get("num_layers", 1) * (2 if kwargs.get("bidirectional") else 1)
        middle = () if count is None else (count,)
        h = given(draw, (layers, *middle, kwargs.get("proj_size", hidden)), dtype, special=False)
        c = given(draw, (layers, *middle, hidden), dtype, special=False)
        inputs = (x, (h, c) if name == "LSTM" else h)
    return layer(name, (width, hidden), kwargs, inputs, dtype=dtype, train=draw(st.booleans()),
                 seed=seed(draw))  # fmt: skip


@st.composite
def packed(draw: Draw, name: str) -> Experiment:
    """Sequences of several lengths in one pack."""
    dtype = pick(draw, *DTYPES)
    lengths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    kwargs = some(draw, num_layers=[1, 2], bidirectional=[True, False], batch_first=[True])
    kwargs |= some(draw, proj_size=[1, 2]) if name == "LSTM" else {}
    sorts = draw(st.booleans())
    lengths = sorted(lengths, reverse=True) if sorts else lengths
    first = kwargs.get("batch_first", False)
    shape = (len(lengths), max(lengths), 2) if first else (max(lengths), len(lengths), 2)
    x, number = given(draw, shape, dtype, special=False), seed(draw)
    total = pick(draw, None, max(lengths), max(lengths) + 1)

    def run(library: str) -> Steps:
        m, made = LIBRARIES[library], []  # type: ignore[var-annotated]
        rnn = m.nn.utils.rnn
        module = getattr(m.nn, name)(2, 3, **kwargs)
        module.to(make(library, np.dtype(dtype), []))
        fill(library, module, number)
        given = make(library, x, made)
        pack = rnn.pack_padded_sequence(given, lengths, batch_first=first, enforce_sorted=sorts)
        yield "value data", pack.data
        yield "value sizes", pack.batch_sizes
        out, state = module(pack)
        yield "value indices", [out.sorted_indices, out.unsorted_indices]
        padded, sizes = rnn.pad_packed_sequence(
            out, batch_first=first, padding_value=-1.0, total_length=total
        )
        results = (padded, *(state if isinstance(state, tuple) else (state,)))
        yield "value", [*results, sizes]
        wanted = [t for t in made if t.requires_grad] + list(module.parameters())
        yield from gradients(library, results, wanted, number)

    text = f"packed nn.{name}(2, 3, {words((), kwargs)}) on {x!r}, lengths {lengths}"
    return Experiment(f"packed nn.{name}", text, run)


PADDING_TOOLS = ("pad_sequence", "unpad_sequence", "pack_sequence", "unpack_sequence")


@st.composite
def padding_tools(draw: Draw) -> Experiment:
    """pad_sequence, pack_sequence and back."""
    lengths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    parts = [given(draw, (n, 2), "float32") for n in lengths]
    kwargs = some(draw, batch_first=[True, False], padding_value=[0, 1.5],
                  padding_side=["left", "right"])  # fmt: skip
    sorts = draw(st.booleans())

    def run(library: str) -> Steps:
        rnn = LIBRARIES[library].nn.utils.rnn
        tensors = make(library, parts, [])
        padded = rnn.pad_sequence(tensors, **kwargs)
        yield "value", padded
        first = kwargs.get("batch_first", False)
        counts = make(library, Given(np.array(lengths)), [])
        yield "value back", rnn.unpad_sequence(padded, counts, batch_first=first)
        pack = rnn.pack_sequence(tensors, enforce_sorted=sorts)
        yield "value pack", [*pack]
        yield "value unpacked", rnn.unpack_sequence(pack)

    return Experiment("nn.utils.rnn", f"{parts!r} {kwargs} sorted {sorts}", run)


@st.composite
def cell(draw: Draw, name: str) -> Experiment:
    dtype = pick(draw, *DTYPES)
    width, hidden = pick(draw, 1, 3), pick(draw, 1, 2)
    kwargs = some(draw, bias=[True, False])
    if name == "RNNCell":
        kwargs |= some(draw, nonlinearity=["tanh", "relu", "sin"])
    leading = pick(draw, (), (0,), (1,), (3,))
    inputs: tuple[Any, ...] = (given(draw, (*leading, width), dtype, special=False),)
    if draw(st.booleans()):
        h, c = (given(draw, (*leading, hidden), dtype, special=False) for _ in range(2))
        inputs += ((h, c) if name == "LSTMCell" else h,)
    return layer(name, (width, hidden), kwargs, inputs, dtype=dtype, seed=seed(draw))


def mask(draw: Draw, shape: Any, dtype: str) -> Any:
    """None, booleans, or numbers to be added; now and then a row without any place left."""
    kind = pick(draw, "none", "bool", "float")
    if kind == "none":
        return None
    rng = np.random.default_rng(seed(draw))
    hidden = np.asarray(rng.random(shape) < 0.4)
    if draw(st.integers(0, 5)):
        hidden[..., 0] = False
    if kind == "bool":
        return Given(hidden)
    return Given(np.where(hidden, -np.inf, rng.standard_normal(shape)).astype(dtype))


@st.composite
def attention(draw: Draw) -> Experiment:
    """F.scaled_dot_product_attention."""
    dtype = pick(draw, *DTYPES, "float16")
    n, s, t, d, e = (pick(draw, 1, 2, 3) for _ in range(5))
    leading = pick(draw, (), (n,), (n, 2), (0, 2))
    q, k, v = (
        given(draw, (*leading, *tail), dtype, special=False) for tail in ((t, d), (s, d), (s, e))
    )
    kwargs = some(draw, is_causal=[True, False], scale=[None, 0.3], dropout_p=[0.0])
    where = pick(draw, (t, s), (*leading, t, s), (1, s))
    found = mask(draw, where, dtype)
    if found is not None and draw(st.integers(0, 3)):
        kwargs.pop("is_causal", None)
        visible = Given(~found.values) if found.values.dtype == bool else found
        kwargs["attn_mask"] = visible
    if len(leading) == 2 and draw(st.integers(0, 3)) == 0:
        kwargs["enable_gqa"] = True
        k, v = (Given(g.values[:, :1], "plain", g.requires_grad) for g in (k, v))
    return function("scaled_dot_product_attention", (q, k, v), kwargs, seed(draw))


@st.composite
def multihead(draw: Draw) -> Experiment:
    dtype = pick(draw, *DTYPES)
    heads = pick(draw, 1, 2)
    width = heads * pick(draw, 1, 2)
    kwargs = some(
        draw,
        bias=[True, False],
        add_bias_kv=[True, False],
        add_zero_attn=[True, False],
        batch_first=[True, False],
        kdim=[None, 3],
        vdim=[None, 2],
    )
    s, t = pick(draw, 1, 3), pick(draw, 1, 2)
    count = pick(draw, None, 1, 2)

    def shaped(steps: int, features: int) -> Any:
        if count is None:
            return (steps, features)
        return (count, steps, features) if kwargs.get("batch_first") else (steps, count, features)

    q = given(draw, shaped(t, width), dtype, special=False)
    k = given(draw, shaped(s, kwargs.get("kdim") or width), dtype, special=False)
    v = given(draw, shaped(s, kwargs.get("vdim") or width), dtype, special=False)
    call = some(draw, need_weights=[True, False], average_attn_weights=[True, False])
    key = mask(draw, (s,) if count is None else (count, s), dtype)
    if key is not None:
        call["key_padding_mask"] = key
    masks = [(t, s), ((count or 1) * heads, t, s)]
    found = mask(draw, pick(draw, *masks), dtype)
    if found is not None:
        call["attn_mask"] = found
    return layer("MultiheadAttention", (width, heads), kwargs, (q, k, v), call, dtype=dtype,
                 train=draw(st.booleans()), seed=seed(draw))  # fmt: skip


def _layer_options(draw: Draw) -> dict[str, Any]:
    return some(
        draw,
        activation=["relu", "gelu"],
        layer_norm_eps=[1e-5, 1e-3],
        batch_first=[True, False],
        norm_first=[True, False],
        bias=[True, False],
    )


@st.composite
def encoder_layer(draw: Draw, decoder: bool) -> Experiment:
    dtype = pick(draw, *DTYPES)
    kwargs = {"dim_feedforward": 3, "dropout": 0.0} | _layer_options(draw)
    count, s, t = pick(draw, None, 1, 2), pick(draw, 1, 3), pick(draw, 1, 2)
    first = kwargs.get("batch_first", False)

    def shaped(steps: int) -> Any:
        if count is None:
            return (steps, 4)
        return (count, steps, 4) if first else (steps, count, 4)

    inputs = [given(draw, shaped(t), dtype, special=False)]
    call: dict[str, Any] = {}
    names = ("src_mask", "src_key_padding_mask")
    if decoder:
        inputs.append(given(draw, shaped(s), dtype, special=False))
        names = ("tgt_mask", "tgt_key_padding_mask")
        memory = mask(draw, (t, s), dtype)
        call |= {} if memory is None else {"memory_mask": memory}
    own, key = mask(draw, (t, t), dtype), mask(draw, (t,) if count is None else (count, t), dtype)
    call |= {k: v for k, v in zip(names, (own, key), strict=True) if v is not None}
    name = f"Transformer{'Decoder' if decoder else 'Encoder'}Layer"
    return layer(name, (4, 2), kwargs, tuple(inputs), call, dtype=dtype,
                 train=draw(st.booleans()), seed=seed(draw))  # fmt: skip


@st.composite
def stack(draw: Draw, decoder: bool) -> Experiment:
    """TransformerEncoder and TransformerDecoder of two layers."""
    dtype, number = pick(draw, *DTYPES), seed(draw)
    options = _layer_options(draw)
    norm, train = draw(st.booleans()), draw(st.booleans())
    word = "Decoder" if decoder else "Encoder"
    first = options.get("batch_first", False)
    shape = (2, 3, 4) if first else (3, 2, 4)
    inputs = [mild(draw, shape, dtype, -1, 1) for _ in range(2 if decoder else 1)]
    key = mask(draw, (2, 3), dtype)

    def run(library: str) -> Steps:
        nn, made = LIBRARIES[library].nn, []  # type: ignore[var-annotated]
        part = getattr(nn, f"Transformer{word}Layer")(4, 2, 3, 0.0, **options)
        module = getattr(nn, f"Transformer{word}")(part, 2, nn.LayerNorm(4) if norm else None)
        yield "text", repr(module)
        module.to(make(library, np.dtype(dtype), []))
        fill(library, module, number)
        yield "names", [*module.state_dict()]
        module.train(train)
        name = "tgt_key_padding_mask" if decoder else "src_key_padding_mask"
        out = module(*make(library, inputs, made), **{name: make(library, key, [])})
        yield "value", out
        wanted = [t for t in made if t.requires_grad] + list(module.parameters())
        yield from gradients(library, out, wanted, number)

    text = f"Transformer{word} {options} norm {norm} {dtype} {train} {key!r}"
    return Experiment(f"nn.Transformer{word}", text, run)


@st.composite
def transformer(draw: Draw) -> Experiment:
    dtype = pick(draw, *DTYPES)
    kwargs = {"num_encoder_layers": 1, "num_decoder_layers": 1, "dim_feedforward": 3}
    options = {**kwargs, "dropout": 0.0, **_layer_options(draw)}
    first = options.get("batch_first", False)
    x = mild(draw, (2, 3, 4) if first else (3, 2, 4), dtype, -1, 1)
    y = mild(draw, (2, 2, 4), dtype, -1, 1)
    call: dict[str, Any] = {}
    for name, shape in (("src_mask", (3, 3)), ("tgt_mask", (2, 2)), ("memory_mask", (2, 3))):
        found = mask(draw, shape, dtype)
        if found is not None:
            call[name] = found
    return layer("Transformer", (4, 2), options, (x, y), call, dtype=dtype,
                 train=draw(st.booleans()), seed=seed(draw))  # fmt: skip


def rows() -> list[Row]:
    """All rows of this file."""
    out = [Row(f"nn.{name}", recurrent(name)) for name in ("RNN", "LSTM", "GRU")]
    tools = under("nn.utils.rnn", ("PackedSequence", "pack_padded_sequence", "pad_packed_sequence"))
    out += [Row(f"packed nn.{name}", packed(name), None, tools) for name in ("RNN", "LSTM", "GRU")]
    out += [Row(f"nn.{name}", cell(name)) for name in ("RNNCell", "LSTMCell", "GRUCell")]
    return [
        *out,
        Row(
            "nn.utils.rnn",
            padding_tools(),
            names=under("nn.utils.rnn", PADDING_TOOLS),
        ),
        Row("nn.functional.scaled_dot_product_attention", attention()),
        Row("nn.MultiheadAttention", multihead()),
        Row("nn.TransformerEncoderLayer", encoder_layer(False)),
        Row("nn.TransformerDecoderLayer", encoder_layer(True)),
        Row("nn.TransformerEncoder", stack(False)),
        Row("nn.TransformerDecoder", stack(True)),
        Row("nn.Transformer", transformer()),
    ]
