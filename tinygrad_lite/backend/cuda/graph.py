"""CUDA graphs through CuPy: the `Recorder` of `backend.capture`.

A step is captured on a stream of its own, under a memory pool of its own: a graph's kernels
have fixed addresses, so what was allocated in the capture stays the graph's for good. Nothing
runs in a capture. Replays go to the current stream, in order with everything else.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import math
import threading
from typing import Any

import numpy as np

from ..capture import CaptureError
from ..kernel import kernel
from . import memory

ALIGNMENT = 64  # bytes
SMALL = 1 << 16  # bytes; slots up to this share one upload
TURNS = 3  # host copies of an upload: how many steps the host may be ahead
HOST_TO_DEVICE = 1  # cudaMemcpyKind
OUT_OF_MEMORY = 2  # cudaErrorMemoryAllocation


@kernel("cuda")
def recorder(xp: Any) -> Recorder:
    """A recorder for one step on the current GPU."""
    return Recorder(xp.library)


class _Upload:
    """Device memory that is filled from page-locked host memory, in one copy a replay.

    The host writes into several buffers in turn, and waits only for the copy from the one that
    it is about to overwrite. If only the host writes to it (`kept`), it is sent when a number in
    it has changed: the learning rate of most steps is that of the step before.
    """

    def __init__(self, cupy: Any, size: int, kept: bool) -> None:
        cuda = cupy.cuda
        self._runtime = cuda.runtime
        self.size, self.used, self.turn, self.kept = size, 0, 0, kept
        self.latest, self.changed = np.zeros(size if kept else 0, np.uint8), True
        # Not of the graph's pool, if it is made in a capture: its memory there may be what an
        # earlier kernel of the graph writes to, and this is filled before any of them runs.
        with cuda.using_allocator(cupy.get_default_memory_pool().malloc):
            self.device = cupy.empty(size, dtype=np.uint8)
        self._pinned = [cuda.alloc_pinned_memory(size) for _ in range(TURNS)]
        self.hosts = [np.frombuffer(p, np.uint8, size) for p in self._pinned]
        self._copied = [cuda.Event(disable_timing=True) for _ in range(TURNS)]
        self._waiting = [False] * TURNS

    def ready(self) -> None:
        """Wait until the host buffer whose turn it is may be written."""
        if self._waiting[self.turn]:
            self._copied[self.turn].synchronize()
            self._waiting[self.turn] = False

    def send(self, stream: Any) -> None:
        """Copy this turn's buffer to the device, in order with the stream."""
        turn = self.turn
        if self.kept:
            if not self.changed:
                return
            self.changed = False
            self.ready()
            self.hosts[turn][: self.used] = self.latest[: self.used]
        source, target = self._pinned[turn].ptr, self.device.data.ptr
        self._runtime.memcpyAsync(target, source, self.used, HOST_TO_DEVICE, stream.ptr)
        self._copied[turn].record(stream)
        self._waiting[turn] = True
        self.turn = (turn + 1) % TURNS


class _Slot:
    """A part of an upload, as an array."""

    def __init__(self, upload: _Upload, shape: tuple[int, ...], dtype: Any) -> None:
        start = upload.used
        stop = start + math.prod(shape) * np.dtype(dtype).itemsize
        upload.used = -(-stop // ALIGNMENT) * ALIGNMENT
        part = slice(start, stop)
        self.array = upload.device[part].view(dtype).reshape(shape)
        hosts = [upload.latest] if upload.kept else upload.hosts
        self._hosts = [host[part].view(dtype).reshape(shape) for host in hosts]
        self._upload = upload

    def write(self, values: np.ndarray[Any, Any]) -> None:
        """Give the elements for the next replay."""
        upload = self._upload
        if not upload.kept:
            upload.ready()
            self._hosts[upload.turn][...] = values
        elif self._hosts[0].tobytes() != values.tobytes():
            self._hosts[0][...] = values
            upload.changed = True


class _Threads(threading.local):
    """The streams that a thread captures on, by device."""

    def __init__(self) -> None:
        self.streams: dict[int, Any] = {}


_threads = _Threads()


def _stream(cupy: Any) -> Any:
    """This thread's stream for captures: one, because cuBLAS keeps a workspace for each."""
    device = cupy.cuda.runtime.getDevice()
    if device not in _threads.streams:
        _threads.streams[device] = cupy.cuda.Stream(non_blocking=True)
    return _threads.streams[device]


def _allocate(cuda: Any, chunks: list[tuple[int, int]], size: int) -> Any:
    """Memory of the driver for a graph's pool; where it begins and ends is added to `chunks`.

    When the driver has none left, a pool of CuPy's first frees what lies unused in it and tries
    again. The work recorded so far will use just that, so the capture ends here instead.

    Raises:
        CaptureError: the driver has no more memory.
    """
    try:
        memory = cuda.MemoryPointer(cuda.Memory(size), 0)
    except cuda.runtime.CUDARuntimeError as error:
        if error.status != OUT_OF_MEMORY:
            raise
        raise CaptureError(
            f"the GPU has no {size} bytes left: what a captured step allocates stays its own"
        ) from error
    chunks.append((memory.ptr, memory.ptr + size))
    return memory


class Recorder:
    """See `capture.Recorder`.

    Args:
        cupy: CuPy.
    """

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        self._chunks: list[tuple[int, int]] = []  # what the pool has taken from the driver
        self.pool = cupy.cuda.MemoryPool(functools.partial(_allocate, cupy.cuda, self._chunks))
        self._stream = _stream(cupy)
        self._uploads: list[_Upload] = []
        self._inside = contextlib.ExitStack()
        self._graph: Any = None
        memory.count_pool_of(self)

    def slot(self, shape: tuple[int, ...], dtype: Any, kept: bool = False) -> _Slot:
        """A new array for the host to fill; small ones are sent together."""
        size = max(1, math.prod(shape) * np.dtype(dtype).itemsize)
        for upload in self._uploads:
            if upload.kept == kept and upload.used + size <= upload.size:
                return _Slot(upload, shape, dtype)
        whole = -(-size // ALIGNMENT) * ALIGNMENT
        self._uploads.append(_Upload(self._cupy, max(whole, SMALL), kept))
        return _Slot(self._uploads[-1], shape, dtype)

    def begin(self) -> None:
        """Start the capture.

        Before it, memory that nothing uses goes back to the driver: what the steps before have
        left in CuPy's pool, the graph's own pool is about to take.
        """
        cuda = self._cupy.cuda
        for kept in (False, True):
            if not any(upload.kept == kept for upload in self._uploads):
                self._uploads.append(_Upload(self._cupy, SMALL, kept))
        cuda.get_current_stream().synchronize()
        gc.collect()
        memory.give_back(self._cupy)
        self._inside.enter_context(cuda.using_allocator(self.pool.malloc))
        self._inside.enter_context(self._stream)
        try:
            self._stream.begin_capture()
        except BaseException:
            self._inside.close()
            raise

    def owns(self, array: Any) -> bool:
        """Whether an array lies in the memory of the graph's own pool."""
        address = array.data.ptr
        return any(start <= address < stop for start, stop in self._chunks)

    def end(self) -> None:
        """Finish the capture and make the graph."""
        try:
            self._graph = self._stream.end_capture()
        finally:
            self._inside.close()

    def abort(self) -> None:
        """Leave the capture; CUDA says once more that it was broken off."""
        with contextlib.suppress(Exception):
            self._stream.end_capture()
        self._inside.close()
        _threads.streams.clear()  # whatever state it is in, it is not used again

    def refuses(self, error: BaseException) -> bool:
        """Whether CUDA or CuPy says that something is not possible in a capture."""
        return isinstance(error, RuntimeError) and "captur" in str(error).lower()

    def replay(self) -> None:
        """Send what the slots were given and launch the graph, on the current stream."""
        stream = self._cupy.cuda.get_current_stream()
        for upload in self._uploads:
            if upload.used:
                upload.send(stream)
        self._graph.launch(stream)
