"""Convolution and pooling of volumes (N, C, D, H, W), composed of those of images.

Depth is treated apart from height and width. A kernel (kd, kh, kw) over C channels is one of
(kh, kw) over C·kd, and pooling is over (H, W) first, then over D.
"""

from __future__ import annotations

import math
from typing import Any

from ...backend import namespace, numpy
from ...tensor import Tensor
from ...tensor.base import new
from ...tensor.check import takes_tensors
from ...tensor.create import zeros
from ...tensor.own_order import own_order
from ...tensor.padding import pad
from .adaptive_pool import adaptive_max_pool2d
from .conv import conv2d, conv_transpose2d
from .pool import (
    adaptive_avg_pool2d,
    average_of_integers,
    avg_pool2d,
    extreme_magnitudes,
    max_pool2d,
    norm_of_mean,
)
from .sizes import Size, bins, sizes, whole

__all__ = [
    "adaptive_avg_pool3d",
    "adaptive_max_pool3d",
    "avg_pool3d",
    "conv3d",
    "conv_transpose3d",
    "lp_pool3d",
    "max_pool3d",
]


@own_order
@takes_tensors
def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Volumes cross-correlated with kernels.

    Args:
        input: (N, C, D, H, W) or (C, D, H, W).
        weight: (M, C/groups, kd, kh, kw).
        bias, stride, padding, dilation, groups: as `conv2d`, with three sizes.

    Returns:
        (N, M, OD, OH, OW), or (M, OD, OH, OW); sizes as of `conv2d`.

    Raises: as `conv2d`.
    """
    x = _batched("conv3d", input, weight)
    (kd, *kernel), (sd, *step) = weight.shape[2:], sizes("conv3d", "stride", stride, 3, 1)
    dd, *apart = sizes("conv3d", "dilation", dilation, 3, 1)
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise RuntimeError(
                f"conv3d: padding must be 'valid', 'same' or a size, but is {padding!r}"
            )
        if padding == "same" and (sd, *step) != (1, 1, 1):
            raise RuntimeError("conv3d: padding='same' is not supported for strided convolutions")
        spans = zip((kd, *kernel), (dd, *apart), strict=True)
        totals = [d * (k - 1) if padding == "same" else 0 for k, d in spans]
        x = pad(x, [n for total in reversed(totals) for n in (total // 2, -(-total // 2))])
        padding = 0
    pd, *border = sizes("conv3d", "padding", padding, 3)
    x = pad(x, (0, 0, 0, 0, pd, pd)) if pd else x
    n, c, depth = x.shape[:3]
    out = (depth - dd * (kd - 1) - 1) // sd + 1
    if out < 1:
        raise RuntimeError(
            f"conv3d: kernel {dd * (kd - 1) + 1} deep (with dilation) is larger than the padded "
            f"input {depth} deep"
        )
    places = numpy.arange(out)[:, None] * sd + numpy.arange(kd) * dd
    slices = x.index_select(2, _index(x, places)).reshape(n, c, out, kd, *x.shape[3:])
    images = slices.movedim(2, 1).reshape(n * out, c * kd, *x.shape[3:])
    kernels = weight.reshape(weight.shape[0], weight.shape[1] * kd, *kernel)
    y = conv2d(images, kernels, bias, step, border, apart, groups)
    y = y.reshape(n, out, *y.shape[1:]).movedim(1, 2)
    return y if input.ndim == 5 else y.squeeze(0)


@own_order
@takes_tensors
def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """The gradient of `conv3d` with respect to its input, as an operation of its own.

    Args:
        input: (N, C, D, H, W) or (C, D, H, W).
        weight: (C, M/groups, kd, kh, kw).
        bias, stride, padding, output_padding, groups, dilation: as `conv_transpose2d`, with three
            sizes.

    Returns:
        (N, M, OD, OH, OW), or (M, OD, OH, OW); sizes as of `conv_transpose2d`.

    Raises: as `conv_transpose2d`.
    """
    op = "conv_transpose3d"
    x = _batched(op, input, weight)
    kd, *kernel = weight.shape[2:]
    (sd, *step), (dd, *apart) = (
        sizes(op, name, value, 3, 1) for name, value in (("stride", stride), ("dilation", dilation))
    )
    pd, *border = sizes(op, "padding", padding, 3)
    ed, *extra = sizes(op, "output_padding", output_padding, 3)
    if ed >= max(sd, dd):
        raise RuntimeError(
            f"{op}: output padding must be smaller than either stride or dilation, but got "
            f"{ed} with stride {sd} and dilation {dd}"
        )
    n, c, depth = x.shape[:3]
    m = weight.shape[1] * whole(op, "groups", groups)
    kernels = weight.reshape(c, weight.shape[1] * kd, *kernel) if c == weight.shape[0] else weight
    images = x.movedim(2, 1).reshape(n * depth, c, *x.shape[3:])
    parts = conv_transpose2d(images, kernels, None, step, border, extra, groups, apart)
    size = parts.shape[2:]
    parts = parts.reshape(n, depth, m, kd, *size).permute(0, 2, 1, 3, 4, 5)
    parts = parts.reshape(n, m, depth * kd, *size)
    places = numpy.arange(depth)[:, None] * sd + numpy.arange(kd) * dd
    whole_depth = (depth - 1) * sd + dd * (kd - 1) + 1 + ed
    out = whole_depth - 2 * pd
    if out < 1:
        raise RuntimeError(f"{op}: the output would be {out} deep")
    y = zeros(n, m, whole_depth, *size, dtype=parts.dtype, device=parts.device)
    y = y.index_add(2, _index(x, places), parts)[:, :, pd : pd + out]
    y = y if bias is None else y + bias.reshape(m, 1, 1, 1)
    return y if input.ndim == 5 else y.squeeze(0)


@takes_tensors
def max_pool3d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window of (N, C, D, H, W) or (C, D, H, W).

    Arguments, results and errors as `max_pool2d`, one dimension more; indices count the D·H·W
    elements of a channel.
    """
    x, window = _window("max_pool3d", input, kernel_size, stride, padding, dilation)
    settings = {"ceil_mode": ceil_mode, "return_indices": return_indices}
    flat = max_pool2d(_slices(x), *(pair for _, pair in window), **settings)
    places = flat
    if return_indices:
        flat, places = flat
    columns = _columns(flat, x)
    found = max_pool2d(columns, *(depth for depth, _ in window), **settings)
    size = flat.shape[2:]
    if not return_indices:
        return _volume(found, size, input)
    found, rows = found
    # Which slice won, then which of its pixels.
    wide = columns.shape[3]
    slice_of = rows // wide
    pixel = _columns(places, x).gather(2, slice_of)
    index = slice_of * (x.shape[3] * x.shape[4]) + pixel
    return _volume(found, size, input), _volume(index, size, input)


def avg_pool3d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The average of each window of (N, C, D, H, W) or (C, D, H, W).

    Arguments, results and errors as `avg_pool2d`, one dimension more.
    """
    if divisor_override == 0:
        raise RuntimeError("avg_pool3d: divisor_override must not be 0")
    x, window = _window("avg_pool3d", input, kernel_size, stride, padding, 1)
    (kernel, step, border, _) = window
    whole, image = (kernel[0][0], *kernel[1]), tuple(x.shape[2:])
    if any(n < k for n, k in zip(image, whole, strict=True)):
        raise RuntimeError(f"avg_pool3d: an image of {image} is smaller than the kernel of {whole}")
    settings = ceil_mode, count_include_pad
    if x.array.dtype == "int64":
        shape = kernel_size, stride, padding, *settings
        found = average_of_integers(lambda t, d: avg_pool3d(t, *shape, d or divisor_override), x)
        return found if input.ndim == 5 else found.squeeze(0)
    flat = avg_pool2d(_slices(x), kernel[1], step[1], border[1], *settings, divisor_override)
    last = None if divisor_override is None else 1
    found = avg_pool2d(_columns(flat, x), kernel[0], step[0], border[0], *settings, last)
    return _volume(found, flat.shape[2:], input)


@takes_tensors
def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Averages over OD × OH × OW bins of (N, C, D, H, W) or (C, D, H, W).

    Arguments, results and errors as `adaptive_avg_pool2d`, one dimension more.
    """
    x, (deep, *size) = _bins("adaptive_avg_pool3d", input, output_size)
    flat = adaptive_avg_pool2d(_slices(x), size)
    found = adaptive_avg_pool2d(_columns(flat, x), (deep, None))
    return _volume(found, flat.shape[2:], input)


@takes_tensors
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maximum of each of OD × OH × OW bins of (N, C, D, H, W) or (C, D, H, W).

    Arguments, results and errors as `adaptive_max_pool2d`, one dimension more; indices count the
    D·H·W elements of a channel.
    """
    x, (deep, *size) = _bins("adaptive_max_pool3d", input, output_size)
    flat, places = adaptive_max_pool2d(_slices(x), size, True)
    columns = _columns(flat, x)
    found, rows = adaptive_max_pool2d(columns, (deep, None), True)
    if not return_indices:
        return _volume(found, flat.shape[2:], input)
    slice_of = rows // columns.shape[3]
    index = slice_of * (x.shape[3] * x.shape[4]) + _columns(places, x).gather(2, slice_of)
    return tuple(_volume(t, flat.shape[2:], input) for t in (found, index))


def lp_pool3d(
    input: Tensor,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """`lp_pool2d` of volumes (N, C, D, H, W) or (C, D, H, W)."""
    if abs(norm_type) == math.inf:
        return extreme_magnitudes(max_pool3d, input, norm_type, kernel_size, stride, ceil_mode)
    deep, high, wide = sizes("lp_pool3d", "kernel_size", kernel_size, 3, 1)
    mean = avg_pool3d(input**norm_type, kernel_size, stride, 0, ceil_mode)
    return norm_of_mean(mean, deep * high * wide, norm_type)


def _batched(name: str, input: Tensor, weight: Tensor | None = None) -> Tensor:
    """Volumes, or a single one, as (N, C, D, H, W).

    Raises:
        RuntimeError: another rank, of the input or the weight.
    """
    if input.ndim not in (4, 5) or (weight is not None and weight.ndim != 5):
        also = "" if weight is None else f" and a 5-D weight, and the weight {tuple(weight.shape)}"
        raise RuntimeError(
            f"{name}: expected an input (N, C, D, H, W) or (C, D, H, W){also}, but its shape is "
            f"{tuple(input.shape)}"
        )
    return input if input.ndim == 5 else input.unsqueeze(0)


def _index(like: Tensor, places: Any) -> Tensor:
    """Places of the host in one row, on a tensor's device."""
    return new(namespace(like.array).asarray(places.reshape(-1)))


def _window(
    name: str, input: Tensor, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> tuple[Tensor, list[tuple[Any, Any]]]:
    """The volumes (N, C, D, H, W), and kernel, stride, padding and dilation in two parts each.

    The first part, over depth, is for `_columns`, the second, over height and width, for `_slices`.
    """
    size = sizes(name, "kernel_size", kernel, 3, 1)
    step = size if stride in (None, [], ()) else sizes(name, "stride", stride, 3, 1)
    border = sizes(name, "padding", padding, 3)
    apart = sizes(name, "dilation", dilation, 3, 1)
    if any(p > k // 2 for p, k in zip(border, size, strict=True)):
        raise RuntimeError(
            f"{name}: pad should be at most half of kernel size, but padding is {border} and the "
            f"kernel {size}"
        )
    split = [((d, least), (h, w)) for (d, h, w), least in
             ((size, 1), (step, 1), (border, 0), (apart, 1))]  # fmt: skip
    return _batched(name, input), split


def _bins(name: str, input: Tensor, output_size: Any) -> tuple[Tensor, tuple[Any, ...]]:
    """The volumes (N, C, D, H, W), and how many bins each way.

    Raises:
        RuntimeError: another rank, or another number of sizes.
        ValueError: a sequence of sizes for an input of no more dimensions.
    """
    asked = bins(name, output_size, 3, input.ndim)
    return _batched(name, input), asked


def _slices(x: Tensor) -> Tensor:
    """Volumes (N, C, D, H, W) as images (N, C·D, H, W), one a slice."""
    return x.reshape(x.shape[0], x.shape[1] * x.shape[2], *x.shape[3:])


def _columns(flat: Tensor, x: Tensor) -> Tensor:
    """Pooled slices (N, C·D, OH, OW) as images (N, C, D, OH·OW), whose height is the depth."""
    return flat.reshape(*x.shape[:3], flat.shape[2] * flat.shape[3])


def _volume(found: Tensor, size: Any, input: Tensor) -> Tensor:
    """Pooled columns (N, C, OD, OH·OW) as volumes, (C, OD, OH, OW) if the input was one volume."""
    y = found.reshape(*found.shape[:3], *size)
    return y if input.ndim == 5 else y.squeeze(0)
