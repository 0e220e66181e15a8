"""`torch.types`: names for annotations."""

from __future__ import annotations

from .absent import explain as _explain
from .backend import Device as _Device
from .tensor import Size as _Size
from .tensor import Tensor
from .tensor import element as _element

__all__ = ["Device", "FileLike", "Number", "Tensor"]

from .files import StrPath as FileLike

Device = _Device | str | int | None
Number = int | float | bool

# What annotations in programs call Python's own types.
_int, _float, _bool = int, float, bool
_device, _dtype = _Device, _element.dtype
_size = _Size | list[int] | tuple[int, ...]

_explain(__name__)
