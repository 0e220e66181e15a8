"""Convolution without columns in memory on Hopper's tensor cores: `kernels/conv_hopper.cu`.

float32 in TF32, and 16 bits, on GPUs of compute capability 9.0 (H100, H200); what it cannot do goes
through columns. By the bytes: at batch 256 the columns of a step of the ConvNet are 477 million
numbers (139 forward, as many for the weights' gradients, 198 for the inputs'), each written once
and read once: 0.9 ms at 4.2 TB/s, beside 0.6 ms for the 234 GFLOP at the 400 TFLOP/s of a large
product.
"""

from __future__ import annotations

import functools
import math
from typing import Any

from .. import algorithm, precision
from ..dtypes import name_of
from ..layout import TO_CHWN
from ..window import Window
from .arrays import room
from .direct import WIDE
from .source import BLOCK, MOST_BLOCKS, is_hopper, prepare

# As in the kernel file.
TILE, STAGES = 128, 3
STEP_BYTES = 128  # of a row of a factor
TYPES = {"float32": 4, "float16": 2, "bfloat16": 2}  # their bytes

UNITS = 132  # multiprocessors of an H100, two blocks each: sums are cut into shares to fill them
ALONE = 0.65  # what a block takes by itself on one, of what two take together
START = 8  # steps that a share costs besides its own: filling its buffers, adding it up
MOST_SHARES = 32


# Positions (of the result, or that a weight's gradient is summed over) from which on columns are
# slower, measured on an H200: with fewer, cuBLAS's products are so much faster than these that they
# pay for the columns.
LEAST = {"output": 0, "input": 512, "weight": 2048}
LEAST_OF_HALF = 8192


def fits(
    xp: Any, what: str, dtype: Any, samples: int, positions: int, channels: tuple[int, int],
    groups: int, largest: int,
) -> bool:  # fmt: skip
    """Whether a convolution can go this way and is fast enough; its arrays must begin on 16 bytes.

    Args:
        xp: the namespace of the arrays.
        what: is to be computed, a key of `LEAST`.
        dtype: of the arrays.
        samples: N.
        positions: how many, as `LEAST` counts them.
        channels: that are summed over, and of the result.
        groups: of the convolution.
        largest: elements of the largest operand.
    """
    name = name_of(dtype)
    size = TYPES.get(name)
    if size is None or algorithm.get_conv_algorithm() == "im2col" or largest >= WIDE:
        return False
    if name == "float32" and not precision.conv_tf32():
        return False
    if positions < (LEAST[what] if size == 4 else LEAST_OF_HALF):
        return False
    packs, steps = samples % (16 // size), channels[0] % (STEP_BYTES // size)
    if groups != 1 or packs or steps or channels[1] % 4:
        return False
    return is_hopper(xp.library)


class Convolve:
    """The output (N, M, OH, OW), as (M, OH, OW, N), for images (C, H, W, N) and W (M, kh, kw, C).

    Args:
        xp: the namespace.
        image: the images' shape.
        m: M.
        dtype: of all.
        window: how it goes over the image.
    """

    def __init__(self, xp: Any, image: tuple[int, ...], m: int, dtype: Any, window: Window) -> None:
        c, *size, n = image
        down, across = window.positions(size)
        places = down * across * n
        columns = 128 if m > 64 else 64
        tiles = -(-places // TILE), -(-m // columns)
        step = STEP_BYTES // dtype.itemsize
        share, shares = _shares(math.prod(tiles), c * math.prod(window.kernel) // step)
        self._y = room(xp, (n, m, down, across), dtype, TO_CHWN[4])
        self._parts, self._add_up = _sums(xp, shares, m, places, dtype, window)
        flat_row = TILE * dtype.itemsize + (32 if dtype.itemsize == 4 else 16)
        self._launch = prepare(
            xp, "conv_hopper", f"hopper_{columns}", dtype, 5,
            (c, *size, n, m, across, places, share, *_steps(window)), grid=(*tiles, shares),
            size=shares * m * places,
            shared=1024 + STAGES * (columns * STEP_BYTES + step * flat_row),
            defines=_defines(window),
        )  # fmt: skip

    def __call__(self, image: Any, weight: Any, bias: Any) -> Any:
        """The output for an image, a weight, and a bias (M) or None."""
        y = self._y()
        parts = None if self._parts is None else self._parts()
        self._launch(image, weight, bias, y, parts)
        if parts is not None:
            self._add_up(parts, bias, y)
        return y


class ConvolveBack:
    """dL/dx (N, C, H, W) for g (M, OH, OW, N) and W (M, kh, kw, C), with a window for g."""

    def __init__(self, xp: Any, g: tuple[int, ...], c: int, dtype: Any, window: Window) -> None:
        m, taps = g[0], math.prod(window.kernel)
        self._turned = room(xp, (c * taps * m,), dtype)
        self._turn = prepare(
            xp, "conv_hopper", "hopper_turn", dtype, 2, (m, taps, c),
            grid=(-(-c // 32), -(-m // 32), taps), defines=_defines(window),
        )  # fmt: skip
        self._convolve = Convolve(xp, g, c, dtype, window)

    def __call__(self, g: Any, weight: Any) -> Any:
        """The image's gradient for g and a weight."""
        turned = self._turned()  # W as (C, kh, kw, M)
        self._turn(weight, turned)
        return self._convolve(g, turned, None)


class WeightGradient:
    """dL/dW (M, kh, kw, C) for g (M, OH, OW, N) and images (C, H, W, N)."""

    def __init__(self, xp: Any, image: tuple[int, ...], m: int, dtype: Any, window: Window) -> None:
        c, *size, n = image
        depth = math.prod(window.kernel) * c
        down, across = window.positions(size)
        places = down * across * n
        tiles = -(-depth // TILE), -(-m // TILE)
        share, shares = _shares(math.prod(tiles), -(-places * dtype.itemsize // STEP_BYTES))
        self._parts, self._add_up = _sums(xp, shares, m, depth, dtype, window)
        self._launch = prepare(
            xp, "conv_hopper", "hopper_weight", dtype, 4,
            (c, *size, n, m, across, places, share, *_steps(window)), grid=(*tiles, shares),
            size=shares * m * depth, shared=1024 + STAGES * STEP_BYTES * 2 * TILE,
            defines=_defines(window),
        )  # fmt: skip

    def __call__(self, g: Any, image: Any, dw: Any) -> None:
        """Write the weight's gradient for g and an image to dw."""
        parts = None if self._parts is None else self._parts()
        self._launch(image, g, dw, parts)
        if parts is not None:
            self._add_up(parts, None, dw)


def _sums(
    xp: Any, shares: int, rows: int, columns: int, dtype: Any, window: Window
) -> tuple[Any, Any]:
    """Two functions: one makes room for the shares of a sum (rows, columns), one adds them up.

    The latter is called with the shares, the bias of the rows or None, and where the sum goes.
    """
    if shares == 1:
        return None, None
    size = rows * columns
    return room(xp, (shares * size,), "float32"), prepare(
        xp, "conv_hopper", "hopper_total", dtype, 3, (size, shares, columns),
        size=shares * size,
        grid=min(-(-size // (4 * BLOCK)), MOST_BLOCKS), defines=_defines(window),
    )  # fmt: skip


@functools.lru_cache(maxsize=512)
def _shares(tiles: int, steps: int) -> tuple[int, int]:
    """Into how many shares a tile's sum is cut, by the shortest time: (steps of one, shares)."""

    def cost(share: int) -> float:
        blocks = -(-tiles * -(-steps // share) // UNITS)  # of the busiest multiprocessor
        return (blocks // 2 + ALONE * (blocks % 2)) * (share + START)

    share = min((-(-steps // shares) for shares in range(1, MOST_SHARES + 1)), key=cost)
    return share, -(-steps // share)


def _steps(window: Window) -> tuple[int, ...]:
    return (*window.stride, *window.padding, *window.dilation)


def _defines(window: Window) -> tuple[str, ...]:
    """The window's size, which the kernels count in: known when they are compiled."""
    height, width = window.kernel
    return (f"KERNEL_H={height}", f"KERNEL_W={width}")
