"""A sliding window over images: kernel size, stride, padding and dilation, and what it meets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

Pair = tuple[int, int]


class Window(NamedTuple):
    """How a kernel moves over an image, (height, width) each.

    Args:
        kernel: size.
        stride: step from one position to the next.
        padding: zeros added on each side.
        dilation: distance between the kernel's elements.
    """

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    @property
    def reach(self) -> Pair:
        """The size of the image's part under the kernel: d (k − 1) + 1 each way."""
        (k, m), (d, e) = self.kernel, self.dilation
        return d * (k - 1) + 1, e * (m - 1) + 1

    def along(self, axis: int) -> tuple[int, int, int, int]:
        """Kernel, stride, padding and dilation in one dimension."""
        return self.kernel[axis], self.stride[axis], self.padding[axis], self.dilation[axis]

    def positions(self, size: Sequence[int]) -> Pair:
        """How many positions fit on an image: ⌊(H + 2p − d(k − 1) − 1) / s⌋ + 1 each way."""
        return _count(self.along(0), size[0]), _count(self.along(1), size[1])

    def padded(self, size: Sequence[int]) -> Pair:
        """The image's size with its padding."""
        return size[0] + 2 * self.padding[0], size[1] + 2 * self.padding[1]

    def inside(self, size: Sequence[int]) -> tuple[slice, slice]:
        """Where the image lies in the padded one."""
        (p, q), (h, w) = self.padding, size
        return slice(p, p + h), slice(q, q + w)

    def meetings(self, axis: int, n: int) -> tuple[tuple[int, slice, slice], ...]:
        """Which elements of the kernel meet which of n pixels, along one axis.

        For each element that meets any: its number, the positions of the window at which it does
        (a slice), and the pixels that it meets there (a slice of as many).
        """
        return _meetings(self.along(axis), n)

    def taps(self, size: Sequence[int]) -> tuple[tuple[int, int, slice, slice], ...]:
        """For each element (i, j) of the kernel the pixels that it meets at all positions.

        They are two slices, of rows and columns, of the *padded* image: (i, j, rows, columns).
        """
        return _taps(self, *self.positions(size))


@lru_cache(maxsize=1024)
def _taps(window: Window, rows: int, columns: int) -> tuple[tuple[int, int, slice, slice], ...]:
    (s, t), (d, e) = window.stride, window.dilation
    return tuple(
        (
            i,
            j,
            slice(i * d, i * d + s * (rows - 1) + 1, s),
            slice(j * e, j * e + t * (columns - 1) + 1, t),
        )
        for i in range(window.kernel[0])
        for j in range(window.kernel[1])
    )


@lru_cache(maxsize=1024)
def _count(along: tuple[int, int, int, int], n: int) -> int:
    k, s, p, d = along
    return (n + 2 * p - d * (k - 1) - 1) // s + 1


@lru_cache(maxsize=1024)
def _meetings(along: tuple[int, int, int, int], n: int) -> tuple[tuple[int, slice, slice], ...]:
    k, s, p, d = along
    found = []
    for i in range(k):
        first = max(0, -(-(p - i * d) // s))
        last = min(_count(along, n), (n - 1 + p - i * d) // s + 1)
        if first < last:
            pixel = first * s + i * d - p
            pixels = slice(pixel, pixel + (last - first - 1) * s + 1, s if s > 1 else None)
            found.append((i, slice(first, last), pixels))
    return tuple(found)
