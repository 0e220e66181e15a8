"""Steps that are recorded once and then replayed: what the rest of the library knows of them.

A device that can record has a kernel `recorder()`, which returns a `Recorder`. While a `Capture`
is open, `capturing()` is True in its thread, and the device does nothing yet: its work is written
down, and each replay does it. So nothing may wait for a result, arrays of the host can't be used,
and numbers of the host are the same in all replays. What changes from replay to replay comes by a
*feed*: `feed(xp, fill)` returns a device array with the elements that the host's function `fill`
makes: outside of a capture now, in one before each replay.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np

from . import random

HostArray = np.ndarray[Any, Any]
Fill = Callable[[], HostArray]


class CaptureError(RuntimeError):
    """A step can't be captured, or a captured one can't be replayed as asked."""


class Slot(Protocol):
    """A device array at a fixed place that the host fills before replays."""

    array: Any

    def write(self, values: HostArray) -> None:
        """Give the elements that the array has in the next replay."""


class Recorder(Protocol):
    """What a device offers to record one step and replay it."""

    def slot(self, shape: tuple[int, ...], dtype: Any, kept: bool = False) -> Slot:
        """A new array for the host to fill; its memory lives as long as the recording.

        Into a `kept` one nothing but the host writes: it is sent only if it has changed.
        """

    def begin(self) -> None:
        """From here on, work of this thread on the device is recorded and not done."""

    def owns(self, array: Any) -> bool:
        """Whether an array lies in the recording's own memory, which lives as long as it does."""

    def end(self) -> None:
        """The recording is whole."""

    def abort(self) -> None:
        """End a recording that failed, and forget it; never raises."""

    def refuses(self, error: BaseException) -> bool:
        """Whether an error of the array library means that something can't be recorded."""

    def replay(self) -> None:
        """Send what the slots were given, then do all that was recorded."""


class Capture:
    """One step, recorded.

    Args:
        recorder: of the device.

    Attributes:
        held: what must live as long as the recording, because replays use its memory.
        undo: functions that take back what the recorded call did on the host.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.held: list[Any] = []
        self.undo: list[Callable[[], object]] = []
        self._feeds: list[tuple[Slot, Fill]] = []
        self._fresh = False

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """A block whose work is recorded; after an error what it did on the host is undone."""
        state = random.default_generator.state
        self.undo.append(lambda: setattr(random.default_generator, "state", state))
        self.recorder.begin()
        _state.open = self
        try:
            yield
        except BaseException:
            _state.open = None
            self.recorder.abort()
            self.take_back()
            raise
        _state.open = None
        try:
            self.recorder.end()
        except BaseException:
            self.take_back()
            raise
        self._fresh = True

    def take_back(self) -> None:
        """Undo what the recorded call did on the host, last first."""
        while self.undo:
            self.undo.pop()()

    def hold(self, array: Any) -> None:
        """Let memory of the device outside of the recording's own live as long as it does."""
        if not isinstance(array, np.ndarray) and not self.recorder.owns(array):
            self.held.append(array)

    def feed(self, fill: Fill, kept: bool = False) -> Any:
        """A device array that `fill` fills now, for the first replay, and before each other."""
        values = np.asarray(fill())
        slot = self.recorder.slot(values.shape, values.dtype, kept)
        slot.write(values)
        self._feeds.append((slot, fill))
        return slot.array

    def replay(self) -> None:
        """Do the step; the feeds are filled in the order in which they were made."""
        if not self._fresh:  # the recorded call has filled them for its own replay
            for slot, fill in self._feeds:
                slot.write(fill())
        self._fresh = False
        self.undo.clear()
        self.recorder.replay()


class _State(threading.local):
    """The capture that is open in this thread, and whether one is being prepared."""

    open: Capture | None = None
    rehearsal = False


_state = _State()

# A function that `apply` calls with the tensors of each operation while a step is captured; None
# otherwise. It is one for all threads, whose operations do no harm here, so that looking at it
# costs nothing.
note: Callable[[list[Any]], None] | None = None


def capturing() -> bool:
    """Whether this thread is recording a step, so that nothing may wait for the device."""
    return _state.open is not None


def rehearsing() -> bool:
    """Whether this thread runs a step that will be recorded the next time, or soon.

    Such a step takes the paths of a recorded one, so that whatever is made at the first use
    (compiled kernels, handles) is there.
    """
    return _state.rehearsal


@contextlib.contextmanager
def rehearsal() -> Iterator[None]:
    """Inside, `rehearsing()` is True."""
    before, _state.rehearsal = _state.rehearsal, True
    try:
        yield
    finally:
        _state.rehearsal = before


def current() -> Capture | None:
    """The capture that is open in this thread, or None."""
    return _state.open


def feed(xp: Any, fill: Fill, *, kept: bool = False) -> Any:
    """A device array of values that the host makes, and makes anew before each replay.

    Args:
        xp: the namespace of the device.
        fill: returns the values, a NumPy array of the same shape and dtype each time. It is
            called now; if a step is being recorded also before each further replay.
        kept: whether nothing else writes to the array.
    """
    capture = _state.open
    if capture is None or xp.name == "cpu":
        return xp.asarray(fill())
    return capture.feed(fill, kept)


def forbid(what: str) -> None:
    """Refuse something that a recorded step can't do.

    Args:
        what: why it can't: the rest of the message.

    Raises:
        CaptureError: a step is being recorded.
    """
    if _state.open is not None:
        raise CaptureError(what)


def from_host(xp: Any, name: str, a: Any, args: Any, words: dict[str, Any]) -> Any:
    """`asarray` or `array` (the `name`) of an array library whose device can record.

    While a step is recorded, or rehearsed, a number becomes a constant array. An array of the host
    is refused: replays would go on using the elements that it has now.

    Raises:
        CaptureError: a host array, while a step is being recorded.
    """
    if isinstance(a, xp.array_type) or not (_state.open or _state.rehearsal):
        return getattr(xp.library, name)(a, *args, **words)
    host = np.asarray(a, *args, **words)
    if host.ndim == 0:
        number = host.item() if host.dtype.kind in "biu" else float(host)
        return xp.library.full((), number, dtype=host.dtype)
    forbid(
        f"it copies host data of shape {host.shape} to the device, which replays would not see "
        "change; make it before the step, or pass it as an argument"
    )
    return getattr(xp.library, name)(a, *args, **words)
