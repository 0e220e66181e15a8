"""Weights of convolutions in another order of memory, which is the library's to choose."""

from __future__ import annotations

from typing import Any, TypeVar

M = TypeVar("M")

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]


def convert_conv2d_weight_memory_format(module: M, memory_format: Any) -> M:
    """The module as it is."""
    return module


convert_conv3d_weight_memory_format = convert_conv2d_weight_memory_format
