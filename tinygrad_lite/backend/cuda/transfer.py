"""What comes from the host and goes there."""

from __future__ import annotations

from typing import Any

from ..capture import from_host
from ..kernel import kernel

__all__ = ["array", "asarray"]


@kernel("cuda")
def asarray(xp: Any, a: Any, *args: Any, **words: Any) -> Any:
    """The library's `asarray`; in a recording, numbers are constants and host arrays refused."""
    return from_host(xp, "asarray", a, args, words)


@kernel("cuda")
def array(xp: Any, a: Any, *args: Any, **words: Any) -> Any:
    """The library's `array`, likewise."""
    return from_host(xp, "array", a, args, words)
