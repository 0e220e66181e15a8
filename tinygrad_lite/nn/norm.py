"""Normalisation layers."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from ..backend import Device, namespace_for
from ..tensor import Tensor
from ..tensor.base import new
from ..tensor.modes import default_or
from . import functional as F
from . import init
from ._joined import Joined, is_usual
from .activation import ReLU
from .functional.norm import fused_batch_norm, trailing_shape
from .module import Module
from .parameter import Parameter

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LayerNorm"]


class _NormBase(Module):
    """What batch and instance normalisation share: settings, γ and β, running statistics.

    Args:
        num_features: C of inputs (N, C, …).
        eps: ε.
        momentum: the share of a batch in the running statistics; None for the average over all
            batches so far.
        affine: learn γ and β.
        track_running_stats: keep running statistics.
        device, dtype: of parameters and buffers.
        bias: learn β, if affine.
    """

    _version = 2
    _late = frozenset({"num_batches_tracked"})

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: str | Device | None = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        place = (num_features,), device, dtype
        self.register_parameter("weight", _filled(1, *place) if affine else None)
        self.register_parameter("bias", _filled(0, *place) if affine and bias else None)
        tracked = track_running_stats
        self.register_buffer("running_mean", _constant(0, *place) if tracked else None)
        self.register_buffer("running_var", _constant(1, *place) if tracked else None)
        count = _constant(0, (), device, "int64") if tracked else None
        self.register_buffer("num_batches_tracked", count)

    def reset_running_stats(self) -> None:
        """Forget the running statistics: mean 0, variance 1, no batches."""
        for tensor, value in (
            (self.running_mean, 0),
            (self.running_var, 1),
            (self.num_batches_tracked, 0),
        ):
            _refill(tensor, value)

    def reset_parameters(self) -> None:
        """Forget the running statistics; γ = 1, β = 0."""
        self.reset_running_stats()
        _refill(self.weight, 1)
        _refill(self.bias, 0)

    def extra_repr(self) -> str:
        """The sizes and settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_NormBase):
    """Batch normalisation of inputs of some ranks (`_ranks`)."""

    _ranks: tuple[int, ...] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "_check_input_dim" in vars(cls):
            cls._ranks = ()  # a program's class is asked each time

    def forward(self, input: Tensor) -> Tensor:
        """γ x̂ + β; in training the running statistics move."""
        return self._normalised(input, relu=False)

    def _joined_with(self, following: Sequence[Module]) -> Joined:
        """This module with a ReLU that follows, if one does (see `_joined`)."""
        joined = self._shifted(None, following)
        return joined if joined is not None and joined[1] else None

    def _shifted(self, shift: Parameter | None, following: Sequence[Module]) -> Joined:
        """The normalisation of x + shift, given x, with a ReLU if one follows.

        `shift` (C) is a bias that the layer before has left out (`_joined.without_bias`).
        """
        if not is_usual(self, _BatchNorm):
            return None
        relu = bool(following) and type(following[0]) is ReLU and is_usual(following[0], ReLU)
        return functools.partial(self._normalised, relu=relu, shift=shift), int(relu)

    def _check_input_dim(self, input: Tensor) -> None:
        """Raise ValueError for an input of another rank.

        PyTorch's name: programs call it, and classes override it to take other ranks.
        """
        if not self._ranks:
            raise NotImplementedError(f"{type(self).__name__} must define _check_input_dim")
        if len(input.array.shape) not in self._ranks:
            expected = " or ".join(f"{rank}D" for rank in self._ranks)
            raise ValueError(
                f"{type(self).__name__}: expected {expected} input (got {input.ndim}D input)"
            )

    def _check(self, input: Tensor) -> None:
        """Raise for an input of another rank, or of other channels."""
        self._check_input_dim(input)
        shape = input.array.shape
        sized = self.weight if self.running_mean is None else self.running_mean
        if sized is not None and sized.array.shape != shape[1:2]:  # pruning leaves num_features
            raise RuntimeError(
                f"{type(self).__name__}: expected {sized.array.shape[0]} channels, but the input's "
                f"shape is {tuple(input.shape)}"
            )

    def _normalised(self, input: Tensor, relu: bool, shift: Parameter | None = None) -> Tensor:
        """The normalised input (or input + shift), with `relu` rectified; statistics move."""
        self._check(input)
        momentum = self.momentum
        tracks = self.training and self.track_running_stats
        tracked = self.num_batches_tracked if tracks else None
        if tracked is not None and momentum is None:
            tracked.add_(1)
            momentum, tracked = 1 / float(tracked), None
        given = tracks or not self.training
        return fused_batch_norm(
            input,
            self.running_mean if given else None,
            self.running_var if given else None,
            self.weight,
            self.bias,
            self.training or (self.running_mean is None and self.running_var is None),
            momentum or 0.0,
            self.eps,
            relu=relu,
            shift=shift,
            tracked=tracked,
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L) (Ioffe & Szegedy 2015).

    y = γ (x − μ) / √(σ² + ε) + β for each channel: in training μ and σ² are the batch's mean and
    (biased) variance, in evaluation the running ones; see `functional.batch_norm`.

    Args:
        num_features: C.
        eps: ε.
        momentum: the share of a batch in the running statistics; None for the average over
            all batches so far.
        affine: learn γ and β.
        track_running_stats: keep running statistics; otherwise the batch's are used always.
        device, dtype: of parameters and buffers; default: the CPU, the default dtype.
        bias: learn β, if affine.

    Attributes:
        weight, bias: γ and β, (C), or None.
        running_mean, running_var: (C), or None; they begin at 0 and 1, and each batch in training
            moves them by `momentum` towards its mean and its unbiased variance.
        num_batches_tracked: how many batches there were, int64 (), or None.

    Raises:
        ValueError: when called with another rank, or in training with one value a channel.
        RuntimeError: when called with another number of channels.

    Example:
        >>> norm = nn.BatchNorm1d(1)
        >>> norm(torch.tensor([[1.0], [3.0]])).detach()
        tensor([[-1.0000],
                [ 1.0000]])
        >>> norm.running_mean
        tensor([0.2000])
    """

    _ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of images (N, C, H, W); everything else as `BatchNorm1d`.

    Example:
        >>> norm = nn.BatchNorm2d(16)
        >>> norm(torch.randn(8, 16, 4, 4)).shape
        torch.Size([8, 16, 4, 4])
    """

    _ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of volumes (N, C, D, H, W); everything else as `BatchNorm1d`."""

    _ranks = (5,)


class LayerNorm(Module):
    """Normalisation of each sample over its last dimensions (Ba, Kiros & Hinton 2016).

    y = γ (x − μ) / √(σ² + ε) + β, μ and σ² (biased) of each sample by itself, so training and
    evaluation do not differ; see `functional.layer_norm`.

    Args:
        normalized_shape: the sizes of those dimensions, or of the last one.
        eps: ε.
        elementwise_affine: learn γ and β.
        bias: learn β, if elementwise_affine.
        device, dtype: of the parameters; default: the CPU, the default dtype.

    Attributes:
        weight, bias: γ and β, of shape normalized_shape, or None.

    Raises:
        RuntimeError: when called with other sizes or another dtype.

    Example:
        >>> nn.LayerNorm(3)(torch.tensor([[1.0, 2.0, 3.0]])).detach()
        tensor([[-1.2247,  0.0000,  1.2247]])
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = trailing_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        place = self.normalized_shape, device, dtype
        self.register_parameter("weight", _filled(1, *place) if elementwise_affine else None)
        with_bias = elementwise_affine and bias
        self.register_parameter("bias", _filled(0, *place) if with_bias else None)

    def reset_parameters(self) -> None:
        """γ = 1, β = 0."""
        _refill(self.weight, 1)
        _refill(self.bias, 0)

    def forward(self, input: Tensor) -> Tensor:
        """γ x̂ + β."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The sizes and settings."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


def _constant(value: float, shape: tuple[int, ...], device: Any, dtype: Any) -> Tensor:
    """A tensor full of a number, of the default device and dtype if none is given."""
    xp = namespace_for(device)
    if any(n < 0 for n in shape):
        raise RuntimeError(f"a layer's parameters cannot have a negative dimension: {shape}")
    return new(xp.full(shape, value, dtype=default_or(dtype)))


def _filled(value: float, shape: tuple[int, ...], device: Any, dtype: Any) -> Parameter:
    """A parameter full of a number."""
    return Parameter(_constant(value, shape, device, dtype))


def _refill(tensor: Tensor | None, value: float) -> None:
    """Fill a tensor, if there is one, with a number."""
    if tensor is not None:
        init.constant_(tensor, value)
