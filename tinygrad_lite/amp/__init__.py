"""Mixed precision, as `torch.amp`: `autocast` and the scaler that keeps small gradients."""

from __future__ import annotations

from ..absent import explain as _explain
from ..backend.listing import listing as _listing
from ..tensor import autocast
from .custom import custom_bwd, custom_fwd
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]


def is_autocast_available(device_type: str) -> bool:
    """Whether `autocast` knows a kind of device: "cpu" and "cuda", also where there is no GPU."""
    return device_type in ("cpu", "cuda")


def __dir__() -> list[str]:
    return _listing(globals())


_explain(__name__)
