"""Which images Winograd's convolution can be trusted with: a cheap look at their magnitudes.

In Winograd's sums all pixels of a tile take part and cancel again. So an output's rounding error
is in proportion to the largest pixel of its *tile*, whether the output sees that pixel or not, and
one NaN or overflow takes the tile with it. Direct sums have neither fault. With one number a
pixel, ℓ(p) = max over channels |x_c(p)|, an image is trusted if in every tile

    max of ℓ over the tile ≤ SPREAD · max of ℓ over what an output sees, for each of its outputs,

and if nothing can overflow. Then every single output's error is bounded in proportion to what it
sees (docs/numerics.md says by how much). The look costs two passes over the image, in the cache.
A weight's gradient is a sum over all tiles, measured by norms: there only overflows matter.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from .threads import parallel
from .workspace import scratch

SPREAD = 32  # a ConvNet in training has 2 to 9
ROOM = 1e6  # values in between are less than this many times the bound on a result
BLOCK = 1 << 18  # bytes of magnitudes at a time: they stay in the cache
SHARED = 1 << 18  # elements that are worth another thread


class Tiles(Protocol):
    """The numbers of a `winograd.Tiling` that are read here."""

    m: int
    a: int
    padding: tuple[int, int]
    inner: tuple[int, ...]
    size: tuple[int, int]
    full: tuple[int, int]
    down: int
    across: int


def loudness(image: Any) -> Any:
    """ℓ (H, W, N): the largest magnitude over the channels of an image (N, C, H, W); NaN stays."""
    a = image.transpose(1, 2, 3, 0)
    c, *shape = a.shape
    step = max(1, BLOCK // max(a[0].nbytes, 1))
    found: list[Any] = []

    def part(first: int, last: int) -> None:
        room = scratch("magnitudes", (min(step, last - first), *shape), a.dtype)
        tops = []
        for p in range(first, last, step):
            block = a[p : min(p + step, last)]
            tops.append(np.maximum.reduce(np.abs(block, out=room[: len(block)]), axis=0))
        found.append(functools.reduce(np.maximum, tops))

    parallel(part, c, least=1 + SHARED * c // max(a.size, 1))
    return functools.reduce(np.maximum, found)


def largest(a: Any) -> float:
    """The largest magnitude of an array; NaN if there is one in it."""
    return float(np.maximum(np.maximum.reduce(a, None), -np.minimum.reduce(a, None)))


def peaks(loud: Any) -> Any:
    """The largest magnitude of each image, float64 (N), for ℓ (H, W, N)."""
    return np.maximum.reduce(loud, axis=(0, 1)).astype(np.float64)


def fits(product: Any, dtype: Any) -> Any:
    """Whether sums of products of at most so much in all can't overflow; False for NaN."""
    return product < float(np.finfo(dtype).max) / ROOM


def even_inputs(tiles: Tiles, loud: Any) -> Any:
    """Of each image, whether every output sees something of its tile's magnitude: bool (N).

    Args:
        tiles: how images are cut.
        loud: ℓ (H, W, N) of the input.
    """
    return _even(lambda loud: _even_inputs(tiles, loud), loud)


def even_gradients(tiles: Tiles, loud: Any) -> Any:
    """The same for an input's gradient and ℓ (OH, OW, N) of the output's gradient.

    A tile of m×m gradients adds to a×a pixels of the input, each of which sees up to 3×3.
    """
    return _even(lambda loud: _even_gradients(tiles, loud), loud)


def _even(look: Callable[[Any], Any], loud: Any) -> Any:
    """bool (N): `look` at the images that are not already even as a whole.

    If an image's largest ℓ is within `SPREAD` of its smallest, every tile is even. That is cheap
    to see, and mostly true behind a normalisation.
    """
    even = peaks(loud) <= SPREAD * np.minimum.reduce(loud, axis=(0, 1))
    others = np.flatnonzero(~even)
    if others.size:
        even[others] = look(loud[..., others])
    return even


def _even_inputs(tiles: Tiles, loud: Any) -> Any:
    """`even_inputs` of every tile: its a×a pixels beside the 3×3 of each of its outputs."""
    (high, wide), (h, w) = tiles.full, tiles.size
    image = np.zeros((high + 2, wide + 2, loud.shape[2]), loud.dtype)
    (top, left), (rows, columns) = tiles.padding, tiles.inner
    image[top : top + rows, left : left + columns] = loud
    seen = np.full((high, wide, loud.shape[2]), np.inf, loud.dtype)
    seen[:h, :w] = _windows(np.maximum, image[: h + 2, : w + 2], 3, 1)
    return _holds(
        _windows(np.maximum, image, tiles.a, tiles.m), _windows(np.minimum, seen, tiles.m, tiles.m)
    )


def _even_gradients(tiles: Tiles, loud: Any) -> Any:
    """`even_gradients`, looking at every tile: its m×m gradients beside what each pixel sees."""
    (high, wide), (h, w), n = tiles.full, tiles.size, loud.shape[2]
    image = np.zeros((high, wide, n), loud.dtype)
    image[:h, :w] = loud
    around = np.zeros((h + 4, w + 4, n), loud.dtype)
    around[2:-2, 2:-2] = loud
    seen = np.full((high + 2, wide + 2, n), np.inf, loud.dtype)
    (top, left), (rows, columns) = tiles.padding, tiles.inner
    real = slice(top, top + rows), slice(left, left + columns)
    seen[real] = _windows(np.maximum, around, 3, 1)[real]
    return _holds(
        _windows(np.maximum, image, tiles.m, tiles.m), _windows(np.minimum, seen, tiles.a, tiles.m)
    )


def _holds(most: Any, least: Any) -> Any:
    """bool (N): whether most ≤ SPREAD · least in every tile, both (down, across, N)."""
    return np.less_equal(most, SPREAD * least).all(axis=(0, 1))


def _windows(function: Any, a: Any, side: int, step: int) -> Any:
    """The maximum or minimum (H′, W′, N) over windows side×side of an array (H, W, N)."""
    for _ in range(2):
        last = len(a) - side
        found = a[: last + 1 : step].copy()
        for k in range(1, side):
            function(found, a[k : k + last + 1 : step], out=found)
        a = found.swapaxes(0, 1)
    return a
