"""Linear layers, and modules that only change shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..backend import Device, namespace, namespace_for
from ..tensor import Tensor
from ..tensor.base import new
from ..tensor.create import shape_of
from ..tensor.modes import default_or
from . import functional as F
from . import init
from ._joined import Joined, is_usual
from .activation import ReLU
from .functional.linear import linear_relu
from .module import Module
from .parameter import Parameter

__all__ = ["Flatten", "Identity", "Linear", "Unflatten"]


class Linear(Module):
    """y = x Wᵀ + b for x (…, K): shape (…, M). (The report's equations 20 to 37.)

    Weight and bias start uniform on ±1/√K, PyTorch's default: its kaiming_uniform_(a=√5)
    (He et al. 2015) comes to that bound.

    Args:
        in_features: the size of x's last dimension, K.
        out_features: the size of y's last dimension, M.
        bias: add a bias.
        device, dtype: of the parameters; default: the CPU, the default dtype.

    Attributes:
        weight: W, (M, K). It lies in memory as (K, M), in Fortran order, which is faster on a
            CPU for x Wᵀ and for the weight's gradient; `.to()` and `load_state_dict` keep that.
        bias: b, (M), or None.

    Raises:
        RuntimeError: when called with another number of features or another dtype.

    Example:
        >>> layer = nn.Linear(3, 2)
        >>> layer(torch.zeros(5, 3)).shape
        torch.Size([5, 2])
        >>> layer.weight.shape, layer.bias.shape
        (torch.Size([2, 3]), torch.Size([2]))
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        xp, dtype = namespace_for(device), default_or(dtype)
        shape = shape_of("Linear", (out_features, in_features), {})
        weight = xp.empty(shape, dtype=dtype, order="F")
        self.weight = Parameter(new(weight))
        self.register_parameter("bias", None)
        if bias:
            self.bias = Parameter(new(xp.empty(shape[:1], dtype=dtype)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias again, uniform on ±1/√in_features."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features else 0.0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """x Wᵀ + b."""
        return F.linear(input, self.weight, self.bias)

    def _joined_with(self, following: Sequence[Module]) -> Joined:
        """This layer with a ReLU that follows, if one does (see `_joined`).

        That saves launches of kernels. On the CPU it would save nothing, so there both stay
        separate, as pictures of the graph and profiles should show them.
        """
        if namespace(self.weight.array).name == "cpu":
            return None
        if len(following) == 0 or type(following[0]) is not ReLU or not is_usual(self, Linear):
            return None
        return (self._rectified, 1) if is_usual(following[0], ReLU) else None

    def _rectified(self, input: Tensor) -> Tensor:
        """max(0, x Wᵀ + b)."""
        return linear_relu(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Identity(Module):
    """y = x. Arguments of any kind are taken and ignored, so that it can stand in for any layer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """The input itself."""
        return input


class Flatten(Module):
    """Several dimensions as one: (N, C, H, W) becomes (N, C·H·W).

    Args:
        start_dim, end_dim: the first and the last of them; by default all but the batch.

    Raises:
        IndexError: when called with a tensor that lacks one of the dimensions.

    Example:
        >>> nn.Flatten()(torch.zeros(8, 3, 4, 4)).shape
        torch.Size([8, 48])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """The flattened input."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The dimensions."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One dimension as several: with dim=1 and sizes (C, H, W), (N, C·H·W) becomes (N, C, H, W).

    Args:
        dim: the dimension.
        unflattened_size: the sizes it becomes; one may be −1.

    Raises:
        TypeError: sizes that are no ints.
        RuntimeError: when called with a tensor whose size does not fit.
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        sizes = unflattened_size if isinstance(unflattened_size, tuple) else tuple(unflattened_size)
        for i, size in enumerate(sizes):
            if not isinstance(size, int):
                raise TypeError(
                    f"Unflatten: unflattened_size must be ints, but found {size!r} at position {i}"
                )
        self.dim = dim
        self.unflattened_size = sizes

    def forward(self, input: Tensor) -> Tensor:
        """The input in its new shape."""
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """The dimension and its sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
