"""The process group: who takes part, and what carries the numbers."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterable
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
    "get_global_rank",
    "get_group_rank",
    "get_node_local_rank",
    "get_process_group_ranks",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "is_available",
    "is_backend_available",
    "is_gloo_available",
    "is_initialized",
    "is_mpi_available",
    "is_nccl_available",
    "is_torchelastic_launched",
    "is_ucc_available",
    "is_xccl_available",
    "new_group",
]

# What programs ask for: gloo's place, tensors on the CPU, is MPI's here.
BACKENDS = {"mpi": "mpi", "gloo": "mpi", "nccl": "nccl", "cpu:gloo,cuda:nccl": "nccl"}
LOCAL_RANKS = ("MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "LOCAL_RANK")
TIMEOUT = timedelta(minutes=30)  # PyTorch's


class ProcessGroup:
    """Processes that `mpiexec` began: all, or some of them.

    Attributes:
        rank, size: of this process in the group, and how many there are.

    Args:
        mpi: of the host.
        transports: by the type of device whose arrays they carry.
        ranks: the members by their numbers among all processes.
    """

    def __init__(
        self, mpi: Mpi, transports: dict[str, Transport], ranks: list[int] | None = None
    ) -> None:
        self.mpi, self.transports = mpi, transports
        self.rank, self.size = mpi.rank, mpi.size
        self.ranks = list(range(mpi.size)) if ranks is None else ranks


class _NoMember:
    """What `new_group` returns in a process that is no member; collectives refuse it."""


_current: ProcessGroup | None = None
_parts: list[ProcessGroup] = []


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Join the processes that were begun together, as `torch.distributed.init_process_group`.

    Args:
        backend: "mpi" for tensors on the CPU ("gloo" counts as that); "nccl" for those on GPUs as
            well, each process on its current device; default: "nccl" if there is a GPU.
        init_method: None or "env://": the processes know each other from `mpiexec`.
        timeout: a `timedelta`: how long an operation may take before it raises; default 30 minutes.
        world_size, rank: what they must be; -1 for whatever `mpiexec` says.
        store: must be None.
        group_name, pg_options, device_id: without effect.

    Raises:
        ValueError: there is a group already, or an argument that does not fit; so with a
            WORLD_SIZE in the environment, such as `torchrun`'s.
        RuntimeError: mpi4py, an MPI, or NCCL is missing.
    """
    global _current
    if _current is not None:
        raise ValueError("trying to initialize the default process group twice!")
    if backend is None:
        backend = "nccl" if device_is_available("cuda") else "mpi"
    if backend not in BACKENDS:
        raise ValueError(
            f"init_process_group: backend must be mpi (or gloo, for it) or nccl, not {backend!r}"
        )
    if init_method not in (None, "env://") or store is not None:
        raise ValueError(
            "init_process_group: init_method must be None or 'env://', and store None, for mpiexec "
            f"begins the processes, but init_method is {init_method!r}"
        )
    mpi = Mpi((timeout or TIMEOUT).total_seconds())
    for name, wanted, found in (("world_size", world_size, mpi.size), ("rank", rank, mpi.rank)):
        if wanted not in (-1, found):
            mpi.close()
            raise ValueError(f"init_process_group: {name} is {found}, not {wanted}")
    said = os.environ.get("WORLD_SIZE", "")
    if mpi.size == 1 and said.isdecimal() and int(said) > 1:
        mpi.close()
        raise ValueError(
            f"init_process_group: WORLD_SIZE is {said}, but MPI knows of this process alone; begin "
            f"them with mpiexec -n {said} python ..., not with torchrun"
        )
    _current = ProcessGroup(mpi, _transports(mpi, BACKENDS[backend] == "nccl"))


def _transports(mpi: Mpi, gpus: bool) -> dict[str, Transport]:
    found: dict[str, Transport] = {"cpu": mpi}
    if gpus:
        share = _shared(mpi)
        found["cuda"] = namespace_for("cuda").communicator(mpi.size, mpi.rank, share)
    return found


def new_group(
    ranks: Iterable[int] | None = None,
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: Any = None,
    use_local_synchronization: bool = False,
    group_desc: str | None = None,
    device_id: Any = None,
    sort_ranks: bool = True,
) -> Any:
    """A group of some of the processes, for `group=`; every process has to call this.

    Args:
        ranks: the members by their numbers among all; None for all.
        timeout: how long an operation may take; default: as of all processes.
        backend: None, or the one of all processes.
        pg_options, group_desc, device_id: without effect.
        use_local_synchronization: must be False.
        sort_ranks: number the members in ascending order of `ranks`; False for the order given.

    Returns:
        The group; in a process that is no member an object that every collective refuses.

    Raises:
        ValueError: no such ranks or one twice, or another backend.
    """
    world = current()
    members = list(range(world.size)) if ranks is None else list(ranks)
    members = sorted(members) if sort_ranks else members
    if not members or len({*members}) < len(members) or not {*members} <= {*range(world.size)}:
        raise ValueError(
            f"new_group: ranks must be different ones from 0 to {world.size - 1}, but are {members}"
        )
    if backend is not None and BACKENDS.get(backend) != get_backend():
        raise ValueError(f"new_group: backend must be {get_backend()}, not {backend!r}")
    if use_local_synchronization:
        raise ValueError("new_group: all processes have to call it: no use_local_synchronization")
    limit = world.mpi.timeout if timeout is None else timeout.total_seconds()
    mpi = world.mpi.part(members, limit)
    if mpi is None:
        return _NoMember()
    _parts.append(ProcessGroup(mpi, _transports(mpi, "cuda" in world.transports), members))
    return _parts[-1]


def _shared(mpi: Mpi) -> Callable[[tuple[int, ...] | None], tuple[int, ...]]:
    """A function that broadcasts rank 0's argument: 128 bytes, as a tuple of integers."""

    def share(values: tuple[int, ...] | None) -> tuple[int, ...]:
        numbers = numpy.zeros(128, dtype="int64")
        if values is not None:
            numbers[:] = values
        mpi.broadcast(numbers, 0).wait(None)
        return tuple(numbers.tolist())

    return share


def current(group: Any = None) -> ProcessGroup:
    """The group that is meant: the given one, or that of all processes if it is None.

    Raises:
        ValueError: there is no such group, or this process is no member.
    """
    if _current is None:
        raise ValueError(
            "Default process group has not been initialized, please make sure to call "
            "init_process_group."
        )
    if group is None or group is _current:
        return _current
    if isinstance(group, _NoMember):
        raise ValueError(f"distributed: rank {_current.rank} is not a member of this group")
    if group not in _parts:
        raise ValueError(f"distributed: expected a group of new_group, but got {group!r}")
    found: ProcessGroup = group
    return found


def destroy_process_group(group: Any = None) -> None:
    """Leave a group; with None that of all processes, and every other with it.

    Raises:
        ValueError: there is none.
    """
    global _current
    found = current(group)
    for part in [*_parts] if found is _current else [found]:
        if part in _parts:
            part.mpi.close()
            _parts.remove(part)
    if found is _current:
        found.mpi.close()
        _current = None


def is_available() -> bool:
    """Whether processes can be joined here: mpi4py is installed."""
    return is_mpi_available()


def is_mpi_available() -> bool:
    """Whether mpi4py is installed."""
    return importlib.util.find_spec("mpi4py") is not None


def is_gloo_available() -> bool:
    """Whether `init_process_group("gloo")` works: MPI stands for it."""
    return is_mpi_available()


def is_nccl_available() -> bool:
    """Whether there is a GPU; whether NCCL is installed shows when it is asked for."""
    return device_is_available("cuda")


def is_torchelastic_launched() -> bool:
    """False: `mpiexec` begins the processes, never `torchrun`."""
    return False


def is_initialized() -> bool:
    """Whether there is a group."""
    return _current is not None


def get_rank(group: Any = None) -> int:
    """Which of the processes this one is, from 0; −1 in a group that it is no member of."""
    return -1 if isinstance(group, _NoMember) else current(group).rank


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """Which of the processes on its machine this one is, as MPI or the environment says.

    Raises:
        RuntimeError: nothing says so, and there is no fallback.
    """
    for name in LOCAL_RANKS:
        if os.environ.get(name, "").isdecimal():
            return int(os.environ[name])
    if fallback_rank is None:
        raise RuntimeError(
            f"get_node_local_rank: none of {', '.join(LOCAL_RANKS)} is in the environment"
        )
    return fallback_rank


def get_process_group_ranks(group: Any = None) -> list[int]:
    """The members of a group, by their numbers among all processes."""
    return list(current(group).ranks)


def is_ucc_available() -> bool:
    """False: see `is_mpi_available`."""
    return False


is_xccl_available = is_ucc_available


def is_backend_available(backend: str) -> bool:
    """Whether `init_process_group` can be asked for a backend here."""
    available = is_nccl_available if backend.lower() == "nccl" else is_mpi_available
    return backend.lower() in BACKENDS and available()


def get_group_rank(group: Any, global_rank: int) -> int:
    """The number in a group of the process that is `global_rank` among all.

    Raises:
        ValueError: it is not a member.
    """
    ranks = get_process_group_ranks(group)
    if global_rank not in ranks:
        raise ValueError(f"Global rank {global_rank} is not part of group {ranks}")
    return ranks.index(global_rank)


def get_global_rank(group: Any, group_rank: int) -> int:
    """The number among all processes of member `group_rank` of a group.

    Raises:
        ValueError: there is no such member.
    """
    ranks = get_process_group_ranks(group)
    if group_rank not in range(len(ranks)):
        raise ValueError(f"Group rank {group_rank} is not part of group {ranks}")
    return ranks[group_rank]


def get_world_size(group: Any = None) -> int:
    """How many processes there are; −1 in a group that this one is no member of."""
    return -1 if isinstance(group, _NoMember) else current(group).size


def get_backend(group: Any = None) -> str:
    """The name of the backend: "nccl" if tensors on GPUs can be sent, else "mpi"."""
    return "nccl" if "cuda" in current(group).transports else "mpi"
