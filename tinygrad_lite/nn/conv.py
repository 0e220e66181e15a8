"""Convolution layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..tensor import Tensor
from ..tensor.base import in_our_order
from ..tensor.create import empty, empty_like
from . import functional as F
from . import init
from ._joined import Joined, owner, without_bias
from .functional.sizes import Size, sizes
from .module import Module
from .parameter import Parameter

__all__ = ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"]

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _Conv(Module):
    """What convolution layers share: settings, parameters, how these start and what is printed.

    `_dims` is how many dimensions the kernel has. The weight is (M, C/groups, …), and
    (C, M/groups, …) of a layer that is `_transposed`.
    """

    _dims: int
    _transposed = False

    weight: Parameter
    bias: Parameter | None

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
        super().__init__()
        name = type(self).__name__
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = sizes(name, "kernel_size", kernel_size, self._dims, 1)
        self.stride = sizes(name, "stride", stride, self._dims, 1)
        self.dilation = sizes(name, "dilation", dilation, self._dims, 1)
        self.padding: Any = (
            padding if isinstance(padding, str) else sizes(name, "padding", padding, self._dims)
        )
        if padding_mode not in _PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {set(_PADDING_MODES)}, but got "
                f"padding_mode='{padding_mode}'"
            )
        self.padding_mode = padding_mode
        self.output_padding = (0,) * self._dims
        if isinstance(padding, str) and padding not in ("valid", "same"):
            raise ValueError(f"{name}: padding must be 'valid', 'same' or a size, not {padding!r}")
        if padding == "same" and max(self.stride) > 1:
            raise ValueError(f"{name}: padding='same' is not supported for stride {self.stride}")
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: in_channels {in_channels} and out_channels {out_channels} must be "
                f"divisible by groups {groups}"
            )
        self.transposed, self.output_padding = self._transposed, (0,) * self._dims
        first, second = in_channels, out_channels
        if not self._transposed:
            first, second = second, first
        memory = empty((first, *self.kernel_size, second // groups), dtype=dtype, device=device)
        channels_last = empty_like(memory.movedim(-1, 1))
        self.weight = Parameter(in_our_order(channels_last))
        self.register_parameter("bias", None)
        if bias:
            self.bias = Parameter(empty(out_channels, dtype=dtype, device=device))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias again, uniform on ±1/√fan_in, fan_in = Π weight.shape[1:].

        That is PyTorch's default: its kaiming_uniform_(a=√5) comes to this bound.
        """
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(max(math.prod(self.weight.shape[1:]), 1))
            init.uniform_(self.bias, -bound, bound)

    def __init_subclass__(cls, **words: Any) -> None:
        super().__init_subclass__(**words)
        own: Any = cls
        if own._conv_forward is not _Conv._conv_forward and own.forward is owner(own).forward:
            own.forward = _by_conv_forward

    def _operands(self, input: Tensor, bias: Tensor | None) -> tuple[Any, ...]:
        """What the function of this layer takes, in its order."""
        x, padding = self._padded(input)
        return x, self.weight, bias, self.stride, padding, self.dilation, self.groups

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """What `forward` gives with another weight and bias: (N, C, …) to (N, M, …).

        PyTorch's name: programs call it with a weight that they normalised or adapted. Where a
        class overrides it, `forward` calls it; elsewhere it does without, a call less.
        """
        x, _, _, *window = self._operands(input, bias)
        output: Tensor = getattr(F, f"conv{self._dims}d")(x, weight, bias, *window)
        return output

    def _without_bias(self, input: Tensor) -> Tensor:
        """What `forward` gives, less the bias."""
        raise NotImplementedError

    def _joined_with(self, following: Sequence[Module]) -> Joined:
        """This layer, less its bias, with a batch normalisation that follows (see `_joined`)."""
        return without_bias(self, following)

    def extra_repr(self) -> str:
        """The sizes, and the settings that differ from the defaults, as PyTorch prints them."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        text += f", stride={self.stride}"
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0), ("groups", 1)):
            value = getattr(self, name, usual)
            if value not in (usual, (usual,) * len(self.kernel_size)):
                text += f", {name}={value}"
        text += ", bias=False" if self.bias is None else ""
        return text + (
            "" if self.padding_mode == "zeros" else f", padding_mode={self.padding_mode}"
        )

    def _padded(self, input: Tensor) -> tuple[Tensor, Any]:
        """The input, padded if the mode is another than zeros, and the padding still to do."""
        if self.padding_mode == "zeros":
            return input, self.padding
        flat = self._reversed_padding_repeated_twice
        return F.pad(input, flat, self.padding_mode) if any(flat) else input, 0

    @property
    def _reversed_padding_repeated_twice(self) -> list[int]:
        """The padding as `pad` takes it; PyTorch's name, for programs that pad by themselves."""
        if self.padding == "same":
            totals = [d * (k - 1) for k, d in zip(self.kernel_size, self.dilation, strict=True)]
            ends = [(n // 2, n - n // 2) for n in totals]
        else:
            ends = [(0, 0) if self.padding == "valid" else (p, p) for p in self.padding]
            ends = ends[: self._dims]  # "valid" has more letters
        return [n for pair in reversed(ends) for n in pair]


def _by_conv_forward(self: _Conv, input: Tensor) -> Tensor:
    """The `forward` of a class that overrides `_conv_forward`."""
    return self._conv_forward(input, self.weight, self.bias)


class _ConvTranspose(_Conv):
    """What transposed convolutions share: the output's size may be asked for.

    A stride s > 1 maps s sizes to one, so several sizes of output fit one input:
    `output_padding` chooses, or `output_size` when the layer is called.
    """

    _transposed = True

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
        window = kernel_size, stride, padding, dilation
        if padding_mode != "zeros":
            raise ValueError(
                f'Only "zeros" padding mode is supported for {type(self).__name__}, not '
                f"{padding_mode!r}"
            )
        super().__init__(
            in_channels, out_channels, *window, groups, bias, padding_mode, device, dtype
        )
        name = type(self).__name__
        self.output_padding = sizes(name, "output_padding", output_padding, self._dims)

    def _output_padding_for(
        self, input: Tensor, output_size: Sequence[int] | None
    ) -> tuple[int, ...]:
        """The output padding that leads to a size, given with or without (N, C).

        Raises:
            ValueError: no output padding below the stride does, or another number of dimensions.
        """
        if output_size is None:
            return self.output_padding
        dims = self._dims
        if len(output_size) not in (dims, dims + (input.ndim - dims)):
            raise ValueError(
                f"{type(self).__name__}: output_size must have {dims} or {input.ndim} elements "
                f"(got {len(output_size)})"
            )
        wanted = tuple(output_size)[-dims:]
        window = zip(self.kernel_size, self.stride, self.padding, self.dilation, strict=True)
        least = [
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, (k, s, p, d) in zip(input.shape[-dims:], window, strict=True)
        ]
        extra = tuple(w - n for w, n in zip(wanted, least, strict=True))
        if any(not 0 <= e < max(s, 1) for e, s in zip(extra, self.stride, strict=True)):
            most = [n + s - 1 for n, s in zip(least, self.stride, strict=True)]
            raise ValueError(
                f"requested an output size of {list(wanted)}, but valid sizes range from {least} "
                f"to {most} (for an input of {list(input.shape[-dims:])})"
            )
        return extra

    def _window(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[Any, ...]:
        """What the function of this layer takes behind the bias."""
        extra = self._output_padding_for(input, output_size)
        return self.stride, self.padding, extra, self.groups, self.dilation


class Conv2d(_Conv):
    """y_m = b_m + Σ_c W_mc ⋆ x_c, ⋆ the cross-correlation; see `functional.conv2d`.

    Args:
        in_channels: C of the input (N, C, H, W) or (C, H, W).
        out_channels: M of the output (N, M, OH, OW).
        kernel_size: (kh, kw), or one number for both.
        stride: the step from one position of the kernel to the next.
        padding: how much is added on each side; or "valid", nothing; or "same", as much as keeps
            H and W, for a stride of 1.
        dilation: the distance between the kernel's elements in the image.
        groups: into how many parts the channels are split; each makes its part of the output.
        bias: learn b.
        padding_mode: what is added: "zeros", "reflect", "replicate" or "circular"; see
            `functional.pad`.
        device, dtype: of the parameters; default: the CPU, the default dtype.

    Attributes:
        weight: W, (M, C/groups, kh, kw).
        bias: b, (M), or None. Both start uniform on ±1/√(C/groups · kh · kw).

    Raises:
        ValueError: groups that do not divide the channels, padding that is another string than
            "valid" or "same", "same" with a stride, or an unknown padding_mode.
        TypeError: sizes that are not ints.
        RuntimeError: sizes below their least value, such as a stride of 0.

    Example:
        >>> layer = nn.Conv2d(3, 16, kernel_size=3, padding=1)
        >>> layer(torch.zeros(8, 3, 32, 32)).shape
        torch.Size([8, 16, 32, 32])
    """

    _dims = 2

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) to (N, M, OH, OW)."""
        return F.conv2d(*self._operands(input, self.bias))

    def _without_bias(self, input: Tensor) -> Tensor:
        return F.conv2d(*self._operands(input, None))


class Conv1d(_Conv):
    """y = W ⋆ x + b for signals x (N, C, L) or (C, L); see `functional.conv1d`.

    Arguments, parameters and errors as `Conv2d`, with a weight (M, C/groups, k).
    """

    _dims = 1

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, L) to (N, M, OL)."""
        return F.conv1d(*self._operands(input, self.bias))

    def _without_bias(self, input: Tensor) -> Tensor:
        return F.conv1d(*self._operands(input, None))


class ConvTranspose2d(_ConvTranspose):
    """The transpose of `Conv2d`, with learnt kernels; see `functional.conv_transpose2d`.

    It maps the sizes of a convolution's output to those of its input: each element of x puts
    itself times the kernel into the output, at the positions that the convolution would read.

    Args:
        in_channels: C of the input (N, C, H, W) or (C, H, W).
        out_channels: M of the output (N, M, OH, OW).
        kernel_size, stride, padding, groups, dilation: of the convolution that this is the
            transpose of; see `Conv2d`.
        output_padding: rows and columns added at the output's end, fewer than stride or dilation.
        bias: learn a bias.
        padding_mode: "zeros".
        device, dtype: of the parameters; default: the CPU, the default dtype.

    Attributes:
        weight: (C, M/groups, kh, kw).
        bias: (M), or None. Both start uniform on ±1/√(M/groups · kh · kw).

    Raises:
        ValueError: groups that do not divide the channels, another padding_mode; when called, an
            output size that the stride does not allow.
        TypeError: sizes that are not ints.
        RuntimeError: sizes below their least value, or a large output_padding (when called).

    Example:
        >>> layer = nn.ConvTranspose2d(16, 3, kernel_size=2, stride=2)
        >>> layer(torch.zeros(8, 16, 14, 14)).shape
        torch.Size([8, 3, 28, 28])
    """

    _dims = 2

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """(N, C, H, W) to (N, M, OH, OW), or to the `output_size` asked for: (OH, OW)."""
        window = self._window(input, output_size)
        return F.conv_transpose2d(input, self.weight, self.bias, *window)

    def _without_bias(self, input: Tensor) -> Tensor:
        return F.conv_transpose2d(input, self.weight, None, *self._window(input, None))


class ConvTranspose1d(_ConvTranspose):
    """The transpose of `Conv1d`, with learnt kernels; see `functional.conv_transpose1d`.

    Arguments, parameters and errors as `ConvTranspose2d`, with a weight (C, M/groups, k).
    """

    _dims = 1

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """(N, C, L) to (N, M, OL), or to the `output_size` asked for: (OL,)."""
        window = self._window(input, output_size)
        return F.conv_transpose1d(input, self.weight, self.bias, *window)

    def _without_bias(self, input: Tensor) -> Tensor:
        return F.conv_transpose1d(input, self.weight, None, *self._window(input, None))
