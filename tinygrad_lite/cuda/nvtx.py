"""`torch.cuda.nvtx`, marks for NVIDIA's profilers: accepted, without effect."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ..absent import explain as _explain

__all__ = ["mark", "range", "range_end", "range_pop", "range_push", "range_start"]


def range_push(msg: str) -> int:
    """Do nothing, and return 0."""
    return 0


def range_pop() -> int:
    """Do nothing, and return 0."""
    return 0


def range_start(msg: str) -> int:
    """Do nothing, and return 0, which `range_end` takes."""
    return 0


def range_end(range_id: int) -> None:
    """Do nothing."""


def mark(msg: str) -> None:
    """Do nothing."""


@contextlib.contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:
    """A `with` block without effect, also a decorator."""
    yield


_explain(__name__)
