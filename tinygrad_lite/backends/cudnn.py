"""`torch.backends.cudnn`: the settings of convolution on CUDA, which is our own here.

`allow_tf32` works as in PyTorch. `benchmark` and `deterministic` may be set, but change nothing:
no algorithm is chosen by timing, and results are deterministic always.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from ..backend import precision

benchmark = False
deterministic = False
enabled = True


def is_available() -> bool:
    """No: convolution on CUDA is our own."""
    return False


def version() -> None:
    """None: see `is_available`."""


def is_acceptable(tensor: Any) -> bool:
    """No: see `is_available`."""
    return False


class _Settings(ModuleType):
    """A module that sees its attribute being set."""

    @property
    def allow_tf32(self) -> bool:
        """Whether float32 convolutions use TF32, True by default."""
        return precision.conv_tf32()

    @allow_tf32.setter
    def allow_tf32(self, allowed: bool) -> None:
        precision.set_conv_tf32(allowed)


sys.modules[__name__].__class__ = _Settings
