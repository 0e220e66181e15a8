"""Rows of functions with names of their own beside a module's: in place, with indices, drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES, Given, _share
from .draw import Draw
from .draw_layers import (
    DTYPES,
    Made,
    batch,
    functions,
    given,
    labels,
    mild,
    pick,
    positional,
    seed,
    size,
    some,
    spatial,
)
from .experiment import Experiment, Steps, afterwards, function, gradients, make, words
from .row import Row

INPLACE: dict[str, tuple[dict[str, list[Any]], str]] = {
    "elu_": ({"alpha": [1.0, 0.5, -1]}, "alpha"),
    "hardtanh_": ({"min_val": [-1.0, 0.5], "max_val": [1.0, 0.75, -2]}, "min_val max_val"),
    "leaky_relu_": ({"negative_slope": [0.01, 0.3, 0]}, "negative_slope"),
    "relu_": ({}, ""),
    "celu_": ({"alpha": [1.0, 0.5, 2]}, "alpha"),
    "selu_": ({}, ""),
    "threshold_": ({"threshold": [0.5], "value": [-1.0]}, "threshold value"),
}


@st.composite
def changing(draw: Draw, name: str) -> Experiment:
    """Of a leaf, of what was computed, of a view: the result is the input."""
    options, order = INPLACE[name]
    kwargs = some(draw, **options)
    if name == "threshold_":
        kwargs = {k: pick(draw, *v) for k, v in options.items()}
    args, kwargs = positional(draw, (), kwargs, order)
    x = given(draw, pick(draw, (), (3,), (2, 3), (0, 2)), pick(draw, *DTYPES, "int64"))
    how, number = pick(draw, "leaf", "computed", "view"), seed(draw)

    def run(library: str) -> Steps:
        m, made = LIBRARIES[library], []  # type: ignore[var-annotated]
        leaf = make(library, x, made)
        start = {"leaf": leaf, "computed": leaf + 1, "view": (leaf + 1)[..., None]}[how]
        found = getattr(m.nn.functional, name)(start, *args, **kwargs)
        yield "names of identity", [found is start]
        yield "value", found
        yield from afterwards(found, made)
        yield from gradients(library, found, [t for t in made if t.requires_grad], number)

    text = f"F.{name}({how} of {x!r}, {words(args, kwargs)})"
    return Experiment(f"nn.functional.{name}", text, run)


def indexed(draw: Draw, dtype: str, dims: int) -> Made:
    """Maximum pooling with the places of the maxima, by position or by keyword."""
    kernel = size(draw, dims, 1, 3)
    kwargs = some(draw, stride=[None, 1, 2], ceil_mode=[True, False], padding=[0, 1])
    if draw(st.integers(0, 2)) == 0:  # else a window may lie beside the input
        kwargs["dilation"] = 2
        kwargs.pop("padding", None)
    x = given(draw, (*batch(draw), pick(draw, 0, 1, 2), *spatial(draw, dims, 3)), dtype,
              special=False)  # fmt: skip
    args, kwargs = positional(draw, (kernel,), kwargs, "stride padding dilation ceil_mode")
    return args, kwargs, (x,)


def adapted(draw: Draw, dtype: str, dims: int) -> Made:
    choices = [draw(st.integers(1, 5)), tuple(draw(st.integers(1, 5)) for _ in range(dims))]
    choices += [(None, *[2] * (dims - 1))] if dims > 1 else []
    kwargs = some(draw, return_indices=[True, False])
    args, kwargs = positional(draw, (pick(draw, *choices),), kwargs, "return_indices")
    shape = (*batch(draw), pick(draw, 1, 2), *spatial(draw, dims))
    return args, kwargs, (given(draw, shape, dtype, special=False),)


@st.composite
def unpooled(draw: Draw, dims: int) -> Experiment:
    """Maxima to their places; places beyond the output, and sizes that do not fit."""
    kernel, stride = size(draw, dims, 1, 3), pick(draw, None, 2, size(draw, dims, 1, 2))
    padding = pick(draw, 0, 0, 1)
    small = spatial(draw, dims, 1, 3)
    leading = (*batch(draw, 1), pick(draw, 1, 2))
    dtype = pick(draw, "float32", "float64", "int64")
    x = given(draw, (*leading, *small), dtype, special=False)
    room = pick(draw, 1, 2, 4, 9)
    places = labels(draw, x.values.shape, room)
    wide = tuple(n * 2 + pick(draw, 0, 0, 1, -1) for n in small)
    output = pick(draw, None, None, wide, [*leading, *wide], (3,))
    kwargs = some(draw, stride=[stride], padding=[padding], output_size=[output])
    args, kwargs = positional(draw, (x, places, kernel), kwargs, "stride padding output_size")
    return function(f"max_unpool{dims}d", args, kwargs, seed(draw))


@st.composite
def fractional(draw: Draw, dims: int, name: str) -> Experiment:
    """Windows at given draws, so that both libraries have the same; also without, for shapes."""
    module = name.startswith("Fractional")
    channels, count = pick(draw, 1, 2), pick(draw, (), (1,), (2,))
    extent = spatial(draw, dims, 3, 7)
    kernel = pick(draw, 1, 2, tuple(draw(st.integers(1, 3)) for _ in range(dims)))
    dtype = pick(draw, "float32", "float64")
    x = given(draw, (*count, channels, *extent), dtype, special=False)
    rng = np.random.default_rng(seed(draw))
    draws = rng.random((count[0] if count else 1, channels, dims)).astype(dtype)
    kwargs = pick(
        draw,
        {"output_size": draw(st.integers(1, 4))},
        {"output_size": tuple(draw(st.integers(1, 4)) for _ in range(dims))},
        {"output_ratio": pick(draw, 0.5, 0.7, 0.99)},
        {"output_ratio": tuple(pick(draw, 0.3, 0.6) for _ in range(dims))},
        {},
        {"output_size": 2, "output_ratio": 0.5},
        {"output_ratio": pick(draw, 1.5, 0.0)},
    ) | some(draw, return_indices=[True, False])
    kwargs |= {"_random_samples": Given(draws)} if draw(st.integers(0, 5)) else {}
    number = seed(draw)

    def run(library: str) -> Steps:
        nn, made = LIBRARIES[library].nn, []  # type: ignore[var-annotated]
        tensor = make(library, x, made)
        given = make(library, kwargs, [])
        if module:
            layer = getattr(nn, name)(kernel, **given)
            yield "text", repr(layer)
            found = layer(tensor)
        else:
            found = getattr(nn.functional, name)(tensor, kernel, **given)
        if "_random_samples" not in kwargs:
            parts = found if isinstance(found, tuple) else (found,)
            yield "names of shapes", [tuple(part.shape) for part in parts]
            return
        yield "value", found
        yield from gradients(library, found, [t for t in made if t.requires_grad], number)

    place = "nn" if module else "nn.functional"
    return Experiment(f"{place}.{name}", f"{name}({x!r}, {kernel}, {kwargs})", run)


def upsampled(draw: Draw, dtype: str, which: str) -> Made:
    dims = 2 if which != "upsample" else pick(draw, 1, 2, 2, 3)
    x = given(draw, (pick(draw, 1, 2), 2, *spatial(draw, dims, 1, 4)), dtype, special=False)
    kwargs = pick(
        draw,
        {"size": tuple(draw(st.integers(1, 6)) for _ in range(dims))},
        {"size": draw(st.integers(1, 5))},
        {"scale_factor": pick(draw, 2, 1.5, 0.5)},
        {"scale_factor": tuple(pick(draw, 2.0, 1.5) for _ in range(dims))},
        {},
        {"size": 2, "scale_factor": 2},
    )
    if which == "upsample":
        modes = {1: ["linear"], 2: ["bilinear", "bicubic"], 3: ["trilinear"]}[dims]
        kwargs |= some(draw, mode=["nearest", *modes, *modes], align_corners=[None, True, False])
        args, kwargs = positional(draw, (), kwargs, "size scale_factor mode align_corners")
    else:
        args, kwargs = positional(draw, (), kwargs, "size scale_factor")
    return args, kwargs, (x,)


@st.composite
def gumbel(draw: Draw) -> Experiment:
    """gumbel_softmax: what it is like, and that its gradient is the softmax's of what was drawn."""
    dtype = pick(draw, "float32", "float64")
    shape = pick(draw, (3,), (2, 3), (4, 1), (2, 0), (2, 3, 2))
    x = given(draw, shape, dtype, special=False, grad=True)
    kwargs = some(draw, tau=[1, 0.5, 2.0], hard=[True, False], eps=[1e-10])
    kwargs |= some(draw, dim=[-1, 0, 1, 5])
    args, kwargs = positional(draw, (), kwargs, "tau hard eps dim")
    tau = args[0] if args else kwargs.get("tau", 1)
    dim = args[3] if len(args) > 3 else kwargs.get("dim", -1)
    hard = args[1] if len(args) > 1 else kwargs.get("hard", False)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        m.manual_seed(0)
        (logits,) = make(library, [x], [])
        y = m.nn.functional.gumbel_softmax(logits, *args, **kwargs)
        yield "names of the result", [tuple(y.shape), str(y.dtype)[-7:], y.requires_grad]
        if not y.numel():
            return
        total = y.sum(dim)
        yield "names of sums", [bool(((total - 1).abs() < 1e-5).all())]
        yield (
            "names of wholeness",
            [bool(((y == 0) | ((y - 1).abs() < 1e-6)).all())] if hard else [],
        )
        if not hard:
            weights = m.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape)
            (found,) = m.autograd.grad((y * weights).sum(), [logits])
            inner = (y * weights).sum(dim, keepdim=True)
            exact = (y * (weights - inner) / tau).detach()
            yield "gradient as it should be", bool(((found - exact).abs() < 1e-4).all())

    text = f"F.gumbel_softmax({x!r}, {words(args, kwargs)})"
    return Experiment("nn.functional.gumbel_softmax", text, run)


DROPS = """dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout""".split()


@st.composite
def dropping(draw: Draw, name: str) -> Experiment:
    """Dropout: how much falls out and what becomes of the rest; which is drawn, and differs."""
    shape = pick(
        draw, (200, 30, 1), (200, 30, 2, 1), (60, 100, 2, 2, 1), (6000,), (0, 3), (), (2, 3)
    )
    kwargs = some(draw, p=[0.5, 0.0, 1.0, 0.3, -0.1, 1.5], training=[True, False],
                  inplace=[True, False])  # fmt: skip
    args, kwargs = positional(draw, (), kwargs, "p training inplace")
    dtype = pick(draw, "float32", "float64")

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        m.manual_seed(0)
        leaf = m.full(shape, 2.0, dtype=make(library, np.dtype(dtype), []), requires_grad=True)
        x = leaf * 1
        y = getattr(m.nn.functional, name)(x, *args, **kwargs)
        yield "names of the result", [tuple(y.shape), _share(y, x), y.requires_grad]
        values = y.detach().reshape(-1)
        kinds = sorted({round(v, 4) for v in values.tolist()})
        yield "value of kinds", m.tensor(kinds) if values.numel() > 100 else m.zeros(0)
        share = float((values == values[0]).double().mean()) if len(kinds) == 2 else 0.0
        yield (
            "names of the share",
            [values.numel() < 2000 or min(share, 1 - share) > 0.2 or not share],
        )
        if values.numel() > 100 and y.ndim > 2:
            planes = y.detach().flatten(2)
            yield "names of whole planes", [bool((planes == planes[..., :1]).all())]
        (found,) = m.autograd.grad(y.sum(), [leaf], allow_unused=True)
        slopes = sorted({round(v, 4) for v in found.reshape(-1).tolist()})
        yield "gradient kinds", m.tensor(slopes) if values.numel() > 100 else m.zeros(0)

    text = f"F.{name}(full({shape}, 2), {words(args, kwargs)})"
    return Experiment(f"nn.functional.{name}", text, run)


@st.composite
def alignment(draw: Draw) -> Experiment:
    """F.ctc_loss: with a batch and without, lengths as tensors, lists and tuples."""
    steps, classes = draw(st.integers(1, 5)), pick(draw, 2, 3)
    count = pick(draw, None, 1, 2, 3)
    dtype = pick(draw, "float32", "float64")
    shape = (steps, classes) if count is None else (steps, count, classes)
    x = Given(mild(draw, shape, dtype, -2, 2, True).values, "plain", True)
    rng = np.random.default_rng(seed(draw))
    n = count or 1
    lengths = rng.integers(0, min(steps, 3) + 1, n)
    used = np.full(n, steps)
    targets = rng.integers(1, classes, (n, 3))
    joined = draw(st.integers(0, 2)) == 0
    if joined:
        targets = np.concatenate([row[:k] for row, k in zip(targets, lengths, strict=True)])
    elif count is None:
        targets = targets[0]
    form = pick(draw, "tensor", "tensor", "tuple", "list", "number")
    sizes: Any = [Given(used), Given(lengths)]
    if form == "number":
        sizes = [Given(a.reshape(())) if n == 1 else Given(a) for a in (used, lengths)]
    elif form != "tensor":
        sizes = [(tuple if form == "tuple" else list)(a.tolist()) for a in (used, lengths)]
    kwargs = some(draw, blank=[0], reduction=["mean", "sum", "none"], zero_infinity=[True, False])
    args, kwargs = positional(draw, (), kwargs, "blank reduction zero_infinity")

    def run(library: str) -> Steps:
        m, made = LIBRARIES[library], []  # type: ignore[var-annotated]
        tensor = make(library, x, made)
        loss = m.nn.functional.ctc_loss(
            tensor.log_softmax(-1), make(library, Given(targets), []), *make(library, sizes, []),
            *args, **kwargs,
        )  # fmt: skip
        yield "value", loss
        yield "gradient", m.autograd.grad(loss.sum(), [tensor])[0]

    text = f"F.ctc_loss({x!r}, {targets.tolist()}, {sizes}, {words(args, kwargs)})"
    return Experiment("nn.functional.ctc_loss", text, run)


@st.composite
def attending(draw: Draw) -> Experiment:
    """multi_head_attention_forward with weights of its own, masks and extra keys."""
    heads, width = pick(draw, 1, 2), 4
    length, source, count = (draw(st.integers(1, 3)) for _ in range(3))
    batched = draw(st.booleans())
    middle = (count,) if batched else ()
    number = seed(draw)
    shapes = {
        "query": (length, *middle, width),
        "key": (source, *middle, width),
        "value": (source, *middle, width),
    }
    separate = draw(st.booleans())
    rng = np.random.default_rng(number)
    like = lambda *s: Given(rng.uniform(-1, 1, s), "plain", True)  # noqa: E731
    inputs = {name: like(*shape) for name, shape in shapes.items()}
    weights: dict[str, Any] = {
        "in_proj_weight": None if separate else like(3 * width, width),
        "in_proj_bias": pick(draw, None, like(3 * width)),
        "out_proj_weight": like(width, width),
        "out_proj_bias": pick(draw, None, like(width)),
        "bias_k": None,
        "bias_v": None,
    }
    if draw(st.integers(0, 3)) == 0 and batched:
        weights |= {"bias_k": like(1, 1, width), "bias_v": like(1, 1, width)}
    options: dict[str, Any] = some(
        draw, need_weights=[True, False], average_attn_weights=[True, False],
        add_zero_attn=[True], training=[True],
    )  # fmt: skip
    zero = options.pop("add_zero_attn", False)
    masks = draw(st.integers(0, 4))
    if masks == 1:
        options["attn_mask"] = Given(rng.uniform(-1, 1, (length, source)))
    elif masks == 2 and batched:
        padding = rng.random((count, source)) < 0.4
        padding[:, 0] = False
        options["key_padding_mask"] = Given(padding)
    elif masks == 3:
        options["attn_mask"] = Given(np.triu(np.ones((length, source), bool), 1))
    elif masks == 4 and batched:
        options["attn_mask"] = Given(rng.uniform(-1, 1, (count * heads, length, source)))
    if separate:
        options["use_separate_proj_weight"] = True
        options |= {f"{c}_proj_weight": like(width, width) for c in "qkv"}
    if draw(st.integers(0, 5)) == 0 and batched and not weights["bias_k"]:
        options |= {f"static_{c}": like(count * heads, source, width // heads) for c in ("k", "v")}
        options.pop("key_padding_mask", None)

    def run(library: str) -> Steps:
        m, made = LIBRARIES[library], []  # type: ignore[var-annotated]
        g = make(library, inputs, made)
        w = make(library, weights, made)
        o = make(library, options, made)
        out, attention = m.nn.functional.multi_head_attention_forward(
            g["query"], g["key"], g["value"], width, heads, w["in_proj_weight"],
            w["in_proj_bias"], w["bias_k"], w["bias_v"], zero, 0.0, w["out_proj_weight"],
            w["out_proj_bias"], **o,
        )  # fmt: skip
        yield "value", out
        yield "value of weights", attention
        wanted = [t for t in made if t.requires_grad]
        yield from gradients(library, out, wanted, number)

    text = f"{shapes}, heads={heads}, {options}, zero={zero}, {number}"
    return Experiment("nn.functional.multi_head_attention_forward", text, run)


def rows() -> list[Row]:
    """All rows of this file."""
    place = "nn.functional."
    out = [Row(place + n, changing(n)) for n in INPLACE]
    for dims in (1, 2, 3):
        name = f"max_pool{dims}d_with_indices"
        out.append(Row(place + name, functions(name, indexed, dims=dims)))
        name = f"adaptive_max_pool{dims}d_with_indices"
        out.append(Row(place + name, functions(name, adapted, dims=dims)))
        out.append(Row(f"{place}max_unpool{dims}d", unpooled(dims)))
    for dims in (2, 3):
        for end in ("", "_with_indices"):
            name = f"fractional_max_pool{dims}d{end}"
            out.append(Row(place + name, fractional(dims, name)))
        name = f"FractionalMaxPool{dims}d"
        out.append(Row(f"nn.{name}", fractional(dims, name)))
    names = ("upsample", "upsample_nearest", "upsample_bilinear")
    out += [Row(place + name, functions(name, upsampled, which=name)) for name in names]
    out += [Row(place + name, dropping(name)) for name in DROPS]
    out.append(Row(f"{place}gumbel_softmax", gumbel()))
    out.append(Row(f"{place}ctc_loss", alignment()))
    out.append(Row(f"{place}multi_head_attention_forward", attending()))
    return out
