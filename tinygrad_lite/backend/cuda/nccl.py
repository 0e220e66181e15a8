"""Collectives between GPUs: NCCL, through CuPy's wrapper of it.

They run on a stream of their own, which first waits for what the current stream was given before
them; so a backward pass goes on while gradients are on their way. Graphs can capture all of it.
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
    """The NCCL transport of this process; each of `size` ranks calls this, on its own GPU.

    Args:
        xp: the namespace.
        size: how many ranks.
        rank: this process's.
        share: a broadcast: called by every rank, it returns what rank 0 passed to it. It carries
            NCCL's identity of the new communicator; the other ranks pass None.

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
        return self._begin("allReduce", (array, array), OPERATIONS[op.value])

    def broadcast(self, array: Any, root: int) -> Sent:
        """Every rank's array becomes that of `root`."""
        return self._begin("broadcast", (array, array), root)

    def reduce(self, array: Any, root: int, op: Any) -> Sent:
        """As `all_reduce`, on the rank `root` alone."""
        return self._begin("reduce", (array, array), OPERATIONS[op.value], root)

    def all_gather(self, out: Any, array: Any) -> Sent:
        """`out` becomes all ranks' arrays, one after another in the order of the ranks."""
        return self._begin("allGather", (array, out))

    def send(self, array: Any, to: int, tag: int) -> Sent:
        """Send the array to one rank.

        NCCL knows no tags: two ranks' sends and receives pair up in the order of the calls.
        """
        return self._begin("send", (array,), to)

    def receive(self, array: Any, source: int, tag: int) -> Sent:
        """The array becomes what one rank sends."""
        return self._begin("recv", (array,), source)

    def _begin(self, name: str, arrays: tuple[Any, ...], *options: int) -> Sent:
        """Begin a method of `NcclCommunicator` on our stream, behind the current stream's work.

        Args:
            name: of the method, whose arguments all have this order: addresses, how many elements
                of which type, options, the stream.
            arrays: whose addresses it is given; the first says the size and type.
            options: its own: an operation, a rank.
        """
        call = getattr(self._communicator, name)
        places, kind = [array.data.ptr for array in arrays], TYPES[arrays[0].dtype.name]
        before = self._cuda.Event(disable_timing=True)
        before.record(self._cuda.get_current_stream())
        self._stream.wait_event(before)
        call(*places, arrays[0].size, kind, *options, self._stream.ptr)
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
        """Have the current stream wait for the result; the host does not wait.

        Args:
            seconds: ignored: a stream has no time limit.
        """
        self._cuda.get_current_stream().wait_event(self._event)
        self._arrays = ()
