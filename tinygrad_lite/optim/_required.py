"""What stands in older signatures for an option that has to be given, and what a rate must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..tensor import Tensor

__all__ = ["check_rate", "required"]


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


def check_rate(options: Mapping[str, Any]) -> None:
    """Check that a learning rate that is a tensor has one element.

    Raises:
        ValueError: it has more, or none.
    """
    rate = options.get("lr")
    if isinstance(rate, Tensor) and rate.numel() != 1:
        raise ValueError(f"Tensor lr must be 1-element, but its shape is {tuple(rate.shape)}")
