"""Dropout."""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .functional.dropout import probability
from .module import Module

__all__ = [
    "AlphaDropout",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "FeatureAlphaDropout",
]


class _DropoutNd(Module):
    """What dropouts share: p, the probability of a 0, and whether to overwrite the input."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        probability(p)
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """In training each element is 0 with probability p, else x / (1 − p); else y = x.

    N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting", JMLR 15, 2014. The mask comes from the default generator on the host, so
    the same seed drops the same elements on every device.

    Args:
        p: the probability of a 0.
        inplace: overwrite the input.

    Raises:
        ValueError: p is not in [0, 1].
        TypeError: p is no number.

    Example:
        >>> drop = nn.Dropout(0.5)
        >>> drop.eval()(torch.ones(3))
        tensor([1., 1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The input with some elements dropped, in training mode."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """In training each channel of each sample is 0 with probability p, else x / (1 − p).

    For images (N, C, H, W): neighbouring pixels say almost the same, so that dropping single ones
    would hide little. (J. Tompson et al., "Efficient Object Localization Using Convolutional
    Networks", CVPR 2015.) Arguments as `Dropout`; shapes and errors as `functional.dropout2d`.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The input with some channels dropped, in training mode."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """`Dropout2d` of signals (N, C, L) or (C, L); see `functional.dropout1d`."""

    def forward(self, input: Tensor) -> Tensor:
        """The input with some channels dropped, in training mode."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """`Dropout2d` of volumes (N, C, D, H, W) or (C, D, H, W); see `functional.dropout3d`."""

    def forward(self, input: Tensor) -> Tensor:
        """The input with some channels dropped, in training mode."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Dropout that keeps mean 0 and variance 1, for `SELU`; see `functional.alpha_dropout`.

    Arguments as `Dropout`; as in PyTorch `inplace` has no effect, the input is never overwritten.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The input with some elements dropped, in training mode."""
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_DropoutNd):
    """`AlphaDropout` of whole channels of (N, C, …), arguments likewise."""

    def forward(self, input: Tensor) -> Tensor:
        """The input with some channels dropped, in training mode."""
        return F.feature_alpha_dropout(input, self.p, self.training)
