"""Points in the GPU's work, to measure the time between two."""

from __future__ import annotations

from typing import Any

from ..backend import namespace_for

__all__ = ["Event"]


class Event:
    """A mark in the current stream's work, as `torch.cuda.Event`.

    Args:
        enable_timing: whether `elapsed_time` may be asked.

    Raises:
        RuntimeError: CUDA is not available.
    """

    def __init__(self, enable_timing: bool = False) -> None:
        self._cuda: Any = namespace_for("cuda").library.cuda
        self._event = self._cuda.Event(disable_timing=not enable_timing)

    def record(self) -> None:
        """Set the mark after what the GPU has been asked to do so far."""
        self._event.record(self._cuda.get_current_stream())

    def query(self) -> bool:
        """Whether the GPU has come past the mark."""
        return bool(self._event.done)

    def synchronize(self) -> None:
        """Wait until the GPU comes past the mark."""
        self._event.synchronize()

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this mark to another; both must have been passed."""
        return float(self._cuda.get_elapsed_time(self._event, end_event._event))
