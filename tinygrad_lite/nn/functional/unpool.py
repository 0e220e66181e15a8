"""Maxima put back where they were."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...backend.dtypes import FLOATING
from ...tensor import Tensor
from ...tensor.check import takes_tensors
from ...tensor.create import zeros
from ...tensor.operation import refuse
from .sizes import Size, sizes

__all__ = [
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]


@takes_tensors
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


@takes_tensors
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
        RuntimeError: shapes that differ, places outside of the output, or a dtype that is not
            floating point.
        ValueError: an output size that the pooling does not allow, or below 0.
    """
    return _unpool(2, input, indices, kernel_size, stride, padding, output_size)


@takes_tensors
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
    if min(size) < 0:
        raise ValueError(f"{name}: output_size must not be negative, but is {tuple(size)}")
    if input.dtype.kind not in FLOATING:
        refuse(name, input)
    lead = input.shape[:-dims]
    count = math.prod(size)
    elements = math.prod(input.shape[-dims:])
    places = indices.reshape(*lead, elements)
    if places.numel() and input.device.type == "cpu":
        low, high = int(places.min()), int(places.max())
        if low < 0 or high >= count:
            raise RuntimeError(
                f"{name}: found an invalid max index: {low if low < 0 else high} (output volumes "
                f"are of size {'x'.join(map(str, size))})"
            )
    out = zeros(*lead, count, dtype=input.dtype, device=input.device)
    return out.scatter(-1, places, input.reshape(*lead, elements)).reshape(*lead, *size)


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
