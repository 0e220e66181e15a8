"""Pooling on CUDA: one launch each, which reads and writes memory once.

Where N allows, a thread takes 16 bytes of neighbouring samples, and kernels are compiled for the
window, so that no loop over it is left; odd shapes and large windows take the same code with a
window that is told at the launch, one sample a thread. Either way every sum has one order.
"""

from __future__ import annotations

import math
from typing import Any

from ..kernel import kernel
from ..layout import from_chwn, to_chwn
from ..plain import pool as plain
from ..plain.pool import Pool
from .columns import pack
from .source import BLOCK, MOST_BLOCKS, launch, supports

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_gradient",
    "avg_pool2d",
    "avg_pool2d_gradient",
    "max_pool2d",
    "max_pool2d_gradient",
    "max_pool2d_pick",
]

Pair = tuple[int, int]

LARGEST = 25  # elements of a window that a kernel is compiled for
ENOUGH = 2048  # blocks that fill a large GPU: beyond, a thread takes several channels
WINDOW = ("KH", "KW", "S", "T", "P", "Q", "D", "E")  # the compiler's names for it


def _launch(
    xp: Any,
    name: str,
    arrays: tuple[Any, ...],
    image: Any,
    result: Any,
    pool: Pool | None,
    *more: int,
) -> None:
    """Launch a kernel of `kernels/pool.cu`, with a thread for a position and a pack along N.

    Args:
        xp: the namespace of the arrays.
        name: the kernel's; a gradient goes over the positions of the image, others the result's.
        arrays: what it reads and writes, (C, …, N) each, dense, or None.
        image: the one of the image's size.
        result: one of the result's size.
        pool: the window; None for adaptive pooling.
        more: further numbers that it takes.
    """
    (c, h, w, n), (_, down, across, _) = image.shape, result.shape
    lanes = pack(n, image, *(a for a in arrays if a is not None))
    window: tuple[int, ...] = ()
    defines = []
    if pool is not None:
        window = (*pool.kernel, *pool.stride, *pool.padding, *pool.dilation)
        area = math.prod(pool.kernel)
        lanes = lanes if area <= LARGEST else 1
        wide = {"uint8": 1, "uint16": 2}.get(plain.index_dtype(area), 4)
        defines.append(f"TAP_BYTES={wide}")
    if lanes > 1:
        fixed = zip(WINDOW, window, strict=False)
        defines += ["PACKED=1", *(f"WIN_{key}={value}" for key, value in fixed)]
    over = image if name.endswith("gradient") else result
    items = math.prod(over.shape[1:]) // lanes
    blocks = min(-(-items // BLOCK), MOST_BLOCKS)
    rows = min(c, -(-ENOUGH // max(blocks, 1)))
    args = (*arrays, c, n // lanes, h, w, down, across, *window, *more)
    launch(xp, "pool", name, image.dtype, args, grid=(blocks, rows), defines=tuple(defines))


@kernel("cuda")
def max_pool2d(xp: Any, x: Any, pool: Pool, indexed: bool) -> tuple[Any, Any]:
    """See `plain.pool.max_pool2d`."""
    if not supports(x):
        return plain.max_pool2d(xp, x, pool, indexed)
    a = to_chwn(xp, x)
    y, index = xp.empty(pool.result(a.shape), dtype=a.dtype), None
    if indexed:
        index = xp.empty(y.shape, dtype=plain.index_dtype(math.prod(pool.kernel)))
    _launch(xp, "max_pool", (a, y, index), a, y, pool)
    return from_chwn(xp, y), None if index is None else from_chwn(xp, index)


@kernel("cuda")
def max_pool2d_gradient(xp: Any, g: Any, index: Any, shape: tuple[int, ...], pool: Pool) -> Any:
    """See `plain.pool.max_pool2d_gradient`."""
    if not supports(g):
        return plain.max_pool2d_gradient(xp, g, index, shape, pool)
    a, dx = to_chwn(xp, g), _image(xp, g, shape)
    _launch(xp, "max_pool_gradient", (a, to_chwn(xp, index), dx), dx, a, pool)
    return from_chwn(xp, dx)


def _image(xp: Any, g: Any, shape: tuple[int, ...]) -> Any:
    """An uninitialised gradient (C, H, W, N) of images of a shape (N, C, H, W)."""
    n, *image = shape
    return xp.empty((*image, n), dtype=g.dtype)


@kernel("cuda")
def max_pool2d_pick(xp: Any, h: Any, index: Any, pool: Pool) -> Any:
    """See `plain.pool.max_pool2d_pick`."""
    if not supports(h):
        return plain.max_pool2d_pick(xp, h, index, pool)
    a = to_chwn(xp, h)
    y = xp.empty(pool.result(a.shape), dtype=a.dtype)
    _launch(xp, "max_pool_pick", (a, to_chwn(xp, index), y), a, y, pool)
    return from_chwn(xp, y)


@kernel("cuda")
def avg_pool2d(xp: Any, x: Any, pool: Pool) -> Any:
    """See `plain.pool.avg_pool2d`."""
    if not supports(x):
        return plain.avg_pool2d(xp, x, pool)
    a = to_chwn(xp, x)
    y = xp.empty(pool.result(a.shape), dtype=a.dtype)
    _launch(xp, "avg_pool", (a, y), a, y, pool, *_counting(pool))
    return from_chwn(xp, y)


@kernel("cuda")
def avg_pool2d_gradient(xp: Any, g: Any, shape: tuple[int, ...], pool: Pool) -> Any:
    """See `plain.pool.avg_pool2d_gradient`."""
    if not supports(g):
        return plain.avg_pool2d_gradient(xp, g, shape, pool)
    a, dx = to_chwn(xp, g), _image(xp, g, shape)
    _launch(xp, "avg_pool_gradient", (a, dx), dx, a, pool, *_counting(pool))
    return from_chwn(xp, dx)


def _counting(pool: Pool) -> Pair:
    """Whether the border counts, and the divisor or 0."""
    return int(pool.include_pad), pool.divisor or 0


@kernel("cuda")
def adaptive_avg_pool2d(xp: Any, x: Any, size: Pair) -> Any:
    """See `plain.pool.adaptive_avg_pool2d`."""
    if not supports(x):
        return plain.adaptive_avg_pool2d(xp, x, size)
    a = to_chwn(xp, x)
    y = xp.empty((len(a), *size, a.shape[-1]), dtype=a.dtype)
    _launch(xp, "adaptive_pool", (a, y), a, y, None)
    return from_chwn(xp, y)


@kernel("cuda")
def adaptive_avg_pool2d_gradient(xp: Any, g: Any, shape: tuple[int, ...]) -> Any:
    """See `plain.pool.adaptive_avg_pool2d_gradient`."""
    if not supports(g):
        return plain.adaptive_avg_pool2d_gradient(xp, g, shape)
    a, dx = to_chwn(xp, g), _image(xp, g, shape)
    _launch(xp, "adaptive_pool_gradient", (a, dx), dx, a, None)
    return from_chwn(xp, dx)
