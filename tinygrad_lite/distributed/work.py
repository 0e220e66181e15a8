"""The types of collectives: how numbers are reduced, what transports offer, and a begun one."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

__all__ = ["BITWISE", "Backend", "DistBackendError", "Pending", "ReduceOp", "Transport", "Work"]


class Backend(str):
    """The names of backends, as `torch.distributed.Backend`: what carries the numbers.

    Args:
        name: of one, in any case; the call gives it as an ordinary string in lower case.

    Raises:
        ValueError: no string.
    """

    UNDEFINED = "undefined"
    GLOO = "gloo"
    MPI = "mpi"
    NCCL = "nccl"
    UCC = "ucc"
    XCCL = "xccl"

    def __new__(cls, name: str) -> str:  # type: ignore[misc]
        """See the class."""
        if not isinstance(name, str):
            raise ValueError("Backend constructor parameter must be string-ish")
        return name.lower()


class ReduceOp(enum.Enum):
    """How numbers of several ranks become one, as `torch.distributed.ReduceOp`.

    The last three are of the bits of integers, between CPUs.
    """

    SUM = "sum"
    AVG = "avg"
    PRODUCT = "prod"
    MIN = "min"
    MAX = "max"
    BAND = "band"
    BOR = "bor"
    BXOR = "bxor"


setattr(ReduceOp, "RedOpType", ReduceOp)  # noqa: B010 - PyTorch has the same twice, in annotations
BITWISE = frozenset({ReduceOp.BAND, ReduceOp.BOR, ReduceOp.BXOR})


class DistBackendError(RuntimeError):
    """A collective operation that can't come to its end: a rank is gone, or does something else."""


class Pending(Protocol):
    """An operation on its way."""

    def done(self) -> bool:
        """Whether its result is there. MPI makes progress only when it is asked."""

    def wait(self, seconds: float | None) -> None:
        """Wait for the end, or (on a GPU) have the stream wait.

        Args:
            seconds: how long at most; None for the group's limit.

        Raises:
            DistBackendError: it has not ended by then.
        """


class Transport(Protocol):
    """What carries numbers between ranks: dense one-dimensional arrays of one kind of device.

    Each call returns at once; the array must stay, and stay as it is, until the operation is done.
    """

    def all_reduce(self, array: Any, op: ReduceOp) -> Pending:
        """Every rank's array becomes the reduction of all, in place; `op` is not AVG."""

    def broadcast(self, array: Any, root: int) -> Pending:
        """Every rank's array becomes that of `root`."""

    def reduce(self, array: Any, root: int, op: ReduceOp) -> Pending:
        """As `all_reduce`, on rank `root`; what the other arrays hold then is undefined."""

    def all_gather(self, out: Any, array: Any) -> Pending:
        """`out` (p·n) becomes the arrays (n) of all p ranks, one after another."""

    def send(self, array: Any, to: int, tag: int) -> Pending:
        """Send the array to rank `to`, which receives it with the same tag."""

    def receive(self, array: Any, source: int, tag: int) -> Pending:
        """The array becomes what rank `source` sends with the same tag."""


class Work:
    """A collective operation that was begun with `async_op=True`, as `torch.distributed.Work`.

    Args:
        pending: the operation.
        finish: called once at the end; it puts the result in its place.
    """

    def __init__(self, pending: Pending, finish: Callable[[], None]) -> None:
        self._pending = pending
        self._finish: Callable[[], None] | None = finish

    def then(self, more: Callable[[], None]) -> Work:
        """The same operation, at whose end `more` is called too."""
        finish = self._finish

        def both() -> None:
            if finish is not None:
                finish()
            more()

        return Work(self._pending, both)

    def is_completed(self) -> bool:
        """Whether the result has arrived. The tensors hold it only after `wait`."""
        return self._finish is None or self._pending.done()

    def wait(self, timeout: timedelta | None = None) -> bool:
        """Wait for the end, after which the tensors hold the result; True.

        On a GPU the stream waits, not this process.

        Raises:
            DistBackendError: it has not come by the timeout (default: the group's).
        """
        if self._finish is not None:
            self._pending.wait(None if timeout is None else timeout.total_seconds())
            self._finish()
            self._finish = None
        return True
