"""`torch.backends.mps`: Apple's GPUs, which CuPy does not reach."""

from __future__ import annotations

__all__ = ["is_available", "is_built", "is_macos_or_newer"]


def is_available() -> bool:
    """No."""
    return False


def is_built() -> bool:
    """No."""
    return False


def is_macos_or_newer(major: int, minor: int) -> bool:
    """No: of no interest without the device."""
    return False
