"""The process group: who takes part, and what carries the numbers."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ..backend import is_available as device_is_available
from ..backend import namespace_for, numpy
from .mpi import Mpi
from .work import Transport

__all__ = [
    "ProcessGroup",
    "current",
    "destroy_process_group",
    "get_backend",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "is_available",
    "is_initialized",
    "is_mpi_available",
]

BACKENDS = ("mpi", "nccl")
TIMEOUT = timedelta(minutes=30)  # PyTorch's


class ProcessGroup:
    """All processes that `mpiexec` began.

    Args:
        mpi: of the host.
        transports: by the type of device whose arrays they carry.
    """

    def __init__(self, mpi: Mpi, transports: dict[str, Transport]) -> None:
        self.mpi, self.transports = mpi, transports
        self.rank, self.size = mpi.rank, mpi.size


_current: ProcessGroup | None = None


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
) -> None:
    """Join the processes that were begun together, as `torch.distributed.init_process_group`.

    Args:
        backend: "mpi" for tensors on the CPU; "nccl" for those on GPUs as well, each process on
            its current device; default: "nccl" if there is a GPU.
        init_method: None or "env://": the processes know each other from `mpiexec`.
        timeout: how long an operation may take before it raises; default 30 minutes.
        world_size, rank: what they are expected to be; -1 for what `mpiexec` says.

    Raises:
        ValueError: there is a group already, or an argument that does not fit.
        RuntimeError: mpi4py, an MPI, or NCCL is missing.
    """
    global _current
    if _current is not None:
        raise ValueError("trying to initialize the default process group twice!")
    if backend is None:
        backend = "nccl" if device_is_available("cuda") else "mpi"
    if backend not in BACKENDS:
        raise ValueError(f"init_process_group: backend must be mpi or nccl, not {backend!r}")
    if init_method not in (None, "env://"):
        raise ValueError(
            "init_process_group: init_method must be None or 'env://', for mpiexec begins the "
            f"processes, but is {init_method!r}"
        )
    mpi = Mpi((timeout or TIMEOUT).total_seconds())
    for name, wanted, found in (("world_size", world_size, mpi.size), ("rank", rank, mpi.rank)):
        if wanted not in (-1, found):
            mpi.close()
            raise ValueError(f"init_process_group: {name} is {found}, not {wanted}")
    transports: dict[str, Transport] = {"cpu": mpi}
    if backend == "nccl":
        share = _shared(mpi)
        transports["cuda"] = namespace_for("cuda").communicator(mpi.size, mpi.rank, share)
    _current = ProcessGroup(mpi, transports)


def _shared(mpi: Mpi) -> Callable[[tuple[int, ...] | None], tuple[int, ...]]:
    """A function that gives every rank what rank 0 has: a tuple of 128 bytes as numbers."""

    def share(values: tuple[int, ...] | None) -> tuple[int, ...]:
        numbers = numpy.zeros(128, dtype="int64")
        if values is not None:
            numbers[:] = values
        mpi.broadcast(numbers, 0).wait(None)
        return tuple(numbers.tolist())

    return share


def current(group: Any = None) -> ProcessGroup:
    """The group.

    Raises:
        ValueError: there is none, or another one was asked for.
    """
    if _current is None:
        raise ValueError(
            "Default process group has not been initialized, please make sure to call "
            "init_process_group."
        )
    if group is not None and group is not _current:
        raise ValueError("distributed: there is one group, of all processes; leave out group=")
    return _current


def destroy_process_group(group: Any = None) -> None:
    """Leave the group.

    Raises:
        ValueError: there is none.
    """
    global _current
    current(group).mpi.close()
    _current = None


def is_available() -> bool:
    """Whether processes can be joined here: mpi4py is installed."""
    return is_mpi_available()


def is_mpi_available() -> bool:
    """Whether mpi4py is installed."""
    return importlib.util.find_spec("mpi4py") is not None


def is_initialized() -> bool:
    """Whether there is a group."""
    return _current is not None


def get_rank(group: Any = None) -> int:
    """Which of the processes this one is, from 0."""
    return current(group).rank


def get_world_size(group: Any = None) -> int:
    """How many processes there are."""
    return current(group).size


def get_backend(group: Any = None) -> str:
    """What was joined by: "nccl" if tensors on GPUs can be sent, else "mpi"."""
    return "nccl" if "cuda" in current(group).transports else "mpi"
