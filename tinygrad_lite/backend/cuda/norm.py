"""Normalisation on CUDA: one or two launches each, in the memory order of the activations.

A channel is cut into runs, a block each, where there are too few channels to fill the GPU;
`kernels/batch_norm.cu` says how the runs' sums become one, in a fixed order.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..dtypes import wide
from ..kernel import kernel
from ..layout import from_chwn, lies_by_sample, to_chwn
from ..plain import norm as plain
from .source import BLOCK, launch, supports

__all__ = [
    "batch_norm",
    "batch_norm_apply",
    "batch_norm_gradient",
    "batch_norm_sums",
    "batch_norm_track",
    "layer_norm",
    "layer_norm_gradient",
    "layer_norm_sums",
]

BLOCKS = 1024  # enough to fill a large GPU
LEAST = 8 * BLOCK  # elements of a run: less is not worth a block
MANY = 96  # channels from which on one block for each fills a large GPU …
CACHED = 64 << 10  # bytes … if a channel is in the cache when its block goes over it again
ROWS = 64  # samples of a run down the columns of layer normalisation, likewise


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
    """The array in memory of its own without gaps: (N, C), or (C, …, N)."""
    return xp.ascontiguousarray(a) if by_sample else to_chwn(xp, a)


def _logical(xp: Any, a: Any, by_sample: bool) -> Any:
    """An array as `_dense` gives it, seen as (N, C, …)."""
    return a if by_sample else from_chwn(xp, a)


def _channels(x: Any) -> Channels:
    count = x.shape[1]
    size = x.size // count if count else 0
    splits = max(1, min(-(-BLOCKS // max(count, 1)), size // LEAST))
    if count >= MANY and size * x.itemsize <= CACHED:
        splits = 1
    chunk = max(1, -(-size // splits))
    chunk = -(-chunk // BLOCK) * BLOCK
    across, along = (1, count) if lies_by_sample(x) else (size, 1)
    return Channels(size, across, along, max(1, -(-size // chunk)), chunk)


def _block(size: int) -> int:
    """Threads for a row of a size: a multiple of a warp."""
    return min(BLOCK, max(32, -(-size // 32) * 32))


def _threads(cut: Channels) -> int:
    """Of a block that goes over a run of a channel; the largest is what the kernels allow."""
    return _block(cut.chunk) if cut.splits > 1 else min(512, max(64, -(-cut.size // 256) * 32))


def _vector(xp: Any, x: Any, n: int) -> Any:
    """An uninitialised row of n sums over x: float32, or float64 for float64."""
    return xp.empty((n,), dtype="float64" if x.dtype == "float64" else "float32")


def _column_of(xp: Any, a: Any) -> Any:
    """A vector of statistics or parameters as the kernels read it."""
    return None if a is None else xp.ascontiguousarray(wide(a))


@kernel("cuda")
def batch_norm(
    xp: Any, x: Any, weight: Any, bias: Any, eps: float, relu: bool = False
) -> tuple[Any, Any, Any, Any]:
    """See `plain.norm.batch_norm`."""
    if not supports(x):
        return plain.batch_norm(xp, x, weight, bias, eps, relu)
    count, cut, by_sample = x.shape[1], _channels(x), lies_by_sample(x)
    a = _dense(xp, x, by_sample)
    y = xp.empty_like(a)
    mean, var, rstd = (_vector(xp, x, count) for _ in range(3))
    parts = None
    blocks, block = count * cut.splits, _threads(cut)
    if cut.splits > 1:
        parts = _vector(xp, x, 2 * blocks)
        launch(xp, "batch_norm", "moments", x.dtype, (a, parts, *cut), grid=blocks, block=block)
    affine = _column_of(xp, weight), _column_of(xp, bias)
    arrays = (a, parts, *affine, y, mean, var, rstd, float(eps), *cut, int(relu))
    launch(xp, "batch_norm", "normalise", x.dtype, arrays, grid=blocks, block=block)
    return _logical(xp, y, by_sample), mean, var, rstd


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
    """See `plain.norm.batch_norm_sums`; with `relu`, g is what arrives behind one."""
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
) -> tuple[Any, Any, Any]:
    """See `plain.norm.batch_norm_gradient`; with `relu`, g is what arrives behind one."""
    if not supports(x, g):
        return plain.batch_norm_gradient(xp, g, x, mean, rstd, weight, bias, relu)
    count, cut, by_sample = x.shape[1], _channels(x), lies_by_sample(x)
    columns = tuple(_column_of(xp, v) for v in (mean, rstd, weight, bias))
    a, h = _dense(xp, x, by_sample), _dense(xp, g, by_sample)
    parts = _parts(xp, h, a, columns, cut, relu) if cut.splits > 1 else None
    dx, moment, total = xp.empty_like(a), _vector(xp, x, count), _vector(xp, x, count)
    arrays = (h, a, *columns, parts, dx, moment, total, *cut, int(relu))
    launch(
        xp, "batch_norm", "gradient", x.dtype, arrays,
        grid=count * cut.splits, block=_threads(cut),
    )  # fmt: skip
    return _logical(xp, dx, by_sample), moment, total


@kernel("cuda")
def batch_norm_track(
    xp: Any,
    mean: Any,
    var: Any,
    shift: Any,
    running_mean: Any,
    running_var: Any,
    tracked: Any,
    momentum: float,
    correction: float,
) -> None:
    """See `plain.norm.batch_norm_track`: one launch for all that moves."""
    arrays = (mean, var, shift, running_mean, running_var)
    dense = all(a is None or a.flags.c_contiguous for a in arrays)
    if not dense or not supports(*arrays) or (tracked is not None and tracked.dtype != "int64"):
        plain.batch_norm_track(xp, *arrays, tracked, momentum, correction)
        return
    numbers = (mean.size, 1 - momentum, momentum, momentum * correction)
    launch(xp, "running", "track", mean.dtype, (*arrays, tracked, *numbers), count=mean.size)


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
    xp: Any, g: Any, x: Any, mean: Any, rstd: Any, weight: Any, shape: tuple[int, ...]
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
