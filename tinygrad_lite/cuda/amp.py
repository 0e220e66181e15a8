"""`torch.cuda.amp`: the older names, for which the device is CUDA."""

from __future__ import annotations

from typing import Any

from ..amp import GradScaler as _GradScaler
from ..tensor import autocast as _autocast

__all__ = ["GradScaler", "autocast"]


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
