"""Pooling on CUDA: one launch each, one thread for each element of the result."""

from __future__ import annotations

from typing import Any

from ..kernel import kernel
from ..layout import from_chwn, to_chwn
from ..plain import pool as plain
from ..plain.pool import Pool
from .source import launch, supports

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


def _window(pool: Pool) -> tuple[int, ...]:
    """Kernel, stride, padding and dilation."""
    return (*pool.kernel, *pool.stride, *pool.padding, *pool.dilation)


def _tap_bytes(pool: Pool) -> tuple[str]:
    """How wide the number of a tap is, for the compiler."""
    none = pool.kernel[0] * pool.kernel[1]
    return ({"uint8": "TAP_BYTES=1", "uint16": "TAP_BYTES=2"}.get(
        plain.index_dtype(none), "TAP_BYTES=4"
    ),)  # fmt: skip


@kernel("cuda")
def max_pool2d(xp: Any, x: Any, pool: Pool, indexed: bool) -> tuple[Any, Any]:
    """See `plain_pool.max_pool2d`."""
    if not supports(x):
        form: tuple[Any, Any] = plain.max_pool2d(xp, x, pool, indexed)
        return form
    a = to_chwn(xp, x)
    c, h, w, n = a.shape
    down, across = pool.positions((h, w))
    y, index = xp.empty((c, down, across, n), dtype=a.dtype), None
    if indexed:
        index = xp.empty(y.shape, dtype=plain.index_dtype(pool.kernel[0] * pool.kernel[1]))
    launch(
        xp, "pool", "max_pool", a.dtype,
        (a, y, index, y.size, n, h, w, down, across, *_window(pool)),
        count=y.size, defines=_tap_bytes(pool),
    )  # fmt: skip
    return from_chwn(xp, y), None if index is None else from_chwn(xp, index)


@kernel("cuda")
def max_pool2d_gradient(xp: Any, g: Any, index: Any, shape: tuple[int, ...], pool: Pool) -> Any:
    """See `plain_pool.max_pool2d_gradient`."""
    if not supports(g):
        return plain.max_pool2d_gradient(xp, g, index, shape, pool)
    n, c, h, w = shape
    down, across = pool.positions((h, w))
    dx = xp.empty((c, h, w, n), dtype=g.dtype)
    launch(
        xp, "pool", "max_pool_gradient", g.dtype,
        (to_chwn(xp, g), to_chwn(xp, index), dx, dx.size, n, h, w, down, across, *_window(pool)),
        count=dx.size, defines=_tap_bytes(pool),
    )  # fmt: skip
    return from_chwn(xp, dx)


@kernel("cuda")
def max_pool2d_pick(xp: Any, h: Any, index: Any, pool: Pool) -> Any:
    """See `plain_pool.max_pool2d_pick`."""
    if not supports(h):
        return plain.max_pool2d_pick(xp, h, index, pool)
    n, c, height, width = h.shape
    down, across = pool.positions((height, width))
    y = xp.empty((c, down, across, n), dtype=h.dtype)
    launch(
        xp, "pool", "max_pool_pick", h.dtype,
        (to_chwn(xp, h), to_chwn(xp, index), y, y.size, n, height, width, down, across,
         *_window(pool)),
        count=y.size, defines=_tap_bytes(pool),
    )  # fmt: skip
    return from_chwn(xp, y)


@kernel("cuda")
def avg_pool2d(xp: Any, x: Any, pool: Pool) -> Any:
    """See `plain_pool.avg_pool2d`."""
    if not supports(x):
        return plain.avg_pool2d(xp, x, pool)
    a = to_chwn(xp, x)
    c, h, w, n = a.shape
    down, across = pool.positions((h, w))
    y = xp.empty((c, down, across, n), dtype=a.dtype)
    numbers = (n, h, w, down, across, *_window(pool), *_counting(pool))
    launch(xp, "pool", "avg_pool", a.dtype, (a, y, y.size, *numbers), count=y.size)
    return from_chwn(xp, y)


@kernel("cuda")
def avg_pool2d_gradient(xp: Any, g: Any, shape: tuple[int, ...], pool: Pool) -> Any:
    """See `plain_pool.avg_pool2d_gradient`."""
    if not supports(g):
        return plain.avg_pool2d_gradient(xp, g, shape, pool)
    n, c, h, w = shape
    down, across = pool.positions((h, w))
    a, dx = to_chwn(xp, g), xp.empty((c, h, w, n), dtype=g.dtype)
    numbers = (n, h, w, down, across, *_window(pool), *_counting(pool))
    launch(xp, "pool", "avg_pool_gradient", g.dtype, (a, dx, dx.size, *numbers), count=dx.size)
    return from_chwn(xp, dx)


def _counting(pool: Pool) -> Pair:
    """Whether the border counts, and the divisor or 0."""
    return int(pool.include_pad), pool.divisor or 0


@kernel("cuda")
def adaptive_avg_pool2d(xp: Any, x: Any, size: Pair) -> Any:
    """See `plain_pool.adaptive_avg_pool2d`."""
    if not supports(x):
        return plain.adaptive_avg_pool2d(xp, x, size)
    a = to_chwn(xp, x)
    c, h, w, n = a.shape
    y = xp.empty((c, *size, n), dtype=a.dtype)
    launch(xp, "pool", "adaptive_pool", a.dtype, (a, y, y.size, n, h, w, *size), count=y.size)
    return from_chwn(xp, y)


@kernel("cuda")
def adaptive_avg_pool2d_gradient(xp: Any, g: Any, shape: tuple[int, ...]) -> Any:
    """See `plain_pool.adaptive_avg_pool2d_gradient`."""
    if not supports(g):
        return plain.adaptive_avg_pool2d_gradient(xp, g, shape)
    n, c, h, w = shape
    a, dx = to_chwn(xp, g), xp.empty((c, h, w, n), dtype=g.dtype)
    numbers = (n, h, w, *a.shape[1:3])
    launch(xp, "pool", "adaptive_pool_gradient", g.dtype, (a, dx, dx.size, *numbers), count=dx.size)
    return from_chwn(xp, dx)
