"""`torch.autograd.profiler`: the older place of `torch.profiler`'s names."""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    return getattr(import_module("tinygrad_lite.profiler"), name)
