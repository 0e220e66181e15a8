"""im2col's columns on CUDA: gathered a block of output rows at a time, by one launch each.

Images are (C, H, W, N) and dense. Columns are (C/together, kh, kw, together, OH, OW, N): with
together = 1 in `unfold`'s order; with all channels of a group together in the order in which a
weight lies, (M, kh, kw, C).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from ..kernel import kernel
from ..layout import from_chwn, to_chwn
from ..plain import conv as plain
from ..window import Window
from .arrays import room
from .source import BLOCK, MOST_BLOCKS, launch, prepare, supports

__all__ = ["fold", "unfold"]

COLUMNS = 256 << 20  # bytes of columns at a time: they bound the memory that convolution takes
MOST_ROWS = 65535  # of a grid, in its second dimension


@kernel("cuda")
def unfold(xp: Any, x: Any, window: Window) -> Any:
    """See `plain.conv.unfold`."""
    places = window.positions(x.shape[2:])
    if not supports(x) or x.size == 0 or 0 in places:
        return plain.unfold(xp, x, window)
    image = to_chwn(xp, x)
    shape = (x.shape[1] * math.prod(window.kernel), math.prod(places), x.shape[0])
    columns = xp.empty(shape, dtype=x.dtype)
    _gather_columns(xp, image, columns, window, (0, *places), 1)
    return from_chwn(xp, columns)


@kernel("cuda")
def fold(xp: Any, columns: Any, shape: tuple[int, ...], window: Window) -> Any:
    """See `plain.conv.fold`."""
    if not supports(columns) or columns.size == 0 or 0 in shape:
        return plain.fold(xp, columns, shape, window)
    n, c, *size = shape
    image = xp.empty((c, *size, n), dtype=columns.dtype)
    gather_image(xp, to_chwn(xp, columns), image, window, 1)
    return from_chwn(xp, image)


def blocks_of(image: Any, window: Window, size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Cut the output's rows into ranges (start, stop) whose columns take `COLUMNS` bytes at most.

    A range has at least one row, whatever that takes. `size` is the output's, (OH, OW).
    """
    down, across = size
    each = len(image) * math.prod(window.kernel) * across * image.shape[-1] * image.itemsize
    step = max(1, min(down, COLUMNS // max(each, 1)))
    step = -(-down // -(-down // step))  # blocks of nearly one size
    for top in range(0, down, step):
        yield top, min(top + step, down)


def columns_of(
    xp: Any,
    image: Any,
    window: Window,
    size: tuple[int, int],
    order: tuple[int, int],
    blocks: list[tuple[int, int]],
) -> Iterator[tuple[int, int, Any]]:
    """For each block of output rows its columns, by group: (groups, C/groups·kh·kw, positions).

    Args:
        xp: the namespace of the image.
        image: (C, H, W, N), dense.
        window: how it goes over the image.
        size: of the output, (OH, OW).
        order: groups, and how many channels lie together: (C/together, kh, kw, together).
        blocks: from `blocks_of`.

    All blocks are gathered into one buffer: use one up before asking for the next.
    """
    (down, across), (groups, together) = size, order
    c, n = len(image), image.shape[-1]
    if _is_pointwise(window):
        yield 0, down, xp.reshape(image, (groups, c // groups, down * across * n))
        return
    depth = c * math.prod(window.kernel)
    tallest = max(stop - top for top, stop in blocks)
    buffer = xp.empty((depth * tallest * across * n,), dtype=image.dtype)
    for top, stop in blocks:
        places = (stop - top) * across * n
        columns = buffer[: depth * places]
        _gather_columns(xp, image, columns, window, (top, stop - top, across), together)
        yield top, stop, xp.reshape(columns, (groups, depth // groups, places))


def _is_pointwise(window: Window) -> bool:
    """Whether the columns are the image itself."""
    return window.kernel == window.stride == (1, 1) and window.padding == (0, 0)


def pack(n: int, *arrays: Any) -> int:
    """How many neighbours along N one thread takes: 16 bytes' worth, or 1."""
    lanes: int = 16 // arrays[0].itemsize
    if n % lanes:
        return 1
    for a in arrays:
        if a.data.ptr % 16:
            return 1
    return lanes


def launch_grid(items: int, rows: int) -> tuple[int, int]:
    """The grid of a launch that shares out the items of each of some rows."""
    return min(-(-items // BLOCK), MOST_BLOCKS), min(rows, MOST_ROWS)


def _gather_columns(
    xp: Any, image: Any, columns: Any, window: Window, part: tuple[int, int, int], together: int
) -> None:
    """Columns of an image (C, H, W, N), into dense memory (C/together, kh, kw, together, …).

    Args:
        xp: the namespace of the arrays.
        image: dense.
        columns: where they go.
        window: how it goes over the image; padding and dilation may be negative.
        part: of the output: its first row, how many rows, and how many columns a row has.
        together: how many channels lie together.
    """
    packs = pack(image.shape[-1], image, columns) > 1
    gathering(xp, image.shape, image.dtype, window, part, together, packs)(image, columns)


def gathering(
    xp: Any, image: tuple[int, ...], dtype: Any, window: Window, part: tuple[int, int, int],
    together: int, packs: bool,
) -> Callable[[Any, Any], None]:  # fmt: skip
    """`_gather_columns` of images of a shape; `packs` if 16 bytes along N can be taken at once."""
    c, height, width, n = image
    lanes = 16 // dtype.itemsize
    lanes = lanes if packs and n % lanes == 0 else 1
    name = "im2col" if lanes == 1 else "im2col_pack"
    if lanes > 1 and window.kernel == (3, 3):
        name = "im2col_pack_3x3"
    n //= lanes
    steps = (*window.kernel, *window.stride, *window.padding, *window.dilation)
    area = math.prod(window.kernel)
    return prepare(
        xp, "conv", name, dtype, 2, (c, height, width, n, *steps, *part, together),
        size=max(math.prod(image), c * area * part[1] * part[2] * n * lanes),
        grid=launch_grid(part[1] * part[2] * n, c),
    )  # fmt: skip


class Columns:
    """The columns of images (C, H, W, N) in one block: (groups, C/groups·kh·kw, positions).

    Args:
        xp, window: as of `columns_of`.
        image: the images' shape.
        dtype: theirs.
        size, order: as of `columns_of`.
        packs: whether images begin on 16 bytes.

    Attributes:
        fit: whether they are no more than `COLUMNS`.
        shape: theirs.
    """

    def __init__(
        self, xp: Any, image: tuple[int, ...], dtype: Any, window: Window, size: tuple[int, int],
        order: tuple[int, int], packs: bool,
    ) -> None:  # fmt: skip
        (down, across), (groups, together) = size, order
        c, n = image[0], image[-1]
        depth, places = c * math.prod(window.kernel), down * across * n
        self.fit = depth * places * dtype.itemsize <= COLUMNS
        self.shape = (groups, depth // groups, places)
        self._gather = None
        if self.fit and not _is_pointwise(window):
            self._room = room(xp, (depth * places,), dtype)
            part = (0, down, across)
            self._gather = gathering(xp, image, dtype, window, part, together, packs)

    def __call__(self, image: Any) -> Any:
        """The columns of an image, in memory; for pointwise windows the image itself."""
        if self._gather is None:
            return image
        columns = self._room()
        self._gather(image, columns)
        return columns


def gather_image(xp: Any, columns: Any, image: Any, window: Window, together: int) -> None:
    """Columns (C/together, kh, kw, together, OH, OW, N) added up to an image (C, H, W, N)."""
    c, height, width, n = image.shape
    lanes = pack(n, columns, image)
    n //= lanes
    steps = (*window.kernel, *window.stride, *window.padding, *window.dilation)
    places = window.positions((height, width))
    args = (columns, image, c, height, width, n, *steps, *places, together)
    name = "col2im" if lanes == 1 else "col2im_pack"
    launch(xp, "conv", name, image.dtype, args, grid=launch_grid(height * width * n, c))
