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
    """Padding of the last `_dims` dimensions in a mode."""

    _dims: ClassVar[int]
    _mode: ClassVar[str]

    def __init__(self, padding: Size) -> None:
        super().__init__()
        if isinstance(padding, Sequence):
            self.padding = tuple(padding)
        else:
            self.padding = (padding,) * (2 * self._dims)

    def forward(self, input: Tensor) -> Tensor:
        """The padded input."""
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
        """The padded input."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """The sizes and the number."""
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    """Padding with zeros."""

    def __init__(self, padding: Size) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.padding}"


class ConstantPad1d(_ConstantPad):
    """Padding of signals (N, C, L) or (C, L).

    With a number; sizes: an int, or (left, right).
    """

    _dims = 1


class ConstantPad2d(_ConstantPad):
    """Padding of images (N, C, H, W) or (C, H, W).

    With a number; sizes: an int, or (left, right, top, bottom).
    """

    _dims = 2


class ConstantPad3d(_ConstantPad):
    """Padding of volumes (N, C, D, H, W) or (C, D, H, W).

    With a number; sizes: an int, or (left, right, top, bottom, front, back).
    """

    _dims = 3


class ZeroPad1d(_ZeroPad):
    """Padding of signals (N, C, L) or (C, L).

    With zeros; sizes: an int, or (left, right).
    """

    _dims = 1


class ZeroPad2d(_ZeroPad):
    """Padding of images (N, C, H, W) or (C, H, W).

    With zeros; sizes: an int, or (left, right, top, bottom).
    """

    _dims = 2


class ZeroPad3d(_ZeroPad):
    """Padding of volumes (N, C, D, H, W) or (C, D, H, W).

    With zeros; sizes: an int, or (left, right, top, bottom, front, back).
    """

    _dims = 3


class ReflectionPad1d(_Pad):
    """Padding of signals (N, C, L) or (C, L).

    With a mirror at the outermost element, which is not repeated.

    Sizes: an int, or
    (left, right).
    """

    _dims = 1
    _mode = "reflect"


class ReflectionPad2d(_Pad):
    """Padding of images (N, C, H, W) or (C, H, W).

    With a mirror at the outermost element, which is not repeated.

    Sizes: an int, or
    (left, right, top, bottom).
    """

    _dims = 2
    _mode = "reflect"


class ReflectionPad3d(_Pad):
    """Padding of volumes (N, C, D, H, W) or (C, D, H, W).

    With a mirror at the outermost element, which is not repeated.

    Sizes: an int, or
    (left, right, top, bottom, front, back).
    """

    _dims = 3
    _mode = "reflect"


class ReplicationPad1d(_Pad):
    """Padding of signals (N, C, L) or (C, L).

    With the outermost element; sizes: an int, or (left, right).
    """

    _dims = 1
    _mode = "replicate"


class ReplicationPad2d(_Pad):
    """Padding of images (N, C, H, W) or (C, H, W).

    With the outermost element; sizes: an int, or (left, right, top, bottom).
    """

    _dims = 2
    _mode = "replicate"


class ReplicationPad3d(_Pad):
    """Padding of volumes (N, C, D, H, W) or (C, D, H, W).

    With the outermost element; sizes: an int, or (left, right, top, bottom, front, back).
    """

    _dims = 3
    _mode = "replicate"


class CircularPad1d(_Pad):
    """Padding of signals (N, C, L) or (C, L).

    With what is at the other end; sizes: an int, or (left, right).
    """

    _dims = 1
    _mode = "circular"


class CircularPad2d(_Pad):
    """Padding of images (N, C, H, W) or (C, H, W).

    With what is at the other end; sizes: an int, or (left, right, top, bottom).
    """

    _dims = 2
    _mode = "circular"


class CircularPad3d(_Pad):
    """Padding of volumes (N, C, D, H, W) or (C, D, H, W).

    With what is at the other end.

    Sizes: an int, or
    (left, right, top, bottom, front, back).
    """

    _dims = 3
    _mode = "circular"
