"""Rows of what needs a shape of its own: lazy layers, unpooling, CTC, adaptive softmax, L-BFGS."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import LIBRARIES, Given
from .draw import Draw
from .draw_layers import Made, given, labels, layers, mild, pick, seed, some, spatial
from .experiment import Experiment, Steps, fill, gradients, layer, make, words
from .row import Row


@st.composite
def lazy(draw: Draw, name: str, dims: int) -> Experiment:
    """A first call gives the shapes, then all is as in any other layer."""
    conv = "Conv" in name
    args = (2, pick(draw, 1, 2)) if conv else (3,) if name == "LazyLinear" else ()
    kwargs = some(draw, bias=[True, False]) if args else some(draw, affine=[True, False])
    x = given(draw, (2, 2, *spatial(draw, dims, 2, 4)), "float32", special=False)
    number = seed(draw)

    def run(library: str) -> Steps:
        made: list[Any] = []
        module = getattr(LIBRARIES[library].nn, name)(*args, **kwargs)
        yield "text before", repr(module)
        yield "names before", [*module.state_dict()]
        tensor = make(library, x, made)
        module(tensor)
        yield "text", repr(module)
        yield "names of kind", type(module).__name__
        fill(library, module, number)
        out = module(tensor)
        yield "value", out
        wanted = [t for t in made if t.requires_grad] + list(module.parameters())
        yield from gradients(library, out, wanted, number)

    return Experiment(f"nn.{name}", f"nn.{name}({words(args, kwargs)}) on {x!r}", run)


@st.composite
def unpooled(draw: Draw, dims: int) -> Experiment:
    """Max pooling and back."""
    kernel, stride = pick(draw, 2, 3), pick(draw, None, 2)
    leading = pick(draw, (2,), (1, 2), (2, 1))
    x = given(draw, (*leading, *spatial(draw, dims, 3, 6)), "float64", special=False)
    sized, number = draw(st.booleans()), seed(draw)

    def run(library: str) -> Steps:
        nn, made = LIBRARIES[library].nn, []  # type: ignore[var-annotated]
        tensor = make(library, x, made)
        pool = getattr(nn, f"MaxPool{dims}d")(kernel, stride, return_indices=True)
        module = getattr(nn, f"MaxUnpool{dims}d")(kernel, stride)
        yield "text", repr(module)
        values, places = pool(tensor)
        sizes = {"output_size": tensor.shape[-dims:]} if sized else {}
        out = module(values, places, **sizes)
        yield "value", out
        yield from gradients(library, out, [t for t in made if t.requires_grad], number)

    text = f"MaxUnpool{dims}d({kernel}, {stride}) on {x!r}, sized {sized}"
    return Experiment(f"nn.MaxUnpool{dims}d", text, run)


@st.composite
def alignment(draw: Draw) -> Experiment:
    """CTC: log probabilities (T, N, C), targets padded or joined."""
    steps, count, classes = draw(st.integers(1, 5)), pick(draw, 1, 2, 3), pick(draw, 2, 3)
    dtype = pick(draw, "float32", "float64")
    x = Given(mild(draw, (steps, count, classes), dtype, -2, 2, True).values, "plain", True)
    blank = pick(draw, 0, classes - 1)
    rng = np.random.default_rng(seed(draw))
    lengths = rng.integers(1, min(steps, 3) + 1, count)
    used = rng.integers(1, steps + 1, count)
    targets = rng.integers(0, classes - 1, (count, 3)) + (blank == 0)
    if draw(st.booleans()):
        targets = np.concatenate([row[:n] for row, n in zip(targets, lengths, strict=True)])
    kwargs = some(draw, reduction=["mean", "sum", "none"], zero_infinity=[True, False])
    kwargs |= {"blank": blank} if blank else {}
    number = seed(draw)

    def run(library: str) -> Steps:
        m, made = LIBRARIES[library], []  # type: ignore[var-annotated]
        tensor = make(library, x, made)
        given = [make(library, Given(a), []) for a in (targets, used, lengths)]
        loss = m.nn.CTCLoss(**kwargs)(tensor.log_softmax(2), *given)
        yield "value", loss
        first = m.autograd.grad(loss.sum(), [tensor])[0]
        yield "gradient", first

    text = f"CTCLoss({words((), kwargs)}) of {x!r}, {targets}, {used}, {lengths}, {number}"
    return Experiment("nn.CTCLoss", text, run)


def upsampled(draw: Draw, dtype: str) -> Made:
    kwargs = pick(draw, {"size": (3, 5)}, {"scale_factor": 2}, {"size": 4})
    return (), kwargs, (given(draw, (1, 2, *spatial(draw, 2, 2, 4)), dtype, special=False),)


@st.composite
def adaptive(draw: Draw) -> Experiment:
    kwargs = some(draw, div_value=[4.0, 2.0], head_bias=[True, False])
    count = pick(draw, 1, 4)
    x = given(draw, (count, 8), "float64", special=False)
    inputs = (x, labels(draw, (count,), 10))
    args = (8, 10, pick(draw, [3], [2, 6]))
    return layer("AdaptiveLogSoftmaxWithLoss", args, kwargs, inputs, dtype="float64",
                 seed=seed(draw))  # fmt: skip


@st.composite
def closures(draw: Draw) -> Experiment:
    """L-BFGS, which calls its closure several times a step."""
    kwargs = some(draw, lr=[1, 0.5], max_iter=[3, 5], history_size=[2, 10], max_eval=[None, 4],
                  tolerance_grad=[1e-7, 1e-2], line_search_fn=[None, "strong_wolfe"])  # fmt: skip
    start = mild(draw, (3,), "float64", -1, 1, grad=False)
    number = draw(st.integers(1, 3))

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        p = m.nn.Parameter(make(library, start, []))
        made = m.optim.LBFGS([p], **kwargs)
        yield "text", repr(made)
        losses = []

        def closure() -> Any:
            made.zero_grad()
            loss = ((p * p - 1) ** 2).sum() + (p[0] * p[1] * 0.5).sum()
            loss.backward()
            losses.append(loss.item())
            return loss

        for step in range(number):
            first = made.step(closure).detach()
            if max(losses) > 1e6:  # a jump without a line search: the way back is all rounding
                return
            yield f"value of step {step}", first
            yield f"value {step}", p.detach()

    return Experiment("optim.LBFGS", f"LBFGS({words((), kwargs)}) from {start!r}", run)


LAZY = {"LazyLinear": 0, "LazyConv1d": 1, "LazyConv2d": 2, "LazyConvTranspose1d": 1,
        "LazyConvTranspose2d": 2, "LazyBatchNorm1d": 1, "LazyBatchNorm2d": 2,
        "LazyInstanceNorm1d": 1, "LazyInstanceNorm2d": 2, "LazyConv3d": 3,
        "LazyConvTranspose3d": 3, "LazyBatchNorm3d": 3, "LazyInstanceNorm3d": 3}  # fmt: skip


def rows() -> list[Row]:
    """All rows of this file."""
    return [
        *(Row(f"nn.{name}", lazy(name, dims)) for name, dims in LAZY.items()),
        *(Row(f"nn.MaxUnpool{dims}d", unpooled(dims)) for dims in (1, 2, 3)),
        Row("nn.CTCLoss", alignment()),
        Row("nn.UpsamplingNearest2d", layers("UpsamplingNearest2d", upsampled)),
        Row("nn.UpsamplingBilinear2d", layers("UpsamplingBilinear2d", upsampled)),
        Row("nn.AdaptiveLogSoftmaxWithLoss", adaptive()),
        Row("optim.LBFGS", closures()),
    ]
