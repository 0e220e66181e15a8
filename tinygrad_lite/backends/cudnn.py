"""`torch.backends.cudnn`: the settings of convolution on CUDA, which is our own here.

`allow_tf32` works as in PyTorch. `benchmark` and `deterministic` may be set, but change nothing:
no algorithm is chosen by timing, and results are deterministic always.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ..absent import explain as _explain
from ..backend import precision

benchmark = False
deterministic = False
enabled = True
benchmark_limit = 10


@contextmanager
def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
    fp32_precision: str = "none",
) -> Iterator[None]:
    """A `with` block with these settings, of which `allow_tf32` alone has an effect."""
    here: Any = sys.modules[__name__]
    names = ("enabled", "benchmark", "benchmark_limit", "deterministic", "allow_tf32")
    before = {name: getattr(here, name) for name in names}
    given = (enabled, benchmark, benchmark_limit, deterministic, allow_tf32)
    for name, value in zip(names, given, strict=True):
        setattr(here, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(here, name, value)


def is_available() -> bool:
    """False: convolution on CUDA is a kernel of our own, not cuDNN's."""
    return False


def version() -> None:
    """None, for cuDNN is not used."""


def is_acceptable(tensor: Any) -> bool:
    """False, for cuDNN is not used."""
    return False


class _Settings(ModuleType):
    """This module's class, because only a class can have `allow_tf32` as a property."""

    @property
    def allow_tf32(self) -> bool:
        """Whether float32 convolutions use TF32, True by default."""
        return precision.conv_tf32()

    @allow_tf32.setter
    def allow_tf32(self, allowed: bool) -> None:
        precision.set_conv_tf32(allowed)


sys.modules[__name__].__class__ = _Settings

_explain(__name__)
