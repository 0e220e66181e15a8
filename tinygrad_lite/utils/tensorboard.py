"""`torch.utils.tensorboard`: the `SummaryWriter` of tensorboardX, where that is installed."""

from __future__ import annotations

from typing import Any

from .. import absent

__all__ = ["SummaryWriter"]

try:
    from tensorboardX import SummaryWriter as _Writer
except ImportError:
    _Writer = None

SummaryWriter: Any = _Writer or absent.stand_in(
    "utils.tensorboard.SummaryWriter",
    "the package tensorboardX has one, which is taken where it is installed",
)
