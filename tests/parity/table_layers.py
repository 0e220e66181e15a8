"""Rows of layers and their functions: convolutions, pooling, padding, normalisation, resizing."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .call import Given
from .draw import Draw, shapes
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
    size,
    some,
    spatial,
)
from .experiment import Experiment, function, layer
from .row import Row


def conv(draw: Draw, dtype: str, dims: int) -> Made:
    groups = pick(draw, 1, 1, 2, 3)
    channels = groups * pick(draw, 1, 1, 2)
    out = groups * pick(draw, 1, 2)
    kwargs = some(
        draw,
        stride=[1, 2, size(draw, dims, 1, 3)],
        padding=[0, 1, size(draw, dims, 0, 3), "same", "valid"],
        dilation=[1, 2, size(draw, dims, 1, 2)],
        bias=[True, False],
        padding_mode=["zeros", "zeros", "reflect", "replicate", "circular"],
    )
    if groups != 1:
        kwargs["groups"] = groups
    x = given(draw, (*batch(draw), channels, *spatial(draw, dims)), dtype)
    args = (channels, out, size(draw, dims, 1, 3))
    args, kwargs = positional(
        draw, args, kwargs, "stride padding dilation groups bias padding_mode"
    )
    return args, kwargs, (x,)


def conv_transpose(draw: Draw, dtype: str, dims: int) -> Made:
    groups = pick(draw, 1, 1, 2)
    channels, out = groups * pick(draw, 1, 2), groups * pick(draw, 1, 2)
    kwargs = some(
        draw,
        stride=[1, 2, 3, size(draw, dims, 1, 3)],
        padding=[0, 1, size(draw, dims, 0, 2)],
        output_padding=[0, 1, size(draw, dims, 0, 2)],
        dilation=[1, 2, 3],
        bias=[True, False],
    )
    if groups != 1:
        kwargs["groups"] = groups
    x = given(draw, (*batch(draw), channels, *spatial(draw, dims, 1, 4)), dtype, special=False)
    if 0 in x.values.shape:  # PyTorch does not look at it then
        kwargs.pop("output_padding", None)
    args = (channels, out, size(draw, dims, 1, 3))
    order = "stride padding output_padding groups bias dilation"
    args, kwargs = positional(draw, args, kwargs, order)
    return args, kwargs, (x,)


@st.composite
def conv_function(draw: Draw, name: str, dims: int) -> Experiment:
    """F.conv1d and its like: the weight and bias are arguments."""
    dtype, transposed = pick(draw, *DTYPES), "transpose" in name
    groups = pick(draw, 1, 1, 2, 3)
    channels, out = groups * pick(draw, 1, 2), groups * pick(draw, 1, 2)
    shape = (channels, out // groups) if transposed else (out, channels // groups)
    # Products of extremes overflow or not by the order of their sums.
    weight = given(draw, (*shape, *spatial(draw, dims, 1, 3)), dtype, special=False)
    bias = pick(draw, None, given(draw, (out,), dtype, special=False))
    kwargs = some(draw, stride=[1, 2, size(draw, dims, 1, 3)], dilation=[1, 2])
    if transposed:
        kwargs |= some(draw, output_padding=[0, 1, size(draw, dims, 0, 1)])
        if min(weight.values.shape[2:]) > 1:  # so that something is left
            kwargs |= some(draw, padding=[0, 1])
    else:
        kwargs |= some(draw, padding=[0, 1, size(draw, dims, 0, 2), "same", "valid"])
    if groups != 1:
        kwargs["groups"] = groups
    x = given(draw, (*batch(draw), channels, *spatial(draw, dims, 2)), dtype, special=False)
    if 0 in x.values.shape:
        kwargs.pop("output_padding", None)
    if draw(st.booleans()):
        return function(name, (x, weight, bias), kwargs, seed(draw))
    return function(name, (x, weight), kwargs | {"bias": bias}, seed(draw))


def pooled(draw: Draw, dtype: str, dims: int, kind: str) -> Made:
    alone = kind == "LP" and dims == 1  # PyTorch takes no tuple there
    kernel = pick(draw, 1, 2, 3) if alone else size(draw, dims, 1, 3)
    kwargs = some(
        draw, stride=[None, 1, 2, 2 if alone else size(draw, dims, 1, 3)], ceil_mode=[True, False]
    )
    if kind != "LP":
        kwargs |= some(draw, padding=[0, 1, size(draw, dims, 0, 1)])
    if kind == "Max":
        kwargs |= some(draw, dilation=[1, 2], return_indices=[True, False])
        if kwargs.get("dilation") == 2:  # else a window may lie beside the input
            kwargs.pop("padding", None)
    if kind == "Avg":
        kwargs |= some(draw, count_include_pad=[True, False])
        kwargs |= some(draw, divisor_override=[None, 2, 5]) if dims > 1 else {}
    special = kind != "LP" and draw(st.integers(0, 3)) == 0
    x = given(draw, (*batch(draw), pick(draw, 0, 1, 2, 2), *spatial(draw, dims)), dtype,
              special=special)  # fmt: skip
    args = (pick(draw, 1, 2, 3, 1.5), kernel) if kind == "LP" else (kernel,)
    orders = {
        "Max": "stride padding dilation return_indices ceil_mode",
        "Avg": "stride padding ceil_mode count_include_pad divisor_override",
        "LP": "stride ceil_mode",
    }
    args, kwargs = positional(draw, args, kwargs, orders[kind])
    return args, kwargs, (x,)


def pool_function(draw: Draw, dtype: str, dims: int, kind: str) -> Made:
    """The same; only the order of max pooling's last two differs."""
    args, kwargs, inputs = pooled(draw, dtype, dims, kind)
    return args[:4], kwargs, inputs


def adaptive(draw: Draw, dtype: str, dims: int, kind: str) -> Made:
    choices = [draw(st.integers(1, 5)), tuple(draw(st.integers(1, 5)) for _ in range(dims))]
    if dims > 1:
        choices.append((None, *[2] * (dims - 1)))
    kwargs = some(draw, return_indices=[True, False]) if kind == "Max" else {}
    shape = (*batch(draw), pick(draw, 1, 2), *spatial(draw, dims))
    x = given(draw, shape, dtype, special=False if kind == "Max" else None)
    return (pick(draw, *choices),), kwargs, (x,)


def padded(draw: Draw, dtype: str, dims: int, kind: str) -> Made:
    low = -2 if kind in ("Constant", "Zero") else -1 if draw(st.integers(0, 4)) == 0 else 0
    widths: Any = tuple(draw(st.integers(low, 3)) for _ in range(2 * dims))
    if draw(st.booleans()):
        widths = draw(st.integers(0, 3))
    args = (widths, pick(draw, 0, 1.5, -1)) if kind == "Constant" else (widths,)
    dtype = pick(draw, dtype, "int64") if kind in ("Constant", "Zero") else dtype
    leading = (*batch(draw), pick(draw, 1, 2))
    least = 1 if low == 0 or kind in ("Constant", "Zero") else 4
    return args, {}, (given(draw, (*leading, *spatial(draw, dims, least, 5)), dtype),)


@st.composite
def pad_function(draw: Draw, name: str) -> Experiment:
    shape = draw(shapes(1, 5))
    count = draw(st.integers(0, len(shape)))
    pad = [draw(st.integers(-1, 3)) for _ in range(2 * count)]
    mode = pick(draw, "constant", "constant", "reflect", "replicate", "circular")
    if mode != "constant":  # `padded` takes away too, from sizes of which something is left
        pad = [abs(n) for n in pad]
    kwargs = some(draw, mode=[mode], value=[None, 0, 2.5, 7])
    x = given(draw, shape, pick(draw, *DTYPES, "int64", "bool", "uint8"))
    return function(name, (x, pick(draw, pad, tuple(pad))), kwargs, seed(draw))


def normed(draw: Draw, dtype: str, dims: int, kind: str) -> Made:
    channels = pick(draw, 1, 2, 3)
    kwargs = some(
        draw,
        eps=[1e-5, 1e-3],
        momentum=[0.1, 0.3, None],
        affine=[True, False],
        track_running_stats=[True, False],
    )
    shape = (*batch(draw), channels, *spatial(draw, dims, 1, 4))
    if kind == "Batch" and len(shape) == dims + 1:  # which BatchNorm1d reads in another way
        shape = (2, *shape)
    if dims == 1 and kind == "Batch" and draw(st.booleans()):
        shape = (draw(st.integers(0, 4)), channels)
    order = "eps momentum affine track_running_stats"
    args, kwargs = positional(draw, (channels,), kwargs, order)
    return args, kwargs, (given(draw, shape, dtype, special=False),)


@st.composite
def norm_layer(draw: Draw, name: str, dims: int, kind: str) -> Experiment:
    """Twice, so that running statistics move; PyTorch rounds those of float16 too early."""
    dtype = pick(draw, "float32", "float64")
    args, kwargs, inputs = normed(draw, dtype, dims, kind)
    train = draw(st.booleans())
    if kind == "Batch" and not train:  # where PyTorch's gradients go wrong by the order in memory
        inputs = (Given(inputs[0].values, "plain", inputs[0].requires_grad),)
    if kind == "Instance" and not inputs[0].values.size:  # PyTorch looks for a first sample
        inputs = (given(draw, (2, *args[:1], *(3,) * dims), dtype, special=False),)
    return layer(name, args, kwargs, inputs, dtype=dtype, train=train,
                 seed=seed(draw), times=pick(draw, 1, 2))  # fmt: skip


@st.composite
def norm_function(draw: Draw, name: str) -> Experiment:
    dtype, channels = "float64", pick(draw, 1, 2, 4)  # what cancels in float32 is noise
    least = 1 if name in ("instance_norm", "group_norm") else 0  # PyTorch stumbles over none
    shape = (pick(draw, least, 1, 2, 3), channels, *spatial(draw, pick(draw, 0, 1, 2, 3), 1, 3))
    x = given(draw, shape, dtype, special=False)
    vector = lambda: pick(draw, None, given(draw, (channels,), dtype, special=False))  # noqa: E731
    if name in ("layer_norm", "rms_norm"):
        tail = shape[draw(st.integers(1, len(shape) - 1)) :]
        kwargs = {"weight": pick(draw, None, given(draw, tail, dtype, special=False))}
        if name == "layer_norm":
            kwargs["bias"] = pick(draw, None, given(draw, tail, dtype, special=False))
        kwargs |= some(draw, eps=[1e-3, 1e-5])
        return function(name, (x, pick(draw, tail, list(tail))), kwargs, seed(draw))
    if name == "group_norm":
        kwargs = {"weight": vector(), "bias": vector()} | some(draw, eps=[1e-3])
        if kwargs["weight"] is None:  # PyTorch stumbles over a bias alone
            kwargs["bias"] = None
        groups = pick(draw, 1, channels, 2 if channels > 1 else 1)
        return function(name, (x, groups), kwargs, seed(draw))
    # PyTorch reads a weight as if it lay in one piece, in evaluation.
    vector = lambda: pick(draw, None, mild(draw, (channels,), dtype, -2, 2))  # noqa: E731
    mean = mild(draw, (channels,), dtype, -1, 1, grad=False)
    var = mild(draw, (channels,), dtype, 0.5, 2, grad=False)
    mean, var = pick(draw, (mean, var), (mean, var), (None, None) if shape[0] else (mean, var))
    kwargs = {"weight": vector(), "bias": vector()}
    kwargs |= some(draw, momentum=[0.1, 0.5], eps=[1e-3])
    word = "training" if name == "batch_norm" else "use_input_stats"
    kwargs |= {word: draw(st.booleans())}
    return function(name, (x, mean, var), kwargs, seed(draw))


def layer_normed(draw: Draw, dtype: str, kind: str) -> Made:
    # Of two elements the gradient is all rounding: in 16 bits PyTorch's is noise.
    shape = (*batch(draw), *spatial(draw, 2, 3 if dtype == "float16" else 1, 4))
    tail = shape[draw(st.integers(0, len(shape) - 1)) :]
    form = pick(draw, tail, list(tail), tail[0] if len(tail) == 1 else tail)
    kwargs = some(draw, eps=[1e-3], elementwise_affine=[True, False])
    kwargs |= some(draw, bias=[True, False]) if kind == "layer" else {}
    return (form,), kwargs, (given(draw, shape, dtype, special=False),)


def group_normed(draw: Draw, dtype: str) -> Made:
    channels = pick(draw, 2, 4)
    least = (1, 3) if dtype == "float16" else (0, 1)
    spaces = spatial(draw, pick(draw, least[0], 1, 2), least[1], 3)
    shape = (pick(draw, 0, 1, 2), channels, *spaces)
    kwargs = some(draw, eps=[1e-3], affine=[True, False])
    return (pick(draw, 1, 2, 4), channels), kwargs, (given(draw, shape, dtype, special=False),)


def responding(draw: Draw, dtype: str) -> Made:
    shape = (pick(draw, 0, 1, 2), pick(draw, 1, 3), *spatial(draw, pick(draw, 0, 1, 2), 1, 3))
    kwargs = some(draw, alpha=[1e-2], beta=[0.5], k=[2.0])
    return (pick(draw, 1, 2, 3),), kwargs, (given(draw, shape, dtype),)


def upsampled(draw: Draw, dtype: str) -> Made:
    dims = pick(draw, 1, 2, 2, 3)
    modes = {1: ["linear"], 2: ["bilinear", "bicubic"], 3: ["trilinear"]}[dims]
    mode = pick(draw, "nearest", "nearest-exact", "area", *modes, *modes)
    shape = (pick(draw, 0, 1, 2), pick(draw, 1, 2), *spatial(draw, dims, 1, 5))
    x = given(draw, shape, dtype, special=None if "nearest" in mode else False)
    kwargs: dict[str, Any] = {"mode": mode} if draw(st.integers(0, 4)) else {}
    if draw(st.booleans()):
        kwargs["size"] = pick(draw, size(draw, dims, 1, 6), draw(st.integers(1, 6)))
    else:
        scale = (
            2
            if mode == "area"
            else pick(draw, 2, 2.0, 0.5, 1.7, tuple(pick(draw, 2.0, 1.3, 0.6) for _ in range(dims)))
        )
        kwargs["scale_factor"] = scale
        kwargs |= some(draw, recompute_scale_factor=[True, False, None])
    kwargs |= some(draw, align_corners=[True, False, None])
    return (), kwargs, (x,)


def interpolated(draw: Draw, dtype: str) -> Made:
    args, kwargs, inputs = upsampled(draw, dtype)
    return args, kwargs | some(draw, antialias=[False, True]), inputs


def shuffled(draw: Draw, dtype: str, down: bool) -> Made:
    factor = pick(draw, 1, 2, 3)
    height, width = spatial(draw, 2, 1, 2)
    if down:
        shape: Any = (*batch(draw, 1), 2, height * factor, width * factor)
    else:
        shape = (*batch(draw, 1), 2 * factor * factor, height, width)
    if draw(st.integers(0, 5)) == 0:
        factor += 1
    return (factor,), {}, (given(draw, shape, pick(draw, dtype, "int64")),)


def unfolded(draw: Draw, dtype: str) -> Made:
    kwargs = some(draw, dilation=[1, 2], padding=[0, 1], stride=[1, 2, (2, 1)])
    shape = (*batch(draw), pick(draw, 1, 2), *spatial(draw, 2, 1, 5))
    return (size(draw, 2, 1, 3),), kwargs, (given(draw, shape, dtype),)


def folded(draw: Draw, dtype: str) -> Made:
    height, width = spatial(draw, 2, 2, 5)
    kernel = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    stride = pick(draw, 1, 2)
    count = 1
    for n, k in zip((height, width), kernel, strict=True):
        count *= (n - k) // stride + 1
    count += draw(st.integers(0, 5)) == 0
    shape = (*batch(draw), 2 * kernel[0] * kernel[1], count)
    return ((height, width), kernel), {"stride": stride}, (given(draw, shape, dtype),)


def flat(draw: Draw, dtype: str) -> Made:
    shape = draw(shapes(0, 4))
    kwargs = some(draw, start_dim=[0, 1, -1, 2], end_dim=[-1, 1, 2, 0])
    return (), kwargs, (given(draw, shape, pick(draw, dtype, "int64", "bool")),)


def unflat(draw: Draw, dtype: str) -> Made:
    shape = (pick(draw, 0, 2), 6, 2)
    sizes = pick(draw, (2, 3), (3, -1), (6,), (2, 2), (-1, -1))
    return (pick(draw, 1, -2, 0), sizes), {}, (given(draw, shape, dtype),)


def rows() -> list[Row]:
    """All rows of this file."""
    out: list[Any] = []

    def both(name: str, short: str | None, maker: Any, **more: Any) -> None:
        out.append(Row(f"nn.{name}", layers(name, maker, **more)))
        if short:
            out.append(Row(f"nn.functional.{short}", functions(short, maker, **more)))

    for dims in (1, 2, 3):
        both(f"Conv{dims}d", None, conv, dims=dims)
        both(f"ConvTranspose{dims}d", None, conv_transpose, dims=dims)
        names = (f"conv{dims}d", f"conv_transpose{dims}d")
        out.extend(Row(f"nn.functional.{name}", conv_function(name, dims)) for name in names)
        for kind, word in (("Max", "max"), ("Avg", "avg"), ("LP", "lp")):
            both(f"{kind}Pool{dims}d", None, pooled, dims=dims, kind=kind)
            short = f"{word}_pool{dims}d"
            row = functions(short, pool_function, dims=dims, kind=kind)
            out.append(Row(f"nn.functional.{short}", row))
        for kind, word in (("Max", "max"), ("Avg", "avg")):
            name, short = f"Adaptive{kind}Pool{dims}d", f"adaptive_{word}_pool{dims}d"
            both(name, short, adaptive, dims=dims, kind=kind)
        for kind in ("Constant", "Zero", "Reflection", "Replication", "Circular"):
            both(f"{kind}Pad{dims}d", None, padded, dims=dims, kind=kind)
        for kind in ("Batch", "Instance"):
            name = f"{kind}Norm{dims}d"
            out.append(Row(f"nn.{name}", norm_layer(name, dims, kind)))
    names = ("batch_norm", "instance_norm", "layer_norm", "rms_norm", "group_norm")
    out.extend(Row(f"nn.functional.{name}", norm_function(name)) for name in names)
    both("LayerNorm", None, layer_normed, kind="layer")
    both("RMSNorm", None, layer_normed, kind="rms")
    both("GroupNorm", None, group_normed)
    both("LocalResponseNorm", "local_response_norm", responding)
    out.append(Row("nn.functional.pad", pad_function("pad")))
    both("Upsample", None, upsampled)
    out.append(Row("nn.functional.interpolate", functions("interpolate", interpolated)))
    both("PixelShuffle", "pixel_shuffle", shuffled, down=False)
    both("PixelUnshuffle", "pixel_unshuffle", shuffled, down=True)
    both("Unfold", "unfold", unfolded)
    both("Fold", "fold", folded)
    both("Flatten", None, flat)
    both("Unflatten", None, unflat)
    return out
