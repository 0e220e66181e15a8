"""`torch.cpu.amp`: the older names, for which the device is the CPU."""

from __future__ import annotations

from typing import Any

from ..amp import GradScaler as _GradScaler
from ..tensor import autocast as _autocast

__all__ = ["GradScaler", "autocast"]

__path__: list[str] = []  # a package to Python: PyTorch has its names in files below it


class autocast(_autocast):
    """`tinygrad_lite.autocast("cpu", …)`.

    Args:
        enabled, dtype, cache_enabled: as there; dtype is bfloat16 unless given.
    """

    def __init__(
        self, enabled: bool = True, dtype: Any = None, cache_enabled: bool | None = None
    ) -> None:
        super().__init__("cpu", dtype, enabled, cache_enabled)


class GradScaler(_GradScaler):
    """`tinygrad_lite.amp.GradScaler("cpu", …)`; arguments as there."""

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        super().__init__("cpu", init_scale, growth_factor, backoff_factor, growth_interval, enabled)
