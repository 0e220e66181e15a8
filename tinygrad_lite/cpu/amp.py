"""`torch.cpu.amp`: the older names, for which the device is the CPU."""

from __future__ import annotations

from ..absent import explain as _explain
from ..amp.older import DeviceAutocast as _Autocast
from ..amp.older import DeviceGradScaler as _GradScaler

__all__ = ["GradScaler", "autocast"]

__path__: list[str] = []  # a package to Python: PyTorch has its names in files below it


class autocast(_Autocast):
    """`tinygrad_lite.autocast("cpu", …)`; dtype is bfloat16 unless given."""

    _device = "cpu"


class GradScaler(_GradScaler):
    """`tinygrad_lite.amp.GradScaler("cpu", …)`; arguments as there."""

    _device = "cpu"


_explain(__name__)
