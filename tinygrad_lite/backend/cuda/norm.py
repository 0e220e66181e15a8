"""Normalisation on CUDA: one or two launches each, in the memory order of the activations.

A channel is cut into runs, a block each, where there are too few channels to fill the GPU;
`kernels/batch_norm.cu` says how the runs' sums become one, in a fixed order.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

from ..dtypes import wide
from ..kernel import kernel
from ..layout import TO_CHWN, from_chwn, lies_by_sample, to_chwn
from ..plain import norm as plain
from .arrays import room, strides_of
from .source import BLOCK, launch, plan, prepare, supports

__all__ = [
    "batch_norm",
    "batch_norm_apply",
    "batch_norm_gradient",
    "batch_norm_sums",
    "batch_norm_tracked",
    "layer_norm",
    "layer_norm_gradient",
    "layer_norm_sums",
]

Shape = tuple[int, ...]

BLOCKS = 1024  # enough to fill a large GPU
LEAST = 8 * BLOCK  # elements of a run, at least: fewer are not worth a block
MANY = 96  # channels from which on one block for each fills a large GPU …
CACHED = 64 << 10  # bytes … if a channel is in the cache when its block goes over it again
ROWS = 64  # samples of a run down a column of layer normalisation, at least


class Channels(NamedTuple):
    """How the channels of an array lie in memory, and into which runs they are cut.

    Args:
        size: elements of a channel.
        across: from one channel to the next.
        along: from one element of a channel to the next.
        splits: runs of a channel.
        chunk: elements of a run.
    """

    size: int
    across: int
    along: int
    splits: int
    chunk: int


def _dense(xp: Any, a: Any, by_sample: bool) -> Any:
    """The array without gaps in memory, copied if need be: (N, C), or transposed to (C, …, N)."""
    return xp.ascontiguousarray(a) if by_sample else to_chwn(xp, a)


def _logical(xp: Any, a: Any, by_sample: bool) -> Any:
    """An array as `_dense` gives it, seen as (N, C, …)."""
    return a if by_sample else from_chwn(xp, a)


def _channels(x: Any) -> Channels:
    return _cut(x.shape[1], x.size, x.itemsize, lies_by_sample(x))


def _cut(count: int, size: int, itemsize: int, by_sample: bool) -> Channels:
    """How `count` channels of `size` elements in all lie, and how each is cut into runs."""
    size = size // count if count else 0
    splits = max(1, min(-(-BLOCKS // max(count, 1)), size // LEAST))
    if count >= MANY and size * itemsize <= CACHED:
        splits = 1
    chunk = max(1, -(-size // splits))
    chunk = -(-chunk // BLOCK) * BLOCK
    across, along = (1, count) if by_sample else (size, 1)
    return Channels(size, across, along, max(1, -(-size // chunk)), chunk)


def _block(size: int) -> int:
    """Threads of a block that goes over a row of `size` elements: a multiple of a warp (32)."""
    return min(BLOCK, max(32, -(-size // 32) * 32))


def _threads(cut: Channels) -> int:
    """Threads of a block that goes over a run of a channel, at most the 512 of the kernels."""
    return _block(cut.chunk) if cut.splits > 1 else min(512, max(64, -(-cut.size // 256) * 32))


def _vector(xp: Any, x: Any, n: int) -> Any:
    """An uninitialised row of n sums over x: float32, or float64 for float64."""
    return xp.empty((n,), dtype="float64" if x.dtype == "float64" else "float32")


def _column_of(xp: Any, a: Any) -> Any:
    """Statistics or parameters (C) as kernels read them: float32 or float64, without gaps."""
    if a is None or (a.dtype.itemsize > 2 and a.strides == (a.dtype.itemsize,)):
        return a
    return xp.ascontiguousarray(wide(a))


class _Way:
    """A plan: all of batch normalisation that the shape and order of arrays (N, C, …) settle.

    Attributes:
        cut: how their channels lie, and are cut.
        strides: those of an array without gaps in that order.
        image: makes such arrays.
        vector: makes rows of sums, one a channel.
        parts: makes room for the sums of runs; None if each channel is one.
    """

    def __init__(self, xp: Any, shape: Shape, dtype: Any, by_sample: bool) -> None:
        count, itemsize = shape[1], dtype.itemsize
        self.cut = cut = _cut(count, math.prod(shape), itemsize, by_sample)
        order = (0, 1) if by_sample else TO_CHWN[len(shape)]
        self.strides = strides_of(shape, itemsize, order)
        self.image = room(xp, shape, dtype, order)
        sums = "float64" if itemsize == 8 else "float32"
        self.vector = room(xp, (count,), sums)
        self.parts = room(xp, (2 * count * cut.splits,), sums) if cut.splits > 1 else None
        self._prepare = functools.partial(
            prepare, xp, "batch_norm", dtype=dtype, size=math.prod(shape),
            grid=count * cut.splits, block=_threads(cut),
        )  # fmt: skip


class _Forward(_Way):
    """`batch_norm`'s launches.

    Args:
        share: of a new batch in the running statistics: running = (1 − share) running + share new.
        correction: the factor n / (n − 1) that makes a batch's variance unbiased.
        xp, shape, dtype, by_sample, eps, relu: as of `batch_norm`.
    """

    def __init__(
        self, xp: Any, shape: Shape, dtype: Any, by_sample: bool, eps: float, relu: bool,
        share: float, correction: float,
    ) -> None:  # fmt: skip
        super().__init__(xp, shape, dtype, by_sample)
        running = 1.0 - share, float(share), float(share * correction)
        self.moments = self._prepare("moments", arrays=2, numbers=self.cut)
        self.normalise = self._prepare(
            "normalise", arrays=12, numbers=(float(eps), *running, *self.cut, int(relu))
        )


class _Backward(_Way):
    """`batch_norm_gradient`'s launches."""

    def __init__(self, xp: Any, shape: Shape, dtype: Any, by_sample: bool, relu: bool) -> None:
        super().__init__(xp, shape, dtype, by_sample)
        numbers = (*self.cut, int(relu))
        self.sums = self._prepare("sums", arrays=7, numbers=numbers)
        self.gradient = self._prepare("gradient", arrays=11, numbers=numbers)


def _forward(
    xp: Any, x: Any, weight: Any, bias: Any, eps: float, relu: bool, running: Any
) -> tuple[Any, Any, Any, Any]:
    """y, μ, σ² (None if the running statistics have moved there) and 1 / √(σ² + ε)."""
    by_sample = lies_by_sample(x)
    share, correction = (0.0, 0.0) if running is None else running[4:]
    way = plan(_Forward, xp, x.shape, x.dtype, by_sample, eps, relu, share, correction)
    a = x if x.strides == way.strides else _dense(xp, x, by_sample)
    parts = None
    if way.parts is not None:
        parts = way.parts()
        way.moments(a, parts)
    y, mean, rstd = way.image(), way.vector(), way.vector()
    var = way.vector() if running is None else None
    moved = (None, None, None, None) if running is None else running[:4]
    affine = _column_of(xp, weight), _column_of(xp, bias)
    way.normalise(a, parts, *affine, y, mean, var, rstd, *moved)
    return y, mean, var, rstd


@kernel("cuda")
def batch_norm(
    xp: Any, x: Any, weight: Any, bias: Any, eps: float, relu: bool = False
) -> tuple[Any, Any, Any, Any]:
    """See `plain.norm.batch_norm`."""
    if not supports(x):
        return plain.batch_norm(xp, x, weight, bias, eps, relu)
    return _forward(xp, x, weight, bias, eps, relu, None)


@kernel("cuda")
def batch_norm_tracked(
    xp: Any, x: Any, weight: Any, bias: Any, eps: float, relu: bool, running: plain.Running
) -> tuple[Any, Any, Any]:
    """See `plain.norm.batch_norm_tracked`: the launch that normalises moves them too."""
    if not supports(x) or not _takes(x, running):
        return plain.batch_norm_tracked(xp, x, weight, bias, eps, relu, running)
    y, mean, _, rstd = _forward(xp, x, weight, bias, eps, relu, running)
    return y, mean, rstd


def _takes(x: Any, running: plain.Running) -> bool:
    """Whether the kernel can update such running statistics: in its sums' dtype, without gaps."""
    kind = "float64" if x.dtype == "float64" else "float32"
    for a in running[:3]:
        if a is not None and (a.dtype != kind or a.strides != (a.dtype.itemsize,)):
            return False
    return running.tracked is None or bool(running.tracked.dtype == "int64")


@kernel("cuda")
def batch_norm_apply(
    xp: Any, x: Any, mean: Any, rstd: Any, weight: Any, bias: Any, relu: bool = False
) -> Any:
    """See `plain.norm.batch_norm_apply`."""
    if not supports(x):
        return plain.batch_norm_apply(xp, x, mean, rstd, weight, bias, relu)
    cut, by_sample = _channels(x), lies_by_sample(x)
    a = _dense(xp, x, by_sample)
    y = xp.empty_like(a)
    columns = (_column_of(xp, v) for v in (mean, rstd, weight, bias))
    arrays = (a, *columns, y, *cut, int(relu))
    blocks = x.shape[1] * cut.splits
    launch(
        xp, "batch_norm", "apply", x.dtype, arrays,
        grid=blocks if x.size else 0, block=_threads(cut),
    )  # fmt: skip
    return _logical(xp, y, by_sample)


def _parts(xp: Any, g: Any, x: Any, columns: tuple[Any, ...], cut: Channels, relu: bool) -> Any:
    """Σ g and Σ g (x − μ) of each run of dense g and x."""
    blocks = len(columns[0]) * cut.splits
    parts = _vector(xp, x, 2 * blocks)
    launch(
        xp, "batch_norm", "sums", x.dtype, (g, x, *columns, parts, *cut, int(relu)),
        grid=blocks, block=_threads(cut),
    )  # fmt: skip
    return parts


@kernel("cuda")
def batch_norm_sums(
    xp: Any,
    g: Any,
    x: Any,
    mean: Any,
    rstd: Any,
    weight: Any = None,
    bias: Any = None,
    relu: bool = False,
) -> tuple[Any, Any]:
    """See `plain.norm.batch_norm_sums`."""
    if not supports(x, g):
        return plain.batch_norm_sums(xp, g, x, mean, rstd, weight, bias, relu)
    count, cut, by_sample = x.shape[1], _channels(x), lies_by_sample(x)
    columns = tuple(_column_of(xp, v) for v in (mean, rstd, weight, bias))
    a, h = _dense(xp, x, by_sample), _dense(xp, g, by_sample)
    parts = _parts(xp, h, a, columns, cut, relu)
    moment, total = _vector(xp, x, count), _vector(xp, x, count)
    arrays = (parts, columns[1], moment, total, count, cut.splits)
    launch(xp, "batch_norm", "finish", x.dtype, arrays, count=count)
    return moment, total


@kernel("cuda")
def batch_norm_gradient(
    xp: Any,
    g: Any,
    x: Any,
    mean: Any,
    rstd: Any,
    weight: Any,
    bias: Any = None,
    relu: bool = False,
    zeros: Any = None,
) -> tuple[Any, ...]:
    """See `plain.norm.batch_norm_gradient`."""
    if not supports(x, g):
        return plain.batch_norm_gradient(xp, g, x, mean, rstd, weight, bias, relu)
    by_sample = lies_by_sample(x)
    way = plan(_Backward, xp, x.shape, x.dtype, by_sample, relu)
    a = x if x.strides == way.strides else _dense(xp, x, by_sample)
    h = g if g.strides == way.strides else _dense(xp, g, by_sample)
    columns = [_column_of(xp, v) for v in (mean, rstd, weight, bias)]
    parts = None
    if way.parts is not None:
        parts = way.parts()
        way.sums(h, a, *columns, parts)
    dx, moment, total = way.image(), way.vector(), way.vector()
    if zeros is None or zeros != total.dtype:
        way.gradient(h, a, *columns, parts, dx, moment, total, None)
        return dx, moment, total
    nothing = way.vector()
    way.gradient(h, a, *columns, parts, dx, moment, total, nothing)
    return dx, moment, total, nothing


@kernel("cuda")
def layer_norm(
    xp: Any, x: Any, weight: Any, bias: Any, shape: tuple[int, ...], eps: float
) -> tuple[Any, Any, Any]:
    """See `plain.norm.layer_norm`."""
    size = math.prod(shape)
    if not supports(x) or not size:
        return plain.layer_norm(xp, x, weight, bias, shape, eps)
    a, rows = xp.ascontiguousarray(x), x.size // size
    y, mean, rstd = xp.empty_like(a), _vector(xp, x, rows), _vector(xp, x, rows)
    arrays = (a, _column_of(xp, weight), _column_of(xp, bias), y, mean, rstd, float(eps), size)
    launch(xp, "layer_norm", "normalise", x.dtype, arrays, grid=rows, block=_block(size))
    return y, mean, rstd


@kernel("cuda")
def layer_norm_sums(
    xp: Any, g: Any, x: Any, mean: Any, rstd: Any, shape: tuple[int, ...]
) -> tuple[Any, Any]:
    """See `plain.norm.layer_norm_sums`."""
    size = math.prod(shape)
    if not supports(x, g) or not size:
        return plain.layer_norm_sums(xp, g, x, mean, rstd, shape)
    a, h, rows = xp.ascontiguousarray(x), xp.ascontiguousarray(g), x.size // size
    across = -(-size // 32)
    runs = max(1, min(-(-BLOCKS // across), rows // ROWS))
    chunk = max(1, -(-rows // runs))
    runs = max(1, -(-rows // chunk))
    parts = _vector(xp, x, 2 * runs * size)
    arrays = (h, a, mean, rstd, parts, rows, size, chunk)
    launch(xp, "layer_norm", "sums", x.dtype, arrays, grid=across * runs, block=256)
    moment, total = _vector(xp, x, size), _vector(xp, x, size)
    launch(xp, "layer_norm", "finish", x.dtype, (parts, moment, total, size, runs), count=size)
    return moment.reshape(shape), total.reshape(shape)


@kernel("cuda")
def layer_norm_gradient(
    xp: Any,
    g: Any,
    x: Any,
    mean: Any,
    rstd: Any,
    weight: Any,
    shape: tuple[int, ...],
    eps: float = 0.0,
) -> tuple[Any, Any, Any]:
    """See `plain.norm.layer_norm_gradient`."""
    size = math.prod(shape)
    if not supports(x, g) or not size:
        return plain.layer_norm_gradient(xp, g, x, mean, rstd, weight, shape)
    a, h = xp.ascontiguousarray(x), xp.ascontiguousarray(g)
    dx = xp.empty_like(a)
    arrays = (h, a, mean, rstd, _column_of(xp, weight), dx, size)
    launch(
        xp, "layer_norm", "gradient", x.dtype, arrays,
        grid=x.size // size, block=_block(size),
    )  # fmt: skip
    return dx, *layer_norm_sums(xp, h, a, mean, rstd, shape)
