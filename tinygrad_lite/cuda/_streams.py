"""Streams and events. All work of a GPU is done in one stream here, in the order it is asked for.

So a `Stream` stands for that one: what a program puts on a second stream is done in its turn, and
to wait for a stream is to do nothing.
"""

from __future__ import annotations

import contextlib
from typing import Any

from ..backend import Device, namespace_for

__all__ = [
    "Event",
    "Stream",
    "StreamContext",
    "current_stream",
    "default_stream",
    "is_current_stream_capturing",
    "set_stream",
    "stream",
]


class Event:
    """A mark in the stream's work, to measure the time between two: `torch.cuda.Event`.

    Args:
        enable_timing: whether `elapsed_time` may be asked.
        blocking, interprocess, external: without effect.

    Raises:
        RuntimeError: CUDA is not available.
    """

    def __init__(
        self,
        enable_timing: bool = False,
        blocking: bool = False,
        interprocess: bool = False,
        external: bool = False,
    ) -> None:
        self._xp: Any = namespace_for("cuda")
        self._event = self._xp.new_event(enable_timing)

    def record(self, stream: Any = None) -> None:
        """Set the mark after what the GPU has been asked to do so far."""
        self._xp.record_event(self._event)

    def wait(self, stream: Any = None) -> None:
        """Nothing: what comes later in a stream waits for what came before."""

    def query(self) -> bool:
        """Whether the GPU has come past the mark."""
        passed: bool = self._xp.event_is_past(self._event)
        return passed

    def synchronize(self) -> None:
        """Wait until the GPU comes past the mark."""
        self._xp.wait_for_event(self._event)

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this mark to another; both must have been passed."""
        milliseconds: float = self._xp.milliseconds_between(self._event, end_event._event)
        return milliseconds


class Stream:
    """The one stream of a GPU, under a name of the program's: `torch.cuda.Stream`.

    Args:
        device: the GPU.
        priority, stream_id, device_index, device_type: without effect.

    Raises:
        RuntimeError: CUDA is not available.
    """

    def __init__(self, device: Any = None, priority: int = 0, **_: Any) -> None:
        self.device = Device("cuda" if device is None else device)
        self.priority = priority
        self._xp: Any = namespace_for(self.device)

    def wait_event(self, event: Event) -> None:
        """Nothing: there is no other stream that the event could be of."""

    def wait_stream(self, stream: Stream) -> None:
        """Nothing, likewise."""

    def record_event(self, event: Event | None = None) -> Event:
        """A mark after what the GPU has been asked to do so far."""
        found = Event() if event is None else event
        found.record()
        return found

    def query(self) -> bool:
        """Whether all is done."""
        return self.record_event().query()

    def synchronize(self) -> None:
        """Wait until all is done."""
        self._xp.synchronize()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and other.device == self.device

    def __hash__(self) -> int:
        return hash(self.device)


class StreamContext(contextlib.AbstractContextManager["Stream | None"]):
    """A block whose work goes to a stream, which is the one that all work goes to.

    Args:
        stream: the stream, or None.
    """

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> Stream | None:
        return self.stream

    def __exit__(self, *_: object) -> None:
        pass


def stream(stream: Stream | None) -> StreamContext:
    """A block whose work goes to a stream; with None, which needs no GPU, to the current one."""
    return StreamContext(stream)


def current_stream(device: Any = None) -> Stream:
    """The stream.

    Raises:
        RuntimeError: CUDA is not available.
    """
    return Stream(device)


default_stream = current_stream


def set_stream(stream: Stream) -> None:
    """Nothing: there is one."""


def is_current_stream_capturing() -> bool:
    """No: `cuda.graph` captures in a stream of its own."""
    return False
