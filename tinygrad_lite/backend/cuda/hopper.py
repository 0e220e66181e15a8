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
from ..window import Window
from .direct import WIDE
from .source import BLOCK, MOST_BLOCKS, is_hopper, launch

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
    xp: Any, what: str, positions: int, channels: tuple[int, int], groups: int, *arrays: Any
) -> bool:
    """Whether a convolution can take this way, and is to.

    Args:
        xp: the namespace of the arrays.
        what: is to be computed, a key of `LEAST`.
        positions: how many, as `LEAST` counts them.
        channels: that are summed over, and of the result.
        groups: of the convolution.
        arrays: its images (…, N), dense, and its weight if that is an operand.
    """
    name = name_of(arrays[0].dtype)
    size = TYPES.get(name)
    if size is None or algorithm.get_conv_algorithm() == "im2col":
        return False
    if name == "float32" and not precision.conv_tf32():
        return False
    if positions < (LEAST[what] if size == 4 else LEAST_OF_HALF):
        return False
    packs, steps = arrays[0].shape[-1] % (16 // size), channels[0] % (STEP_BYTES // size)
    if groups != 1 or packs or steps or channels[1] % 4:
        return False
    return is_hopper(xp.library) and all(
        a.dtype == arrays[0].dtype
        and a.data.ptr % 16 == 0
        and a.size < WIDE
        and a.flags.c_contiguous
        for a in arrays
    )


def convolve(xp: Any, image: Any, weight: Any, bias: Any, window: Window) -> Any:
    """The output (M, OH, OW, N) for an image (C, H, W, N) and W (M, kh, kw, C)."""
    c, *size, n = image.shape
    m = weight.shape[0]
    down, across = window.positions(size)
    places = down * across * n
    columns = 128 if m > 64 else 64
    tiles = -(-places // TILE), -(-m // columns)
    step = STEP_BYTES // image.itemsize
    share, shares = _shares(math.prod(tiles), c * math.prod(window.kernel) // step)
    y = xp.empty((m, down, across, n), dtype=image.dtype)
    parts = xp.empty((shares, *y.shape), dtype="float32") if shares > 1 else None
    bias = None if bias is None else xp.ascontiguousarray(bias)
    args = (image, weight, bias, y, parts, c, *size, n, m, across, places, share, *_steps(window))
    flat_row = TILE * image.itemsize + (32 if image.itemsize == 4 else 16)
    launch(
        xp, "conv_hopper", f"hopper_{columns}", image.dtype, args, grid=(*tiles, shares),
        shared=1024 + STAGES * (columns * STEP_BYTES + step * flat_row), defines=_defines(window),
    )  # fmt: skip
    if parts is not None:
        _add_up(xp, parts, bias, y, window)
    return y


def weight_gradient(xp: Any, g: Any, image: Any, dw: Any, window: Window) -> None:
    """dL/dW into dw (M, kh, kw, C), for g (M, OH, OW, N) and an image (C, H, W, N)."""
    c, *size, n = image.shape
    m, depth = dw.shape[0], math.prod(dw.shape[1:])
    places = g.size // m
    across = window.positions(size)[1]
    tiles = -(-depth // TILE), -(-m // TILE)
    share, shares = _shares(math.prod(tiles), -(-places * image.itemsize // STEP_BYTES))
    parts = xp.empty((shares, *dw.shape), dtype="float32") if shares > 1 else None
    args = (image, g, dw, parts, c, *size, n, m, across, places, share, *_steps(window))
    launch(
        xp, "conv_hopper", "hopper_weight", image.dtype, args, grid=(*tiles, shares),
        shared=1024 + STAGES * STEP_BYTES * 2 * TILE, defines=_defines(window),
    )  # fmt: skip
    if parts is not None:
        _add_up(xp, parts, None, dw, window)


def turned(xp: Any, weight: Any) -> Any:
    """W (M, kh, kw, C) as (C, kh, kw, M)."""
    m, *window, c = weight.shape
    out = xp.empty((c, *window, m), dtype=weight.dtype)
    taps = math.prod(window)
    launch(
        xp, "conv_hopper", "hopper_turn", weight.dtype, (weight, out, m, taps, c),
        grid=(-(-c // 32), -(-m // 32), taps), defines=_defines(Window(tuple(window))),
    )  # fmt: skip
    return out


@functools.lru_cache(maxsize=512)
def _shares(tiles: int, steps: int) -> tuple[int, int]:
    """Steps of a share of a tile's sum, and how many shares there are: whichever takes least."""

    def cost(share: int) -> float:
        blocks = -(-tiles * -(-steps // share) // UNITS)  # of the busiest multiprocessor
        return (blocks // 2 + ALONE * (blocks % 2)) * (share + START)

    share = min((-(-steps // shares) for shares in range(1, MOST_SHARES + 1)), key=cost)
    return share, -(-steps // share)


def _add_up(xp: Any, parts: Any, bias: Any, y: Any, window: Window) -> None:
    """The sum over shares into y, in order, and the bias of its rows."""
    args = (parts, bias, y, y.size, len(parts), y.size // len(y))
    grid = min(-(-y.size // (4 * BLOCK)), MOST_BLOCKS)
    launch(xp, "conv_hopper", "hopper_total", y.dtype, args, grid=grid, defines=_defines(window))


def _steps(window: Window) -> tuple[int, ...]:
    return (*window.stride, *window.padding, *window.dilation)


def _defines(window: Window) -> tuple[str, ...]:
    """The window's size, which the kernels count in: known when they are compiled."""
    height, width = window.kernel
    return (f"KERNEL_H={height}", f"KERNEL_W={width}")
