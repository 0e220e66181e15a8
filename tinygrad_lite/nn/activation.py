"""Activations as modules: each calls the function of `nn.functional` of its name."""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .module import Module

__all__ = ["LogSoftmax", "ReLU", "Sigmoid", "Softmax", "Tanh"]


class ReLU(Module):
    """y = max(0, x), elementwise; the derivative at 0 is 0.

    Args:
        inplace: overwrite the input. A leaf that requires a gradient can't be overwritten
            (RuntimeError).
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """max(0, input)."""
        return F.relu(input, self.inplace)

    def extra_repr(self) -> str:
        """Whether in place."""
        return "inplace=True" if self.inplace else ""


class Sigmoid(Module):
    """y = 1 / (1 + e⁻ˣ), elementwise."""

    def forward(self, input: Tensor) -> Tensor:
        """σ(input)."""
        return input.sigmoid()


class Tanh(Module):
    """y = tanh x, elementwise."""

    def forward(self, input: Tensor) -> Tensor:
        """Tanh(input)."""
        return input.tanh()


class _AlongDim(Module):
    """An activation along one dimension."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class Softmax(_AlongDim):
    """y = eˣ / Σ eˣ along a dimension: positive, and 1 in sum.

    Args:
        dim: the dimension; leaving it out is deprecated, as in PyTorch (see `F.softmax`).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Softmax of the input."""
        return F.softmax(input, self.dim)


class LogSoftmax(_AlongDim):
    """y = ln softmax(x) along a dimension, computed without overflow.

    Args:
        dim: the dimension; leaving it out is deprecated, as in PyTorch (see `F.softmax`).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Log-softmax of the input."""
        return F.log_softmax(input, self.dim)
