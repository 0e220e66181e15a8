"""im2col and its transpose as layers."""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .functional.sizes import Size
from .module import Module

__all__ = ["Fold", "Unfold"]


class _Window(Module):
    """What both layers share: the sliding window, and how it prints."""

    def __init__(self, kernel_size: Size, dilation: Size, padding: Size, stride: Size) -> None:
        super().__init__()
        self.kernel_size, self.dilation = kernel_size, dilation
        self.padding, self.stride = padding, stride

    def extra_repr(self) -> str:
        """The window, as PyTorch prints it."""
        names = ("kernel_size", "dilation", "padding", "stride")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)


class Unfold(_Window):
    """The patches of images as columns (im2col); see `functional.unfold` for errors.

    Args:
        kernel_size: the patches' size, (kh, kw), or one number for both.
        dilation: the distance between a patch's elements in the image.
        padding: zeros on each side.
        stride: the step from one patch to the next.
    """

    def __init__(
        self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C·kh·kw, OH·OW)."""
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(_Window):
    """Columns added up to images (col2im), the transpose of `Unfold`; errors as `functional.fold`.

    Args:
        output_size: (H, W) of the images, or one number for both.
        kernel_size, dilation, padding, stride: as `Unfold`.
    """

    def __init__(
        self,
        output_size: Size,
        kernel_size: Size,
        dilation: Size = 1,
        padding: Size = 0,
        stride: Size = 1,
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = output_size

    def extra_repr(self) -> str:
        """The output's size and the window, as PyTorch prints them."""
        return f"output_size={self.output_size}, {super().extra_repr()}"

    def forward(self, input: Tensor) -> Tensor:
        """(N, C·kh·kw, OH·OW) to (N, C, H, W)."""
        return F.fold(
            input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )
