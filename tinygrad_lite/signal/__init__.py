"""`torch.signal`: windows for the samples of a signal."""

from . import windows as windows

__all__ = ["windows"]
