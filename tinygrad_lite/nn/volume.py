"""Convolution and pooling layers of volumes (N, C, D, H, W)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor import Tensor
from . import functional as F
from .conv import _Conv, _ConvTranspose
from .functional.sizes import Size
from .module import Module
from .pool import LPPool2d, _AvgPool, _MaxPool

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
    """`functional.conv3d` with learnt kernels.

    Args and errors as `Conv2d`, for volumes (N, C, D, H, W) and weight (M, C/groups, kd, kh, kw).
    """

    _dims = 3

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, D, H, W) to (N, M, OD, OH, OW)."""
        return F.conv3d(*self._operands(input, self.bias))

    def _without_bias(self, input: Tensor) -> Tensor:
        return F.conv3d(*self._operands(input, None))


class ConvTranspose3d(_ConvTranspose):
    """`functional.conv_transpose3d` with learnt kernels.

    Args and errors as `ConvTranspose2d`, for volumes and weight (C, M/groups, kd, kh, kw).
    """

    _dims = 3

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """(N, C, D, H, W) to (N, M, OD, OH, OW), or to a size that the stride allows."""
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
        ceil_mode: add a last window that overhangs, if it starts inside volume or border.
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, (N, C, OD, OH, OW); with `return_indices` a pair."""
        return F.max_pool3d(input, *self._settings())


class AvgPool3d(_AvgPool):
    """The average of each window of (N, C, D, H, W) or (C, D, H, W); see `functional.avg_pool3d`.

    Args:
        kernel_size: the window's size.
        stride: the step from one window to the next; default: the window's size.
        padding: a border of zeros on each side, at most half of the window.
        ceil_mode: add a last window that overhangs, if it starts inside volume or border.
        count_include_pad: whether the border counts as elements.
        divisor_override: divide by this in place of the count.
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """The averages, (N, C, OD, OH, OW)."""
        settings = *self._settings(), self.divisor_override
        return F.avg_pool3d(input, *settings)


class AdaptiveAvgPool3d(Module):
    """Averages over as many bins as asked for; see `functional.adaptive_avg_pool3d`.

    Args:
        output_size: (OD, OH, OW), or one number for all; None keeps the input's size.
    """

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, D, H, W) to (N, C, OD, OH, OW)."""
        return F.adaptive_avg_pool3d(input, self.output_size)

    def extra_repr(self) -> str:
        """The size."""
        return f"output_size={self.output_size}"


class AdaptiveMaxPool3d(Module):
    """The maxima of as many bins as asked for; see `functional.adaptive_max_pool3d`.

    Args:
        output_size: (OD, OH, OW), or one number for all; None keeps the input's size.
        return_indices: return also which of the D·H·W elements won, int64.
    """

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        """(N, C, D, H, W) to (N, C, OD, OH, OW)."""
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        """The size."""
        return f"output_size={self.output_size}"


class LPPool3d(LPPool2d):
    """`LPPool2d` of volumes."""

    def forward(self, input: Tensor) -> Tensor:
        """The norms, (N, C, OD, OH, OW)."""
        window = float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        return F.lp_pool3d(input, *window)
