"""Convolution and pooling of volumes (N, C, D, H, W): compositions of what images have.

Depth is taken apart from height and width: a kernel's slices become channels of an image's
kernel, and windows are pooled over (H, W) first, then over D.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...backend import namespace, numpy
from ...tensor import Tensor
from ...tensor.base import new
from ...tensor.create import zeros
from .adaptive_pool import adaptive_max_pool2d
from .conv import conv2d, conv_transpose2d
from .padding import pad
from .pool import _root, adaptive_avg_pool2d, avg_pool2d, max_pool2d
from .sizes import Size, sizes, whole

__all__ = [
    "adaptive_avg_pool3d",
    "adaptive_max_pool3d",
    "avg_pool3d",
    "conv3d",
    "conv_transpose3d",
    "lp_pool3d",
    "max_pool3d",
]


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate volumes with kernels; arguments and errors as `conv2d`.

    Args:
        input: (N, C, D, H, W) or (C, D, H, W).
        weight: (M, C/groups, kd, kh, kw).

    Returns:
        (N, M, OD, OH, OW).
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
    """The transpose of `conv3d`; arguments and errors as `conv_transpose2d`.

    Args:
        input: (N, C, D, H, W) or (C, D, H, W).
        weight: (C, M/groups, kd, kh, kw).

    Returns:
        (N, M, OD, OH, OW).
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


def max_pool3d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window of (N, C, D, H, W) or (C, D, H, W); arguments as `max_pool2d`.

    Indices are of the D·H·W elements of a channel.
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
    """The average of each window of (N, C, D, H, W) or (C, D, H, W); arguments as `avg_pool2d`."""
    x, window = _window("avg_pool3d", input, kernel_size, stride, padding, 1)
    (kernel, step, border, _) = window
    whole, image = (kernel[0][0], *kernel[1]), tuple(x.shape[2:])
    if any(n < k for n, k in zip(image, whole, strict=True)):
        raise RuntimeError(f"avg_pool3d: an image of {image} is smaller than the kernel of {whole}")
    settings = ceil_mode, count_include_pad
    flat = avg_pool2d(_slices(x), kernel[1], step[1], border[1], *settings, divisor_override)
    last = None if divisor_override is None else 1
    found = avg_pool2d(_columns(flat, x), kernel[0], step[0], border[0], *settings, last)
    return _volume(found, flat.shape[2:], input)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Averages over as many bins as the output has elements, (OD, OH, OW) or one number."""
    x, (deep, *size) = _bins("adaptive_avg_pool3d", input, output_size)
    flat = adaptive_avg_pool2d(_slices(x), size)
    found = adaptive_avg_pool2d(_columns(flat, x), (deep, None))
    return _volume(found, flat.shape[2:], input)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maximum of each of as many bins as the output has elements; indices as `max_pool3d`."""
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
    """(Σ xᵖ)^(1/p) of each window; arguments as `avg_pool3d`."""
    deep, high, wide = sizes("lp_pool3d", "kernel_size", kernel_size, 3, 1)
    mean = avg_pool3d(input**norm_type, kernel_size, stride, 0, ceil_mode)
    return _root(mean, deep * high * wide, norm_type)


def _batched(name: str, input: Tensor, weight: Tensor | None = None) -> Tensor:
    """(N, C, D, H, W) of volumes or one volume.

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
    return new(namespace(like.array).asarray(places.reshape(-1)))


def _window(
    name: str, input: Tensor, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> tuple[Tensor, list[tuple[Any, Any]]]:
    """The volumes, and of each setting the part for columns (kd, 1) and the part for slices."""
    size = sizes(name, "kernel_size", kernel, 3, 1)
    step = size if stride is None or stride == [] else sizes(name, "stride", stride, 3, 1)
    border = sizes(name, "padding", padding, 3)
    apart = sizes(name, "dilation", dilation, 3, 1)
    split = [((d, least), (h, w)) for (d, h, w), least in
             ((size, 1), (step, 1), (border, 0), (apart, 1))]  # fmt: skip
    return _batched(name, input), split


def _bins(name: str, input: Tensor, output_size: Any) -> tuple[Tensor, tuple[Any, ...]]:
    x = _batched(name, input)
    asked = tuple(output_size) if isinstance(output_size, Sequence) else (output_size,) * 3
    if len(asked) != 3:
        raise RuntimeError(f"{name}: output_size must be three sizes, but is {output_size!r}")
    return x, asked


def _slices(x: Tensor) -> Tensor:
    """(N, C, D, H, W) as images (N, C·D, H, W)."""
    return x.reshape(x.shape[0], x.shape[1] * x.shape[2], *x.shape[3:])


def _columns(flat: Tensor, x: Tensor) -> Tensor:
    """Pooled slices (N, C·D, OH, OW) as images (N, C, D, OH·OW)."""
    return flat.reshape(*x.shape[:3], flat.shape[2] * flat.shape[3])


def _volume(found: Tensor, size: Any, input: Tensor) -> Tensor:
    """Pooled columns (N, C, OD, OH·OW) as volumes, in the input's rank."""
    y = found.reshape(*found.shape[:3], *size)
    return y if input.ndim == 5 else y.squeeze(0)
