"""Activations as modules: each calls the function of `nn.functional` of its name.

Except for those along a dimension all are elementwise, of inputs of any shape.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from ..ops import elementwise as ops
from ..tensor import Tensor
from ..tensor.apply import apply
from ..tensor.source_line import user_level
from . import functional as F
from ._joined import Joined, is_usual
from .module import Module
from .pool import MaxPool2d

__all__ = [
    "ELU",
    "GELU",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]


class ReLU(Module):
    """y = max(0, x), elementwise; the derivative at 0 is 0.

    Args:
        inplace: overwrite the input. A leaf that requires a gradient can't be overwritten
            (RuntimeError).

    Example:
        >>> nn.ReLU()(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """max(0, input)."""
        return F.relu(input, self.inplace)

    def _joined_with(self, following: Sequence[Module]) -> Joined:
        """This module behind the maximum pool that follows, if one does (see `_joined`).

        max(0, ·) of the largest is the largest of max(0, ·), and of fewer numbers; the gradients
        are the same too. What comes out may be changed in place, as a pool's output may.
        """
        if self.inplace or not following or type(following[0]) is not MaxPool2d:
            return None
        pool = following[0]
        apart = pool.return_indices or not (is_usual(self, ReLU) and is_usual(pool, MaxPool2d))
        return None if apart else ((lambda x: apply(ops.relu_of_kept, pool.forward(x))), 1)

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
        """tanh(input)."""
        return input.tanh()


class _AlongDim(Module):
    """An activation along one dimension.

    Args:
        dim: the dimension.
    """

    _frames = 5  # from the warning of `F.softmax` to the line that called the module

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

    Example:
        >>> nn.Softmax(dim=1)(torch.zeros(1, 4))
        tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Softmax of the input."""
        return F.softmax(input, self.dim, self._frames)


class LogSoftmax(_AlongDim):
    """y = ln softmax(x) along a dimension, computed without overflow.

    Args:
        dim: the dimension; leaving it out is deprecated, as in PyTorch (see `F.softmax`).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Log-softmax of the input."""
        return F.log_softmax(input, self.dim, self._frames)


class _Elementwise(Module):
    """An elementwise activation with settings.

    Args:
        settings: become attributes, and are printed; `inplace` only if it is True.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self._settings = tuple(settings)
        for name, value in settings.items():
            setattr(self, name, value)

    def extra_repr(self) -> str:
        """The settings."""
        found = {name: getattr(self, name) for name in self._settings}
        if "inplace" in found and not found["inplace"]:
            del found["inplace"]
        elif "inplace" in found:
            found["inplace"] = True  # also of what only counts as true, as in PyTorch
        return ", ".join(f"{name}={value!r}" for name, value in found.items())


class LeakyReLU(_Elementwise):
    """y = x for x > 0, else negative_slope · x; see `F.leaky_relu`.

    Args:
        negative_slope: the slope below 0.
        inplace: overwrite the input.
    """

    negative_slope: float
    inplace: bool

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(negative_slope=negative_slope, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        """The leaky ReLU of the input."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)


class ELU(_Elementwise):
    """y = x for x > 0, else α (eˣ − 1); see `F.elu`.

    Args:
        alpha: α; y tends to −α far below 0.
        inplace: overwrite the input.
    """

    alpha: float
    inplace: bool

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(alpha=alpha, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        """The ELU of the input."""
        return F.elu(input, self.alpha, self.inplace)


class GELU(_Elementwise):
    """y = x Φ(x), Φ the standard normal distribution function; see `F.gelu`.

    Args:
        approximate: "none", or "tanh" for a formula with tanh that is within 5e-4 of it.
    """

    approximate: str

    def __init__(self, approximate: str = "none") -> None:
        super().__init__(approximate=approximate)

    def forward(self, input: Tensor) -> Tensor:
        """The GELU of the input."""
        return F.gelu(input, approximate=self.approximate)


class SiLU(_Elementwise):
    """y = x σ(x); see `F.silu`.

    Args:
        inplace: overwrite the input.
    """

    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        """The SiLU of the input."""
        return F.silu(input, self.inplace)


class Softplus(_Elementwise):
    """y = ln(1 + e^(βx)) / β, a smooth max(0, x); see `F.softplus`.

    Args:
        beta: β, how sharp the bend at 0 is.
        threshold: y = x where βx exceeds it; the difference is not visible there.
    """

    beta: float
    threshold: float

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__(beta=beta, threshold=threshold)

    def forward(self, input: Tensor) -> Tensor:
        """The softplus of the input."""
        return F.softplus(input, self.beta, self.threshold)


class LogSigmoid(Module):
    """y = ln σ(x), elementwise; see `F.logsigmoid`."""

    def forward(self, input: Tensor) -> Tensor:
        """ln σ(input)."""
        return F.logsigmoid(input)


class Hardtanh(_Elementwise):
    """y = x limited to [min_val, max_val]; see `F.hardtanh`.

    Args:
        min_val, max_val: the bounds.
        inplace: overwrite the input.
        min_value, max_value: the bounds' old names, with PyTorch's warning.

    Raises:
        AssertionError: max_val is not above min_val.
    """

    min_val: float
    max_val: float
    inplace: bool

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        for old, new in (("min_value", "min_val"), ("max_value", "max_val")):
            if {"min_value": min_value, "max_value": max_value}[old] is not None:
                text = f"keyword argument `{old}` is deprecated and rename to `{new}`"
                warnings.warn(text, FutureWarning, stacklevel=user_level())
        min_val = min_val if min_value is None else min_value
        max_val = max_val if max_value is None else max_value
        if not max_val > min_val:
            raise AssertionError(f"max_val ({max_val}) must be greater than min_val ({min_val})")
        super().__init__(min_val=min_val, max_val=max_val, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        """The input limited to the bounds."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)


class ReLU6(Hardtanh):
    """y = min(max(0, x), 6), a `Hardtanh` of these bounds; see `F.relu6`.

    Args:
        inplace: overwrite the input.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        """Whether the input is overwritten."""
        return "inplace=True" if self.inplace else ""

    def forward(self, input: Tensor) -> Tensor:
        """The input limited to [0, 6]."""
        return F.relu6(input, self.inplace)
