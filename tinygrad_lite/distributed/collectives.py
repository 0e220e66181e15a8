"""Collective operations on tensors: every rank calls the same ones in the same order."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ..backend import namespace, numpy
from ..backend.dtypes import is_half
from ..tensor import Tensor, twins
from .group import ProcessGroup, current
from .work import BITWISE, Pending, ReduceOp, Transport, Work

__all__ = [
    "all_gather",
    "all_gather_object",
    "all_reduce",
    "barrier",
    "broadcast",
    "monitored_barrier",
    "reduce",
]


def all_reduce(
    tensor: Tensor, op: ReduceOp = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Every rank's tensor becomes the sum of all (or what `op` says), in place.

    Args:
        tensor: of one shape and dtype on all ranks.
        op: a `ReduceOp`: how the ranks' numbers become one; for bool only MIN and MAX.
        group: of `new_group`; None for all.
        async_op: return at once, with a `Work` to wait for before the tensor is used.

    Raises:
        ValueError: there is no group.
        RuntimeError: it has nothing that carries tensors of this device.
        DistBackendError: the others have not come within the group's timeout.
    """
    found = current(group)
    return _reduced("all_reduce", found, tensor, op, async_op, lambda t, a, o: t.all_reduce(a, o))


def reduce(
    tensor: Tensor,
    dst: int | None = None,
    op: ReduceOp = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """As `all_reduce`, but on one rank alone; what the other ranks' tensors hold is undefined.

    Args:
        tensor, op, group, async_op: as of `all_reduce`.
        dst: the rank, among all processes; 0 if it is left out.
        group_dst: in place of `dst` the rank inside of the group.
    """
    found = current(group)
    root = root_of("reduce", "dst", dst, found, group_dst)
    return _reduced("reduce", found, tensor, op, async_op, lambda t, a, o: t.reduce(a, root, o))


def broadcast(
    tensor: Tensor,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Every rank's tensor becomes that of one rank, in place. Errors as `all_reduce`.

    Args:
        tensor: of one shape and dtype on all ranks.
        src: whose tensor, among all processes; 0 if it is left out.
        group, async_op: as of `all_reduce`.
        group_src: in place of `src` the rank inside of the group.
    """
    found = current(group)
    root = root_of("broadcast", "src", src, found, group_src)
    transport, bytes_ = transport_of("broadcast", found, tensor), bytes_of(tensor)
    pending = transport.broadcast(bytes_, root)
    work = Work(pending, lambda: put(tensor, bytes_.view(tensor.array.dtype)))
    return ended(work, async_op)


def all_gather(
    tensor_list: list[Tensor], tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """The tensors of the list become those of the ranks, in order. Errors as `all_reduce`.

    Args:
        tensor_list: as many as there are ranks, each like `tensor`.
        tensor: this rank's.
        group, async_op: as of `all_reduce`.
    """
    found = current(group)
    if len(tensor_list) != found.size:
        raise ValueError(
            f"all_gather: {len(tensor_list)} tensors in the list of {found.size} ranks"
        )
    for other in tensor_list:
        if other.shape != tensor.shape or other.dtype != tensor.dtype:
            raise ValueError(
                f"all_gather: the list's tensors must be {tuple(tensor.shape)} {tensor.dtype} as "
                f"the one sent, but one is {tuple(other.shape)} {other.dtype}"
            )
    transport, sent = transport_of("all_gather", found, tensor), bytes_of(tensor)
    out = namespace(sent).empty((found.size * sent.size,), dtype="uint8")

    def finish() -> None:
        for rank, other in enumerate(tensor_list):
            part = out[rank * sent.size : (rank + 1) * sent.size]
            put(other, part.view(tensor.array.dtype))

    return ended(Work(transport.all_gather(out, sent), finish), async_op)


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """The list becomes all ranks' objects, in order. They are sent by `pickle`.

    Args:
        object_list: with as many entries as there are ranks, whatever they are.
        obj: this rank's object, which can be pickled.
        group: of `new_group`; None for all.
    """
    found = current(group)
    sent = numpy.frombuffer(pickle.dumps(obj), numpy.uint8)
    sizes = numpy.zeros(found.size, dtype="int64")
    found.mpi.all_gather(sizes, numpy.array([sent.size])).wait(None)
    padded = numpy.zeros(int(sizes.max()), dtype="uint8")
    padded[: sent.size] = sent
    out = numpy.zeros((found.size, padded.size), dtype="uint8")
    found.mpi.all_gather(out, padded).wait(None)
    rows = zip(out, sizes.tolist(), strict=True)
    object_list[:] = [pickle.loads(row[:size].tobytes()) for row, size in rows]


def barrier(
    group: Any = None,
    async_op: bool = False,
    device_ids: Any = None,
    timeout: timedelta | None = None,
) -> Work | None:
    """Wait until every rank has come here. Errors as `all_reduce`.

    Args:
        group, async_op: as of `all_reduce`.
        device_ids: without effect.
        timeout: how long to wait; default: the group's.
    """
    work = Work(current(group).mpi.barrier(), lambda: None)
    if not async_op:
        work.wait(timeout)
    return ended(work, async_op)


def monitored_barrier(
    group: Any = None, timeout: timedelta | None = None, wait_all_ranks: bool = False
) -> None:
    """`barrier`, by a timeout of its own; `wait_all_ranks` is without effect."""
    barrier(group, timeout=timeout)


def _reduced(
    name: str,
    group: ProcessGroup,
    tensor: Tensor,
    op: ReduceOp,
    async_op: bool,
    begin: Callable[[Transport, Any, ReduceOp], Pending],
) -> Work | None:
    transport, array = transport_of(name, group, tensor), tensor.array
    xp = namespace(array)
    if op in BITWISE and (array.dtype.kind not in "iu" or tensor.is_cuda):
        raise RuntimeError(
            f"{name}: {op.name} takes integers on CPUs, not {array.dtype} on {tensor.device}"
        )
    if array.dtype == bool:
        if op not in (ReduceOp.MIN, ReduceOp.MAX):
            raise RuntimeError(f"{name}: {op.name} of bool; take MIN or MAX, or other numbers")
        wire = "uint8"
    else:  # 16-bit floats are added up in 32: MPI does not know them
        wire = "float32" if is_half(array.dtype) else array.dtype
    dense = xp.reshape(xp.ascontiguousarray(array), (-1,)).astype(wire, copy=True)

    def finish() -> None:
        put(tensor, dense / group.size if op is ReduceOp.AVG else dense)

    pending = begin(transport, dense, ReduceOp.SUM if op is ReduceOp.AVG else op)
    return ended(Work(pending, finish), async_op)


def transport_of(name: str, group: ProcessGroup, tensor: Tensor) -> Transport:
    """The transport of the group that carries tensors of this one's device.

    Raises:
        RuntimeError: the group has nothing for its device.
    """
    kind = tensor.device.type
    if kind not in group.transports:
        raise RuntimeError(
            f"{name}: the group carries tensors of {', '.join(group.transports)}, not of {kind}; "
            "init_process_group('nccl') carries those of GPUs"
        )
    return group.transports[kind]


def bytes_of(tensor: Tensor) -> Any:
    """A copy of a tensor's bytes, uint8 (bytes), in the order of its elements."""
    xp = namespace(tensor.array)
    return xp.reshape(xp.ascontiguousarray(tensor.array), (-1,)).copy().view("uint8")


def put(tensor: Tensor, flat: Any) -> None:
    """Write new values into a tensor, outside of the graph; autograd's version check sees it."""
    xp = namespace(tensor.array)
    tensor.array[...] = xp.reshape(flat, tensor.array.shape).astype(tensor.array.dtype, copy=False)
    tensor._storage.version += 1
    twins.changed(tensor.array)


def ended(work: Work, async_op: bool) -> Work | None:
    """The operation itself with `async_op`; else wait for it, and return None."""
    if async_op:
        return work
    work.wait()
    return None


def member(
    name: str, argument: str, rank: int | None, group: ProcessGroup, inside: int | None = None
) -> int:
    """The rank inside `group` of the process that is `rank` among all processes.

    Args:
        name, argument: the function and argument that messages name.
        rank: among all processes; None if `inside` is given.
        group: the group.
        inside: in place of it the rank inside of the group.

    Raises:
        ValueError: it is not a member, or both are given.
    """
    if inside is not None:
        if rank is not None:
            raise ValueError(f"{name}: give {argument} or group_{argument}, not both")
        if inside not in range(group.size):
            raise ValueError(
                f"{name}: group_{argument} must be from 0 to {group.size - 1}, but is {inside}"
            )
        return inside
    if rank not in group.ranks:
        whole = len(group.ranks) - 1 == group.ranks[-1]
        ranks = f"from 0 to {group.ranks[-1]}" if whole else f"among {group.ranks}"
        raise ValueError(f"{name}: {argument} must be a rank {ranks}, but is {rank}")
    return group.ranks.index(rank)


def root_of(
    name: str, argument: str, rank: int | None, group: ProcessGroup, inside: int | None
) -> int:
    """As `member`, of a rank that is 0 if neither it nor `inside` is given."""
    return member(name, argument, 0 if rank is None and inside is None else rank, group, inside)
