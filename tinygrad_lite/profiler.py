"""`torch.profiler` and `torch.autograd.profiler`, on top of `debug.profile`.

What is timed, and what that costs, `debug.profile` says. Here are PyTorch's names for it: blocks,
steps of a schedule, named regions, and a table of what took longest.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter
from typing import Any, Self

from .absent import explain as _explain
from .debug import profile as _profile
from .debug.averages import EventList, averages
from .debug.profile import Event

__all__ = [
    "ProfilerAction",
    "ProfilerActivity",
    "emit_nvtx",
    "kineto_available",
    "profile",
    "record_function",
    "schedule",
    "tensorboard_trace_handler",
]


class ProfilerActivity(enum.Enum):
    """What to watch; everything is."""

    CPU = 0
    XPU = 1
    CUDA = 2


class ProfilerAction(enum.Enum):
    """What a step of a schedule does."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, **_: Any
) -> Callable[[int], ProfilerAction]:
    """Which steps are recorded: of each cycle the last `active`, after `wait` and `warmup`.

    Args:
        wait, warmup, active: how many steps each part of a cycle has.
        repeat: how many cycles; 0 for no end.
        skip_first: steps before the first one.
    """
    length = wait + warmup + active

    def action(step: int) -> ProfilerAction:
        step -= skip_first
        if step < 0 or (repeat and step >= repeat * length) or step % length < wait:
            return ProfilerAction.NONE
        place = step % length
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if place == length - 1 else ProfilerAction.RECORD

    return action


def tensorboard_trace_handler(
    dir_name: str | os.PathLike[str], worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[Any], None]:
    """An `on_trace_ready` that writes a trace for chrome://tracing into a folder."""

    def handler(prof: Any) -> None:
        folder = Path(dir_name)
        folder.mkdir(parents=True, exist_ok=True)
        name = worker_name or f"{os.getpid()}"
        prof.export_chrome_trace(folder / f"{name}.{prof.step_num}.pt.trace.json")

    return handler


class profile:
    """Time the operations of a block: `torch.profiler.profile`.

        with profile(activities=[ProfilerActivity.CPU]) as prof:
            with record_function("forward"):
                loss = model(x).sum()
            loss.backward()
        print(prof.key_averages().table(sort_by="cpu_time_total", row_limit=10))

    Args:
        activities: which devices; all of them are watched.
        schedule: which steps to record (`schedule`); `step()` ends one. Default: all.
        on_trace_ready: called with this object after the last recorded step of a cycle.
        enabled: whether to record at all.
        words: PyTorch's others, without effect.
    """

    def __init__(
        self,
        activities: Iterable[Any] | None = None,
        *,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[Any], Any] | None = None,
        enabled: bool = True,
        **words: Any,
    ) -> None:
        self._schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self._ready = on_trace_ready
        self._enabled = enabled
        self._regions: list[Event] = []
        self._found = _profile()
        self._running: _profile | None = None
        self.step_num = 0

    def _wants(self) -> bool:
        return self._enabled and self._schedule(self.step_num).value >= 2

    def start(self) -> None:
        """Begin with the first step."""
        _active.append(self)
        if self._wants():
            self._running = self._found = _profile()
            self._running.__enter__()

    def _pause(self) -> None:
        if self._running is not None:
            self._running.__exit__()
            self._running = None

    def step(self) -> None:
        """A step has ended, the next one begins."""
        last = self._schedule(self.step_num) is ProfilerAction.RECORD_AND_SAVE
        self.step_num += 1
        if last or not self._wants():
            ended = self._running is not None
            self._pause()
            if ended and self._ready is not None:
                self._ready(self)
        if self._wants() and self._running is None:
            self._running = self._found = _profile()
            self._regions.clear()
            self._running.__enter__()

    def stop(self) -> None:
        """End."""
        if self in _active:
            _active.remove(self)
        ended = self._running is not None
        self._pause()
        if ended and self._ready is not None:
            self._ready(self)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def events(self) -> list[Any]:
        """An `debug.profile.Event` for each operation."""
        return self._found.events

    def key_averages(self, *args: Any, **words: Any) -> EventList:
        """The operations and regions by name, in the order in which they first began."""
        return averages(self._found.events + self._regions)

    def table(self, sort_by: str | None = None, row_limit: int = 100, **words: Any) -> str:
        """What each operation and each region of `record_function` took: `EventList.table`."""
        return self.key_averages().table(sort_by, row_limit)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events for chrome://tracing and ui.perfetto.dev."""
        self._found.export_chrome_trace(path)

    def add_metadata(self, *args: Any) -> None:
        """Nothing."""

    __str__ = table


_active: list[profile] = []


class record_function(contextlib.ContextDecorator):
    """A block, or a function, whose time profilers show under a name.

    Args:
        name: the name.
        args: without effect.
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name

    def __enter__(self) -> Self:
        self._start = perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        seconds = perf_counter() - self._start
        for prof in _active:
            if prof._running is not None:
                began = self._start - prof._running._start
                thread = threading.get_native_id()
                place = "", "", thread, True
                prof._regions.append(Event(self.name, False, began, seconds, 0, *place))

    def __call__(self, function: Any) -> Any:
        """The function, each call of which is such a block."""

        @functools.wraps(function)
        def call(*args: Any, **words: Any) -> Any:
            with record_function(self.name):
                return function(*args, **words)

        return call


class emit_nvtx(contextlib.nullcontext[None]):
    """A block whose operations NVIDIA's profilers would see by name: accepted, without effect."""

    def __init__(self, enabled: bool = True, record_shapes: bool = False) -> None:
        super().__init__()


def kineto_available() -> bool:
    """Whether PyTorch's own recorder is there: no, `debug.profile` records."""
    return False


_explain(__name__)
