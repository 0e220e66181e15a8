"""The mark that makes a function of a kernel module a kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Mark a function of this or another kernel module as a kernel."""
    function.__kernel__ = True  # type: ignore[attr-defined]
    return function
