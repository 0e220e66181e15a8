"""Pooling in its plain form, and where a pooling window lies.

Arrays in here are (C, H, W, N) unless a docstring says (N, C, H, W). The loops go over the elements
of the kernel, its *taps*, which are numbered row by row from 0; never over pixels. Nothing is
padded: of each tap only those positions of the window are used at which it lies inside the image.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..dtypes import FLOATING
from ..kernel import kernel
from ..layout import from_chwn, to_chwn

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_gradient",
    "avg_pool2d",
    "avg_pool2d_gradient",
    "max_pool2d",
    "max_pool2d_gradient",
    "max_pool2d_pick",
    "max_pool2d_places",
]

Pair = tuple[int, int]
Taps = tuple[tuple[int, slice, slice], ...]


class Pool(NamedTuple):
    """How a pooling window moves over an image, (height, width) each.

    Args:
        kernel: the window's size.
        stride: step from one position to the next.
        padding: width of the border on each side; it never wins a maximum, and adds 0 to a sum.
        dilation: distance between the kernel's elements.
        ceil_mode: add a last position that overhangs, if it starts inside image or border.
        include_pad: whether an average counts the border's zeros.
        divisor: what an average divides by in place of the count.
    """

    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    ceil_mode: bool = False
    include_pad: bool = True
    divisor: int | None = None

    def positions(self, size: tuple[int, ...]) -> Pair:
        """How many positions there are each way."""
        return self._count(0, size[0]), self._count(1, size[1])

    def result(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape (C, OH, OW, N) of the result for images (C, H, W, N)."""
        c, h, w, n = shape
        return c, *self.positions((h, w)), n

    def _count(self, axis: int, n: int) -> int:
        s, p = self.stride[axis], self.padding[axis]
        span = n + 2 * p - self.dilation[axis] * (self.kernel[axis] - 1) - 1
        if not self.ceil_mode:
            return span // s + 1
        count = (span + s - 1) // s + 1
        return count - 1 if (count - 1) * s >= n + p else count

    def taps(self, axis: int, n: int) -> Taps:
        """Which elements of the kernel meet which of n pixels, along one axis.

        For each element that meets any: its number, the positions of the window at which it does
        (a slice), and the pixels that it meets there (a slice of as many).
        """
        return _taps(n, self._count(axis, n), *(pair[axis] for pair in self[:4]))

    def meetings(self, size: tuple[int, ...]) -> Iterator[tuple[int, Any, Any]]:
        """For each tap its number, and the indices of its positions (C, OH, OW, N) and pixels."""
        for row, column in itertools.product(self.taps(0, size[0]), self.taps(1, size[1])):
            (i, rows, from_rows), (j, columns, from_columns) = row, column
            every = slice(None)
            yield (
                i * self.kernel[1] + j,
                (every, rows, columns),
                (every, from_rows, from_columns),
            )

    def tiles(self, size: tuple[int, ...]) -> bool:
        """Whether the windows lie side by side and cover the image exactly."""
        bare = self.padding == (0, 0) and self.dilation == (1, 1) and self.kernel == self.stride
        return bare and not any(n % k for n, k in zip(size, self.kernel, strict=True))

    def weights(self, size: tuple[int, ...]) -> tuple[list[float], list[float]]:
        """1 / (how many elements each average is of): factors for rows, and factors for columns."""
        if self.divisor is not None:
            rows, columns = self.positions(size)
            return [1 / self.divisor] * rows, [1.0] * columns
        return self._weights(0, size[0]), self._weights(1, size[1])

    def _weights(self, axis: int, n: int) -> list[float]:
        k, s, p, _ = (pair[axis] for pair in self[:4])
        low, high = (-p, n + p) if self.include_pad else (0, n)
        starts = (position * s - p for position in range(self._count(axis, n)))
        return [1 / (min(start + k, high) - max(start, low)) for start in starts]


@functools.lru_cache(maxsize=512)
def _taps(n: int, count: int, k: int, s: int, p: int, d: int) -> Taps:
    found = []
    for i in range(k):
        low = max(0, -((i * d - p) // s))
        high = min(count, (n - 1 + p - i * d) // s + 1)
        if low < high:
            start = low * s - p + i * d
            found.append((i, slice(low, high), slice(start, start + (high - low - 1) * s + 1, s)))
    return tuple(found)


@functools.lru_cache(maxsize=512)
def meets_everywhere(pool: Pool, size: tuple[int, ...]) -> bool:
    """Whether every window meets a pixel; all taps of a dilated one may lie in the border."""
    for axis in (0, 1):
        positions = {p for _, span, _ in pool.taps(axis, size[axis]) for p in range(10**9)[span]}
        if len(positions) < pool.positions(size)[axis]:
            return False
    return True


def scale(xp: Any, pool: Pool, size: tuple[int, ...], dtype: Any) -> Any:
    """The factors that make sums over windows averages: a number, or an array (OH, OW, 1)."""
    rows, columns = pool.weights(size)
    if len({*rows}) <= 1 and len({*columns}) <= 1:
        return rows[0] * columns[0] if rows and columns else 1.0
    return xp.asarray([[[r * c] for c in columns] for r in rows], dtype=dtype)


def first_maxima(xp: Any, a: Any, pool: Pool) -> tuple[Any, Any]:
    """The maxima of the windows, and the number of the tap that each came from.

    Of equal taps the first one counts, of NaNs the last; kh·kw stands for no tap at all.
    """
    none = pool.kernel[0] * pool.kernel[1]
    lowest = -xp.inf if a.dtype.kind in FLOATING else xp.iinfo(a.dtype).min
    y = xp.full(pool.result(a.shape), lowest, dtype=a.dtype)
    index = xp.full(y.shape, none, dtype=index_dtype(none))
    for tap, positions, pixels in pool.meetings(a.shape[1:3]):
        seen, best, at = a[pixels], y[positions], index[positions]
        better = (seen > best) | (seen != seen) | (at == none)
        y[positions] = xp.where(better, seen, best)
        index[positions] = xp.where(better, tap, at)
    return y, index


def index_dtype(none: int) -> str:
    """The smallest dtype that holds the number of a tap, 0 to `none`."""
    return "uint8" if none < 256 else "uint16" if none < 65536 else "int32"


@kernel("plain")
def max_pool2d(xp: Any, x: Any, pool: Pool, indexed: bool) -> tuple[Any, Any]:
    """The windows' maxima of x (N, C, H, W), and if `indexed` the taps that they came from.

    Both are (N, C, OH, OW); without `indexed` the second is None.
    """
    y, index = first_maxima(xp, to_chwn(xp, x), pool)
    return from_chwn(xp, y), from_chwn(xp, index) if indexed else None


@kernel("plain")
def max_pool2d_gradient(xp: Any, g: Any, index: Any, shape: tuple[int, ...], pool: Pool) -> Any:
    """dL/dx (N, C, H, W), of a `shape`: each g (N, C, OH, OW) added where its maximum came from."""
    n, c, *size = shape
    g, index = to_chwn(xp, g), to_chwn(xp, index)
    dx = xp.zeros((c, *size, n), dtype=g.dtype)
    for tap, positions, pixels in pool.meetings(tuple(size)):
        dx[pixels] += xp.where(index[positions] == tap, g[positions], 0.0)
    return from_chwn(xp, dx)


@kernel("plain")
def max_pool2d_pick(xp: Any, h: Any, index: Any, pool: Pool) -> Any:
    """The elements of h (N, C, H, W) where the maxima came from, (N, C, OH, OW)."""
    size = h.shape[2:]
    h, index = to_chwn(xp, h), to_chwn(xp, index)
    y = xp.zeros(index.shape, dtype=h.dtype)
    for tap, positions, pixels in pool.meetings(size):
        y[positions] = xp.where(index[positions] == tap, h[pixels], y[positions])
    return from_chwn(xp, y)


@kernel("plain")
def max_pool2d_places(xp: Any, index: Any, size: tuple[int, ...], pool: Pool) -> Any:
    """The pixel, from 0 to H·W − 1, that each maximum came from, int64 (N, C, OH, OW)."""
    tap = index.astype("int64")
    row = tap // pool.kernel[1] * pool.dilation[0] - pool.padding[0]
    column = tap % pool.kernel[1] * pool.dilation[1] - pool.padding[1]
    row += xp.reshape(xp.arange(index.shape[2]) * pool.stride[0], (-1, 1))
    column += xp.arange(index.shape[3]) * pool.stride[1]
    return row * size[1] + column


@kernel("plain")
def avg_pool2d(xp: Any, x: Any, pool: Pool) -> Any:
    """The windows' averages of x (N, C, H, W), (N, C, OH, OW)."""
    a = to_chwn(xp, x)
    y = xp.zeros(pool.result(a.shape), dtype=a.dtype)
    for _, positions, pixels in pool.meetings(x.shape[2:]):
        y[positions] += a[pixels]
    y *= scale(xp, pool, x.shape[2:], a.dtype)
    return from_chwn(xp, y)


@kernel("plain")
def avg_pool2d_gradient(xp: Any, g: Any, shape: tuple[int, ...], pool: Pool) -> Any:
    """dL/dx (N, C, H, W), of a `shape`: each g (N, C, OH, OW) shared out over its window."""
    n, c, *size = shape
    g = to_chwn(xp, g) * scale(xp, pool, tuple(size), g.dtype)
    dx = xp.zeros((c, *size, n), dtype=g.dtype)
    for _, positions, pixels in pool.meetings(tuple(size)):
        dx[pixels] += g[positions]
    return from_chwn(xp, dx)


def bins(n: int, count: int) -> list[tuple[int, slice, float]]:
    """Adaptive pooling's bins over n pixels: each one's number, its pixels, and 1 / its size.

    Bin i goes from ⌊i n / count⌋ to ⌈(i + 1) n / count⌉.
    """
    edges = ((i, i * n // count, -(-(i + 1) * n // count)) for i in range(count))
    return [(i, slice(low, high), 1 / (high - low)) for i, low, high in edges]


@kernel("plain")
def adaptive_avg_pool2d(xp: Any, x: Any, size: Pair) -> Any:
    """Averages of x (N, C, H, W) over `bins`, which may overlap: (N, C, *size)."""
    a = to_chwn(xp, x)
    c, h, w, n = a.shape
    rows = xp.empty((c, size[0], w, n), dtype=a.dtype)
    y = xp.empty((c, *size, n), dtype=a.dtype)
    for i, pixels, weight in bins(h, size[0]):
        rows[:, i] = xp.sum(a[:, pixels], axis=1) * weight
    for j, pixels, weight in bins(w, size[1]):
        y[:, :, j] = xp.sum(rows[:, :, pixels], axis=2) * weight
    return from_chwn(xp, y)


@kernel("plain")
def adaptive_avg_pool2d_gradient(xp: Any, g: Any, shape: tuple[int, ...]) -> Any:
    """dL/dx (N, C, H, W), of a `shape`: each g (N, C, OH, OW) shared out over its bin."""
    n, c, h, w = shape
    a = to_chwn(xp, g)
    rows = xp.zeros((c, a.shape[1], w, n), dtype=g.dtype)
    dx = xp.zeros((c, h, w, n), dtype=g.dtype)
    for j, pixels, weight in bins(w, a.shape[2]):
        rows[:, :, pixels] += a[:, :, j : j + 1] * weight
    for i, pixels, weight in bins(h, a.shape[1]):
        dx[:, pixels] += rows[:, i : i + 1] * weight
    return from_chwn(xp, dx)
