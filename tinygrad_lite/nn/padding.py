"""Padding layers: each calls `functional.pad` with a mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..tensor import Tensor
from . import functional as F
from .functional.sizes import Size
from .module import Module

__all__ = [
    f"{kind}Pad{dims}d"
    for kind in ("Circular", "Constant", "Reflection", "Replication", "Zero")
    for dims in (1, 2, 3)
]


class _Pad(Module):
    """Padding of the last `_dims` dimensions in a `_mode` of `functional.pad`.

    Args:
        padding: how many elements to add at each end; one int for all ends, or two for each
            dimension, the last dimension first. Negative ones take elements away.
    """

    _dims: ClassVar[int]
    _mode: ClassVar[str]

    def __init__(self, padding: Size) -> None:
        super().__init__()
        if isinstance(padding, Sequence):
            self.padding = tuple(padding)
        else:
            self.padding = (padding,) * (2 * self._dims)

    def forward(self, input: Tensor) -> Tensor:
        """The padded input; errors as `functional.pad`."""
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    """Padding with a number."""

    _mode = "constant"

    def __init__(self, padding: Size, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """The padded input; errors as `functional.pad`."""
        return F.pad(input, self.padding, self._mode, self.value)

    def extra_repr(self) -> str:
        """The sizes and the number."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Signals (N, C, L) or (C, L) with a number added around them.

    Args:
        padding: an int for both ends, or (left, right).
        value: the number.
    """

    _dims = 1


class ConstantPad2d(_ConstantPad):
    """Images (N, C, H, W) or (C, H, W) with a number added around them.

    Args:
        padding: an int for all ends, or (left, right, top, bottom).
        value: the number.
    """

    _dims = 2


class ConstantPad3d(_ConstantPad):
    """Volumes (N, C, D, H, W) or (C, D, H, W) with a number added around them.

    Args:
        padding: an int for all ends, or (left, right, top, bottom, front, back).
        value: the number.
    """

    _dims = 3


class ZeroPad1d(ConstantPad1d):
    """Signals (N, C, L) or (C, L) with zeros added around them.

    Args:
        padding: an int for both ends, or (left, right).
    """

    def __init__(self, padding: Size) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Images (N, C, H, W) or (C, H, W) with zeros added around them.

    Args:
        padding: an int for all ends, or (left, right, top, bottom).
    """

    def __init__(self, padding: Size) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Volumes (N, C, D, H, W) or (C, D, H, W) with zeros added around them.

    Args:
        padding: an int for all ends, or (left, right, top, bottom, front, back).
    """

    def __init__(self, padding: Size) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.padding}"


class ReflectionPad1d(_Pad):
    """Signals (N, C, L) or (C, L) continued by their mirror image.

    The outermost element is the mirror itself: 1 2 3, padded by 2, becomes 3 2 1 2 3 2 1.

    Args:
        padding: an int for both ends, or (left, right); smaller than L.
    """

    _dims = 1
    _mode = "reflect"


class ReflectionPad2d(_Pad):
    """Images (N, C, H, W) or (C, H, W) continued by their mirror image.

    The outermost element is the mirror itself; see `ReflectionPad1d`.

    Args:
        padding: an int for all ends, or (left, right, top, bottom);
            each smaller than its dimension's size.
    """

    _dims = 2
    _mode = "reflect"


class ReflectionPad3d(_Pad):
    """Volumes (N, C, D, H, W) or (C, D, H, W) continued by their mirror image.

    The outermost element is the mirror itself; see `ReflectionPad1d`.

    Args:
        padding: an int for all ends, or (left, right, top, bottom, front, back);
            each smaller than its dimension's size.
    """

    _dims = 3
    _mode = "reflect"


class ReplicationPad1d(_Pad):
    """Signals (N, C, L) or (C, L) continued by their outermost elements.

    1 2 3, padded by 2, becomes 1 1 1 2 3 3 3.

    Args:
        padding: an int for both ends, or (left, right).
    """

    _dims = 1
    _mode = "replicate"


class ReplicationPad2d(_Pad):
    """Images (N, C, H, W) or (C, H, W) continued by their outermost elements.

    See `ReplicationPad1d`.

    Args:
        padding: an int for all ends, or (left, right, top, bottom).
    """

    _dims = 2
    _mode = "replicate"


class ReplicationPad3d(_Pad):
    """Volumes (N, C, D, H, W) or (C, D, H, W) continued by their outermost elements.

    See `ReplicationPad1d`.

    Args:
        padding: an int for all ends, or (left, right, top, bottom, front, back).
    """

    _dims = 3
    _mode = "replicate"


class _CircularPad(_Pad):
    """Padding of what goes around: of a batch of signals, images or volumes, or of one."""

    _mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        """The padded input; errors as `functional.pad`, and ValueError for another rank."""
        if input.ndim not in (self._dims + 1, self._dims + 2):
            raise ValueError(
                f"{type(self).__name__}: expected {self._dims + 1}D or {self._dims + 2}D input, "
                f"but its shape is {tuple(input.shape)}"
            )
        return super().forward(input)


class CircularPad1d(_CircularPad):
    """Signals (N, C, L) or (C, L) continued by themselves, as if on a circle.

    1 2 3, padded by 2, becomes 2 3 1 2 3 1 2.

    Args:
        padding: an int for both ends, or (left, right); at most L.
    """

    _dims = 1


class CircularPad2d(_CircularPad):
    """Images (N, C, H, W) or (C, H, W) continued by themselves, as if on a circle.

    See `CircularPad1d`.

    Args:
        padding: an int for all ends, or (left, right, top, bottom);
            each at most its dimension's size.
    """

    _dims = 2


class CircularPad3d(_CircularPad):
    """Volumes (N, C, D, H, W) or (C, D, H, W) continued by themselves, as if on a circle.

    See `CircularPad1d`.

    Args:
        padding: an int for all ends, or (left, right, top, bottom, front, back);
            each at most its dimension's size.
    """

    _dims = 3
