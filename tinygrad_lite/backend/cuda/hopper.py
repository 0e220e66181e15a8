"""Convolution without columns in memory on Hopper's tensor cores: `kernels/conv_hopper.cu`.

float32 in TF32, on GPUs of compute capability 9.0 (H100, H200); what it cannot do goes through
columns. By the bytes: at batch 256 the columns of a step of the ConvNet are 477 million numbers
(139 forward, as many for the weights' gradients, 198 for the inputs'), each written once and read
once: 0.9 ms at 4.2 TB/s, beside 0.6 ms for the 234 GFLOP at the 400 TFLOP/s of a large product.
"""

from __future__ import annotations

import functools
import math
from typing import Any

from .. import algorithm, precision
from ..window import Window
from .direct import WIDE
from .source import BLOCK, MOST_BLOCKS, is_hopper, launch

# As in the kernel file.
TILE, STEP, STAGES = 128, 32, 3
FLAT_ROW = TILE + 8

UNITS = 132  # multiprocessors of an H100, two blocks each: sums are cut into shares to fill them
ALONE = 0.65  # what a block takes by itself on one, of what two take together
START = 8  # steps that a share costs besides its own: filling its buffers, adding it up
MOST_SHARES = 32


def fits(xp: Any, channels: tuple[int, int], groups: int, *arrays: Any) -> bool:
    """Whether a convolution can take this way, and is to.

    Args:
        xp: the namespace of the arrays.
        channels: that are summed over, and of the result.
        groups: of the convolution.
        arrays: its images (…, N), dense, and its weight if that is an operand.
    """
    if algorithm.get_conv_algorithm() not in ("auto", "implicit") or not precision.conv_tf32():
        return False
    if groups != 1 or channels[0] % STEP or channels[1] % 4 or arrays[0].shape[-1] % 4:
        return False
    return is_hopper(xp.library) and all(
        a.dtype == "float32" and a.data.ptr % 16 == 0 and a.size < WIDE and a.flags.c_contiguous
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
    share, shares = _shares(math.prod(tiles), c * math.prod(window.kernel) // STEP)
    y = xp.empty((m, down, across, n), dtype=image.dtype)
    parts = xp.empty((shares, *y.shape), dtype=image.dtype) if shares > 1 else y
    bias = None if bias is None else xp.ascontiguousarray(bias)
    first = bias if shares == 1 else None
    args = (image, weight, first, parts, c, *size, n, m, across, places, share, *_steps(window))
    launch(
        xp, "conv_hopper", f"hopper_{columns}", "float32", args, grid=(*tiles, shares),
        shared=1024 + STAGES * 4 * STEP * (columns + FLAT_ROW), defines=_defines(window),
    )  # fmt: skip
    if shares > 1:
        _add_up(xp, parts, bias, y, window)
    return y


def weight_gradient(xp: Any, g: Any, image: Any, dw: Any, window: Window) -> None:
    """dL/dW into dw (M, kh, kw, C), for g (M, OH, OW, N) and an image (C, H, W, N)."""
    c, *size, n = image.shape
    m, depth = dw.shape[0], math.prod(dw.shape[1:])
    places = g.size // m
    across = window.positions(size)[1]
    tiles = -(-depth // TILE), -(-m // TILE)
    share, shares = _shares(math.prod(tiles), -(-places // STEP))
    parts = xp.empty((shares, *dw.shape), dtype=image.dtype) if shares > 1 else dw
    args = (image, g, parts, c, *size, n, m, across, places, share, *_steps(window))
    launch(
        xp, "conv_hopper", "hopper_weight", "float32", args, grid=(*tiles, shares),
        shared=1024 + STAGES * 4 * STEP * 2 * TILE, defines=_defines(window),
    )  # fmt: skip
    if shares > 1:
        _add_up(xp, parts, None, dw, window)


def turned(xp: Any, weight: Any) -> Any:
    """W (M, kh, kw, C) as (C, kh, kw, M)."""
    m, *window, c = weight.shape
    out = xp.empty((c, *window, m), dtype=weight.dtype)
    taps = math.prod(window)
    launch(
        xp, "conv_hopper", "hopper_turn", "float32", (weight, out, m, taps, c),
        grid=(-(-c // 32), -(-m // 32), taps), defines=("KERNEL_H=1", "KERNEL_W=1"),
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
    launch(xp, "conv_hopper", "hopper_total", "float32", args, grid=grid, defines=_defines(window))


def _steps(window: Window) -> tuple[int, ...]:
    return (*window.stride, *window.padding, *window.dilation)


def _defines(window: Window) -> tuple[str, ...]:
    """The window's size, which the kernels count in: known when they are compiled."""
    height, width = window.kernel
    return (f"KERNEL_H={height}", f"KERNEL_W={width}")
