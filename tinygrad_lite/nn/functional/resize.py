"""Images in another size: interpolation, and pixels that become channels."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any

from ...backend import Array, namespace, numpy
from ...backend.dtypes import is_half
from ...tensor import Tensor
from ...tensor.base import new
from ...tensor.check import takes_tensors
from ...tensor.own_order import own_order
from ...tensor.shown import called, lasting
from .pool import adaptive_avg_pool1d, adaptive_avg_pool2d
from .volume import adaptive_avg_pool3d

__all__ = ["channel_shuffle", "interpolate", "pixel_shuffle", "pixel_unshuffle", "upsample"]

_RANKS = {
    "nearest": (3, 4, 5),
    "nearest-exact": (3, 4, 5),
    "area": (3, 4, 5),
    "linear": (3,),
    "bilinear": (4,),
    "bicubic": (4,),
    "trilinear": (5,),
}


@own_order
def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Signals (N, C, L), images (N, C, H, W) or volumes (N, C, D, H, W) in another size.

    One dimension after another is resized. Along it an output element is the input's element at
    one place for "nearest", the weighted sum of those at two neighbouring places for the linear
    modes, and at four for "bicubic".

    Args:
        input: floating point; images of uint8, whose results are rounded; any for "nearest".
        size: the output's size, one number or one for each dimension behind (N, C).
        scale_factor: in place of size: how many times larger the output is, likewise.
        mode: "nearest", "nearest-exact", "area", "linear" (signals), "bilinear" and "bicubic"
            (images), "trilinear" (volumes).
        align_corners: for the linear modes and "bicubic": the centres of the corner elements stay
            where they are, not their outer edges.
        recompute_scale_factor: take the scale from the sizes, rounded down, not from the factor.
        antialias: for "bilinear" and "bicubic" of images: where the image shrinks, weigh all input
            elements that an output element covers, as Pillow does.

    Raises:
        ValueError: both or neither of size and scale_factor, another number of them, or
            align_corners or antialias where it has no meaning.
        NotImplementedError: an unknown mode, or one for another rank.
        RuntimeError: the output would be empty.

    Example:
        >>> F.interpolate(torch.tensor([[[1.0, 2.0]]]), scale_factor=2)
        tensor([[[1., 1., 2., 2.]]])
    """
    if antialias and (mode not in ("bilinear", "bicubic") or input.ndim != 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D "
            "tensor as input"
        )
    if align_corners is not None and (mode.startswith("nearest") or mode == "area"):
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear "
            "| bicubic | trilinear"
        )
    if mode not in _RANKS or input.ndim not in _RANKS[mode]:
        raise NotImplementedError(
            f"interpolate: input of {input.ndim} dimensions with mode {mode!r}; the modes are "
            + ", ".join(f"{name} for {ranks}" for name, ranks in _RANKS.items())
        )
    own = input.shape[2:]
    if (size is None) == (scale_factor is None):
        raise ValueError(
            "either size or scale_factor should be defined"
            if size is None
            else "only one of size or scale_factor should be defined"
        )
    scales: list[float | None] = [None] * len(own)
    if scale_factor is not None:
        factors = _each("scale_factor", scale_factor, len(own))
        target = [math.floor(n * float(f)) for n, f in zip(own, factors, strict=True)]
        if not recompute_scale_factor:
            scales = [1 / float(f) for f in factors]
    else:
        if recompute_scale_factor:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        target = [int(n) for n in _each("size", size, len(own))]
    if min(target) < 1:
        raise RuntimeError(f"interpolate: the output would have size {target}")
    if mode == "area":
        pools = adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
        return pools[len(own) - 1](input, target)
    smooth = not mode.startswith("nearest")
    whole = smooth and input.array.dtype == "uint8"
    takes_bytes = whole and len(own) == 2
    if smooth and not takes_bytes and not input.is_floating_point():
        raise NotImplementedError(
            f"interpolate: mode {mode!r} of {len(own)} dimensions is not implemented for "
            f"{input.dtype}"
        )
    # Of 16 bits the gradient of each dimension would be rounded.
    rounds = not smooth and input.requires_grad and is_half(input.array.dtype)
    out = input.int() if whole else input.float() if rounds else input
    for i, (n, m, scale) in reversed(list(enumerate(zip(own, target, scales, strict=True)))):
        if mode.startswith("nearest"):
            out = _nearest(out, 2 + i, m, n / m if scale is None else scale, mode)
        else:
            if n == m and (whole or (not antialias and mode != "bicubic")):
                continue  # also where a scale_factor such as 1.1 was rounded to 1
            step = n / m if scale is None else scale
            taps = (_smooth_taps if antialias else _taps)(
                n, m, step, bool(align_corners), mode == "bicubic"
            )
            out = (_weighted_bytes if whole else _weighted)(out, 2 + i, taps)
    if out is input:
        return input.clone()
    out = out if out.dtype == input.dtype else out.to(dtype=input.dtype)
    name = mode.title().replace("-", "")
    return called(out, f"Upsample{name}{len(own)}D{'Aa' if antialias else ''}")


def _each(name: str, value: Any, dims: int) -> Sequence[Any]:
    """A value for each dimension, of one for all or of as many.

    Raises:
        ValueError: another number of them.
    """
    if not isinstance(value, Sequence):
        return (value,) * dims
    if len(value) != dims:
        raise ValueError(
            f"Input and output must have the same number of spatial dimensions, but got {dims} and "
            f"{name} {value}"
        )
    return value


def _nearest(x: Tensor, dim: int, size: int, step: float, mode: str) -> Tensor:
    """A dimension resized by taking the nearest element; `step` is input elements an output one."""
    n = x.shape[dim]
    if mode == "nearest" and size in (n, 2 * n):  # whatever scale_factor was rounded to it
        step = n / size
    if size % n == 0 and step * size == n:  # each element the same number of times: expand
        times = size // n
        wide = x.unsqueeze(dim + 1).expand(*x.shape[: dim + 1], times, *x.shape[dim + 1 :])
        copy = wide.contiguous() if times > 1 else wide.clone()
        return copy.reshape(*x.shape[:dim], size, *x.shape[dim + 1 :])
    at = numpy.arange(size, dtype="float32") + (0.5 if mode == "nearest-exact" else 0)
    places = numpy.minimum(numpy.floor(at * numpy.float32(step)).astype("int64"), n - 1)
    return lasting(x.index_select(dim, new(namespace(x.array).asarray(places))))


def _weighted(x: Tensor, dim: int, taps: list[tuple[Array, Array]]) -> Tensor:
    """Σ share · x[places] along a dimension, over the pairs (places, share) of `_taps`."""
    xp = namespace(x.array)
    x = x.float() if is_half(x.array.dtype) else x
    shape = (-1, *(1,) * (x.ndim - dim - 1))
    parts = [
        lasting(
            lasting(x.index_select(dim, new(xp.asarray(places))))
            * new(xp.asarray(share.astype(x.array.dtype).reshape(shape)))
        )
        for places, share in taps
    ]
    return functools.reduce(operator.add, parts)


def _weighted_bytes(x: Tensor, dim: int, taps: list[tuple[Array, Array]]) -> Tensor:
    """`_weighted` of integers from 0 to 255, as Pillow has it: shares are integers of 16 bits.

    They count 2⁻ᵖ, for the largest p with which all of them fit; the sum is rounded, and limited.
    """
    shares = [share.copy() for _, share in taps]
    for k, (places, _) in enumerate(taps):  # the border stands for what lies beyond it
        for j in range(k):
            same = (taps[j][0] == places) & (shares[k] != 0)
            shares[j] += numpy.where(same, shares[k], 0)
            shares[k] = numpy.where(same, 0, shares[k])
    most = max(float(share.max()) for share in shares)
    bits = next(p for p in range(23) if p == 22 or int(0.5 + most * 2 ** (p + 1)) >= 2**15)
    xp = namespace(x.array)
    sums: Any = 2 ** (bits - 1)
    for (places, _), share in zip(taps, shares, strict=True):
        count = numpy.trunc(share * 2**bits + numpy.copysign(0.5, share)).astype("int32")
        rows = x.index_select(dim, new(xp.asarray(places)))
        sums = sums + rows * new(xp.asarray(count.reshape(-1, *(1,) * (x.ndim - dim - 1))))
    return (sums >> bits).clamp(0, 255)  # type: ignore[no-any-return]


def _taps(n: int, m: int, step: float, corners: bool, cubic: bool) -> list[tuple[Array, Array]]:
    """What m output elements are made of: pairs (places, shares), (m) each.

    Output element i is Σ shares[i] · x[places[i]] over the pairs: two for linear interpolation,
    four for cubic, between the input elements around its place.

    Args:
        n, m: the sizes of input and output.
        step: how many input elements go on one output element.
        corners: whether the corners' centres are aligned, not their edges.
        cubic: whether the interpolation is cubic.
    """
    at = numpy.arange(m, dtype="float64")
    source = at * ((n - 1) / (m - 1) if m > 1 else 0) if corners else (at + 0.5) * step - 0.5
    if not cubic:
        source = numpy.maximum(source, 0)
    low = numpy.floor(source)
    t = source - low
    # R. Keys, "Cubic convolution interpolation", 1981, with a = −3/4
    keys = [(k, _cubic(numpy.abs(t - k))) for k in (-1, 0, 1, 2)]
    taps = keys if cubic else [(0, 1 - t), (1, t)]
    return [(numpy.clip(low + k, 0, n - 1).astype("int64"), share) for k, share in taps]


def _smooth_taps(
    n: int, m: int, step: float, corners: bool, cubic: bool
) -> list[tuple[Array, Array]]:
    """`_taps` of a filter as wide as an output element, so that no input element is left out."""
    if corners:
        step = (n - 1) / (m - 1) if m > 1 else 0.0
    wide = max(step, 1.0)
    centre, reach = step * (numpy.arange(m) + 0.5), (2 if cubic else 1) * wide
    low = numpy.maximum((centre - reach + 0.5).astype("int64"), 0)
    high = numpy.minimum((centre + reach + 0.5).astype("int64"), n)
    places = low + numpy.arange(int((high - low).max()))[:, None]
    distance = numpy.abs(places - centre + 0.5) / wide
    share = _cubic(distance, -0.5) if cubic else 1 - distance
    share = numpy.where((places < high) & (distance < (2 if cubic else 1)), share, 0.0)
    share = share / share.sum(0)
    return list(zip(numpy.minimum(places, n - 1), share, strict=True))


def _cubic(x: Array, a: float = -0.75) -> Array:
    """Keys' kernel at distances 0 ≤ x ≤ 2; a is its slope at 1."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    return numpy.where(x <= 1, near, far)


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The old name of `interpolate`; arguments as there."""
    return interpolate(input, size, scale_factor, mode, align_corners)


@own_order
@takes_tensors
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(…, C r², H, W) as (…, C, H r, W r): r² neighbouring channels become r × r pixels.

    W. Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network", CVPR 2016.

    Args:
        input: at least 3 dimensions.
        upscale_factor: r.

    Raises:
        RuntimeError: fewer than 3 dimensions, or channels that r² does not divide.
    """
    r = upscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-3] % (r * r):
        raise RuntimeError(
            f"pixel_shuffle expects channels that upscale_factor² = {r * r} divides, but got an "
            f"input of shape {input.shape}"
        )
    *lead, c, h, w = input.shape
    split = input.reshape(*lead, c // (r * r), r, r, h, w)
    n = len(lead)
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return split.permute(order).clone().reshape(*lead, c // (r * r), h * r, w * r)


@own_order
@takes_tensors
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(…, C, H r, W r) as (…, C r², H, W), the inverse of `pixel_shuffle`.

    Args:
        input: at least 3 dimensions.
        downscale_factor: r.

    Raises:
        RuntimeError: fewer than 3 dimensions, or sizes that r does not divide.
    """
    r = downscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-2] % r or input.shape[-1] % r:
        raise RuntimeError(
            f"pixel_unshuffle expects height and width that downscale_factor = {r} divides, but "
            f"got an input of shape {input.shape}"
        )
    *lead, c, h, w = input.shape
    split = input.reshape(*lead, c, h // r, r, w // r, r)
    n = len(lead)
    order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return split.permute(order).clone().reshape(*lead, c * r * r, h // r, w // r)


@own_order
@takes_tensors
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels of (N, C, …) in another order: the first of each group, the second of each, ….

    X. Zhang et al., "ShuffleNet", CVPR 2018.

    Args:
        input: at least 3 dimensions.
        groups: how many groups of neighbouring channels there are.

    Raises:
        RuntimeError: fewer dimensions, or groups that do not divide the channels.
    """
    if input.ndim < 3 or groups < 1 or input.shape[1] % groups:
        raise RuntimeError(
            f"channel_shuffle: Number of channels must be divisible by groups. Got shape "
            f"{input.shape} and groups {groups}"
        )
    n, c, *rest = input.shape
    split = input.reshape(n, groups, c // groups, *rest)
    return split.transpose(1, 2).clone().reshape(n, c, *rest)
