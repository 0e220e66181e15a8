"""Maximum pooling whose windows lie at drawn places, so that sizes shrink by any ratio.

B. Graham, "Fractional Max-Pooling", 2014: https://arxiv.org/abs/1412.6071
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...backend import Array, namespace, numpy, to_host
from ...ops.elementwise import hinge
from ...tensor import Tensor, apply
from ...tensor.base import new
from ...tensor.draw import rand
from .adaptive_pool import maxima
from .sizes import Size, sizes

__all__ = [
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
]


def _pool(
    dims: int, input: Tensor, kernel_size: Size, output_size: Any, ratio: Any, drawn: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Pooling of `dims` dimensions: the maxima, and which element of its channel each was."""
    name = f"fractional_max_pool{dims}d"
    if output_size is None and ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    batched = input.ndim == dims + 2
    if not (batched or input.ndim == dims + 1) or 0 in input.shape[1:]:
        raise RuntimeError(
            f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor that is not empty, but got: "
            f"{tuple(input.shape)}"
        )
    kernel = sizes(name, "kernel_size", kernel_size, dims, 1)
    extent = input.shape[-dims:]
    if output_size is None:
        ratios = ratio if isinstance(ratio, Sequence) else (ratio,) * dims
        output_size = tuple(int(n * part) for n, part in zip(extent, ratios, strict=True))
    size = sizes(name, "output_size", output_size, dims, 1)
    for axis, (n, k, m) in enumerate(zip(extent, kernel, size, strict=True)):
        if m + k - 1 > n:
            raise RuntimeError(
                f"{name}(): a window of size {k} is too large for {n} elements and {m} windows, "
                f"along dimension {axis - dims}"
            )
    batch, channels = input.shape[0] if batched else 1, input.shape[-dims - 1]
    if drawn is None:
        drawn = rand(batch, channels, dims, dtype=input.dtype, device=input.device)
    if drawn.dtype != input.dtype:
        raise RuntimeError(
            f"{name}(): _random_samples must have the dtype of the input, {input.dtype}, but have "
            f"{drawn.dtype}"
        )
    if drawn.ndim != 3 or drawn.shape[0] < batch or tuple(drawn.shape[1:]) != (channels, dims):
        raise RuntimeError(
            f"{name}(): _random_samples must be ({batch}, {channels}, {dims}) or more of them, but "
            f"are {tuple(drawn.shape)}"
        )
    places = _places(to_host(drawn.detach().array).astype("float64"), extent, size, kernel)
    table = new(namespace(input.array).asarray(places[:batch]))
    flat = apply(hinge, input).reshape(batch, channels, math.prod(extent))
    windows = flat.gather(-1, table.flatten(2)).reshape(table.shape)
    values, taps = maxima(windows)
    index = table.gather(-1, taps.unsqueeze(-1)).squeeze(-1)
    return (values, index) if batched else (values.squeeze(0), index.squeeze(0))


def _places(samples: Array, extent: Any, size: Any, kernel: Any) -> Array:
    """Which elements of its channel each window has: (N, C, *size, elements of a window)."""
    dims = len(size)
    if dims == 2:
        samples = samples[..., ::-1]  # PyTorch draws for columns first, but only here
    places: Any = 0
    for axis, (n, m, k) in enumerate(zip(extent, size, kernel, strict=True)):
        starts = _starts(samples[..., axis], n, m, k)[..., :, None] + numpy.arange(k)
        windows, inside = [1] * dims, [1] * dims
        windows[axis], inside[axis] = m, k
        places = places * n + starts.reshape(*samples.shape[:2], *windows, *inside)
    return places.reshape(*samples.shape[:2], *size, math.prod(kernel))


def _starts(sample: Array, n: int, m: int, k: int) -> Array:
    """Where m windows of size k begin in n elements, for draws u in [0, 1).

    Window i begins at ⌊(i + u) α⌋ − ⌊u α⌋, α = (n − k) / (m − 1), the last one at n − k.
    """
    if m == 1:
        return numpy.full((*sample.shape, 1), n - k)
    alpha = (n - k) / (m - 1)
    u = sample[..., None]
    starts = ((numpy.arange(m) + u) * alpha).astype("int64") - (u * alpha).astype("int64")
    starts[..., -1] = n - k
    return starts


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool2d` and where the maxima were, whatever `return_indices` says."""
    return _pool(2, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool3d` and where the maxima were, whatever `return_indices` says."""
    return _pool(3, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """The maximum of OH × OW windows, whose distances are drawn so that they average H/OH and W/OW.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: the window's size.
        output_size: (OH, OW) or one number for both; or
        output_ratio: OH / H and OW / W, or one number for both, between 0 and 1.
        return_indices: return also which of the H·W pixels each maximum was, int64.
        _random_samples: (N, C, 2) in [0, 1), or of a larger batch, in place of draws.

    Returns:
        (N, C, OH, OW), or (C, OH, OW); with `return_indices` a pair of such.

    Raises:
        ValueError: neither a size nor a ratio.
        RuntimeError: sizes that do not fit.
    """
    both = _pool(2, input, kernel_size, output_size, output_ratio, _random_samples)
    return both if return_indices else both[0]


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """`fractional_max_pool2d` of volumes: OT × OH × OW windows of (N, C, T, H, W) or (C, T, H, W).

    `_random_samples` are (N, C, 3); the rest is as there.
    """
    both = _pool(3, input, kernel_size, output_size, output_ratio, _random_samples)
    return both if return_indices else both[0]
