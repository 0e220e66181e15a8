"""Pooling on CUDA: one launch each, which reads and writes memory once.

Where N allows, a thread takes 16 bytes of neighbouring samples, and kernels are compiled for the
window, so that no loop over it is left; odd shapes and large windows take the same code with a
window that is told at the launch, one sample a thread. Either way every sum has one order.
"""

from __future__ import annotations

import math
from typing import Any

from ..kernel import kernel
from ..layout import TO_CHWN, from_chwn, to_chwn
from ..plain import pool as plain
from ..plain.pool import Pool
from .arrays import chwn_strides, room
from .source import BLOCK, MOST_BLOCKS, plan, prepare, supports

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_gradient",
    "avg_pool2d",
    "avg_pool2d_gradient",
    "max_pool2d",
    "max_pool2d_gradient",
    "max_pool2d_pick",
]

Shape = tuple[int, ...]
Pair = tuple[int, int]

LARGEST = 25  # elements of a window that a kernel is compiled for
MANY = 1024  # pixels of an image whose sum is not a thread's
ENOUGH = 2048  # blocks that fill a large GPU: beyond, a thread takes several channels
WINDOW = ("KH", "KW", "S", "T", "P", "Q", "D", "E")  # the compiler's names for it


class _Way:
    """A launch of a kernel of `kernels/pool.cu`, a thread for a position and a pack along N.

    Args:
        xp: the namespace of the arrays.
        name: the kernel's; a gradient goes over the positions of the image, others the result's.
        image: the shape (N, C, H, W) of what is pooled, or of its gradient.
        dtype: of both.
        pool: the window, or for adaptive pooling the result's size.
        packs: whether all arrays begin on 16 bytes.
        more: further numbers that the kernel takes.
        arrays: how many it takes.

    Attributes:
        strides: of the array that is read, if it lies as (C, …, N) without gaps.
        index: those of the maxima's places.
        made: makes the array that is written.
        places: makes one of maxima's places.
    """

    def __init__(
        self, xp: Any, name: str, image: Shape, dtype: Any, pool: Pool | Shape, packs: bool,
        arrays: int, more: tuple[int, ...] = (),
    ) -> None:  # fmt: skip
        n, c, *size = image
        down, across = pool.positions(tuple(size)) if isinstance(pool, Pool) else pool
        result = (n, c, down, across)
        back = name.endswith("gradient")
        lanes = 16 // dtype.itemsize
        lanes = lanes if packs and n % lanes == 0 else 1
        window: tuple[int, ...] = ()
        defines = []
        if isinstance(pool, Pool):
            window = (*pool.kernel, *pool.stride, *pool.padding, *pool.dilation)
            area = math.prod(pool.kernel)
            lanes = lanes if area <= LARGEST else 1
            kind = plain.index_dtype(area)
            wide = {"uint8": 1, "uint16": 2}.get(kind, 4)
            defines.append(f"TAP_BYTES={wide}")
            self.index = chwn_strides(result, wide)
            self.places = room(xp, result, kind, TO_CHWN[4])
        if lanes > 1:
            fixed = zip(WINDOW, window, strict=False)
            defines += ["PACKED=1", *(f"WIN_{key}={value}" for key, value in fixed)]
        read, made = (result, image) if back else (image, result)
        self.strides = chwn_strides(read, dtype.itemsize)
        self.made = room(xp, made, dtype, TO_CHWN[4])
        items = math.prod(made) // max(c, 1) // lanes
        blocks = min(-(-items // BLOCK), MOST_BLOCKS)
        rows = min(c, -(-ENOUGH // max(blocks, 1)))
        self.launch = prepare(
            xp, "pool", name, dtype, arrays,
            (c, n // lanes, *size, down, across, *window, *more),
            size=max(math.prod(image), math.prod(result)), grid=(blocks, rows),
            defines=tuple(defines),
        )  # fmt: skip


@kernel("cuda")
def max_pool2d(xp: Any, x: Any, pool: Pool, indexed: bool) -> tuple[Any, Any]:
    """See `plain.pool.max_pool2d`."""
    if not supports(x):
        return plain.max_pool2d(xp, x, pool, indexed)
    packs = x.data.ptr % 16 == 0
    way = plan(_Way, xp, "max_pool", x.shape, x.dtype, pool, packs, 3)
    a = x if x.strides == way.strides else to_chwn(xp, x)
    y, index = way.made(), way.places() if indexed else None
    way.launch(a, y, index)
    return y, index


@kernel("cuda")
def max_pool2d_gradient(xp: Any, g: Any, index: Any, shape: Shape, pool: Pool) -> Any:
    """See `plain.pool.max_pool2d_gradient`."""
    if not supports(g):
        return plain.max_pool2d_gradient(xp, g, index, shape, pool)
    packs = (g.data.ptr | index.data.ptr) % 16 == 0
    way = plan(_Way, xp, "max_pool_gradient", tuple(shape), g.dtype, pool, packs, 3)
    a = g if g.strides == way.strides else to_chwn(xp, g)
    places = index if index.strides == way.index else to_chwn(xp, index)
    dx = way.made()
    way.launch(a, places, dx)
    return dx


@kernel("cuda")
def max_pool2d_pick(xp: Any, h: Any, index: Any, pool: Pool) -> Any:
    """See `plain.pool.max_pool2d_pick`."""
    if not supports(h):
        return plain.max_pool2d_pick(xp, h, index, pool)
    packs = (h.data.ptr | index.data.ptr) % 16 == 0
    way = plan(_Way, xp, "max_pool_pick", h.shape, h.dtype, pool, packs, 3)
    a = h if h.strides == way.strides else to_chwn(xp, h)
    places = index if index.strides == way.index else to_chwn(xp, index)
    y = way.made()
    way.launch(a, places, y)
    return y


@kernel("cuda")
def avg_pool2d(xp: Any, x: Any, pool: Pool) -> Any:
    """See `plain.pool.avg_pool2d`."""
    if not supports(x):
        return plain.avg_pool2d(xp, x, pool)
    size = x.shape[2:]
    whole = math.prod(size) > MANY and pool.positions(size) == (1, 1) and pool.tiles(size)
    if whole and x.itemsize > 2:  # one thread would add up a whole image, one by one
        total = xp.sum(to_chwn(xp, x), axis=(1, 2), keepdims=True)
        total *= 1 / (pool.divisor or math.prod(size))
        return from_chwn(xp, total)
    return _averages(xp, "avg_pool", x, x.shape, pool, _counting(pool))


@kernel("cuda")
def avg_pool2d_gradient(xp: Any, g: Any, shape: Shape, pool: Pool) -> Any:
    """See `plain.pool.avg_pool2d_gradient`."""
    if not supports(g):
        return plain.avg_pool2d_gradient(xp, g, shape, pool)
    return _averages(xp, "avg_pool_gradient", g, tuple(shape), pool, _counting(pool))


def _averages(
    xp: Any, name: str, a: Any, image: Shape, pool: Pool | Shape, more: tuple[int, ...] = ()
) -> Any:
    """What a kernel makes of one array, for images of a shape (N, C, H, W)."""
    packs = a.data.ptr % 16 == 0
    way = plan(_Way, xp, name, image, a.dtype, pool, packs, 2, more)
    made = way.made()
    way.launch(a if a.strides == way.strides else to_chwn(xp, a), made)
    return made


def _counting(pool: Pool) -> Pair:
    """Whether the border counts, and the divisor or 0."""
    return int(pool.include_pad), pool.divisor or 0


@kernel("cuda")
def adaptive_avg_pool2d(xp: Any, x: Any, size: Pair) -> Any:
    """See `plain.pool.adaptive_avg_pool2d`."""
    if not supports(x):
        return plain.adaptive_avg_pool2d(xp, x, size)
    return _averages(xp, "adaptive_pool", x, x.shape, tuple(size))


@kernel("cuda")
def adaptive_avg_pool2d_gradient(xp: Any, g: Any, shape: Shape) -> Any:
    """See `plain.pool.adaptive_avg_pool2d_gradient`."""
    if not supports(g):
        return plain.adaptive_avg_pool2d_gradient(xp, g, shape)
    return _averages(xp, "adaptive_pool_gradient", g, tuple(shape), g.shape[2:])
