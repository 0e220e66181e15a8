"""`torch.utils.tensorboard`: the `SummaryWriter` of the package tensorboardX, where it is installed."""

from __future__ import annotations

from typing import Any

from .. import absent

__all__ = ["SummaryWriter"]

SummaryWriter: Any
try:
    from tensorboardX import SummaryWriter
except ImportError:
    SummaryWriter = absent.stand_in(
        "utils.tensorboard.SummaryWriter",
        "the package tensorboardX has one, which is taken where it is installed",
    )
