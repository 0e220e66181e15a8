"""`torch.backends.mps`: Apple's GPUs, which CuPy does not reach."""

from __future__ import annotations

from ..absent import explain as _explain

__all__ = ["is_available", "is_built", "is_macos_or_newer"]


def is_available() -> bool:
    """False."""
    return False


def is_built() -> bool:
    """False."""
    return False


def is_macos_or_newer(major: int, minor: int) -> bool:
    """False, for there is no such device here."""
    return False


_explain(__name__)
