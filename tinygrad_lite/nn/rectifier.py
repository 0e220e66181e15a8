"""Rectifiers, shrinkages and gates as modules; `activation` has the smooth ones and softmax."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from ..tensor.create import full
from . import functional as F
from . import init
from .activation import _AlongDim, _Elementwise
from .module import Module
from .parameter import Parameter

__all__ = [
    "CELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Mish",
    "PReLU",
    "RReLU",
    "Softmax2d",
    "Softmin",
    "Softshrink",
    "Softsign",
    "Tanhshrink",
    "Threshold",
]


class _Plain(_Elementwise):
    """An activation with no setting but `inplace`.

    Args:
        inplace: overwrite the input.
    """

    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)


class SELU(_Plain):
    """y = λ x for x > 0, else λ α (eˣ − 1), with the λ and α that `F.selu` states.

    Args:
        inplace: overwrite the input.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The SELU of the input."""
        return F.selu(input, self.inplace)


class Hardsigmoid(_Plain):
    """y = min(max(x + 3, 0), 6) / 6, a sigmoid of straight lines; see `F.hardsigmoid`.

    Args:
        inplace: overwrite the input.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The hard sigmoid of the input."""
        return F.hardsigmoid(input, self.inplace)

    def extra_repr(self) -> str:
        """Nothing, as in PyTorch."""
        return ""


class Hardswish(_Plain):
    """y = x min(max(x + 3, 0), 6) / 6, a `SiLU` of straight lines; see `F.hardswish`.

    Args:
        inplace: overwrite the input.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The hard swish of the input."""
        return F.hardswish(input, self.inplace)

    def extra_repr(self) -> str:
        """Nothing, as in PyTorch."""
        return ""


class Mish(_Plain):
    """y = x tanh(ln(1 + eˣ)); see `F.mish`.

    Args:
        inplace: overwrite the input.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The mish of the input."""
        return F.mish(input, self.inplace)


class CELU(_Elementwise):
    """y = x for x > 0, else α (e^(x/α) − 1), whose slope has no jump; see `F.celu`.

    Args:
        alpha: α, not 0; y tends to −α far below 0.
        inplace: overwrite the input.
    """

    alpha: float
    inplace: bool

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(alpha=alpha, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        """The CELU of the input."""
        return F.celu(input, self.alpha, self.inplace)


class Threshold(_Elementwise):
    """y = x where x > threshold, else value; see `F.threshold`.

    Args:
        threshold: what x is compared with.
        value: what stands in its place.
        inplace: overwrite the input.
    """

    threshold: float
    value: float
    inplace: bool

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(threshold=threshold, value=value, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        """The input above the threshold."""
        return F.threshold(input, self.threshold, self.value, self.inplace)


class RReLU(_Elementwise):
    """y = x for x > 0, else a x, a drawn for each element in training; see `F.rrelu`.

    Args:
        lower, upper: the bounds of a; in evaluation it is their mean.
        inplace: overwrite the input.
    """

    lower: float
    upper: float
    inplace: bool

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__(lower=lower, upper=upper, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        """The randomised leaky ReLU of the input."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)


class PReLU(Module):
    """y = x for x > 0, else w x with a learnt slope w (He et al. 2015); see `F.prelu`.

    Args:
        num_parameters: 1, or C of an input (N, C, …) for a slope for each channel.
        init: w at the start.
        device, dtype: of w.

    Attributes:
        weight: w, (num_parameters).
    """

    weight: Parameter

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(full((num_parameters,), float(init), dtype=dtype, device=device))

    def reset_parameters(self) -> None:
        """Set w to `init` again."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """The parametric ReLU of the input."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """How many slopes."""
        return f"num_parameters={self.num_parameters}"


class _Shrink(Module):
    """What brings small elements to 0.

    Args:
        lambd: λ, how small.
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        """λ."""
        return f"{self.lambd}"


class Hardshrink(_Shrink):
    """y = x where |x| > λ, else 0; see `F.hardshrink`.

    Args:
        lambd: λ.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The input, small elements 0."""
        return F.hardshrink(input, self.lambd)


class Softshrink(_Shrink):
    """y = x moved towards 0 by λ, and 0 where |x| ≤ λ; see `F.softshrink`.

    Args:
        lambd: λ, not negative.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The shrunk input."""
        return F.softshrink(input, self.lambd)


class Softsign(Module):
    """y = x / (1 + |x|)."""

    def forward(self, input: Tensor) -> Tensor:
        """The softsign of the input."""
        return F.softsign(input)


class Tanhshrink(Module):
    """y = x − tanh x."""

    def forward(self, input: Tensor) -> Tensor:
        """The input less its tanh."""
        return F.tanhshrink(input)


class GLU(_AlongDim):
    """y = a σ(b), a and b the halves of the input along a dimension; see `F.glu`.

    Args:
        dim: the dimension, of an even size; the output has half of it.
    """

    dim: int

    def __init__(self, dim: int = -1) -> None:
        super().__init__(dim)

    def forward(self, input: Tensor) -> Tensor:
        """The first half, times σ of the second."""
        return F.glu(input, self.dim)


class Softmin(_AlongDim):
    """y = e⁻ˣ / Σ e⁻ˣ along a dimension: the softmax of −x.

    Args:
        dim: the dimension; leaving it out is deprecated, as in PyTorch (see `F.softmax`).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Softmin of the input."""
        return F.softmin(input, self.dim, self._frames)


class Softmax2d(Module):
    """Softmax over the channels of images (N, C, H, W) or (C, H, W).

    Raises:
        ValueError: when called with another rank.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Softmax over the channels."""
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return input.softmax(-3)
