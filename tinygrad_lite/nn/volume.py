"""Convolution and pooling layers of volumes (N, C, D, H, W)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor import Tensor
from . import functional as F
from .conv import _Conv, _ConvTranspose
from .pool import _AdaptiveAvg, _AdaptiveMax, _DividedAvgPool, _LPPool, _MaxPool

__all__ = [
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool3d",
    "AvgPool3d",
    "Conv3d",
    "ConvTranspose3d",
    "LPPool3d",
    "MaxPool3d",
]


class Conv3d(_Conv):
    """y = W ⋆ x + b for volumes x (N, C, D, H, W) or (C, D, H, W); see `functional.conv3d`.

    Arguments, parameters and errors as `Conv2d`, with a weight (M, C/groups, kd, kh, kw).
    """

    _dims = 3

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, D, H, W) to (N, M, OD, OH, OW)."""
        return F.conv3d(*self._operands(input, self.bias))

    def _without_bias(self, input: Tensor) -> Tensor:
        return F.conv3d(*self._operands(input, None))


class ConvTranspose3d(_ConvTranspose):
    """The transpose of `Conv3d`, with learnt kernels; see `functional.conv_transpose3d`.

    Arguments, parameters and errors as `ConvTranspose2d`, with a weight (C, M/groups, kd, kh, kw).
    """

    _dims = 3

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """(N, C, D, H, W) to (N, M, OD, OH, OW), or to the `output_size` (OD, OH, OW)."""
        window = self._window(input, output_size)
        return F.conv_transpose3d(input, self.weight, self.bias, *window)

    def _without_bias(self, input: Tensor) -> Tensor:
        return F.conv_transpose3d(input, self.weight, None, *self._window(input, None))


class MaxPool3d(_MaxPool):
    """The maximum of each window of (N, C, D, H, W) or (C, D, H, W); see `functional.max_pool3d`.

    Args:
        kernel_size: the window's size.
        stride: the step from one window to the next; default: the window's size.
        padding: a border of −∞ on each side, at most half of the window.
        dilation: distance between the window's elements.
        return_indices: return also which of the D·H·W elements each maximum was, int64.
        ceil_mode: round the number of windows up: a last one may reach beyond the border, if it
            starts before the volume's end.
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, (N, C, OD, OH, OW); with `return_indices` a pair."""
        return F.max_pool3d(input, *self._settings())


class AvgPool3d(_DividedAvgPool):
    """The average of each window of (N, C, D, H, W) or (C, D, H, W); see `functional.avg_pool3d`.

    Args:
        kernel_size: the window's size.
        stride: the step from one window to the next; default: the window's size.
        padding: a border of zeros on each side, at most half of the window.
        ceil_mode: round the number of windows up: a last one may reach beyond the border, if it
            starts before the volume's end.
        count_include_pad: whether the border counts as elements.
        divisor_override: divide by this in place of the count.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The averages, (N, C, OD, OH, OW)."""
        return F.avg_pool3d(input, *self._settings())


class AdaptiveAvgPool3d(_AdaptiveAvg):
    """(N, C, D, H, W) or (C, D, H, W) as averages of OD × OH × OW bins.

    See `functional.adaptive_avg_pool3d`.

    Args:
        output_size: (OD, OH, OW), or one number for all; None keeps the input's size.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The averages, (N, C, OD, OH, OW)."""
        return F.adaptive_avg_pool3d(input, self.output_size)


class AdaptiveMaxPool3d(_AdaptiveMax):
    """(N, C, D, H, W) or (C, D, H, W) as maxima of OD × OH × OW bins.

    See `functional.adaptive_max_pool3d`.

    Args:
        output_size: (OD, OH, OW), or one number for all; None keeps the input's size.
        return_indices: return also which of the D·H·W elements each maximum was, int64.
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, (N, C, OD, OH, OW); with `return_indices` a pair."""
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)


class LPPool3d(_LPPool):
    """(Σ xᵖ)^(1/p) of each window of (N, C, D, H, W) or (C, D, H, W); see `functional.lp_pool3d`.

    Args:
        norm_type: p.
        kernel_size, stride, ceil_mode: as `AvgPool3d`.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The norms, (N, C, OD, OH, OW)."""
        return F.lp_pool3d(input, *self._settings())
