"""Layers that put maxima back where they were, and pooling whose windows are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor import Tensor
from . import functional as F
from .functional.sizes import Size, sizes
from .module import Module

__all__ = [
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]


class _MaxUnpool(Module):
    """Maxima back where they were found, zeros elsewhere; see `functional.max_unpool2d`.

    Args:
        kernel_size, stride, padding: of the pooling that found them.
    """

    _dims: int

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        super().__init__()
        name, dims = type(self).__name__, self._dims
        self.kernel_size = sizes(name, "kernel_size", kernel_size, dims, 1)
        step = kernel_size if stride is None else stride
        self.stride = sizes(name, "stride", step, dims, 1)
        self.padding = sizes(name, "padding", padding, dims)

    def forward(
        self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        """The output of the size that the pooling had as input.

        Args:
            input: the maxima, (N, C, …) or (C, …).
            indices: their places, as the pooling returns them with `return_indices`.
            output_size: the size before the pooling, if several sizes lead to the input's.
        """
        unpool = (F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)[self._dims - 1]
        return unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        """The window."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Puts back what `MaxPool1d` took from signals (N, C, L) or (C, L), zeros elsewhere.

    Args:
        kernel_size, stride, padding: of the pooling.
    """

    _dims = 1


class MaxUnpool2d(_MaxUnpool):
    """Puts back what `MaxPool2d` took from images (N, C, H, W) or (C, H, W), zeros elsewhere.

    Args:
        kernel_size, stride, padding: of the pooling.
    """

    _dims = 2


class MaxUnpool3d(_MaxUnpool):
    """Puts back what `MaxPool3d` took from volumes (N, C, D, H, W) or (C, D, H, W), else zeros.

    Args:
        kernel_size, stride, padding: of the pooling.
    """

    _dims = 3


class _FractionalMaxPool(Module):
    """The maximum of each of some windows whose places are drawn (Graham 2014)."""

    _dims: int

    def __init__(
        self,
        kernel_size: Size,
        output_size: Size | None = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        name, dims = type(self).__name__, self._dims
        self.kernel_size = sizes(name, "kernel_size", kernel_size, dims, 1)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        given = None if output_size is None else sizes(name, "output_size", output_size, dims, 1)
        several = isinstance(output_ratio, Sequence)
        self.output_size = given
        self.output_ratio: tuple[float, ...] | None = None
        if output_ratio is not None:
            self.output_ratio = tuple(output_ratio) if several else (output_ratio,) * dims
        if output_size is None and output_ratio is None:
            raise ValueError(
                f"{name} requires specifying either an output size, or a pooling ratio"
            )
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < part < 1 for part in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def forward(self, input: Tensor) -> Any:
        """The maxima; with `return_indices` a pair."""
        pool = F.fractional_max_pool2d if self._dims == 2 else F.fractional_max_pool3d
        size = self.output_size, self.output_ratio
        return pool(input, self.kernel_size, *size, self.return_indices, self._random_samples)


class FractionalMaxPool2d(_FractionalMaxPool):
    """The maximum of each of OH × OW windows whose places are drawn (Graham 2014).

    See `functional.fractional_max_pool2d`.

    Args:
        kernel_size: the window's size.
        output_size: (OH, OW) or one number for both; or
        output_ratio: OH / H and OW / W, between 0 and 1.
        return_indices: return also which of the H·W pixels each maximum was, int64.
        _random_samples: (N, C, 2) in [0, 1), in place of draws.

    Raises:
        ValueError: neither or both of size and ratio, or a ratio out of its range.
    """

    _dims = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """The maximum of each of OT × OH × OW windows of volumes; as `FractionalMaxPool2d`."""

    _dims = 3
