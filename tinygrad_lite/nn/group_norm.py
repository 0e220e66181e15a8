"""Normalisation of groups of channels, of instances and by mean squares, as modules."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from ..backend import Device
from ..tensor import Tensor
from ..tensor.source_line import user_level
from . import functional as F
from .functional.norm import trailing_shape
from .module import Module
from .norm import _filled, _NormBase, _refill
from .parameter import Parameter

__all__ = [
    "CrossMapLRN2d",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LocalResponseNorm",
    "RMSNorm",
]


class GroupNorm(Module):
    """Normalisation of each sample's groups of channels (Wu & He 2018).

    y = γ (x − μ) / √(σ² + ε) + β, μ and σ² (biased) of each group; see `functional.group_norm`.

    Args:
        num_groups: into how many groups the channels are split.
        num_channels: C of the input (N, C, …).
        eps: ε.
        affine: learn γ and β.
        device, dtype: of the parameters.
        bias: learn β, if affine.

    Attributes:
        weight, bias: γ and β, (C), or None.

    Raises:
        ValueError: groups that do not divide the channels.
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: str | Device | None = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(
                f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})"
            )
        self.num_groups, self.num_channels = num_groups, num_channels
        self.eps, self.affine = eps, affine
        place = (num_channels,), device, dtype
        self.register_parameter("weight", _filled(1, *place) if affine else None)
        self.register_parameter("bias", _filled(0, *place) if affine and bias else None)

    def reset_parameters(self) -> None:
        """γ = 1, β = 0."""
        _refill(self.weight, 1)
        _refill(self.bias, 0)

    def forward(self, input: Tensor) -> Tensor:
        """γ x̂ + β."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The sizes and settings."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class _InstanceNorm(_NormBase):
    """Normalisation of each channel of each sample; `_ranks` are those without and with batch."""

    _ranks: tuple[int, int]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: str | Device | None = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        options = num_features, eps, momentum, affine, track_running_stats
        super().__init__(*options, device, dtype, bias=bias)

    def _check_input_dim(self, input: Tensor) -> None:
        """Raise ValueError for an input of another rank; programs override it."""
        if input.ndim not in self._ranks:
            raise ValueError(
                f"expected {self._ranks[0]}D or {self._ranks[1]}D input (got {input.ndim}D input)"
            )

    def forward(self, input: Tensor) -> Tensor:
        """γ x̂ + β; in training the running statistics move, if there are any."""
        self._check_input_dim(input)
        unbatched = input.ndim == self._ranks[0]
        channels = input.shape[0 if unbatched else 1]
        if channels != self.num_features:
            text = (
                f"expected input's size at dim={0 if unbatched else 1} to match num_features "
                f"({self.num_features}), but got: {channels}."
            )
            if self.affine:
                raise ValueError(text)
            warnings.warn(f"{text} It does not matter without affine", stacklevel=user_level())
        out = F.instance_norm(
            input.unsqueeze(0) if unbatched else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum or 0.0,
            self.eps,
        )
        return out.squeeze(0) if unbatched else out


class InstanceNorm1d(_InstanceNorm):
    """Normalisation of each channel of each sample, (N, C, L) or (C, L) (Ulyanov et al. 2016).

    y = γ (x − μ) / √(σ² + ε) + β, μ and σ² (biased) of each channel; see
    `functional.instance_norm`.

    Args:
        num_features: C.
        eps: ε.
        momentum: the share of a batch in the running statistics.
        affine: learn γ and β.
        track_running_stats: keep running statistics, and use them in evaluation; without them
            the sample's own are used always.
        device, dtype: of parameters and buffers.
        bias: learn β, if affine.

    Attributes:
        weight, bias: γ and β, (C), or None.
        running_mean, running_var: (C), as of `BatchNorm1d`, or None.
        num_batches_tracked: 0, or None: as in PyTorch nothing counts here.

    Raises:
        ValueError: when called with another rank or, if affine, other channels.
    """

    _ranks = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """`InstanceNorm1d` of images (N, C, H, W) or (C, H, W)."""

    _ranks = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """`InstanceNorm1d` of volumes (N, C, D, H, W) or (C, D, H, W)."""

    _ranks = (4, 5)


class RMSNorm(Module):
    """γ x / √(mean x² + ε), the mean over the last dimensions; see `functional.rms_norm`.

    B. Zhang and R. Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019.

    Args:
        normalized_shape: the sizes of those dimensions, or of the last one.
        eps: ε; default: what separates 1 from the next number of the input's dtype.
        elementwise_affine: learn γ.
        device, dtype: of γ.

    Attributes:
        weight: γ, of shape normalized_shape, or None.
    """

    weight: Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = trailing_shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        weight = _filled(1, self.normalized_shape, device, dtype) if elementwise_affine else None
        self.register_parameter("weight", weight)

    def reset_parameters(self) -> None:
        """γ = 1."""
        _refill(self.weight, 1)

    def forward(self, x: Tensor) -> Tensor:
        """γ x / √(mean x² + ε)."""
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The sizes and settings."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class _AcrossChannels(Module):
    """What the two norms over neighbouring channels share: their settings."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class LocalResponseNorm(_AcrossChannels):
    """x / (k + α mean(x² of the neighbouring channels))^β; see `functional.local_response_norm`.

    Args:
        size: how many channels the mean is over, around each.
        alpha, beta, k: α, β and k.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The normalised input."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)


class CrossMapLRN2d(_AcrossChannels):
    """`LocalResponseNorm` of images, as Lua's Torch counted: x / (k + α/size · s)^β.

    s is the sum of x² over ⌊(size − 1)/2⌋ channels to each side; where that no longer reaches the
    first channel, its square stays in the sum, as in PyTorch. Arguments as there, but k is 1 as an
    integer if it is not given.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)

    def forward(self, input: Tensor) -> Tensor:
        """The normalised input, (N, C, H, W).

        Raises:
            ValueError: another number of dimensions.
        """
        if input.ndim != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.ndim}D instead.")
        c, side = input.shape[1], (self.size - 1) // 2
        squares = input * input
        padded = F.pad(squares, (0, 0, 0, 0, side, side))
        total = padded.narrow(1, 0, c)
        for i in range(1, 2 * side + 1):
            total = total + padded.narrow(1, i, c)
        if c > side + 1:
            stays = squares[:, :1].expand(-1, c - side - 1, -1, -1)
            total = total + F.pad(stays, (0, 0, 0, 0, side + 1, 0))
        return input / (total * (self.alpha / self.size) + self.k) ** self.beta
