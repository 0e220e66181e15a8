"""What is raised where memory is not enough: CuPy's and NumPy's MemoryError, in PyTorch's words."""

from __future__ import annotations

__all__ = ["OutOfMemoryError"]


class OutOfMemoryError(RuntimeError):
    """An operation, or a backward pass, needs more memory than there is."""
