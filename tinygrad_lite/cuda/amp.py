"""`torch.cuda.amp`: the older names, for which the device is CUDA."""

from __future__ import annotations

from functools import partial as _partial

from ..absent import explain as _explain
from ..amp import custom_bwd as _custom_bwd
from ..amp import custom_fwd as _custom_fwd
from ..amp.older import DeviceAutocast as _Autocast
from ..amp.older import DeviceGradScaler as _GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]

__path__: list[str] = []  # a package to Python: PyTorch has its names in files below it

custom_fwd = _partial(_custom_fwd, device_type="cuda")
custom_bwd = _partial(_custom_bwd, device_type="cuda")


class autocast(_Autocast):
    """`tinygrad_lite.autocast("cuda", …)`; dtype is float16 unless given."""

    _device = "cuda"


class GradScaler(_GradScaler):
    """`tinygrad_lite.amp.GradScaler("cuda", …)`; arguments as there."""

    _device = "cuda"


_explain(__name__)
