"""Collectives of arrays in host memory, through mpi4py."""

from __future__ import annotations

import atexit
import sys
import time
from types import TracebackType
from typing import Any

from .work import DistBackendError, Pending, ReduceOp

__all__ = ["Mpi"]

# MPI moves an operation on only while it is looked at. Small ones end in microseconds, so nobody
# sleeps at first, seconds; later looks come at most so far apart.
AWAKE = 0.01
LONGEST_PAUSE = 1e-3
DRAIN = 0.2  # s: mpiexec drops what it has not read of a traceback when it hears of an end


class Mpi:
    """A transport of arrays in host memory between the processes that `mpiexec` began.

    Operations are begun, then tested until they are done, so that a time limit can end the wait for
    a rank that is gone: MPI's own waiting has none. An exception that nobody catches ends the
    processes of all ranks, because the others would wait for this one.

    Args:
        timeout: seconds that an operation may take.
        world: for a part of the processes: the `Mpi` of all.
        comm: likewise: the part's communicator.

    Raises:
        RuntimeError: mpi4py, or the MPI that it needs, is missing.
    """

    def __init__(self, timeout: float, world: Mpi | None = None, comm: Any = None) -> None:
        try:
            from mpi4py import MPI
        except (ImportError, RuntimeError) as error:
            raise RuntimeError(
                "init_process_group: needs mpi4py and an MPI, which "
                f"pip install 'tinygrad-lite[distributed]' brings along ({error})"
            ) from None
        self._mpi = MPI
        # Our messages and a user's never meet.
        self.comm = MPI.COMM_WORLD.Dup() if comm is None else comm
        self.rank, self.size = int(self.comm.Get_rank()), int(self.comm.Get_size())
        self.timeout = timeout
        self._world = self if world is None else world
        self._failed = False
        self._hook = sys.excepthook
        if world is None:
            sys.excepthook = self._except
            atexit.register(self._leave)
        self._ops = {
            ReduceOp.SUM: MPI.SUM,
            ReduceOp.PRODUCT: MPI.PROD,
            ReduceOp.MIN: MPI.MIN,
            ReduceOp.MAX: MPI.MAX,
            ReduceOp.BAND: MPI.BAND,
            ReduceOp.BOR: MPI.BOR,
            ReduceOp.BXOR: MPI.BXOR,
        }

    def all_reduce(self, array: Any, op: ReduceOp) -> Pending:
        """See `Transport`."""
        request = self.comm.Iallreduce(self._mpi.IN_PLACE, array, self._ops[op])
        return self._pending("all_reduce", request)

    def broadcast(self, array: Any, root: int) -> Pending:
        """See `Transport`."""
        return self._pending("broadcast", self.comm.Ibcast(array, root))

    def reduce(self, array: Any, root: int, op: ReduceOp) -> Pending:
        """See `Transport`."""
        ours = self.rank == root
        sent, received = (self._mpi.IN_PLACE, array) if ours else (array, None)
        return self._pending("reduce", self.comm.Ireduce(sent, received, self._ops[op], root))

    def all_gather(self, out: Any, array: Any) -> Pending:
        """See `Transport`."""
        return self._pending("all_gather", self.comm.Iallgather(array, out))

    def send(self, array: Any, to: int, tag: int) -> Pending:
        """See `Transport`."""
        return self._pending("send", self.comm.Isend(array, to, tag))

    def receive(self, array: Any, source: int, tag: int) -> Pending:
        """See `Transport`."""
        return self._pending("recv", self.comm.Irecv(array, source, tag))

    def part(self, ranks: list[int], timeout: float) -> Mpi | None:
        """A transport among some processes; None in one that is no member. All must call this."""
        comm = self.comm.Create(self.comm.Get_group().Incl(ranks))
        return None if comm == self._mpi.COMM_NULL else Mpi(timeout, self._world, comm)

    def barrier(self) -> Pending:
        """Ends when every rank has begun it."""
        return self._pending("barrier", self.comm.Ibarrier())

    def close(self) -> None:
        """Let go of the group; the processes go on."""
        if self._world is self:
            if sys.excepthook == self._except:
                sys.excepthook = self._hook
            atexit.unregister(self._leave)
        self.comm.Free()

    def _pending(self, name: str, request: Any) -> Pending:
        return _Request(self, name, request)

    def fail(self, name: str, seconds: float) -> DistBackendError:
        """The exception for an operation that did not end in time."""
        self._world._failed = True
        return DistBackendError(
            f"{name}: rank {self.rank} of {self.size} has waited for {seconds:g} s: another rank "
            "has ended, or is in another operation"
        )

    def _except(
        self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        self._hook(kind, error, traceback)
        self._failed = True  # and the process leaves, see below

    def _leave(self) -> None:
        if self._failed:  # MPI's own end would wait for ranks that don't come to theirs
            sys.stdout.flush()
            sys.stderr.flush()
            time.sleep(DRAIN)
            self._mpi.COMM_WORLD.Abort(1)


class _Request:
    """An MPI request; see `Pending`."""

    def __init__(self, group: Mpi, name: str, request: Any) -> None:
        self._group, self._name, self._request = group, name, request

    def done(self) -> bool:
        """See `Pending`."""
        return bool(self._request.Test())

    def wait(self, seconds: float | None) -> None:
        """See `Pending`."""
        limit = self._group.timeout if seconds is None else seconds
        begin = time.monotonic()
        while not self._request.Test():
            waited = time.monotonic() - begin
            if waited > limit:
                raise self._group.fail(self._name, limit)
            if waited > AWAKE:
                time.sleep(min(waited / 100, LONGEST_PAUSE))
