"""What stands in older signatures for an option that has to be given, and what options must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..tensor import Tensor

__all__ = ["check", "check_not_negative", "check_rate", "required"]


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


def check(valid: bool, what: str, value: Any) -> None:
    """Check an option.

    Args:
        valid: whether it is right.
        what: how the message calls it.
        value: what it is.

    Raises:
        ValueError: it is not valid: "Invalid learning rate: -1", for example.
    """
    if not valid:
        raise ValueError(f"Invalid {what}: {value}")


_SPOKEN = {"lr": "learning rate", "eps": "epsilon value"}


def check_not_negative(options: Mapping[str, Any], *names: str) -> None:
    """Check options that must be 0 or more.

    Raises:
        ValueError: naming the first that is not.
    """
    for name in names:
        check(options[name] >= 0, _SPOKEN.get(name, f"{name} value"), options[name])
