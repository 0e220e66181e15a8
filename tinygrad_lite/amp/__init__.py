"""Mixed precision, as `torch.amp`: `autocast` and the scaler that keeps small gradients."""

from __future__ import annotations

from ..absent import explain as _explain
from ..backend.listing import listing as _listing
from ..tensor import autocast
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast"]


def __dir__() -> list[str]:
    return _listing(globals())


_explain(__name__)
