"""Work on arrays (C, …) in ranges of channels, so that the operands of each stay in the cache."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import layout
from ..flat import Array
from .threads import parallel
from .workspace import scratch

BYTES = 1 << 21  # of the largest operand; less pays more for calls than the cache gives back
# Bytes that are worth another thread: two threads of Python wait for each other's hold on the
# interpreter between NumPy's calls, and longer where calls are short or keep that hold.
SHARED = 1 << 20
SMALL = 1 << 15  # bytes that take less time than cutting them up
TURNED = 1 << 18  # bytes that are turned at once, in an L2 cache
PAGE, WAYS = 1 << 12, 8  # of an L1 cache: what lies a page apart shares 8 lines
SPARE = 8  # elements between copied images, so that they do not lie so again


def by_channels(
    task: Callable[[int, int], None], channels: int, bytes_each: int, shared: int = SHARED
) -> None:
    """Call `task(start, stop)` for ranges that cover all channels, on several threads.

    Args:
        task: works on a range of channels; calls do not depend on each other. It may multiply
            vectors, not matrices: so short a product BLAS does in one thread (see `threads`).
        channels: how many channels there are.
        bytes_each: the size of one channel of the largest operand.
        shared: bytes that are worth another thread.
    """
    if 0 < channels * bytes_each < SMALL:
        task(0, channels)
        return
    step = channels_at_once(channels, bytes_each)

    def part(first: int, last: int) -> None:
        for start in range(first, last, step):
            task(start, min(start + step, last))

    parallel(part, channels, least=-(-shared // max(bytes_each, 1)))


def channels_at_once(channels: int, bytes_each: int) -> int:
    """How many channels the largest range of `by_channels` has."""
    return max(1, min(channels, BYTES // max(bytes_each, 1)))


def empty_chwn(shape: tuple[int, ...], dtype: Any) -> Array:
    """A new contiguous array (C, …, N), as the view of one (N, C, …) that owns the memory.

    `layout.from_chwn` gives that one back: the walk copies gradients that are views.
    """
    *rest, n = shape
    size = np.dtype(dtype).itemsize
    strides = [math.prod(shape[i + 1 :]) * size for i in range(len(rest))]
    lying = np.ndarray((n, *rest), dtype, strides=(size, *strides))
    view: Array = lying.transpose(layout.TO_CHWN[len(shape)])
    return view


def to_chwn(x: Array) -> Array:
    """`layout.to_chwn`, with `turn` where it copies."""
    n, c, *size = x.shape
    if x.nbytes < SMALL or x.transpose(layout.TO_CHWN[x.ndim]).flags.c_contiguous:
        turned: Array = layout.to_chwn(np, x)
        return turned
    y = np.empty((c, *size, n), x.dtype)

    def part(first: int, last: int) -> None:
        turn(x[:, first:last], y[first:last])

    parallel(part, c, least=-(-SHARED * c // x.nbytes))
    return y


def turn(x: Array, y: Array) -> None:
    """y (C, …, N) ← x (N, C, …), by a copy with other distances if images lie whole pages apart.

    The same pixel of all images is then in the same few places of the cache, and images displace
    each other before the next pixel's turn comes. So a channel's images are first copied side by
    side, a little more than their size apart, and turned from there.
    """
    n, c, *size = x.shape
    images, axes = x.swapaxes(0, 1), (0, *range(2, x.ndim), 1)
    if x.strides[0] % PAGE or x.strides[-1] != x.itemsize or n <= WAYS:
        y[...] = images.transpose(axes)
        return
    pixels = math.prod(size)
    step = max(1, TURNED // max(1, n * pixels * x.itemsize))
    for start in range(0, c, step):
        of = slice(start, min(start + step, c))
        rows = scratch("images", (of.stop - start, n, pixels + SPARE), x.dtype)
        apart = rows[:, :, :pixels].reshape(-1, n, *size)
        apart[...] = images[of]
        y[of] = apart.transpose(axes)
