"""What `cuda.amp` and `cpu.amp` share: the older names, which belong to a device."""

from __future__ import annotations

from typing import Any

from ..tensor import autocast
from .grad_scaler import GradScaler

__all__ = ["DeviceAutocast", "DeviceGradScaler"]


class DeviceAutocast(autocast):
    """`tinygrad_lite.autocast` of a subclass's device.

    Args:
        enabled, dtype, cache_enabled: as there.
    """

    _device: str

    def __init__(
        self, enabled: bool = True, dtype: Any = None, cache_enabled: bool | None = None
    ) -> None:
        super().__init__(self._device, dtype, enabled, cache_enabled)


class DeviceGradScaler(GradScaler):
    """`tinygrad_lite.amp.GradScaler` of a subclass's device; arguments as there."""

    _device: str

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        own = init_scale, growth_factor, backoff_factor, growth_interval, enabled
        super().__init__(self._device, *own)
