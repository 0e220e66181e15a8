"""Pooling on NumPy: first along columns, then along rows, a few channels at a time.

A maximum or a sum over a rectangle is one over each column and then one over those, so a
window costs kh + kw passes, not kh·kw. All arrays in here are (C, H, W, N).

With a stride s the columns are first sorted by their number modulo s (`_phases`): of one tap
all positions then lie side by side, and NumPy's loops run over rows, not over N numbers each.

Windows that do not overlap, the usual ones, need none of this: each pixel is seen once.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..kernel import kernel
from ..layout import from_chwn
from ..plain import pool as plain
from ..plain.pool import Pool, Taps
from .channels import by_channels, channels_at_once, to_chwn

__all__ = [
    "avg_pool2d",
    "avg_pool2d_gradient",
    "max_pool2d",
    "max_pool2d_gradient",
    "max_pool2d_pick",
]

Array = np.ndarray[Any, Any]
CACHED = 1 << 18, 1 << 15  # bytes of a channel whose pixels are met often, and just once
FEW = 1 << 12  # pixels of an operand so small that calls are what it costs, not passes
RUN = 128  # lines of an image that are added one after the other
LINE = 32  # pixels from which on the sum of what lies image by image is faster than a product
SHARED = 1 << 22  # bytes worth another thread: many short calls, and `add.at` holds the lock


def _along(axis: int, part: slice) -> Any:
    """The index that takes a part of one axis, and all of those before it."""
    return (slice(None),) * axis + (part,)


def _collect(ufunc: np.ufunc, a: Array, taps: Taps, axis: int, out: Array, empty: float) -> None:
    """The maximum or sum over each window along one axis.

    Args:
        ufunc: `np.maximum` or `np.add`.
        a: (C, H, W, N).
        taps: of the windows along the axis; see `Pool.taps`.
        axis: 1 or 2.
        out: where it goes: `a`'s shape with the windows' number in place of the axis.
        empty: the result of a window outside of the image.
    """
    whole = [tap for tap in taps if tap[1].stop - tap[1].start == out.shape[axis]]
    rest = [tap for tap in taps if tap not in whole[:2]]
    if len(whole) > 1:
        ufunc(a[_along(axis, whole[0][2])], a[_along(axis, whole[1][2])], out=out)
    elif whole:
        out[...] = a[_along(axis, whole[0][2])]
    else:
        out.fill(empty)
    for _, positions, pixels in rest:
        here = out[_along(axis, positions)]
        ufunc(here, a[_along(axis, pixels)], out=here)


def _first_row(a: Array, best: Array, taps: Taps, kernel: int) -> Array:
    """For each column of a window, the number of the first tap that equals its maximum."""
    row = np.zeros(best.shape, np.uint8)
    if kernel == 1:
        return row
    lost = np.ones(best.shape, bool)  # no tap so far equals the maximum
    differs = np.empty(best.shape, bool)
    by_number = {i: (positions, pixels) for i, positions, pixels in taps}
    for i in range(kernel - 1):
        if i in by_number:
            positions, pixels = (_along(1, part) for part in by_number[i])
            np.not_equal(a[pixels], best[positions], out=differs[positions])
            np.logical_and(lost[positions], differs[positions], out=lost[positions])
        np.add(row, lost.view(np.uint8), out=row)
    return row


def _phases(a: Array, pool: Pool, width: int, border: float) -> list[Array]:
    """For each column of a window the pixels (C, H, width, N) that it meets at each position.

    Tap j of position o meets pixel o·s + j·d − p: number o + (j·d) div s of phase (j·d) mod s.
    """
    (_, kernel), (_, s), (_, p), (_, d) = pool[:4]
    taps = [divmod(j * d, s) for j in range(kernel)]
    if s == 1 and p == 0 and width + taps[-1][0] == a.shape[2]:
        return [a[:, :, shift : shift + width] for shift, _ in taps]
    c, h, w, n = a.shape
    phases = {}
    for phase in {phase for _, phase in taps}:
        count = width + max(shift for shift, of in taps if of == phase)
        sorted_pixels = np.empty((c, h, count, n), a.dtype)
        first = max(0, -((phase - p) // s))
        last = min(count, max(first, (w - 1 + p - phase) // s + 1))
        sorted_pixels[:, :, :first] = sorted_pixels[:, :, last:] = border
        start = first * s + phase - p
        sorted_pixels[:, :, first:last] = a[:, :, start : start + (last - first) * s : s]
        phases[phase] = sorted_pixels
    return [phases[phase][:, :, shift : shift + width] for shift, phase in taps]


def _first_tap(pixels: list[Array], rows: list[Array], best: Array, out: Array) -> None:
    """Write to `out` the number of each window's first tap, row by row, that is its maximum.

    Each column of a window has a maximum of its own, in `pixels`, and `rows` says in which row it
    was first met, 255 for the border. Of the columns that reach the window's maximum, the smallest
    row is the winner's, and the first of them with that row is the winner's column.
    """
    reached = _rows_that_reach(best, pixels, rows)
    row = np.minimum.reduce(reached, axis=0)
    np.multiply(row, len(pixels), out=out)
    _add_number_of_first(row, reached, out)


def _rows_that_reach(best: Array, pixels: list[Array], rows: list[Array]) -> Array:
    """For each column of a window its row if its maximum is the window's, else 255."""
    reached = np.empty((len(pixels), *best.shape), np.uint8)
    differs = np.empty(best.shape, bool)
    for pixel, row, found in zip(pixels, rows, reached, strict=True):
        np.not_equal(pixel, best, out=differs)
        np.negative(differs.view(np.uint8), out=found)  # all bits where it differs
        np.bitwise_or(found, row, out=found)
    return reached


def _add_number_of_first(value: Array, among: Array, out: Array) -> None:
    """Add to `out` the number of the first array of `among` that has the value; one does."""
    differs, not_yet = np.empty(value.shape, bool), np.ones(value.shape, bool)
    for array in among[:-1]:
        np.not_equal(array, value, out=differs)
        np.logical_and(not_yet, differs, out=not_yet)
        np.add(out, not_yet.view(np.uint8), out=out)


def _is_simple(a: Array, pool: Pool) -> bool:
    """Whether the fast form applies: floats, few taps, a pixel in every window."""
    few = pool.kernel[0] * pool.kernel[1] < 256
    return a.dtype.kind == "f" and few and plain.meets_everywhere(pool, a.shape[1:3])


@functools.lru_cache(maxsize=512)
def _disjoint_taps(pool: Pool, size: tuple[int, ...]) -> list[Any]:
    """For each element of the kernel, row by row, the index of the pixels (C, H, W, N) it meets.

    An empty list unless the windows don't overlap and lie inside of the image, of `size` (H, W).
    """
    (kh, kw), (s, t), (height, width) = pool.kernel, pool.stride, pool.positions(size)
    down, across = (height - 1) * s + 1, (width - 1) * t + 1
    inside = down + kh - 1 <= size[0] and across + kw - 1 <= size[1]
    if pool.padding != (0, 0) or pool.dilation != (1, 1) or kh > s or kw > t or not inside:
        return []
    every = slice(None)
    return [
        (every, slice(i, i + down, s), slice(j, j + across, t))
        for i in range(kh)
        for j in range(kw)
    ]


@functools.lru_cache(maxsize=512)
def _tiling(pool: Pool, size: tuple[int, ...]) -> tuple[int, int, Array] | None:
    """For windows that are tiles (side by side, without padding): how many, and the taps' numbers.

    Returns:
        OH, OW and 0 … kh·kw − 1 as uint8 (kh, kw, 1, 1, 1, 1); None for other windows.
    """
    (kh, kw), (height, width) = pool.kernel, pool.positions(size)
    bare = pool.padding == (0, 0) and pool.dilation == (1, 1) and pool.kernel == pool.stride
    if not bare or height * kh > size[0] or width * kw > size[1]:
        return None
    return height, width, np.arange(kh * kw, dtype=np.uint8).reshape(kh, kw, 1, 1, 1, 1)


def _few_tiles(a: Array, pool: Pool) -> tuple[Array, Array] | None:
    """A view (kh, kw, C, OH, OW, N) of pixels (C, H, W, N), and the taps' numbers.

    None unless they are at most `FEW`, and the windows are tiles; see `_tiling`.
    """
    c, h, w, n = a.shape
    tiling = _tiling(pool, (h, w)) if a.size <= FEW else None
    if tiling is None:
        return None
    (kh, kw), (height, width, numbers) = pool.kernel, tiling
    if height * kh < h or width * kw < w:
        a = a[:, : height * kh, : width * kw]
    return a.reshape(c, height, kh, width, kw, n).transpose(2, 4, 0, 1, 3, 5), numbers


def _first_largest(taps: list[Array], best: Array, index: Array | None) -> None:
    """Write the largest of the taps to `best`, and to `index` the number of the first that is.

    Without NaN: it would be passed over.

    Args:
        taps: for each element of the kernel the pixels (C, OH, OW, N) that it meets.
        best: (C, OH, OW, N).
        index: uint8 (C, OH, OW, N); None if it is not wanted.
    """
    if index is None:
        np.maximum(taps[0], taps[-1], out=best)
        for tap in taps[1:-1]:
            np.maximum(best, tap, out=best)
        return
    best[...] = taps[0]
    index.fill(0)
    better = np.empty(best.shape, bool)
    number = better.view(np.uint8)
    for k, tap in enumerate(taps[1:], 1):
        np.greater(tap, best, out=better)
        np.multiply(number, k, out=number)
        np.maximum(index, number, out=index)
        np.maximum(best, tap, out=best)


@kernel("cpu")
def max_pool2d(xp: Any, x: Array, pool: Pool, indexed: bool) -> tuple[Any, Any]:
    """See `plain.pool.max_pool2d`."""
    a = to_chwn(x)
    if not _is_simple(a, pool):
        return plain.max_pool2d(xp, x, pool, indexed)
    tiles = _few_tiles(a, pool)
    if tiles is not None:
        return _max_of_few(xp, a, pool, tiles[0], indexed)
    c, h, w, n = a.shape
    row_taps = pool.taps(0, h)
    y = np.empty(pool.result(a.shape), a.dtype)
    _, height, width, _ = y.shape
    index = np.empty(y.shape, np.uint8) if indexed else None
    disjoint = _disjoint_taps(pool, (h, w)) if a[:1].nbytes <= CACHED[not indexed] else []

    def task(start: int, stop: int) -> None:
        part, best = a[start:stop], y[start:stop]
        if disjoint:
            taps = [part[tap] for tap in disjoint]
            _first_largest(taps, best, None if index is None else index[start:stop])
            if index is not None and np.isnan(best.max(initial=-np.inf)):
                index[start:stop] = plain.first_maxima(xp, part, pool)[1]
            return
        columns = np.empty((stop - start, height, w, n), a.dtype)
        _collect(np.maximum, part, row_taps, 1, columns, -np.inf)
        pixels = _phases(columns, pool, width, -np.inf)
        np.maximum(pixels[0], pixels[-1], out=best)
        for pixel in pixels[1:-1]:
            np.maximum(best, pixel, out=best)
        if index is None:
            return
        if np.isnan(best.max(initial=-np.inf)):  # nothing equals NaN: look for it the slow way
            index[start:stop] = plain.first_maxima(xp, part, pool)[1]
            return
        row = _first_row(part, columns, row_taps, pool.kernel[0])
        _first_tap(pixels, _phases(row, pool, width, 255), best, index[start:stop])

    by_channels(task, c, h * w * n * a.itemsize, SHARED)
    return from_chwn(xp, y), None if index is None else from_chwn(xp, index)


def _max_of_few(xp: Any, a: Array, pool: Pool, tiles: Array, indexed: bool) -> tuple[Any, Any]:
    """Where each window's winner is, in elements from the first channel's start, in a row."""
    taps = tiles.reshape(tiles.shape[0] * tiles.shape[1], -1)
    y = np.maximum.reduce(taps, axis=0)
    if not indexed:
        return from_chwn(xp, y.reshape(tiles.shape[2:])), None
    if np.isnan(y.max(initial=-np.inf)):
        index = plain.first_maxima(xp, a, pool)[1]
    else:
        index = taps.argmax(axis=0).astype(np.uint8).reshape(tiles.shape[2:])
    return from_chwn(xp, y.reshape(tiles.shape[2:])), from_chwn(xp, index)


def _offsets(shape: tuple[int, ...], pool: Pool, channels: int) -> tuple[Array, Array]:
    """Where a window starts, in elements of `channels` channels of an image, and each tap in it.

    The image is (H, W, N); a winner's place is the sum of the two.
    """
    h, w, n = shape
    height, width = pool.positions((h, w))
    rows = np.arange(height) * pool.stride[0] - pool.padding[0]
    columns = np.arange(width) * pool.stride[1] - pool.padding[1]
    starts = (rows[:, None] * w + columns)[..., None] * n + np.arange(n)
    starts = np.arange(channels)[:, None, None, None] * (h * w * n) + starts
    taps = np.arange(pool.kernel[0])[:, None] * (w * pool.dilation[0])
    taps = (taps + np.arange(pool.kernel[1]) * pool.dilation[1]) * n
    return starts, taps.reshape(-1)


def _places(index: Array, starts: Array, taps: Array, out: Array) -> Array:
    """Where each window's winner is, in elements from the first channel's start, in one row."""
    places = out[: len(index)]
    np.take(taps, index, out=places, mode="clip")
    np.add(places, starts[: len(index)], out=places)
    return places.reshape(-1)


@kernel("cpu")
def max_pool2d_gradient(xp: Any, g: Array, index: Array, shape: tuple[int, ...], pool: Pool) -> Any:
    """See `plain.pool.max_pool2d_gradient`. The order of the sums is fixed."""
    n, c, h, w = shape
    dx = np.zeros((c, h, w, n), g.dtype)
    if not _is_simple(dx, pool):
        return plain.max_pool2d_gradient(xp, g, index, shape, pool)
    g, index = to_chwn(g), to_chwn(index)
    tiles = _few_tiles(dx, pool)
    if tiles is not None:
        np.copyto(tiles[0], g, where=np.equal(index, tiles[1]))
        return from_chwn(xp, dx)
    size = h * w * n * g.itemsize
    disjoint = _disjoint_taps(pool, (h, w))
    if disjoint and math.isfinite(np.dot(g.reshape(-1), g.reshape(-1))):
        by_channels(lambda p, q: _share_out(g[p:q], index[p:q], disjoint, dx[p:q]), c, size, SHARED)
        return from_chwn(xp, dx)
    starts, taps = _offsets((h, w, n), pool, channels_at_once(c, size))

    def task(start: int, stop: int) -> None:
        places = _places(index[start:stop], starts, taps, np.empty_like(starts))
        np.add.at(dx[start:stop].reshape(-1), places, g[start:stop].reshape(-1))

    by_channels(task, c, size, SHARED)
    return from_chwn(xp, dx)


def _share_out(g: Array, index: Array, disjoint: list[Any], out: Array) -> None:
    """Write each g to the pixel that won its window, and 0 to the window's others; g is finite."""
    won = np.empty(index.shape, bool)
    for k, tap in enumerate(disjoint):
        np.equal(index, k, out=won)
        np.multiply(g, won, out=out[tap])


@kernel("cpu")
def max_pool2d_pick(xp: Any, h: Array, index: Array, pool: Pool) -> Any:
    """See `plain.pool.max_pool2d_pick`."""
    a = to_chwn(h)
    if not _is_simple(a, pool):
        return plain.max_pool2d_pick(xp, h, index, pool)
    index = to_chwn(index)
    y = np.empty(index.shape, a.dtype)
    size = a[0].nbytes if len(a) else 0
    starts, taps = _offsets(a.shape[1:], pool, channels_at_once(len(a), size))

    def task(start: int, stop: int) -> None:
        places = _places(index[start:stop], starts, taps, np.empty_like(starts))
        np.take(a[start:stop], places, out=y[start:stop].reshape(-1), mode="clip")

    by_channels(task, len(a), size, SHARED)
    return from_chwn(xp, y)


@kernel("cpu")
def avg_pool2d(xp: Any, x: Array, pool: Pool) -> Any:
    """See `plain.pool.avg_pool2d`."""
    if pool.tiles(x.shape[2:]) and pool.positions(x.shape[2:]) == (1, 1):
        return _means(xp, x, pool)
    a = to_chwn(x)
    c, h, w, n = a.shape
    row_taps, column_taps = pool.taps(0, h), pool.taps(1, w)
    y = np.empty(pool.result(a.shape), a.dtype)
    height = y.shape[1]
    factor = plain.scale(np, pool, (h, w), a.dtype)

    def task(start: int, stop: int) -> None:
        columns = np.empty((stop - start, height, w, n), a.dtype)
        _collect(np.add, a[start:stop], row_taps, 1, columns, 0.0)
        _collect(np.add, columns, column_taps, 2, y[start:stop], 0.0)
        np.multiply(y[start:stop], factor, out=y[start:stop])

    by_channels(task, c, h * w * n * a.itemsize, SHARED)
    return from_chwn(xp, y)


def _means(xp: Any, x: Array, pool: Pool) -> Any:
    """The averages of whole images (N, C, H, W), as (N, C, 1, 1).

    A product with a row of one number adds up one line after the other: so at most `RUN` of them.
    """
    n, c, h, w = x.shape
    size = h * w
    factor = 1 / (pool.divisor or size)
    run = _run(size)
    if not run or (x.flags.c_contiguous and size >= LINE):
        total = xp.sum(x, axis=(2, 3), keepdims=True)
        return np.multiply(total, factor, out=total)
    a, row = to_chwn(x), np.full((1, run), factor, x.dtype)
    y = np.empty((c, 1, 1, n), x.dtype)

    def task(start: int, stop: int) -> None:
        pixels = a[start:stop].reshape(stop - start, run, size // run * n)
        if run == size:
            np.matmul(row, pixels, out=y[start:stop, 0])
        else:
            parts = np.matmul(row, pixels).reshape(stop - start, size // run, n)
            y[start:stop, 0] = xp.sum(parts, axis=1, keepdims=True)

    by_channels(task, c, size * n * a.itemsize, SHARED)
    return from_chwn(xp, y)


@functools.cache
def _run(size: int) -> int:
    """Into how many lines to cut an image: at most `RUN` of them; 0 if it can't be."""
    return next((k for k in range(min(size, RUN), min(size, LINE) - 1, -1) if size % k == 0), 0)


@kernel("cpu")
def avg_pool2d_gradient(xp: Any, g: Array, shape: tuple[int, ...], pool: Pool) -> Any:
    """See `plain.pool.avg_pool2d_gradient`."""
    n, c, h, w = shape
    g = to_chwn(g)
    row_taps, column_taps = pool.taps(0, h), pool.taps(1, w)
    factor = plain.scale(np, pool, (h, w), g.dtype)
    if pool.tiles((h, w)):
        (i, j), (height, width) = pool.kernel, pool.positions((h, w))
        tiles = np.empty((c, height, i, width, j, n), g.dtype)
        tiles[...] = (g * factor)[:, :, None, :, None]
        return from_chwn(xp, tiles.reshape(c, h, w, n))
    dx = np.zeros((c, h, w, n), g.dtype)

    def task(start: int, stop: int) -> None:
        part = g[start:stop] * factor
        columns = np.zeros((stop - start, g.shape[1], w, n), g.dtype)
        _share(part, column_taps, 2, columns)
        _share(columns, row_taps, 1, dx[start:stop])

    by_channels(task, c, h * w * n * g.itemsize, SHARED)
    return from_chwn(xp, dx)


def _share(g: Array, taps: Taps, axis: int, out: Array) -> None:
    """Add each g to every tap of its window along an axis of `out`, which starts as zeros."""
    for _, positions, pixels in taps:
        here = out[_along(axis, pixels)]
        np.add(here, g[_along(axis, positions)], out=here)
