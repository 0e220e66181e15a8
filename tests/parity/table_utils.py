"""Rows of `nn.grad` and `nn.utils`: fusion, spectral and orthogonal weights, caches, clipping."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES
from .draw import Draw
from .draw_layers import given, pick, seed, size, some, spatial
from .experiment import Experiment, Steps, fill, gradients, make, words
from .row import Row, under


@st.composite
def differentiating(draw: Draw, dims: int, by: str) -> Experiment:
    """nn.grad: the gradients of a convolution as functions."""
    groups, channels, out = pick(draw, 1, 1, 2), pick(draw, 1, 2), pick(draw, 1, 2)
    kernel, extent = spatial(draw, dims, 1, 3), spatial(draw, dims, 3, 5)
    words_: dict[str, Any] = some(
        draw, stride=[1, 2, size(draw, dims, 1, 2)], padding=[0, 1], dilation=[1, 1, 2]
    )
    if groups > 1:
        words_["groups"] = groups
    each = {k: words_.get(k, d) for k, d in (("stride", 1), ("padding", 0), ("dilation", 1))}
    wide = {k: v if isinstance(v, tuple) else (v,) * dims for k, v in each.items()}
    after = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(extent, kernel, *wide.values(), strict=True)
    ]
    after = [max(n, 0) for n in after]
    if draw(st.integers(0, 7)) == 0:
        after[0] += 1
    count = pick(draw, 1, 2)
    dtype = pick(draw, "float32", "float64")
    x_shape = (count, groups * channels, *extent)
    w_shape = (groups * out, channels, *kernel)
    g = given(draw, (count, groups * out, *after), dtype, special=False, grad=False)
    if by == "input":
        weight = given(draw, w_shape, dtype, special=False, grad=False)
        args: tuple[Any, ...] = (pick(draw, x_shape, list(x_shape)), weight, g)
    else:
        x = given(draw, x_shape, dtype, special=False, grad=False)
        args = (x, pick(draw, w_shape, list(w_shape)), g)

    def run(library: str) -> Steps:
        function = getattr(LIBRARIES[library].nn.grad, f"conv{dims}d_{by}")
        yield "value", function(*make(library, args, []), **words_)

    text = f"nn.grad.conv{dims}d_{by}({words(args, words_)})"
    return Experiment(f"nn.grad.conv{dims}d_{by}", text, run)


@st.composite
def fusing(draw: Draw) -> Experiment:
    """A layer and the batch norm behind it, as one layer or as its weights."""
    kind = pick(draw, "Conv1d", "Conv2d", "Conv3d", "ConvTranspose2d", "Linear")
    dims = 0 if kind == "Linear" else int(kind[-2])
    bias, affine = draw(st.booleans()), draw(st.booleans())
    tracked = draw(st.integers(0, 5)) != 0
    number = seed(draw)
    training = draw(st.integers(0, 7)) == 0
    weights_alone = draw(st.integers(0, 3)) == 0
    transpose = "Transpose" in kind

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        u = m.nn.utils
        args = (2, 3) if kind == "Linear" else (2, 3, 2)
        layer = getattr(m.nn, kind)(*args, bias=bias)
        norm = getattr(m.nn, f"BatchNorm{max(dims, 1)}d")(
            3, affine=affine, track_running_stats=tracked
        )
        fill(library, layer, number)
        fill(library, norm, number + 1)
        if not training:
            layer.eval()
            norm.eval()
        fuse, of_weights = (
            (u.fuse_linear_bn_eval, u.fuse_linear_bn_weights)
            if kind == "Linear"
            else (u.fuse_conv_bn_eval, u.fuse_conv_bn_weights)
        )
        if weights_alone:
            found = of_weights(
                layer.weight, layer.bias, norm.running_mean, norm.running_var, norm.eps,
                norm.weight, norm.bias, *([transpose] if dims else []),
            )  # fmt: skip
            yield "value of weights", list(found)
            yield "names of kinds", [type(p).__name__ for p in found]
            return
        one = fuse(layer, norm, transpose) if dims else fuse(layer, norm)
        yield "text", repr(one)
        yield "names of identity", [one is layer, layer.bias is not None, one.training]
        yield "names of kinds", [(k, type(p).__name__) for k, p in one.named_parameters()]
        rng = np.random.default_rng(number)
        x = m.from_numpy(rng.uniform(-1, 1, (2, 2, *(3,) * dims)).astype("float32"))
        yield "value", one(x)
        yield "value of both", norm(layer(x))
        yield "buffer", list(one.state_dict().values())

    text = f"fusing {kind}, bias {bias}, affine {affine}, tracked {tracked}, training {training}, "
    text += f"weights alone {weights_alone}, {number}"
    return Experiment("nn.utils.fuse_conv_bn_eval", text, run)


LAYERS = {
    "linear": (lambda m: m.nn.Linear(3, 4), (2, 3)),
    "wide": (lambda m: m.nn.Linear(4, 2, bias=False), (2, 4)),
    "conv": (lambda m: m.nn.Conv2d(2, 3, 2), (1, 2, 3, 3)),
    "turned": (lambda m: m.nn.ConvTranspose1d(2, 3, 2), (1, 2, 3)),
    "vector": (lambda m: m.nn.LayerNorm(3), (2, 3)),
}


@st.composite
def normalising(draw: Draw) -> Experiment:
    """Spectral norms, both kinds, from vectors of the test's own: power iterations move them."""
    kind = pick(draw, *LAYERS)
    new = draw(st.booleans())
    kwargs = some(draw, n_power_iterations=[1, 3, 0], eps=[1e-12, 1e-3], dim=[None, 0, 1, -1])
    name = pick(draw, "weight", "weight", "weight", "nothing")
    number = seed(draw)
    train = [draw(st.booleans()) for _ in range(draw(st.integers(1, 3)))]

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        u = m.nn.utils
        layer = LAYERS[kind][0](m)
        fill(library, layer, number)
        m.manual_seed(0)
        made = (u.parametrizations.spectral_norm if new else u.spectral_norm)(layer, name, **kwargs)
        yield "names of identity", [made is layer]
        state = layer.state_dict()
        yield "names of state", sorted((k, tuple(v.shape)) for k, v in state.items())
        rng = np.random.default_rng(number)
        for key in sorted(state):  # what was drawn differs
            if key.endswith(("_u", "_v")):
                draws = rng.normal(size=tuple(state[key].shape))
                with m.no_grad():
                    state[key].copy_(
                        m.from_numpy((draws / np.linalg.norm(draws)).astype("float32"))
                    )
        x = m.from_numpy(rng.uniform(-1, 1, LAYERS[kind][1]).astype("float32")).requires_grad_()
        for n, on in enumerate(train):
            layer.train(on)
            y = layer(x)
            yield f"value {n}", y
            yield f"value of weight {n}", getattr(layer, name)
        yield from gradients(library, y, [x, *layer.parameters()], number)
        for key, value in sorted(layer.state_dict().items()):
            yield f"buffer {key}", value
        if new:
            u.parametrize.remove_parametrizations(layer, name)
        else:
            u.remove_spectral_norm(layer, name)
        yield "names afterwards", sorted(layer.state_dict())
        yield "value afterwards", getattr(layer, name)

    text = f"{'new' if new else 'old'} spectral_norm of {kind}.{name}, {kwargs}, {train}, {number}"
    return Experiment("nn.utils.spectral_norm", text, run)


@st.composite
def orthogonalising(draw: Draw) -> Experiment:
    """parametrizations.orthogonal: its kinds of maps, what it is given, what is set later."""
    rows_, columns = pick(draw, (3, 3), (4, 2), (2, 4), (1, 1))
    kwargs = some(draw, orthogonal_map=["matrix_exp", "cayley", "householder", "wrong", None])
    kwargs |= some(draw, use_trivialization=[True, False])
    dtype = pick(draw, "float32", "float64")
    number, later = seed(draw), draw(st.booleans())
    name = pick(draw, "weight", "weight", "weight", "nothing", "bias")

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        layer = m.nn.Linear(columns, rows_, dtype=make(library, np.dtype(dtype), []))
        fill(library, layer, number)
        rng = np.random.default_rng(number)
        made = m.nn.utils.parametrizations.orthogonal(layer, name, **kwargs)
        yield "names of identity", [made is layer]
        yield "names of state", sorted((k, tuple(v.shape)) for k, v in layer.state_dict().items())
        weight = layer.weight
        size = min(rows_, columns)
        product = weight.mT @ weight if rows_ >= columns else weight @ weight.mT
        unit = m.eye(size, dtype=weight.dtype)
        yield "names of being orthogonal", [bool(((product - unit).abs() < 1e-4).all())]
        if later:
            q, _ = np.linalg.qr(rng.normal(size=(max(rows_, columns), size)))
            q = q if rows_ >= columns else q.T
            layer.weight = m.from_numpy(np.ascontiguousarray(q).astype(dtype))
            yield "value of weight", layer.weight
            if kwargs.get("orthogonal_map") != "householder":
                # A triangular factor has signs of its own; the way back fixes them.
                x = m.from_numpy(rng.uniform(-1, 1, (2, columns)).astype(dtype))
                yield "value", layer(x)

    text = f"orthogonal({rows_} × {columns} {dtype}, {name}, {kwargs}), set {later}, {number}"
    return Experiment("nn.utils.parametrizations.orthogonal", text, run)


@st.composite
def parametrizing(draw: Draw) -> Experiment:
    """Caches, several tensors of one weight, the list of parametrizations, what it refuses."""
    kind = pick(draw, "sum", "cached", "shape", "dtype", "no inverse", "unsafe", "set")
    number = seed(draw)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        p = m.nn.utils.parametrize
        counted: list[int] = []

        class Twice(m.nn.Module):  # type: ignore[misc, name-defined]
            def forward(self, x: Any) -> Any:
                counted.append(1)
                return x.double() * 2 if kind == "dtype" else x * 2

        class Back(Twice):
            def right_inverse(self, x: Any) -> Any:
                return x[:1] if kind == "shape" else x / 2

        class Sum(m.nn.Module):  # type: ignore[misc, name-defined]
            def forward(self, a: Any, b: Any) -> Any:
                return a + b

            def right_inverse(self, x: Any) -> Any:
                return x, x * 0

        layer = m.nn.Linear(2, 2)
        fill(library, layer, number)
        step = Sum() if kind == "sum" else Twice() if kind in ("no inverse", "unsafe") else Back()
        p.register_parametrization(layer, "weight", step, unsafe=kind == "unsafe")
        listed = layer.parametrizations["weight"]
        yield "text", repr(layer)
        yield "names of the list", [len(listed), isinstance(listed, p.ParametrizationList)]
        yield "names of counts", [listed.is_tensor, getattr(listed, "ntensors", 0)]
        yield "names of parameters", [k for k, _ in layer.named_parameters()]
        yield "names of parametrized", [
            p.is_parametrized(layer), p.is_parametrized(layer, "weight"),
            p.is_parametrized(layer, "bias"), type(layer).__name__,
        ]  # fmt: skip
        counted.clear()
        if kind == "cached":
            with p.cached():
                yield "names of the same", [layer.weight is layer.weight]
                with p.cached():
                    yield "names of the same inside", [layer.weight is layer.weight]
                yield "names of the same after", [layer.weight is layer.weight]
        yield "names of the same outside", [layer.weight is layer.weight, len(counted)]
        if kind == "set":
            layer.weight = m.ones(2, 2) * 6
            yield "value of what was set", list(layer.parameters())
        x = m.ones(1, 2)
        yield "value", layer(x)
        yield from gradients(library, layer(x), list(layer.parameters()), number)

    return Experiment("nn.utils.parametrize.cached", f"parametrize: {kind}, {number}", run)


@st.composite
def small(draw: Draw) -> Experiment:
    """Permutations, memory formats, modules without initial values, clipping by a known norm."""
    kind = pick(draw, "permutation", "none", "skip", "format", "clip", "old clip", "volume")
    rng = np.random.default_rng(seed(draw))
    order = rng.permutation(draw(st.integers(0, 5)))
    total, bound = pick(draw, 0.0, 3.0, 10.0, math.inf), pick(draw, 1.0, 0, 5, 100)
    arrays = [rng.normal(0, 2, s).astype("float32") for s in pick(draw, [], [(3,)], [(2, 2), ()])]
    name = pick(draw, "Linear", "Conv2d", "BatchNorm1d", "ReLU", "LSTM")
    order_of = pick(draw, "channels_last", "contiguous_format")
    order_of += "_3d" if kind == "volume" and order_of == "channels_last" else ""

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        u = m.nn.utils
        if kind in ("permutation", "none"):
            given = m.from_numpy(order) if kind == "permutation" else None
            yield "value", u.rnn.invert_permutation(given)
        elif kind == "skip":
            args = {"Linear": (2, 3), "Conv2d": (1, 2, 3), "LSTM": (2, 3)}.get(name, (4,))
            layer = u.skip_init(getattr(m.nn, name), *(() if name == "ReLU" else args))
            yield "text", repr(layer)
            yield "names of state", [(k, tuple(v.shape)) for k, v in layer.state_dict().items()]
        elif kind in ("format", "volume"):
            volume = kind == "volume"
            layer = (m.nn.Conv3d if volume else m.nn.Conv2d)(2, 3, 2)
            fill(library, layer, 0)
            convert = (
                u.convert_conv3d_weight_memory_format
                if volume
                else u.convert_conv2d_weight_memory_format
            )
            found = convert(layer, getattr(m, order_of))
            yield "names of identity", [found is layer]
            yield "value", found(m.ones(1, 2, *(3,) * (3 if volume else 2)))
        else:
            parameters = [m.nn.Parameter(m.from_numpy(a.copy())) for a in arrays]
            for parameter in parameters:
                parameter.grad = parameter.detach() * 2
            if kind == "clip":
                found = u.clip_grads_with_norm_(parameters, bound, m.tensor(total))
            else:
                found = u.clip_grad_norm(parameters, bound)
            yield "value", found
            yield "gradient", [p.grad for p in parameters]

    text = f"{kind}: {order}, {total}, {bound}, {arrays}, {name}, {order_of}"
    return Experiment("nn.utils.rnn.invert_permutation", text, run)


FUSIONS = (
    "fuse_conv_bn_eval fuse_conv_bn_weights fuse_linear_bn_eval fuse_linear_bn_weights".split()
)
SMALL = """clip_grads_with_norm_ clip_grad_norm skip_init convert_conv2d_weight_memory_format
convert_conv3d_weight_memory_format""".split()


def rows() -> list[Row]:
    """All rows of this file."""
    return [
        *(
            Row(f"nn.grad.conv{dims}d_{by}", differentiating(dims, by))
            for dims in (1, 2, 3)
            for by in ("input", "weight")
        ),
        Row("nn.utils.fuse_conv_bn_eval", fusing(), names=under("nn.utils", FUSIONS)),
        Row(
            "nn.utils.spectral_norm",
            normalising(),
            names="nn.utils.remove_spectral_norm nn.utils.parametrizations.spectral_norm",
        ),
        Row("nn.utils.parametrizations.orthogonal", orthogonalising()),
        Row(
            "nn.utils.parametrize.cached",
            parametrizing(),
            names="nn.utils.parametrize.ParametrizationList",
        ),
        Row("nn.utils.rnn.invert_permutation", small(), names=under("nn.utils", SMALL)),
    ]
