"""Pooling: maxima and averages of windows. `pool` is a `backend.plain.pool.Pool`.

Images are (N, C, H, W). Each gradient is a rule too, so that it can be differentiated again.
"""

from __future__ import annotations

import math
from typing import Any

from ..backend.plain.pool import Pool
from ..graph import mode
from .rule import rule

Out = tuple[Any, Any]
Shape = tuple[int, ...]


@rule(half="anywhere", flat=True)
def max_pool2d(xp: Any, x: Any, *, pool: Pool) -> Out:
    """y = max over each window: g goes to the window's first maximum, row by row.

    An element that is the maximum of several windows gets the sum of their g. The border is −∞; a
    NaN makes its windows NaN. What is kept is one byte for each output: which of the window's
    elements it is.
    """
    _check("max_pool2d", x, pool)
    shape = x.shape
    y, index = xp.max_pool2d(x, pool, mode.grad)
    return y, (lambda g: xp.max_pool2d_gradient(g, index, shape, pool),)


@rule(half="anywhere")
def max_pool2d_gradient(xp: Any, g: Any, index: Any, *, shape: Shape, pool: Pool) -> Out:
    """y = 0, but each g added where its maximum was: its VJP picks the elements there."""
    y = xp.max_pool2d_gradient(g, index, shape, pool)
    return y, (lambda h: xp.max_pool2d_pick(h, index, pool), None)


@rule(half="anywhere")
def max_pool2d_pick(xp: Any, x: Any, index: Any, *, pool: Pool) -> Out:
    """y = the elements of x at given maxima, the transpose of `max_pool2d_gradient`."""
    shape = x.shape
    y = xp.max_pool2d_pick(x, index, pool)
    return y, (lambda g: xp.max_pool2d_gradient(g, index, shape, pool), None)


@rule(half="cuda", flat=True)
def avg_pool2d(xp: Any, x: Any, *, pool: Pool) -> Out:
    """y = Σ over each window / n: dL/dx = Σ g / n over the windows that an element is in.

    n counts the border (`include_pad`), or only the image, or is given (`divisor`).
    """
    _check("avg_pool2d", x, pool)
    shape = x.shape
    return xp.avg_pool2d(x, pool), (lambda g: xp.avg_pool2d_gradient(g, shape, pool),)


@rule(half="cuda")
def avg_pool2d_gradient(xp: Any, g: Any, *, shape: Shape, pool: Pool) -> Out:
    """The transpose of `avg_pool2d`, which is linear: its VJP is `avg_pool2d`."""
    y = xp.avg_pool2d_gradient(g, shape, pool)
    return y, (lambda h: xp.avg_pool2d(h, pool),)


@rule(flat=True)
def adaptive_avg_pool2d(xp: Any, x: Any, *, size: tuple[int, int]) -> Out:
    """y_ij = the mean over a bin: dL/dx = Σ g / n over the bins that an element is in.

    The n elements of bin ij are in rows ⌊iH/OH⌋ up to ⌈(i+1)H/OH⌉, and columns likewise.
    """
    shape = x.shape
    return xp.adaptive_avg_pool2d(x, size), (lambda g: xp.adaptive_avg_pool2d_gradient(g, shape),)


@rule
def adaptive_avg_pool2d_gradient(xp: Any, g: Any, *, shape: Shape) -> Out:
    """The transpose of `adaptive_avg_pool2d`, which is linear: its VJP is that."""
    size = g.shape[2:]
    y = xp.adaptive_avg_pool2d_gradient(g, shape)
    return y, (lambda h: xp.adaptive_avg_pool2d(h, size),)


def _check(name: str, x: Any, pool: Pool) -> None:
    """Raise unless windows fit into the padded image, and the border is at most half of one."""
    if any(p > k // 2 for p, k in zip(pool.padding, pool.kernel, strict=True)):
        raise RuntimeError(
            f"{name}: pad should be at most half of kernel size, but padding is {pool.padding} "
            f"and the kernel {pool.kernel}"
        )
    if math.prod(x.shape[1:]) == 0:
        raise RuntimeError(f"{name}: only the batch may be empty, but the shape is {x.shape}")
    size = x.shape[2:]
    if min(pool.positions(size)) < 1:
        reach = tuple(d * (k - 1) + 1 for k, d in zip(pool.kernel, pool.dilation, strict=True))
        padded = tuple(n + 2 * p for n, p in zip(size, pool.padding, strict=True))
        raise RuntimeError(f"{name}: kernel {reach} is larger than the padded input {padded}")
