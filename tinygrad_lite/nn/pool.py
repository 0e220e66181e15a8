"""Pooling layers."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from . import functional as F
from .functional.sizes import Size
from .module import Module

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "LPPool1d",
    "LPPool2d",
    "MaxPool1d",
    "MaxPool2d",
]


class _MaxPool(Module):
    """What maxima of 1, 2 and 3 dimensions share; see `functional.max_pool2d` for the arguments."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def _settings(self) -> tuple[Any, ...]:
        """What the function takes behind the input."""
        window = self.kernel_size, self.stride, self.padding, self.dilation
        return *window, self.ceil_mode, self.return_indices

    def extra_repr(self) -> str:
        """The window."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The maximum of each window of (N, C, L) or (C, L); see `functional.max_pool1d`.

    Args:
        kernel_size: the window's size.
        stride: the step from one window to the next; default: the window's size.
        padding: a border of −∞ on each side, at most half of the window.
        dilation: distance between the window's elements.
        return_indices: return also where each maximum was, int64.
        ceil_mode: round the number of windows up: a last one may reach beyond the border, if it
            starts before the image's end.
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, (N, C, OL); with `return_indices` a pair."""
        return F.max_pool1d(input, *self._settings())


class MaxPool2d(_MaxPool):
    """The maximum of each window of (N, C, H, W) or (C, H, W); see `functional.max_pool2d`.

    Args:
        kernel_size: the window's size.
        stride: the step from one window to the next; default: the window's size.
        padding: a border of −∞ on each side, at most half of the window.
        dilation: distance between the window's elements.
        return_indices: return also which of the H·W pixels each maximum was, int64.
        ceil_mode: round the number of windows up: a last one may reach beyond the border, if it
            starts before the image's end.

    Example:
        >>> nn.MaxPool2d(2)(torch.zeros(8, 16, 32, 32)).shape
        torch.Size([8, 16, 16, 16])
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, (N, C, OH, OW); with `return_indices` a pair."""
        return F.max_pool2d(input, *self._settings())


class _AvgPool(Module):
    """What averages of 1, 2 and 3 dimensions share; see `functional.avg_pool2d`."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def _settings(self) -> tuple[Any, ...]:
        """What the function takes behind the input."""
        window = self.kernel_size, self.stride, self.padding
        return *window, self.ceil_mode, self.count_include_pad

    def extra_repr(self) -> str:
        """The window."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """The average of each window of (N, C, L) or (C, L); see `functional.avg_pool1d`.

    Args:
        kernel_size: the window's size.
        stride: the step from one window to the next; default: the window's size.
        padding: a border of zeros on each side, at most half of the window.
        ceil_mode: round the number of windows up: a last one may reach beyond the border, if it
            starts before the image's end.
        count_include_pad: whether the border counts as elements.
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.kernel_size, self.stride, self.padding = (
            (size,) if isinstance(size, int) else tuple(size)
            for size in (self.kernel_size, self.stride, self.padding)
        )

    def forward(self, input: Tensor) -> Tensor:
        """The averages, (N, C, OL)."""
        return F.avg_pool1d(input, *self._settings())


class _DividedAvgPool(_AvgPool):
    """Averages whose divisor may be given."""

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

    def _settings(self) -> tuple[Any, ...]:
        return *super()._settings(), self.divisor_override


class AvgPool2d(_DividedAvgPool):
    """The average of each window of (N, C, H, W) or (C, H, W); see `functional.avg_pool2d`.

    Args:
        kernel_size: the window's size.
        stride: the step from one window to the next; default: the window's size.
        padding: a border of zeros on each side, at most half of the window.
        ceil_mode: round the number of windows up: a last one may reach beyond the border, if it
            starts before the image's end.
        count_include_pad: whether the border counts as elements.
        divisor_override: divide by this in place of the count.

    Example:
        >>> nn.AvgPool2d(2)(torch.zeros(8, 16, 32, 32)).shape
        torch.Size([8, 16, 16, 16])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The averages, (N, C, OH, OW)."""
        return F.avg_pool2d(input, *self._settings())


class _Adaptive(Module):
    """Pooling into as many bins as the output has elements (`functional.adaptive_avg_pool2d`)."""

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """The output's size."""
        return f"output_size={self.output_size}"


class _AdaptiveAvg(_Adaptive):
    """Averages of bins."""


class AdaptiveAvgPool1d(_AdaptiveAvg):
    """(N, C, L) or (C, L) as averages of OL bins; see `functional.adaptive_avg_pool1d`.

    Args:
        output_size: OL.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The averages, (N, C, OL)."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvg):
    """(N, C, H, W) or (C, H, W) as averages of OH × OW bins; `functional.adaptive_avg_pool2d`.

    Args:
        output_size: (OH, OW), or one number for both; None keeps the input's size.

    Example:
        >>> nn.AdaptiveAvgPool2d(1)(torch.zeros(8, 16, 7, 5)).shape
        torch.Size([8, 16, 1, 1])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The averages, (N, C, OH, OW)."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class _AdaptiveMax(_Adaptive):
    """Maxima of bins, and where they were if asked for."""

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveMaxPool1d(_AdaptiveMax):
    """(N, C, L) or (C, L) as maxima of OL bins; see `functional.adaptive_max_pool1d`.

    Args:
        output_size: OL.
        return_indices: return also where each maximum was, int64.
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, (N, C, OL); with `return_indices` a pair."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMax):
    """(N, C, H, W) or (C, H, W) as maxima of OH × OW bins; see `functional.adaptive_max_pool2d`.

    Args:
        output_size: (OH, OW), or one number for both; None keeps the input's size.
        return_indices: return also which of the H·W pixels each maximum was, int64.
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, (N, C, OH, OW); with `return_indices` a pair."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class _LPPool(Module):
    """(Σ xᵖ)^(1/p) of each window; NaN where the sum is negative.

    Args:
        norm_type: p.
        kernel_size, stride, ceil_mode: as `AvgPool2d`.
    """

    def __init__(
        self,
        norm_type: float,
        kernel_size: Size,
        stride: Size | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type, self.kernel_size = norm_type, kernel_size
        self.stride, self.ceil_mode = stride, ceil_mode

    def _settings(self) -> tuple[Any, ...]:
        """What the function takes behind the input."""
        return float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode

    def extra_repr(self) -> str:
        """The window."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """(Σ xᵖ)^(1/p) of each window of (N, C, L) or (C, L); see `functional.lp_pool1d`.

    Args:
        norm_type: p.
        kernel_size, stride, ceil_mode: as `AvgPool1d`.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The norms, (N, C, OL)."""
        return F.lp_pool1d(input, *self._settings())


class LPPool2d(_LPPool):
    """(Σ xᵖ)^(1/p) of each window of (N, C, H, W) or (C, H, W); see `functional.lp_pool2d`.

    Args:
        norm_type: p.
        kernel_size, stride, ceil_mode: as `AvgPool2d`.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The norms, (N, C, OH, OW)."""
        return F.lp_pool2d(input, *self._settings())
