"""Classes that a program calls safe to load, as PyTorch's `torch.serialization` keeps them.

A list, and no more: `load` makes nothing but tensors and plain values of a file, whatever is in the
list, and whole objects only with `weights_only=False`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals"]

_SAFE: list[Any] = []


def add_safe_globals(safe_globals: Iterable[Any]) -> None:
    """Add classes or functions to the list."""
    _SAFE.extend(each for each in safe_globals if each not in _SAFE)


def clear_safe_globals() -> None:
    """Empty the list."""
    _SAFE.clear()


def get_safe_globals() -> list[Any]:
    """The list, copied."""
    return list(_SAFE)


class safe_globals:
    """A block in which the list has more.

    Args:
        safe_globals: classes or functions.
    """

    def __init__(self, safe_globals: Iterable[Any]) -> None:
        self._more = list(safe_globals)

    def __enter__(self) -> None:
        self._before = get_safe_globals()
        add_safe_globals(self._more)

    def __exit__(self, *_: object) -> None:
        _SAFE[:] = self._before
