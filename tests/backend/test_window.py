"""Where a window meets an image, against what its definition says of every position."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from tinygrad_lite.backend.plain.pool import Pool
from tinygrad_lite.backend.window import Window

Size = tuple[int, int]


def windows() -> Iterator[tuple[Window, Size]]:
    """Windows that differ in their two directions, on images that they fit on."""
    kernels, strides, paddings, dilations = [(1, 3), (3, 2)], [(1, 2), (3, 1)], [(0, 1), (2, 0)], [
        (1, 2), (2, 1),
    ]  # fmt: skip
    for kernel, stride, padding, dilation in itertools.product(
        kernels, strides, paddings, dilations
    ):
        for size in ((5, 6), (7, 5)):
            yield Window(kernel, stride, padding, dilation), size


def positions(window: Window, size: Size) -> list[list[int]]:
    """Along each axis the starts, in pixels, from which the whole window is on the padded image."""
    found = []
    for k, s, p, d, n in zip(*window, size, strict=True):
        starts = range(-p, n + p, s)
        found.append([start for start in starts if start + d * (k - 1) < n + p])
    return found


CASES = [case for case in windows() if all(positions(*case))]


def test_there_are_cases() -> None:
    assert len(CASES) > 20


@pytest.mark.parametrize(("window", "size"), CASES)
def test_positions_are_those_that_fit(window: Window, size: Size) -> None:
    assert window.positions(size) == tuple(len(starts) for starts in positions(window, size))


@pytest.mark.parametrize(("window", "size"), CASES)
def test_taps_are_the_pixels_of_the_padded_image(window: Window, size: Size) -> None:
    high, wide = window.padded(size)
    image = np.arange(high * wide).reshape(high, wide)
    rows, columns = positions(window, size)
    (p, q), (d, e) = window.padding, window.dilation
    taps = window.taps(size)
    assert [tap[:2] for tap in taps] == list(np.ndindex(*window.kernel))
    for i, j, down, across in taps:
        expected = [[(r + p + i * d) * wide + c + q + j * e for c in columns] for r in rows]
        assert image[down, across].tolist() == expected
    inside = image[window.inside(size)]
    assert inside.shape == size
    assert inside[0, 0] == p * wide + q


@pytest.mark.parametrize(("window", "size"), CASES)
def test_meetings_are_of_pixels_that_are_there(window: Window, size: Size) -> None:
    for axis, starts in enumerate(positions(window, size)):
        n, d = size[axis], window.dilation[axis]
        expected = {}
        for i in range(window.kernel[axis]):
            met = [(o, s + i * d) for o, s in enumerate(starts) if 0 <= s + i * d < n]
            if met:
                expected[i] = met
        found = {
            i: list(zip(range(10**6)[at], range(10**6)[pixels], strict=True))
            for i, at, pixels in window.meetings(axis, n)
        }
        assert found == expected


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(("window", "size"), CASES)
def test_pooling_taps_are_of_pixels_that_are_there(
    window: Window, size: Size, ceil_mode: bool
) -> None:
    pool = Pool(*window, ceil_mode)
    for axis in (0, 1):
        n, k, s, p, d = (size[axis], *(pair[axis] for pair in window))
        starts = [-p + o * s for o in range(pool.positions(size)[axis])]
        if ceil_mode:  # the last one overhangs, but starts inside of image or border
            assert starts[-1] < n + p
        expected = {}
        for i in range(k):
            met = [(o, x + i * d) for o, x in enumerate(starts) if 0 <= x + i * d < n]
            if met:
                expected[i] = met
        found = {
            i: list(zip(range(10**6)[at], range(10**6)[pixels], strict=True))
            for i, at, pixels in pool.taps(axis, n)
        }
        assert found == expected
