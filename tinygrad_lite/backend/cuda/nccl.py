"""Collectives between GPUs: NCCL, through CuPy's wrapper of it.

Everything goes to one stream of its own, which waits for what was begun on the current one before;
so a backward pass goes on while gradients are on their way. All of it may be captured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..kernel import kernel

__all__ = ["communicator"]

# ncclDataType_t and ncclRedOp_t.
TYPES = {
    "int8": 0,
    "uint8": 1,
    "int32": 2,
    "uint32": 3,
    "int64": 4,
    "uint64": 5,
    "float16": 6,
    "float32": 7,
    "float64": 8,
}
OPERATIONS = {"sum": 0, "prod": 1, "max": 2, "min": 3}

Share = Callable[[tuple[int, ...] | None], tuple[int, ...]]


@kernel("cuda")
def communicator(xp: Any, size: int, rank: int, share: Share) -> Nccl:
    """This process's place among `size` ranks, each of which calls this on its own GPU.

    Args:
        xp: the namespace.
        size: how many.
        rank: which one this is.
        share: gives every rank what rank 0 gives to it.

    Raises:
        RuntimeError: NCCL can't be loaded.
    """
    from cupy.cuda import nccl

    if not nccl.available:
        raise RuntimeError(
            "NCCL can't be loaded; pip install nvidia-nccl-cu13 (or -cu12) brings it"
        )
    identity = share(tuple(nccl.get_unique_id()) if rank == 0 else None)
    return Nccl(xp, nccl.NcclCommunicator(size, identity, rank))


class Nccl:
    """A transport (`distributed.work.Transport`) of arrays on the current GPU.

    Args:
        xp: the namespace.
        communicator: CuPy's `NcclCommunicator`.
    """

    def __init__(self, xp: Any, communicator: Any) -> None:
        self._cuda, self._communicator = xp.library.cuda, communicator
        self._stream = self._cuda.Stream(non_blocking=True)

    def all_reduce(self, array: Any, op: Any) -> Sent:
        """The numbers of all ranks become one, in place."""
        place, kind = array.data.ptr, TYPES[array.dtype.name]
        code = OPERATIONS[op.value]
        return self._send(
            lambda stream: self._communicator.allReduce(
                place, place, array.size, kind, code, stream
            ),
            array,
        )

    def broadcast(self, array: Any, root: int) -> Sent:
        """Every rank's array becomes that of `root`."""
        place, kind = array.data.ptr, TYPES[array.dtype.name]
        return self._send(
            lambda stream: self._communicator.broadcast(
                place, place, array.size, kind, root, stream
            ),
            array,
        )

    def reduce(self, array: Any, root: int, op: Any) -> Sent:
        """As `all_reduce`, on one rank."""
        place, kind = array.data.ptr, TYPES[array.dtype.name]
        code = OPERATIONS[op.value]
        return self._send(
            lambda stream: self._communicator.reduce(
                place, place, array.size, kind, code, root, stream
            ),
            array,
        )

    def all_gather(self, out: Any, array: Any) -> Sent:
        """`out`, one after another, becomes what the ranks' arrays hold."""
        source, target, kind = array.data.ptr, out.data.ptr, TYPES[array.dtype.name]
        return self._send(
            lambda stream: self._communicator.allGather(source, target, array.size, kind, stream),
            array,
            out,
        )

    def send(self, array: Any, to: int, tag: int) -> Sent:
        """Give one rank the numbers; NCCL knows no tags, so the order decides."""
        place, kind = array.data.ptr, TYPES[array.dtype.name]
        return self._send(
            lambda stream: self._communicator.send(place, array.size, kind, to, stream), array
        )

    def receive(self, array: Any, source: int, tag: int) -> Sent:
        """The array becomes what one rank sends."""
        place, kind = array.data.ptr, TYPES[array.dtype.name]
        return self._send(
            lambda stream: self._communicator.recv(place, array.size, kind, source, stream), array
        )

    def _send(self, call: Callable[[int], None], *arrays: Any) -> Sent:
        before = self._cuda.Event(disable_timing=True)
        before.record(self._cuda.get_current_stream())
        self._stream.wait_event(before)
        call(self._stream.ptr)
        after = self._cuda.Event(disable_timing=True)
        after.record(self._stream)
        return Sent(self._cuda, after, arrays)


class Sent:
    """An operation on its way (`distributed.work.Pending`), and the arrays that it needs."""

    def __init__(self, cuda: Any, event: Any, arrays: tuple[Any, ...]) -> None:
        self._cuda, self._event, self._arrays = cuda, event, arrays

    def done(self) -> bool:
        """Whether the result is there."""
        return bool(self._event.done)

    def wait(self, seconds: float | None) -> None:
        """Have the current stream wait; this process goes on."""
        self._cuda.get_current_stream().wait_event(self._event)
        self._arrays = ()
