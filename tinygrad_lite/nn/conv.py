"""Convolution layers."""

from __future__ import annotations

import math
from typing import Any

from ..tensor import Tensor
from ..tensor._create import empty, empty_like
from . import init
from .functional import conv as F
from .functional.conv import Size, pair, single
from .functional.fold import fold, unfold
from .module import Module
from .parameter import Parameter

__all__ = ["Conv1d", "Conv2d", "ConvTranspose2d", "Fold", "Unfold"]


class _Conv(Module):
    """What convolution layers share: the parameters and their initialisation."""

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        stride: Any,
        padding: Any,
        dilation: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
        transposed: bool = False,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if padding_mode != "zeros":
            raise NotImplementedError(
                f"{name}: padding_mode {padding_mode!r}; only 'zeros' is there"
            )
        if isinstance(padding, str) and padding not in ("valid", "same"):
            raise ValueError(f"{name}: padding must be 'valid', 'same' or a size, not {padding!r}")
        if padding == "same" and max(stride) > 1:
            raise ValueError(f"{name}: padding='same' is not supported for stride {stride}")
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: in_channels {in_channels} and out_channels {out_channels} must be "
                f"divisible by groups {groups}"
            )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.dilation, self.groups = dilation, groups
        first, second = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        shape = (first, second // groups, *kernel_size)
        memory = empty((shape[0], *shape[2:], shape[1]), dtype=dtype, device=device)
        self.weight = Parameter(empty_like(memory.movedim(-1, 1)))  # channels last in memory
        if bias:
            self.bias = Parameter(empty(out_channels, dtype=dtype, device=device))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """PyTorch's default: weight and bias U(±1/√fan_in)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(math.prod(self.weight.shape[1:]))
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """The sizes, and the settings that differ from the defaults, as PyTorch prints them."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        text += f", stride={self.stride}"
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0), ("groups", 1)):
            value = getattr(self, name, usual)
            if value not in (usual, (usual,) * len(self.kernel_size)):
                text += f", {name}={value}"
        return text + (", bias=False" if self.bias is None else "")


class Conv2d(_Conv):
    """`functional.conv2d` with learnt kernels.

    Args:
        in_channels: C of the input (N, C, H, W).
        out_channels: M of the output (N, M, OH, OW).
        kernel_size, stride, padding, dilation, groups: see `functional.conv2d`.
        bias: learn a bias (M).

    Parameters: weight (M, C/groups, kh, kw), bias (M).

    Raises:
        ValueError: groups that do not divide the channels, padding that is another string than
            "valid" or "same", or "same" with a stride.
        TypeError: sizes that are not ints.
        RuntimeError: sizes below their least value, such as a stride of 0.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            pair("Conv2d", "kernel_size", kernel_size, 1),
            pair("Conv2d", "stride", stride, 1),
            padding if isinstance(padding, str) else pair("Conv2d", "padding", padding),
            pair("Conv2d", "dilation", dilation, 1),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) to (N, M, OH, OW)."""
        return F.conv2d(
            input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )


class Conv1d(_Conv):
    """`functional.conv1d` with learnt kernels.

    Args and errors as `Conv2d`, for signals (N, C, L) and weight (M, C/groups, k).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            (single("Conv1d", "kernel_size", kernel_size, 1),),
            (single("Conv1d", "stride", stride, 1),),
            padding if isinstance(padding, str) else (single("Conv1d", "padding", padding, 0),),
            (single("Conv1d", "dilation", dilation, 1),),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, L) to (N, M, OL)."""
        return F.conv1d(
            input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )


class ConvTranspose2d(_Conv):
    """`functional.conv_transpose2d` with learnt kernels.

    Args:
        in_channels: C of the input (N, C, H, W).
        out_channels: M of the output (N, M, OH, OW).
        output_padding: rows and columns added to the output.
        kernel_size, stride, padding, groups, dilation: see `functional.conv_transpose2d`.
        bias: learn a bias (M).

    Parameters: weight (C, M/groups, kh, kw), bias (M). Errors as `Conv2d`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        name = "ConvTranspose2d"
        super().__init__(
            in_channels,
            out_channels,
            pair(name, "kernel_size", kernel_size, 1),
            pair(name, "stride", stride, 1),
            pair(name, "padding", padding),
            pair(name, "dilation", dilation, 1),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
            transposed=True,
        )
        self.output_padding = pair(name, "output_padding", output_padding)

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) to (N, M, OH, OW)."""
        return F.conv_transpose2d(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )


class _Window(Module):
    """A layer that has a sliding window and no parameters."""

    def __init__(self, kernel_size: Size, dilation: Size, padding: Size, stride: Size) -> None:
        super().__init__()
        self.kernel_size, self.dilation = kernel_size, dilation
        self.padding, self.stride = padding, stride

    def extra_repr(self) -> str:
        """The window, as PyTorch prints it."""
        names = ("kernel_size", "dilation", "padding", "stride")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)


class Unfold(_Window):
    """`functional.unfold` as a layer; arguments and errors as there."""

    def __init__(
        self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C·kh·kw, OH·OW)."""
        return unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(_Window):
    """`functional.fold` as a layer; arguments and errors as there."""

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
        """(N, C·kh·kw, L) to (N, C, H, W)."""
        return fold(
            input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )
