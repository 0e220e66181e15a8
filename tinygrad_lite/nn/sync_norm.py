"""Batch normalisation with the statistics of all ranks' batches."""

from __future__ import annotations

from typing import Any

from ..autograd.function import Function, once_differentiable
from ..distributed.collectives import all_reduce
from ..distributed.group import current, is_initialized
from ..tensor import Tensor, no_grad
from ..tensor.concatenate import cat
from .module import Module
from .norm import _BatchNorm

__all__ = ["SyncBatchNorm"]


class _Normalize(Function):
    """y = γ x̂ + β, x̂ = (x − μ) / √(σ² + ε), with μ, σ² of the B elements of all ranks.

    L is the sum of the ranks' losses, so the sums in
    dL/dx = γ (σ² + ε)^(−½) (g − (Σ g + x̂ Σ g x̂)/B) are over all ranks as well.
    dL/dγ = Σ g x̂ and dL/dβ = Σ g are this rank's own: they are averaged with the other gradients.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        eps: float,
        group: Any,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        axes = (0, *range(2, x.ndim))
        wide = x if x.dtype.itemsize > 2 else x.float()
        count = wide.new_full((1,), x.numel() / x.shape[1])
        sums = cat([wide.sum(axes), count])
        all_reduce(sums, group=group)
        total = sums[-1:]
        mean = sums[:-1] / total
        centred = wide - _per_channel(mean, x.ndim)
        squares = (centred * centred).sum(axes)
        all_reduce(squares, group=group)
        var = squares / total
        scale = (var + eps).rsqrt()
        normal = centred * _per_channel(scale, x.ndim)
        ctx.save_for_backward(normal, scale, weight, total)
        ctx.axes, ctx.dtype, ctx.group = axes, x.dtype, group
        ctx.has_bias = bias is not None
        y = normal if weight is None else normal * _per_channel(weight, x.ndim)
        y = y if bias is None else y + _per_channel(bias, x.ndim)
        ctx.mark_non_differentiable(mean, var, total)
        return y.to(dtype=x.dtype), mean, var, total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        normal, scale, weight, total = ctx.saved_tensors
        g, ndim = grads[0].to(dtype=normal.dtype), normal.ndim
        own = cat([g.sum(ctx.axes), (g * normal).sum(ctx.axes)])
        sums = own.clone()
        all_reduce(sums, group=ctx.group)
        channels = scale.shape[0]
        mean_g, mean_gn = (sums / total).split(channels)
        slope = scale if weight is None else scale * weight
        dx = g - _per_channel(mean_g, ndim) - normal * _per_channel(mean_gn, ndim)
        dx = dx * _per_channel(slope, ndim)
        bias, gamma = own.split(channels)
        return (
            dx.to(dtype=ctx.dtype),
            None if weight is None else gamma,
            bias if ctx.has_bias else None,
            None,
            None,
        )


def _per_channel(a: Tensor, ndim: int) -> Tensor:
    """An array (C) as (1, C, 1, …)."""
    return a.reshape((1, -1) + (1,) * (ndim - 2))


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation over the batches of all ranks, of inputs of 2 to 5 dimensions.

    In evaluation, and without a process group, it is `BatchNorm1d`, `2d` or `3d`.

    Args:
        num_features: C of inputs (N, C, …).
        eps, momentum, affine, track_running_stats, device, dtype, bias: as `BatchNorm1d`.
        process_group: of `new_group`; None for all ranks.
    """

    _ranks = (2, 3, 4, 5)

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )
        self.process_group = process_group

    def _normalised(self, input: Tensor, relu: bool, shift: Any = None) -> Tensor:
        uses_batch = self.training or self.running_mean is None
        if not uses_batch or not is_initialized() or self._alone():
            return super()._normalised(input, relu, shift)
        self._check(input)
        given = input if shift is None else input + _per_channel(shift, input.ndim)
        y, mean, var, total = _Normalize.apply(
            given, self.weight, self.bias, self.eps, self.process_group
        )
        if self.training and self.running_mean is not None:
            self._track(mean, var * (total / (total - 1)))
        out: Tensor = y.relu() if relu else y
        return out

    def _alone(self) -> bool:
        """Whether the group has no other ranks."""
        return current(self.process_group).size == 1

    @no_grad()
    def _track(self, mean: Tensor, var: Tensor) -> None:
        """Move the running statistics towards a batch's mean and unbiased variance."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        momentum = self.momentum
        if momentum is None:
            momentum = 1 / float(self.num_batches_tracked)
        for running, new in ((self.running_mean, mean), (self.running_var, var)):
            running.mul_(1 - momentum).add_(new * momentum)

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """The module with each batch norm in it replaced by a SyncBatchNorm of the same tensors.

        Args:
            module: changed in place; a batch norm itself is not, its replacement is returned.
            process_group: of the replacements.
        """
        if isinstance(module, _BatchNorm) and not isinstance(module, cls):
            new = cls(
                module.num_features,
                module.eps,
                module.momentum,
                module.affine,
                module.track_running_stats,
                process_group,
            )
            for name in ("weight", "bias"):
                new._parameters[name] = getattr(module, name)
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                new._buffers[name] = getattr(module, name)
            return new.train(module.training)
        for name, child in module.named_children():
            setattr(module, name, cls.convert_sync_batchnorm(child, process_group))
        return module
