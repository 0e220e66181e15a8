"""Images read at any places between pixels, and the places of an affine map; compositions.

M. Jaderberg et al., "Spatial Transformer Networks", 2015: https://arxiv.org/abs/1506.02025
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from ...backend.dtypes import FLOATING
from ...tensor import Tensor
from ...tensor.autocast import need_one_dtype
from ...tensor.check import takes_tensors
from ...tensor.compare import where
from ...tensor.concatenate import stack
from ...tensor.create import linspace, ones, zeros_like
from ...tensor.operation import refuse
from ...tensor.source_line import user_level

__all__ = ["affine_grid", "grid_sample"]

_CORNERS = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. "
    "Please specify align_corners=True if the old behavior is desired. See the documentation of "
    "grid_sample for details."
)

_CUBIC = -0.75  # the slope of the kernel at its first zero (Keys 1981)


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """For each pixel of an output the place in the input that an affine map θ takes it to.

    Args:
        theta: θ, (N, 2, 3) for images, (N, 3, 4) for volumes: the place is θ (x, y, 1)ᵀ, or
            θ (x, y, z, 1)ᵀ, for x, y, z from −1 to 1 across the output.
        size: of the output, (N, C, H, W) or (N, C, D, H, W).
        align_corners: −1 and 1 are the centres of the outermost pixels, not their outer edges;
            default: False, with PyTorch's warning.

    Returns:
        The places for `grid_sample`, x first: (N, H, W, 2) or (N, D, H, W, 3).

    Raises:
        NotImplementedError: a size of other than 4 or 5 numbers.
        RuntimeError: more or fewer matrices than the size's first number.
        ValueError: a theta that is not floating point, or does not fit the size.
    """
    if align_corners is None:
        warnings.warn(_CORNERS, stacklevel=user_level())
        align_corners = False
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    dims = len(size) - 2
    if dims not in (2, 3):
        raise NotImplementedError(
            f"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {tuple(size)}."
        )
    if theta.shape[0] != size[0] and tuple(theta.shape[1:]) == (dims, dims + 1):
        raise RuntimeError(f"affine_grid: {theta.shape[0]} matrices for a batch of {size[0]}")
    shape = (size[0], dims, dims + 1)
    if tuple(theta.shape) != shape or min(size) <= 0:
        raise ValueError(
            "Expected a batch of affine matrices of shape (N, 2, 3) for a size (N, C, H, W), or "
            f"(N, 3, 4) for (N, C, D, H, W), all above 0, but got {tuple(theta.shape)} and "
            f"{tuple(size)}"
        )
    place: dict[str, Any] = {"dtype": theta.dtype, "device": theta.device}
    space = tuple(size[2:])
    axes = []
    for axis, n in enumerate(space):
        line = linspace(-1, 1, n, **place) if n > 1 else zeros_like(ones(n, **place))
        line = line if align_corners else line * (n - 1) / n  # in this order, as PyTorch rounds
        lead = [n if a == axis else 1 for a in range(dims)]
        axes.append(line.reshape(lead).expand(space))
    base = stack([*reversed(axes), ones(space, **place)], -1).reshape(1, -1, dims + 1)
    return (base @ theta.transpose(1, 2)).reshape(size[0], *space, dims)


@takes_tensors
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The input at the places of a grid, between pixels by interpolation.

    Args:
        input: (N, C, H, W) or (N, C, D, H, W).
        grid: (N, h, w, 2) or (N, d, h, w, 3) of places x, y (and z), from −1 at the left to 1.
        mode: "bilinear" (of volumes: trilinear), "nearest", or "bicubic" for images.
        padding_mode: what lies outside: "zeros", the nearest pixel ("border"), or the image
            mirrored ("reflection").
        align_corners: −1 and 1 are the centres of the outermost pixels, not their outer edges;
            default: False, with PyTorch's warning.

    Returns:
        (N, C, h, w) or (N, C, d, h, w), with gradients for the input and the grid.

    Raises:
        ValueError: another mode.
        RuntimeError: shapes or dtypes that do not fit, an empty image, or "bicubic" for volumes.
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', "
            f"but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
            f"'reflection', but got: '{padding_mode}'"
        )
    if align_corners is None:
        warnings.warn(_CORNERS, stacklevel=user_level())
        align_corners = False
    dims = input.ndim - 2
    if dims not in (2, 3) or grid.ndim != input.ndim or grid.shape[-1] != dims:
        raise RuntimeError(
            "grid_sample(): expected 4D or 5D input and grid with the same number of dimensions, "
            f"and places of as many numbers, but got {tuple(input.shape)} and {tuple(grid.shape)}"
        )
    if input.shape[0] != grid.shape[0] or 0 in input.shape[2:]:
        raise RuntimeError(
            "grid_sample(): expected grid and input to have same batch size and the input to be "
            f"non-empty, but got {tuple(input.shape)} and {tuple(grid.shape)}"
        )
    if input.dtype.kind not in FLOATING:
        refuse("grid_sample", input)
    need_one_dtype("grid_sample()", input=input, grid=grid)
    if mode == "bicubic" and dims == 3:
        raise RuntimeError("grid_sample(): bicubic interpolation only supports 4D input")
    space = input.shape[2:]
    sizes = tuple(reversed(space))  # x first, as in the grid
    places = []
    for axis, n in enumerate(sizes):
        x = grid[..., axis].flatten(1)
        places.append((x + 1) / 2 * (n - 1) if align_corners else ((x + 1) * n - 1) / 2)

    def inside(x: Tensor, n: int) -> Tensor:
        return _inside(x, n, padding_mode, align_corners)

    flat = input.flatten(2)
    if mode == "bicubic":
        out = _bicubic(flat, places, sizes, inside)
    else:
        places = [inside(x, n) for x, n in zip(places, sizes, strict=True)]
        out = (_nearest if mode == "nearest" else _linear)(flat, places, sizes)
    out = out.reshape(*input.shape[:2], *grid.shape[1:-1])
    return out + _zero_of(grid) if mode == "nearest" and grid.requires_grad else out


def _zero_of(x: Tensor) -> Tensor:
    """0, whose gradient for x is zeros: the nearest pixel's are that, not missing."""
    signs = x.masked_fill(x.isnan(), 0.0).sign()
    return (signs - signs.detach()).sum()


def _inside(x: Tensor, n: int, padding_mode: str, align_corners: bool) -> Tensor:
    """Places along an axis of n pixels, those outside moved inside as the padding mode says.

    What is no place (NaN) is moved to the first pixel.
    """
    if padding_mode == "zeros":
        return x
    if padding_mode == "reflection":
        low, span = (0.0, float(n - 1)) if align_corners else (-0.5, float(n))
        if span == 0:
            return x * 0
        away = (x - low).abs()
        turns = (away.detach() / span).floor()
        rest = away - turns * span
        x = where(turns % 2 == 0, rest, span - rest) + low
    within = (x > 0) & (x < n - 1)  # at the ends and beyond the gradient of the place is 0
    found: Tensor = where(within, x, x.detach().clamp(0, n - 1).nan_to_num(0.0))
    return found


def _read(flat: Tensor, corner: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
    """The pixels at whole places, zeros outside: (N, C, P).

    Args:
        flat: the images with their pixels in one row, (N, C, H·W).
        corner: the places along each axis, x first, (N, P) each.
        sizes: the axes' sizes, x first.
    """
    valid: Any = True
    index: Any = 0
    step = 1
    for x, n in zip(corner, sizes, strict=True):
        valid = (x >= 0) & (x <= n - 1) & valid
        index = x.clamp(0, n - 1).nan_to_num(0.0).long() * step + index
        step *= n
    shape = (*flat.shape[:2], index.shape[1])
    found = flat.gather(2, index.unsqueeze(1).expand(shape))
    seen: Tensor = found * valid.unsqueeze(1).to(found.dtype)
    return seen


def _nearest(flat: Tensor, places: list[Tensor], sizes: Sequence[int]) -> Tensor:
    """The pixel nearest to each place, whose gradient is 0; arguments as `_read`, not whole."""
    found = _read(flat, [x.detach().round() for x in places], sizes)
    for x in places:
        if x.requires_grad:
            found = found + where(x.isnan() & False, x, 0.0).unsqueeze(1)
    return found


def _linear(flat: Tensor, places: list[Tensor], sizes: Sequence[int]) -> Tensor:
    """The 2, 4 or 8 pixels around each place, weighted: the nearer, the more.

    Along each axis the two neighbours weigh 1 − t and t, t being the distance from the lower one.
    """
    lower = [x.detach().floor() for x in places]
    out: Any = 0
    for way in itertools.product((0, 1), repeat=len(places)):
        corner = [low + up for low, up in zip(lower, way, strict=True)]
        weight: Any = 1
        for x, low, up in zip(places, lower, way, strict=True):
            weight = weight * (x - low if up else low + 1 - x)
        out = out + _read(flat, corner, sizes) * weight.unsqueeze(1)
    found: Tensor = out
    return found


def _bicubic(
    flat: Tensor,
    places: list[Tensor],
    sizes: Sequence[int],
    inside: Callable[[Tensor, int], Tensor],
) -> Tensor:
    """The 4 × 4 pixels around each place, weighted by Keys' kernel."""
    lower = [x.detach().floor() for x in places]
    weights = [_cubic(x - low) for x, low in zip(places, lower, strict=True)]
    out: Any = 0
    for i, j in itertools.product(range(4), repeat=2):
        at = [low + k - 1 for low, k in zip(lower, (i, j), strict=True)]
        corner = [inside(x, n) for x, n in zip(at, sizes, strict=True)]
        out = out + _read(flat, corner, sizes) * (weights[0][i] * weights[1][j]).unsqueeze(1)
    found: Tensor = out
    return found


def _cubic(t: Tensor) -> list[Tensor]:
    """The weights of the four pixels around a place that lies t behind the second of them."""
    a = _CUBIC

    def near(x: Tensor) -> Tensor:  # |x| ≤ 1
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Tensor) -> Tensor:  # 1 < |x| < 2
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]
