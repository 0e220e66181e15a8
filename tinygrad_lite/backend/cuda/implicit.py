"""Convolution on CUDA without columns in memory: `kernels/conv_implicit.cu`.

Off unless `set_conv_algorithm("implicit")` asks for it, because it has not been measured yet.
It wants tensor cores with TF32 (GPUs from 2020 on); what it cannot do goes through columns.

What it is to save, by the bytes: at batch 256 the columns of a step of the ConvNet are 477 million
numbers (139 forward, as many for the weights' gradients, 198 for the inputs'), each written once
and read once. On an H200 (4.8 TB/s) that is 0.8 ms in float32, beside 0.9 ms for the 234 GFLOP at
half of TF32's peak and 0.4 ms for all else: 1.6 times the time without columns. In 16 bits it is
0.4 ms, beside 0.6 ms and 0.2 ms: within 1.5 times even of a library that wastes nothing. So there
is no such kernel for 16 bits until a measurement asks for it.
"""

from __future__ import annotations

import math
from typing import Any

from .. import algorithm, precision
from ..window import Window
from .source import WIDE, launch

# As in the kernel file.
TILE, STEP, STAGES = 128, 16, 4
DEEP_ROW, FLAT_ROW = STEP + 4, TILE + 8

RESIDENT = 264  # blocks that a large GPU runs at once: shares of a sum are cut to fill it
LEAST_STEPS = 8  # of a share, to be worth its part of the sums


def fits(weight_shape: tuple[int, ...], groups: int, *arrays: Any) -> bool:
    """Whether a convolution can take this way, and is to.

    Args:
        weight_shape: (M, kh, kw, C).
        groups: of the convolution.
        arrays: its images (…, N), dense, and its weight if that is an operand.
    """
    if algorithm.get_conv_algorithm() != "implicit" or not precision.conv_tf32():
        return False
    whole = all(
        a.dtype.name == "float32"
        and a.data.ptr % 16 == 0
        and a.size < WIDE
        and a.flags.c_contiguous
        for a in arrays
    )
    samples = arrays[0].shape[-1]
    return whole and groups == 1 and samples % 4 == math.prod(weight_shape[1:]) % 4 == 0


def convolve(xp: Any, image: Any, weight: Any, bias: Any, window: Window) -> Any:
    """The output (M, OH, OW, N) for an image (C, H, W, N) and W (M, kh, kw, C)."""
    c, *size, n = image.shape
    m = weight.shape[0]
    down, across = window.positions(size)
    places = down * across * n
    y = xp.empty((m, down, across, n), dtype=image.dtype)
    rows = 128 if m > 64 else 64
    bias = None if bias is None else xp.ascontiguousarray(bias)
    args = (image, weight, bias, y, c, *size, n, m, across, places, *_steps(window))
    launch(
        xp, "conv_implicit", f"implicit_{rows}", "float32", args,
        grid=(-(-places // TILE), -(-m // rows)),
        shared=(rows * DEEP_ROW + STEP * FLAT_ROW) * STAGES * 4,
        defines=_defines(window),
    )  # fmt: skip
    return y


def weight_gradient(xp: Any, g: Any, image: Any, dw: Any, window: Window) -> None:
    """dL/dW into dw (M, kh, kw, C), for g (M, OH, OW, N) and an image (C, H, W, N).

    The positions are shared out, and the shares' sums added up in order by a second launch.
    """
    c, *size, n = image.shape
    m, depth = dw.shape[0], math.prod(dw.shape[1:])
    places = g.size // m
    across = window.positions(size)[1]
    tiles = -(-depth // TILE), -(-m // 64)
    steps = -(-places // STEP)
    wanted = max(1, min(RESIDENT // math.prod(tiles), steps // LEAST_STEPS))
    share = -(-steps // wanted)
    shares = -(-steps // share)
    parts = xp.empty((shares, m, depth), dtype=image.dtype) if shares > 1 else dw
    args = (image, g, parts, c, *size, n, m, across, places, share, *_steps(window))
    launch(
        xp, "conv_implicit", "implicit_weight", "float32", args,
        grid=(*tiles, shares),
        shared=(64 + TILE) * DEEP_ROW * STAGES * 4,
        defines=_defines(window),
    )  # fmt: skip
    if shares > 1:
        args = (parts, dw, m * depth, shares)
        launch(xp, "conv_implicit", "implicit_total", "float32", args, count=m * depth)


def _steps(window: Window) -> tuple[int, ...]:
    return (*window.stride, *window.padding, *window.dilation)


def _defines(window: Window) -> tuple[str, ...]:
    """The window's size, which the kernels divide by: known when they are compiled."""
    height, width = window.kernel
    return (f"KERNEL_H={height}", f"KERNEL_W={width}")
