"""Maxima put back where they were, and pooling whose windows are drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...backend import Array, namespace, numpy, to_host
from ...tensor import Tensor
from ...tensor.base import new
from ...tensor.create import zeros
from ...tensor.draw import rand
from .sizes import Size, sizes

__all__ = [
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Maxima (N, C, L) or (C, L) back where `max_pool1d` found them, zeros elsewhere.

    Arguments and errors as `max_unpool2d`, one dimension less.
    """
    return _unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Maxima back where `max_pool2d` found them, zeros elsewhere.

    Args:
        input: the maxima, (N, C, OH, OW) or (C, OH, OW).
        indices: their places, as `max_pool2d` returns them with return_indices, int64.
        kernel_size, stride, padding: of the pooling.
        output_size: the size before the pooling, (H, W) or the whole shape, if several sizes lead
            to the input's; default: the smallest that does.

    Returns:
        (N, C, H, W), or (C, H, W).

    Raises:
        RuntimeError: shapes that differ, or places outside of the output.
        ValueError: an output size that the pooling does not allow.
    """
    return _unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Maxima (N, C, D, H, W) or (C, D, H, W) back where `max_pool3d` found them, zeros elsewhere.

    Arguments and errors as `max_unpool2d`, one dimension more.
    """
    return _unpool(3, input, indices, kernel_size, stride, padding, output_size)


def _unpool(
    dims: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    output_size: Sequence[int] | None,
) -> Tensor:
    """Unpooling of `dims` dimensions."""
    name = f"max_unpool{dims}d"
    if input.shape != indices.shape or input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"{name}: expected an input with {dims + 1} or {dims + 2} dimensions and indices of "
            f"its shape, but got {tuple(input.shape)} and {tuple(indices.shape)}"
        )
    kernel = sizes(name, "kernel_size", kernel_size, dims, 1)
    step = kernel if stride is None else sizes(name, "stride", stride, dims, 1)
    border = sizes(name, "padding", padding, dims)
    usual = [
        (n - 1) * s - 2 * p + k
        for n, k, s, p in zip(input.shape[-dims:], kernel, step, border, strict=True)
    ]
    size = usual if output_size is None else _asked(name, list(output_size), usual, step)
    lead = input.shape[:-dims]
    count = math.prod(size)
    places = indices.reshape(*lead, -1)
    if places.numel() and input.device.type == "cpu":
        low, high = int(places.min()), int(places.max())
        if low < 0 or high >= count:
            raise RuntimeError(
                f"{name}: found an invalid max index: {low if low < 0 else high} (output volumes "
                f"are of size {'x'.join(map(str, size))})"
            )
    out = zeros(*lead, count, dtype=input.dtype, device=input.device)
    return out.scatter(-1, places, input.reshape(*lead, -1)).reshape(*lead, *size)


def _asked(name: str, size: list[int], usual: list[int], step: tuple[int, ...]) -> list[int]:
    """The last dimensions of the output size that a user asks for.

    Raises:
        ValueError: one is a stride or more away from the usual size, or there are more or fewer.
    """
    dims = len(usual)
    if len(size) == dims + 2:
        size = size[2:]
    if len(size) != dims:
        raise ValueError(
            f"output_size should be a sequence containing {dims} or {dims + 2} elements, but it "
            f"has a length of '{len(size)}'"
        )
    for wanted, n, s in zip(size, usual, step, strict=True):
        if not n - s < wanted < n + s:
            low, high = ([n + way * s for n, s in zip(usual, step, strict=True)] for way in (-1, 1))
            raise ValueError(
                f'invalid output_size "{tuple(size)}" ({name}: each must be between {low} and '
                f"{high})"
            )
    return size


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool2d` and where the maxima were, whatever `return_indices` says."""
    name = "fractional_max_pool2d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if input.ndim not in (3, 4) or 0 in input.shape[1:]:
        raise RuntimeError(
            f"{name}(): Expected 3D or 4D tensor that is not empty, but got: {tuple(input.shape)}"
        )
    kernel = sizes(name, "kernel_size", kernel_size, 2, 1)
    high, wide = input.shape[-2:]
    if output_size is None:
        ratio = output_ratio if isinstance(output_ratio, Sequence) else (output_ratio,) * 2
        output_size = int(high * ratio[0]), int(wide * ratio[1])
    size = sizes(name, "output_size", output_size, 2, 1)
    for n, k, m, what in zip((high, wide), kernel, size, ("height", "width"), strict=True):
        if m + k - 1 > n:
            raise RuntimeError(f"{name}(): pool {what} {k} too large relative to input {what} {n}")
    n = 1 if input.ndim == 3 else input.shape[0]
    channels = input.shape[-3]
    drawn = _random_samples
    if drawn is None:
        drawn = rand(n, channels, 2, dtype=input.dtype, device=input.device)
    samples = to_host(drawn.detach().array).astype("float64")
    columns = _starts(samples[..., 0], wide, size[1], kernel[1])  # (N, C, OW)
    rows = _starts(samples[..., 1], high, size[0], kernel[0])
    at_row = rows[..., :, None] + numpy.arange(kernel[0])  # (N, C, OH, kh)
    at_column = columns[..., :, None] + numpy.arange(kernel[1])
    places = at_row[:, :, :, None, :, None] * wide + at_column[:, :, None, :, None, :]
    lead = (n, channels, *size, kernel[0] * kernel[1])
    table = new(namespace(input.array).asarray(places.reshape(lead)))
    flat = input.reshape(n, channels, high * wide)
    windows = flat.gather(-1, table.reshape(n, channels, -1)).reshape(lead)
    found = windows.max(-1)
    index = table.gather(-1, found.indices.unsqueeze(-1)).squeeze(-1)
    if input.ndim == 3:
        return found.values.squeeze(0), index.squeeze(0)
    return found.values, index


def _starts(sample: Array, n: int, m: int, k: int) -> Array:
    """Where m windows of size k begin in n elements, for draws u in [0, 1).

    Window i begins at ⌊(i + u) α⌋ − ⌊u α⌋, α = (n − k) / (m − 1), the last one at n − k.
    (Graham 2014.)
    """
    if m == 1:
        return numpy.full((*sample.shape, 1), n - k)
    alpha = (n - k) / (m - 1)
    u = sample[..., None]
    starts = ((numpy.arange(m) + u) * alpha).astype("int64") - (u * alpha).astype("int64")
    starts[..., -1] = n - k
    return starts


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """The maximum of OH × OW windows, whose distances are drawn so that they average H/OH and W/OW.

    B. Graham, "Fractional Max-Pooling", 2014: https://arxiv.org/abs/1412.6071

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: the window's size.
        output_size: (OH, OW) or one number for both; or
        output_ratio: OH / H and OW / W, or one number for both, between 0 and 1.
        return_indices: return also which of the H·W pixels each maximum was, int64.
        _random_samples: (N, C, 2) in [0, 1), in place of draws.

    Returns:
        (N, C, OH, OW), or (C, OH, OW); with `return_indices` a pair of such.

    Raises:
        ValueError: neither a size nor a ratio.
        RuntimeError: sizes that do not fit.
    """
    both = fractional_max_pool2d_with_indices(
        input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )
    return both if return_indices else both[0]
