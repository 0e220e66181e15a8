"""Pooling as functions, with PyTorch's signatures.

A signal (N, C, L) is pooled as an image (N, C, 1, L), one sample as a batch of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ...backend import namespace
from ...backend.dtypes import FLOATING
from ...backend.plain.pool import Pool
from ...ops import pool as ops
from ...tensor import Tensor, apply
from ...tensor.apply import apply_keeping
from ...tensor.base import new
from ...tensor.check import takes_tensors
from ...tensor.operation import refuse
from ...tensor.shown import called
from .sizes import Size, bins, sizes, window_of

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "lp_pool1d",
    "lp_pool2d",
    "max_pool1d",
    "max_pool2d",
]


@takes_tensors
def max_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window; of equal ones the first, row by row, gets the gradient.

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        kernel_size: the window's size.
        stride: the step from one window to the next; default: the window's size.
        padding: a border of −∞ on each side, at most half of the window.
        dilation: the distance between the window's elements in the image.
        ceil_mode: round the number of windows up: a last one may reach beyond the border, if it
            starts before the image's end.
        return_indices: return also which of the image's H·W pixels each maximum was, int64.

    Returns:
        (N, C, OH, OW) with OH = ⌊(H + 2·padding − dilation·(kh − 1) − 1) / stride⌋ + 1, or
        rounded up with `ceil_mode`, without N for one image; with `return_indices` a pair of such.

    Raises:
        RuntimeError: ranks or sizes that do not fit.
        TypeError: sizes that are not whole numbers.

    Example:
        >>> F.max_pool2d(torch.arange(16.0).reshape(1, 1, 4, 4), 2)
        tensor([[[[ 5.,  7.],
                  [13., 15.]]]])
    """
    window = kernel_size, stride, padding, dilation, ceil_mode
    return _max_pool("max_pool2d", 2, input, window, return_indices)


@takes_tensors
def max_pool1d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window of (N, C, L) or (C, L).

    Arguments, results and errors as `max_pool2d`, one dimension less.
    """
    window = kernel_size, stride, padding, dilation, ceil_mode
    return _max_pool("max_pool1d", 1, input, window, return_indices)


def _max_pool(name: str, dims: int, input: Tensor, window: Any, return_indices: bool) -> Any:
    """Maxima over windows of `dims` dimensions, and with `return_indices` their places.

    `window` are kernel, stride, padding, dilation and ceil_mode.
    """
    images, pool = _images(name, dims, input), _pool(name, dims, *window)
    out = _of_rank(apply_keeping(ops.max_pool2d, images, pool=pool), dims, input)
    if dims == 2 and input.array.ndim == 3:
        called(out, "MaxPool2DWithIndices")
    if not return_indices:
        return out
    xp = namespace(images.array)
    index = xp.max_pool2d(images.array, pool, True)[1]
    places = new(xp.max_pool2d_places(index, images.shape[2:], pool))
    return out, _of_rank(places, dims, input)


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
        ceil_mode: round the number of windows up: a last one may reach beyond the border, if it
            starts before the image's end.
        count_include_pad: whether the border counts as elements.
        divisor_override: divide by this in place of the count.

    Returns:
        (N, C, OH, OW), sizes as of `max_pool2d`.

    Raises:
        RuntimeError: ranks or sizes that do not fit, or a divisor of 0; a dtype that is neither
            floating point nor int64 (whose averages are rounded towards zero).
        TypeError: sizes that are not whole numbers.

    Example:
        >>> F.avg_pool2d(torch.arange(4.0).reshape(1, 1, 2, 2), 2)
        tensor([[[[1.5000]]]])
    """
    if divisor_override == 0:
        raise RuntimeError("avg_pool2d: divisor_override must not be 0")
    window = kernel_size, stride, padding, 1, ceil_mode
    return _avg_pool("avg_pool2d", 2, input, window, count_include_pad, divisor_override)


@takes_tensors
def avg_pool1d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The average of each window of (N, C, L) or (C, L).

    Arguments, results and errors as `avg_pool2d`, one dimension less.
    """
    window = kernel_size, stride, padding, 1, ceil_mode
    return _avg_pool("avg_pool1d", 1, input, window, count_include_pad, None)


def _avg_pool(
    name: str, dims: int, input: Tensor, window: Any, include_pad: bool, divisor: int | None
) -> Tensor:
    """Averages over windows of `dims` dimensions; `window` as of `_max_pool`."""
    images = _images(name, dims, input)
    pool = _pool(name, dims, *window)._replace(include_pad=include_pad, divisor=divisor)

    def average(x: Tensor, divisor: int | None) -> Tensor:
        return apply(ops.avg_pool2d, x, pool=pool._replace(divisor=divisor or pool.divisor))

    whole = images.array.dtype == "int64"
    out = average_of_integers(average, images) if whole else average(_floating(name, images), None)
    return _of_rank(out, dims, input)


def average_of_integers(average: Callable[[Tensor, int | None], Tensor], x: Tensor) -> Tensor:
    """The averages of windows of int64, towards zero: sum ÷ size, the sum exact up to 2⁵³.

    Args:
        average: pools a tensor, dividing by a number, or by what was asked for if it is None.
        x: (N, C, …), int64.
    """
    ones = x.new_ones((1, 1, *x.shape[2:]), dtype="float64")
    size = (average(ones, 1) / average(ones, None)).round()
    return (average(x.double(), 1) / size).trunc().to(x.dtype)


@takes_tensors
def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """Averages over OH × OW bins, whatever the image's size.

    Row i of the bins goes from row ⌊i·H/OH⌋ of the image up to row ⌈(i + 1)·H/OH⌉, which is not in
    it; columns likewise. Bins overlap where OH does not divide H.

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        output_size: (OH, OW), or one number for both; None keeps the input's size.

    Returns:
        (N, C, OH, OW), or (C, OH, OW).

    Raises:
        RuntimeError: ranks or sizes that do not fit, or a dtype that is not floating point.
        ValueError: a sequence of sizes for an input of no more dimensions.
        TypeError: sizes that are not whole numbers.
    """
    name = "adaptive_avg_pool2d"
    asked = bins(name, output_size, 2, input.ndim)
    images = _floating(name, _images(name, 2, input))
    own = images.shape[2:]
    full = [n if wanted is None else wanted for wanted, n in zip(asked, own, strict=True)]
    high, wide = sizes(name, "output_size", full, 2, 0)
    if 0 in own:
        raise RuntimeError(
            f"{name}: an image must not be empty, but the shape is {tuple(input.shape)}"
        )
    if 0 in (high, wide):
        return _of_rank(images.flatten(2)[..., :0].unflatten(2, (high, wide)), 2, input)
    if own[0] % high or own[1] % wide or not images.shape[1]:
        out = apply(ops.adaptive_avg_pool2d, images, size=(high, wide))
    else:  # equal bins side by side
        bin = (own[0] // high, own[1] // wide)
        out = apply(ops.avg_pool2d, images, pool=Pool(bin, bin))
    return _of_rank(out, 2, input)


@takes_tensors
def adaptive_avg_pool1d(input: Tensor, output_size: int | Sequence[int]) -> Tensor:
    """Averages over OL bins of (N, C, L) or (C, L).

    Arguments, results and errors as `adaptive_avg_pool2d`, one dimension less.
    """
    size = bins("adaptive_avg_pool1d", output_size, 1)
    signals = _images("adaptive_avg_pool1d", 1, input)
    return _of_rank(adaptive_avg_pool2d(signals, (1, *size)), 1, input)


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """(Σ xᵖ)^(1/p) of each window; NaN where the sum is negative.

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        norm_type: p.
        kernel_size, stride, ceil_mode: as `avg_pool2d`; results and errors too.
    """
    if abs(norm_type) == math.inf:
        return extreme_magnitudes(max_pool2d, input, norm_type, kernel_size, stride, ceil_mode)
    high, wide = sizes("lp_pool2d", "kernel_size", kernel_size, 2, 1)
    mean = avg_pool2d(input**norm_type, kernel_size, stride, 0, ceil_mode)
    return norm_of_mean(mean, high * wide, norm_type)


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """`lp_pool2d` of signals (N, C, L) or (C, L)."""
    if abs(norm_type) == math.inf:
        return extreme_magnitudes(max_pool1d, input, norm_type, kernel_size, stride, ceil_mode)
    (size,) = sizes("lp_pool1d", "kernel_size", kernel_size, 1, 1)
    mean = avg_pool1d(input**norm_type, kernel_size, stride, 0, ceil_mode)
    return norm_of_mean(mean, size, norm_type)


def extreme_magnitudes(
    max_pool: Any, input: Tensor, p: float, kernel_size: Any, stride: Any, ceil_mode: bool
) -> Tensor:
    """What pooling with p = ±∞ gives: the largest or the smallest magnitude."""
    sign = math.copysign(1.0, p)
    found: Tensor = max_pool(input.abs() * sign, kernel_size, stride, 0, 1, ceil_mode)
    return found * sign


def norm_of_mean(mean: Tensor, count: int, p: float) -> Tensor:
    """(Σ xᵖ)^(1/p) from the mean of xᵖ over `count` elements."""
    return (mean.sign() * mean.abs().relu() * count) ** (1 / p)


def _pool(
    name: str,
    dims: int,
    kernel: Size,
    stride: Size | None,
    padding: Size,
    dilation: Size,
    ceil_mode: bool,
) -> Pool:
    """The window of a pooling, its sizes checked."""
    step = None if isinstance(stride, Sequence) and not stride else stride
    return Pool(*window_of(name, kernel, step, padding, dilation, dims), bool(ceil_mode))


def _images(name: str, dims: int, input: Tensor) -> Tensor:
    """Images (`dims` = 2), signals (1) or a single one of them as (N, C, H, W).

    Raises:
        RuntimeError: another rank.
    """
    axes = "H, W" if dims == 2 else "L"
    rank = input.array.ndim
    if dims == 2 and rank == 4:
        return input
    if rank not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"{name}: expected an input (N, C, {axes}) or (C, {axes}), but its shape is "
            f"{tuple(input.shape)}"
        )
    images = input if dims == 2 else input.unsqueeze(-2)
    return images if images.ndim == 4 else images.unsqueeze(0)


def _of_rank(out: Tensor, dims: int, input: Tensor) -> Tensor:
    """An output (N, C, OH, OW) in the rank that the input had before `_images`."""
    out = out if dims == 2 else out.squeeze(-2)
    return out if input.array.ndim == dims + 2 else out.squeeze(0)


def _floating(name: str, input: Tensor) -> Tensor:
    """The input itself, if it is floating point.

    Raises:
        NotImplementedError: it is not.
    """
    if input.array.dtype.kind not in FLOATING:
        refuse(name, input)
    return input
