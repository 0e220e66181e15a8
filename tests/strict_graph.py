"""CUDA graphs for the strict device, without a GPU.

`Cuda` stands for `cupy.cuda`: streams, events, page-locked memory, pools. A capture writes down
every computation on strict arrays. At its end all memory is as it was before, and what the
capture itself made holds NaNs or -1: nothing may rely on what a capture computed. A launch does
everything again, on the same memory.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests import strict
from tinygrad_lite import backend
from tinygrad_lite.backend import capture
from tinygrad_lite.backend.cuda import transfer
from tinygrad_lite.backend.cuda.graph import Recorder
from tinygrad_lite.backend.kernel import kernel
from tinygrad_lite.backend.plain import loss as plain


def _arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        yield from _arrays(tuple(value.values()))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _arrays(part)


def _root(array: Any) -> Any:
    found = array
    while array is not None:  # `as_strided` puts an object of its own between two arrays
        found = array if isinstance(array, np.ndarray) else found
        array = getattr(array, "base", None)
    return found


class Tape(strict.Tape):
    """Computations, and how the memory they touch was before."""

    def __init__(self) -> None:
        self.steps: list[tuple[Callable[[], Any], Any]] = []
        self.was: dict[int, tuple[Any, Any]] = {}
        self.made: list[Any] = []
        self.before([array._host for array in list(strict._owners.values())])

    def before(self, hosts: Any) -> None:
        for array in _arrays(hosts):
            root = _root(array)
            if root.flags.writeable and id(root) not in self.was:
                self.was[id(root)] = root, root.copy()

    def after(self, compute: Callable[[], Any], out: Any) -> None:
        self.steps.append((compute, out))
        for array in self._wrapped(out):
            root = _root(array._host)
            if id(root) not in self.was:
                self.was[id(root)] = root, None
                self.made.append(root)

    def _wrapped(self, out: Any) -> Iterator[strict.StrictArray]:
        if isinstance(out, strict.StrictArray):
            yield out
        elif isinstance(out, (list, tuple)):
            for part in out:
                yield from self._wrapped(part)

    def rewind(self) -> None:
        """The memory as it was before."""
        for root, copy in reversed(self.was.values()):  # what was seen first counts
            if copy is not None:
                root[...] = copy
        for root in self.made:
            if root.flags.writeable:
                kind = root.dtype.kind
                root.fill(np.nan if kind in "fc" else -1 if kind == "i" else 1)

    def play(self) -> None:
        """All of it again."""
        for compute, out in self.steps:
            new = compute()
            pairs = zip(self._wrapped(out), _flat(new), strict=False)
            for array, fresh in pairs:
                if not np.shares_memory(array._host, fresh):
                    array._host[...] = fresh


def _flat(new: Any) -> list[Any]:
    return [np.asarray(part) for part in new] if isinstance(new, (list, tuple)) else [new]


class Stream:
    """A stream; everything runs at once."""

    current: Stream
    ptr = 7

    def __init__(self, non_blocking: bool = False) -> None:
        self.tape: Tape | None = None
        self.follows = False  # the current stream, by an event

    def __enter__(self) -> Stream:
        self._before, Stream.current = Stream.current, self
        return self

    def __exit__(self, *_: object) -> None:
        Stream.current = self._before

    def synchronize(self) -> None:
        strict._sync("synchronize")

    def wait_event(self, event: Event) -> None:
        """What comes next here runs after what the event was recorded behind."""
        assert event.recorded, "an event that was never recorded is not waited for"
        self.follows = True

    def begin_capture(self) -> None:
        assert Stream.current is self, "the capture must be on the current stream"
        strict.tape = self.tape = Tape()
        strict._forbidden = True

    def end_capture(self) -> Graph:
        strict.tape, strict._forbidden = None, False
        tape, self.tape = self.tape, None
        assert tape is not None
        tape.rewind()
        return Graph(tape)


Stream.current = Stream()


class Graph:
    """What was captured."""

    launches = 0

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def launch(self, stream: Stream) -> None:
        assert stream is Stream.current
        Graph.launches += 1
        self.tape.play()


class Event:
    """An event; how often any was waited for is counted."""

    waits = 0

    def __init__(self, disable_timing: bool = False) -> None:
        assert disable_timing
        self.recorded = self.done = False

    def record(self, stream: Stream) -> None:
        assert stream is Stream.current or stream.follows
        self.recorded = self.done = True

    def synchronize(self) -> None:
        Event.waits += 1


class Pool:
    """A memory pool that allocates nothing."""

    def __init__(self, allocator: Any = None) -> None:
        self.allocator = allocator

    def malloc(self, size: int) -> None:
        raise AssertionError("the strict device allocates by itself")

    def free_all_blocks(self) -> None:
        pass

    def used_bytes(self) -> int:
        return 512

    def total_bytes(self) -> int:
        return 1024


def _memcpy(target: int, source: int, size: int, kind: int, stream: int) -> None:
    assert kind == 1
    ctypes.memmove(target, source, size)


class _Pinned(np.ndarray[Any, Any]):
    @property
    def ptr(self) -> int:
        return int(self.ctypes.data)


class Library(strict.StrictLibrary):
    """The strict library with `cuda`."""

    cuda = SimpleNamespace(
        MemoryPool=Pool,
        Stream=Stream,
        Event=Event,
        runtime=SimpleNamespace(memcpyAsync=_memcpy, getDevice=lambda: 0),
        alloc_pinned_memory=lambda size: np.zeros(size, np.uint8).view(_Pinned),
        get_current_stream=lambda: Stream.current,
        using_allocator=lambda malloc: contextlib.nullcontext(),
    )

    @staticmethod
    def get_default_memory_pool() -> Pool:
        return Pool()


class _Slot:
    """A slot whose elements are there during the capture as well: the harness computes then."""

    def __init__(self, recorder: _Recorder, slot: Any) -> None:
        self.array, self._recorder, self._slot = slot.array, recorder, slot

    def write(self, values: Any) -> None:
        self._slot.write(values)
        if not self._recorder.whole:
            self.array._host[...] = values


class _Recorder(Recorder):
    whole = False

    def slot(self, shape: tuple[int, ...], dtype: Any, kept: bool = False) -> Any:
        return _Slot(self, super().slot(shape, dtype, kept))

    def end(self) -> None:
        super().end()
        self.whole = True
        for upload in self._uploads:  # replays must send all of it
            upload.device._host.fill(0xFF)

    def refuses(self, error: BaseException) -> bool:
        """The strict device's own way to refuse is `HiddenSync`."""
        return isinstance(error, strict.HiddenSync) or super().refuses(error)


# What differs from the plain kernels. With labels a captured step has no way to look.
@kernel("capturable")
def recorder(xp: Any) -> _Recorder:
    return _Recorder(xp.library)


@kernel("capturable")
def all_below(xp: Any, x: Any, n: int, looked_up: bool = False) -> bool:
    return capture.capturing() or plain.all_below(xp, x, n)


kernel("capturable")(transfer.asarray)
kernel("capturable")(transfer.array)


@contextlib.contextmanager
def emulated() -> Iterator[backend.Namespace]:
    """Inside, the device "strict" runs and captures the kernels of `backend.cuda`."""
    from tests.cuda_host import device

    with device.emulated() as space:
        space.library = library = device.EmulatedLibrary()
        library.cuda, library.get_default_memory_pool = Library.cuda, Pool
        space.recorder = lambda: _Recorder(library)
        try:
            yield space
        finally:
            strict.tape, strict._forbidden = None, False


@contextlib.contextmanager
def capturable() -> Iterator[backend.Namespace]:
    """Inside, the device "strict" can capture; gives its namespace."""
    strict.install()
    before = backend.devices._NAMESPACES["strict"]
    space = backend.Namespace("strict", Library(), strict.StrictArray, "capturable")
    backend.register(space)
    try:
        yield space
    finally:
        strict.tape, strict._forbidden = None, False
        backend.register(before)
