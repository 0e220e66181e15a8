"""Rows of the functions of layers at the top, which have other arguments than `nn.functional`'s."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Call, Given
from .draw import Draw, shapes, tensors
from .draw_layers import labels, mild, pick, seed, some, spatial
from .row import Row, drawn

WIDE = ("float64", "float64", "float32")


def _t(draw: Draw, shape: tuple[int, ...], dtype: str, grad: bool | None = None) -> Given:
    out: Given = draw(tensors(shape, (dtype,), special=False, grad=grad, low=-2, high=2))
    return out


def _small(draw: Draw, shape: tuple[int, ...], dtype: str) -> Given:
    """Far from where a tanh is all rounding."""
    out: Given = draw(tensors(shape, (dtype,), special=False, low=-0.7, high=0.7))
    return out


def _vector(draw: Draw, n: int, dtype: str) -> Given | None:
    """Plain, as PyTorch reads a weight as if it lay in one piece."""
    return pick(draw, None, mild(draw, (n,), dtype, -2, 2))  # type: ignore[no-any-return]


def normed(draw: Draw, name: str) -> Call:
    dtype, c = "float64", pick(draw, 1, 2, 4)
    shape = (pick(draw, 1, 2, 3), c, *spatial(draw, pick(draw, 1, 2), 2, 3))
    x = _t(draw, shape, dtype)
    if name in ("layer_norm", "rms_norm"):
        x = _t(draw, (*shape, 2), dtype)  # of one element the gradient is noise
        shape = x.values.shape
        tail = shape[draw(st.integers(1, len(shape) - 1)) :]
        args: tuple[Any, ...] = (x, pick(draw, tail, list(tail)))
        words = some(draw, eps=(1e-3, 1e-5), weight=(None, _t(draw, tail, dtype)))
        if name == "layer_norm":
            words |= some(draw, bias=(None, _t(draw, tail, dtype)), cudnn_enable=(True, False))
        return Call(name, args, words)
    x = Given(x.values, "plain", x.requires_grad)  # else PyTorch sums over other places
    weight, bias = _vector(draw, c, dtype), _vector(draw, c, dtype)
    if name == "group_norm":
        bias = None if weight is None else bias  # PyTorch stumbles over a bias alone
        groups = pick(draw, 1, c, 2 if c > 1 else 1, 3)
        return Call(name, (x, groups, weight, bias, pick(draw, 1e-5, 1e-3)))
    mean, var = (mild(draw, (c,), dtype, low, 2, grad=False) for low in (-1, 0.5))
    train = draw(st.booleans())
    if train and draw(st.booleans()):
        mean = var = None
    return Call(name, (x, weight, bias, mean, var, train, pick(draw, 0.1, 0.5), 1e-4, False))


def dropped(draw: Draw, name: str) -> Call:
    """Where nothing is drawn by chance."""
    low = 2 if "feature" in name else 0
    shape = draw(shapes(low, 4))
    x = _t(draw, shape, pick(draw, "float64", "float32", "float16"),
           False if name[-1] == "_" else None)  # fmt: skip
    train = draw(st.booleans())
    p = pick(draw, 0.0, 1.0, 0, 1, -0.1, 1.5) if train else pick(draw, 0.5, 0.0, 2.0)
    return Call(name, (x, p, train))


def rectified(draw: Draw, name: str) -> Call:
    """Activations of the top, in place too, and `rrelu` where nothing is drawn."""
    half = () if "rrelu" in name else ("float16",)
    x = draw(tensors(dtypes=("float64", "float32", *half, "int64"), special=False,
                     grad=False if name[-1] == "_" else None))  # fmt: skip
    if name.startswith("celu"):
        return Call(name, (x,), some(draw, alpha=(1.0, 0.5, 2)))
    if name.startswith("threshold"):
        return Call(name, (x, pick(draw, 0, 0.5, -1), pick(draw, 0, 2.5, 7)))
    if name.startswith("rrelu"):
        words = some(draw, lower=(0.1, 0.2), upper=(0.3, 0.5), training=(False,))
        same = pick(draw, words, {"lower": 0.25, "upper": 0.25, "training": True})
        return Call(name, (x,), same)
    return Call(name, (x,))


def tabled(draw: Draw, name: str) -> Call:
    n, width = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    table = _t(draw, (n, width), pick(draw, *WIDE), False if name[-1] == "_" else None)
    where = labels(draw, pick(draw, (3,), (2, 2), (), (0,)), n, dtype=pick(draw, "int64", "int32"))
    if name == "embedding_renorm_":
        where = Given(where.values.reshape(-1))
        return Call(name, (table, where, pick(draw, 1.0, 0.5, 3), pick(draw, 2.0, 1, 3.0)))
    words = some(draw, padding_idx=(-1, 0, n - 1), scale_grad_by_freq=(True, False))
    return Call(name, (table, where), words)


def pooled(draw: Draw, name: str) -> Call:
    count = int(name.partition("pool")[2][0])
    shape = (*pick(draw, (), (1,), (2,)), pick(draw, 1, 2), *spatial(draw, count, 2, 6))
    x = _t(draw, shape, pick(draw, *WIDE))
    if name.startswith("adaptive"):
        return Call(name, (x, pick(draw, 1, 2, 3, (2,))))
    kernel = pick(draw, 1, 2, (2,) * count)
    words = some(draw, stride=(1, 2, ()), padding=(0,), dilation=(1,), ceil_mode=(True, False))
    return Call(name, (x, kernel), words)


def convolved(draw: Draw, name: str) -> Call:
    dtype = pick(draw, *WIDE)
    if name == "conv_tbc":
        k, a, b = draw(st.integers(1, 3)), pick(draw, 1, 2), pick(draw, 1, 3)
        x = _t(draw, (draw(st.integers(3, 5)), pick(draw, 1, 2), a), dtype)
        weight, bias = _t(draw, (k, a, b), dtype), _t(draw, (b,), dtype)
        return Call(name, (x, weight, bias, pick(draw, 0, 1, 2)))
    count, groups, transposed = pick(draw, 1, 2, 3), pick(draw, 1, 2), draw(st.booleans())
    a, b = groups * pick(draw, 1, 2), groups * pick(draw, 1, 2)
    shape = (a, b // groups) if transposed else (b, a // groups)
    weight = _t(draw, (*shape, *spatial(draw, count, 1, 2)), dtype)
    bias = pick(draw, None, _t(draw, (b,), dtype))
    x = _t(draw, (pick(draw, 1, 2), a, *spatial(draw, count, 2, 4)), dtype)
    steps = [pick(draw, 1, 2)] * count
    return Call(name, (x, weight, bias, steps, [0] * count, [1] * count, transposed, [0] * count,
                       groups))  # fmt: skip


def padded(draw: Draw, name: str) -> Call:
    x = draw(tensors(shapes(1, 4)))
    pad = [draw(st.integers(-1, 2)) for _ in range(2 * draw(st.integers(0, x.values.ndim)))]
    args = (x, pad, pick(draw, 0, 1.5, 2)) if draw(st.booleans()) else (x, pad)
    return Call(name, args)


def gridded(draw: Draw, name: str) -> Call:
    count = 3 if name.endswith("3d") else 2
    n, dtype = pick(draw, 1, 2), "float64"
    if name == "affine_grid_generator":
        theta = _t(draw, (n, count, count + 1), dtype)
        return Call(name, (theta, [n, 2, *spatial(draw, count, 1, 4)], draw(st.booleans())))
    x = _t(draw, (n, pick(draw, 1, 2), *spatial(draw, count, 2, 4)), dtype)
    places = np.random.default_rng(seed(draw)).uniform(-1.4, 1.4, (n, *[2] * count, count))
    grid = Given(places, "plain", draw(st.booleans()))
    mode = pick(draw, 0, 1, 2) if count == 2 else pick(draw, 0, 1)
    # Of bicubic and nearest PyTorch has no second derivatives.
    return Call(name, (x, grid, mode, pick(draw, 0, 1, 2), draw(st.booleans())))


def lost(draw: Draw, name: str) -> Call:
    """Losses, whose reductions are numbers."""
    dtype = pick(draw, *WIDE)
    shape = pick(draw, (3,), (2, 3), (1,), (2, 2))
    words = some(draw, reduction=(0, 1, 2))
    rng = np.random.default_rng(seed(draw))
    signs = Given(rng.choice([-1.0, 1.0], shape).astype(dtype))
    x, y = _t(draw, shape, dtype), _t(draw, shape, dtype)
    if name == "binary_cross_entropy_with_logits":
        target = Given(rng.random(shape).astype(dtype))
        words |= some(draw, weight=(_t(draw, shape, dtype, False),))
        words |= some(draw, pos_weight=(Given(rng.random(shape[-1:]).astype(dtype)),))
        return Call(name, (x, target), words)
    if name == "cosine_embedding_loss":
        x, y = (_t(draw, (3, 4), dtype) for _ in "xy")
        signs = Given(rng.choice([-1.0, 1.0], (3,)).astype(dtype))
        return Call(name, (x, y, signs), words | some(draw, margin=(0.0, 0.5)))
    if name == "hinge_embedding_loss":
        return Call(name, (x, signs), words | some(draw, margin=(1.0, 0.5)))
    if name == "margin_ranking_loss":
        return Call(name, (x, y, signs), words | some(draw, margin=(0.0, 0.5)))
    if name == "kl_div":
        target = Given(rng.uniform(0.1, 1, shape).astype(dtype), "plain", draw(st.booleans()))
        return Call(name, (x, target), words | some(draw, log_target=(True, False)))
    if name == "poisson_nll_loss":
        target = Given(rng.uniform(0.1, 3, shape).astype(dtype))
        log = draw(st.booleans())
        x = x if log else Given(np.abs(x.values) + 0.1, "plain", x.requires_grad)
        return Call(name, (x, target, log, draw(st.booleans()), 1e-8, pick(draw, 0, 1, 2)))
    if name == "triplet_margin_loss":
        three = tuple(_t(draw, (3, 4), dtype) for _ in "apn")
        words |= some(draw, margin=(1.0, 5.0), p=(2.0, 1), swap=(True, False))
        return Call(name, three, words)
    time, classes, batch = 5, 3, 2
    scores = rng.standard_normal((time, batch, classes))
    scores = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    targets = Given(rng.integers(1, classes, (batch, 2)))
    sizes = ((5, 4), (2, 1)), (Given(np.array([5, 4])), Given(np.array([2, 1])))
    lengths, counts = pick(draw, *sizes)
    words |= some(draw, blank=(0,), zero_infinity=(True, False))
    return Call(name, (Given(scores.astype(dtype), "plain", draw(st.booleans())), targets,
                       lengths, counts), words)  # fmt: skip


def stepped(draw: Draw, name: str) -> Call:
    """One step of a recurrent layer."""
    n, width, hidden = pick(draw, 1, 3), pick(draw, 1, 2), pick(draw, 1, 3)
    gates = {"lstm_cell": 4, "gru_cell": 3}.get(name, 1)
    dtype = pick(draw, *WIDE)
    x = _small(draw, (n, width), dtype)
    h, c = _small(draw, (n, hidden), dtype), _small(draw, (n, hidden), dtype)
    weights: tuple[Any, ...] = (_small(draw, (gates * hidden, width), dtype),
                                _small(draw, (gates * hidden, hidden), dtype))  # fmt: skip
    if draw(st.booleans()):
        weights += (_small(draw, (gates * hidden,), dtype), _small(draw, (gates * hidden,), dtype))
    state = pick(draw, [h, c], (h, c)) if name == "lstm_cell" else h
    return Call(name, (x, state, *weights))


def layered(draw: Draw, name: str) -> Call:
    """Whole recurrent layers, of weights in one list."""
    n, steps, width, hidden = pick(draw, 1, 2), pick(draw, 1, 3), pick(draw, 1, 2), pick(draw, 1, 3)
    gates, count = {"lstm": 4, "gru": 3}.get(name, 1), pick(draw, 1, 2)
    both, first, biases = (draw(st.booleans()) for _ in range(3))
    dtype, ways = pick(draw, *WIDE), 2 if both else 1
    x = _small(draw, (n, steps, width) if first else (steps, n, width), dtype)
    h, c = (_small(draw, (count * ways, n, hidden), dtype) for _ in "hc")
    weights = []
    for layer in range(count):
        for _ in range(ways):
            wide = width if not layer else hidden * ways
            weights += [_small(draw, (gates * hidden, k), dtype) for k in (wide, hidden)]
            weights += [_small(draw, (gates * hidden,), dtype) for _ in "ih"] * biases
    state = [h, c] if name == "lstm" else h
    return Call(name, (x, state, weights, biases, count, 0.0, draw(st.booleans()), both, first))


def bilinear(draw: Draw, name: str) -> Call:
    a, b, out = (draw(st.integers(1, 3)) for _ in "abc")
    batch, dtype = pick(draw, (2,), (2, 2), ()), pick(draw, *WIDE)
    args = (_t(draw, (*batch, n), dtype) for n in (a, b))
    bias = pick(draw, None, _t(draw, (out,), dtype))
    return Call(name, (*args, _t(draw, (out, a, b), dtype), bias))


def pdist(draw: Draw, name: str) -> Call:
    return Call(name, (_t(draw, (pick(draw, 3, 2, 1), 2), "float64"), pick(draw, 2.0, 1, 3.0, 0)))


MAKERS: list[tuple[Any, str]] = [
    (normed, "batch_norm instance_norm group_norm layer_norm rms_norm"),
    (dropped, "dropout dropout_ alpha_dropout alpha_dropout_ feature_alpha_dropout "
     "feature_alpha_dropout_"),
    (rectified, "celu celu_ threshold threshold_ rrelu rrelu_ selu selu_"),
    (tabled, "embedding embedding_renorm_"),
    (pooled, "max_pool1d max_pool2d max_pool3d max_pool1d_with_indices adaptive_max_pool1d"),
    (convolved, "conv_tbc convolution"),
    (padded, "constant_pad_nd"),
    (gridded, "grid_sampler grid_sampler_2d grid_sampler_3d affine_grid_generator"),
    (lost, "binary_cross_entropy_with_logits cosine_embedding_loss ctc_loss hinge_embedding_loss "
     "kl_div margin_ranking_loss poisson_nll_loss triplet_margin_loss"),
    (stepped, "gru_cell lstm_cell rnn_tanh_cell rnn_relu_cell"),
    (layered, "gru lstm rnn_tanh rnn_relu"),
    (bilinear, "bilinear"),
    (pdist, "pdist"),
]  # fmt: skip


def rows() -> list[Row]:
    """All rows of this file."""
    return [
        Row(name, drawn(maker, name), f"{name} at the top")
        for maker, names in MAKERS
        for name in names.split()
    ]
