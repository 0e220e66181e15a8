"""Pooling as functions, with PyTorch's signatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...backend import namespace
from ...backend.dtypes import FLOATING
from ...backend.plain.pool import Pool
from ...ops import pool as ops
from ...tensor import Tensor, apply
from .conv import Size, pair

__all__ = ["adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d", "max_pool1d", "max_pool2d"]


def max_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window; the first maximum, row by row, takes the gradient.

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        kernel_size: the window's size.
        stride: the step from one window to the next; default: the window's size.
        padding: a border of −∞ on each side, at most half of the window.
        dilation: distance between the window's elements.
        ceil_mode: add a last window that overhangs, if it starts inside image or border.
        return_indices: return also which of the image's H·W pixels won, int64.

    Returns:
        (N, C, OH, OW) with OH = ⌊(H + 2·padding − dilation·(kh − 1) − 1) / stride⌋ + 1, or
        rounded up with `ceil_mode`; with `return_indices` a pair of such.

    Raises:
        RuntimeError: ranks or sizes that do not fit.
        TypeError: sizes that are not whole numbers.
    """
    name = "max_pool2d"
    pool = _pool(name, kernel_size, stride, padding, dilation, ceil_mode)
    batch = _batch(name, input)
    out = apply(ops.max_pool2d, batch, pool=pool)
    if not return_indices:
        return out if input.ndim == 4 else out.squeeze(0)
    xp = namespace(batch.array)
    index = xp.max_pool2d(batch.array, pool, True)[1]
    places = Tensor(xp.max_pool2d_places(index, batch.shape[2:], pool))
    return (out, places) if input.ndim == 4 else (out.squeeze(0), places.squeeze(0))


def max_pool1d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window of (N, C, L) or (C, L); arguments as `max_pool2d`."""
    name = "max_pool1d"
    kernel = _of_row(name, "kernel_size", kernel_size, 1)
    step = kernel if stride is None else _of_row(name, "stride", stride, 1)
    border, apart = _of_row(name, "padding", padding, 0), _of_row(name, "dilation", dilation, 1)
    rows = _row(name, input)
    out = max_pool2d(rows, kernel, step, border, apart, ceil_mode, return_indices)
    return (out[0].squeeze(-2), out[1].squeeze(-2)) if return_indices else out.squeeze(-2)


def avg_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The average of each window.

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        kernel_size: the window's size.
        stride: the step from one window to the next; default: the window's size.
        padding: a border of zeros on each side, at most half of the window.
        ceil_mode: add a last window that overhangs, if it starts inside image or border.
        count_include_pad: whether the border counts as elements.
        divisor_override: divide by this in place of the count.

    Returns:
        (N, C, OH, OW), sizes as of `max_pool2d`.

    Raises:
        RuntimeError: ranks or sizes that do not fit, a dtype that is not floating point, or a
            divisor of 0.
        TypeError: sizes that are not whole numbers.
    """
    name = "avg_pool2d"
    if divisor_override == 0:
        raise RuntimeError(f"{name}: divisor_override must not be 0")
    pool = _pool(name, kernel_size, stride, padding, 1, ceil_mode)
    pool = pool._replace(include_pad=count_include_pad, divisor=divisor_override)
    out = apply(ops.avg_pool2d, _floating(name, _batch(name, input)), pool=pool)
    return out if input.ndim == 4 else out.squeeze(0)


def avg_pool1d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The average of each window of (N, C, L) or (C, L); arguments as `avg_pool2d`."""
    name = "avg_pool1d"
    kernel = _of_row(name, "kernel_size", kernel_size, 1)
    step = kernel if stride is None else _of_row(name, "stride", stride, 1)
    border = _of_row(name, "padding", padding, 0)
    rows = _row(name, input)
    return avg_pool2d(rows, kernel, step, border, ceil_mode, count_include_pad).squeeze(-2)


def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """Averages over as many bins as the output has elements.

    Bin i of n rows goes from ⌊i·H/n⌋ to ⌈(i + 1)·H/n⌉; bins overlap where n does not divide H.

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        output_size: (OH, OW), or one number for both; None keeps the input's size.

    Raises:
        RuntimeError: ranks or sizes that do not fit, or a dtype that is not floating point.
        TypeError: sizes that are not whole numbers.
    """
    name = "adaptive_avg_pool2d"
    batch = _floating(name, _batch(name, input))
    own = batch.shape[2:]
    asked = tuple(output_size) if isinstance(output_size, Sequence) else (output_size,) * 2
    if len(asked) != 2:
        raise RuntimeError(f"{name}: output_size must be two sizes, but is {output_size!r}")
    full = [n if wanted is None else wanted for wanted, n in zip(asked, own, strict=True)]
    size = pair(name, "output_size", full, 1)
    if 0 in batch.shape[1:]:
        raise RuntimeError(f"{name}: only the batch may be empty, but the shape is {batch.shape}")
    if own[0] % size[0] or own[1] % size[1]:
        out = apply(ops.adaptive_avg_pool2d, batch, size=size)
    else:  # equal bins side by side
        bin = (own[0] // size[0], own[1] // size[1])
        out = apply(ops.avg_pool2d, batch, pool=Pool(bin, bin))
    return out if input.ndim == 4 else out.squeeze(0)


def _pool(
    name: str, kernel: Size, stride: Size | None, padding: Size, dilation: Size, ceil_mode: bool
) -> Pool:
    """A window of checked sizes."""
    size = pair(name, "kernel_size", kernel, 1)
    return Pool(
        size,
        size if stride is None else pair(name, "stride", stride, 1),
        pair(name, "padding", padding),
        pair(name, "dilation", dilation, 1),
        bool(ceil_mode),
    )


def _batch(name: str, input: Tensor) -> Tensor:
    """(N, C, H, W) from an input that may be one image."""
    if input.ndim not in (3, 4):
        raise RuntimeError(
            f"{name}: expected an input (N, C, H, W) or (C, H, W), but its shape is {input.shape}"
        )
    return input if input.ndim == 4 else input.unsqueeze(0)


def _row(name: str, input: Tensor) -> Tensor:
    """(N, C, 1, L) or (C, 1, L)."""
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"{name}: expected an input (N, C, L) or (C, L), but its shape is {input.shape}"
        )
    return input.unsqueeze(-2)


def _of_row(name: str, what: str, value: Any, beside: int) -> tuple[int, int]:
    """A size along a row of height 1, from an int or a sequence of one int."""
    if isinstance(value, Sequence) and len(value) != 1:
        raise RuntimeError(f"{name}: {what} must be one int, but is {value!r}")
    return beside, pair(name, what, value, beside)[1]


def _floating(name: str, input: Tensor) -> Tensor:
    if input.dtype.kind not in FLOATING:
        raise RuntimeError(f"{name}: not implemented for {input.dtype}, only for floating point")
    return input
