"""`torch.cuda.amp`: the older names, for which the device is CUDA."""

from __future__ import annotations

from functools import partial as _partial
from typing import Any

from ..amp import GradScaler as _GradScaler
from ..amp import custom_bwd as _custom_bwd
from ..amp import custom_fwd as _custom_fwd
from ..tensor import autocast as _autocast

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]

__path__: list[str] = []  # a package to Python: PyTorch has its names in files below it

custom_fwd = _partial(_custom_fwd, device_type="cuda")
custom_bwd = _partial(_custom_bwd, device_type="cuda")


class autocast(_autocast):
    """`tinygrad_lite.autocast("cuda", …)`.

    Args:
        enabled, dtype, cache_enabled: as there; dtype is float16 unless given.
    """

    def __init__(
        self, enabled: bool = True, dtype: Any = None, cache_enabled: bool | None = None
    ) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(_GradScaler):
    """`tinygrad_lite.amp.GradScaler("cuda", …)`; arguments as there."""

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        super().__init__(
            "cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled
        )
