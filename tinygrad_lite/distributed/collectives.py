"""Collective operations on tensors: every rank calls the same ones in the same order."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from ..backend import namespace, numpy
from ..backend.dtypes import is_half
from ..tensor import Tensor
from .group import ProcessGroup, current
from .work import Pending, ReduceOp, Transport, Work

__all__ = ["all_gather", "all_gather_object", "all_reduce", "barrier", "broadcast", "reduce"]


def all_reduce(
    tensor: Tensor, op: ReduceOp = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Every rank's tensor becomes the sum of all (or what `op` says), in place.

    Args:
        tensor: of one shape and dtype on all ranks.
        op: how numbers are brought together; of bool only MIN and MAX.
        group: None.
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
    dst: int = 0,
    op: ReduceOp = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """As `all_reduce`, but on rank `dst` alone; the other ranks' tensors are left undefined."""
    found = current(group)
    _check_rank("reduce", "dst", dst, found.size)
    return _reduced("reduce", found, tensor, op, async_op, lambda t, a, o: t.reduce(a, dst, o))


def broadcast(
    tensor: Tensor, src: int = 0, group: Any = None, async_op: bool = False
) -> Work | None:
    """Every rank's tensor becomes that of rank `src`, in place. Errors as `all_reduce`."""
    found = current(group)
    _check_rank("broadcast", "src", src, found.size)
    transport, bytes_ = _transport("broadcast", found, tensor), _bytes(tensor)
    pending = transport.broadcast(bytes_, src)
    return _ended(pending, lambda: _put(tensor, bytes_.view(tensor.array.dtype)), async_op)


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
    transport, sent = _transport("all_gather", found, tensor), _bytes(tensor)
    out = namespace(sent).empty((found.size * sent.size,), dtype="uint8")

    def finish() -> None:
        for rank, other in enumerate(tensor_list):
            part = out[rank * sent.size : (rank + 1) * sent.size]
            _put(other, part.view(tensor.array.dtype))

    return _ended(transport.all_gather(out, sent), finish, async_op)


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """The list becomes the ranks' objects, in order; they are pickled, and must fit that.

    Args:
        object_list: as long as there are ranks.
        obj: this rank's.
        group: None.
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


def barrier(group: Any = None, async_op: bool = False) -> Work | None:
    """Wait until every rank has come here. Errors as `all_reduce`."""
    return _ended(current(group).mpi.barrier(), lambda: None, async_op)


def _reduced(
    name: str,
    group: ProcessGroup,
    tensor: Tensor,
    op: ReduceOp,
    async_op: bool,
    begin: Callable[[Transport, Any, ReduceOp], Pending],
) -> Work | None:
    transport, array = _transport(name, group, tensor), tensor.array
    xp = namespace(array)
    if array.dtype == bool:
        if op not in (ReduceOp.MIN, ReduceOp.MAX):
            raise RuntimeError(f"{name}: {op.name} of bool; take MIN or MAX, or other numbers")
        wire = "uint8"
    else:  # 16-bit floats are added up in 32: MPI does not know them
        wire = "float32" if is_half(array.dtype) else array.dtype
    dense = xp.reshape(xp.ascontiguousarray(array), (-1,)).astype(wire, copy=True)

    def finish() -> None:
        _put(tensor, dense / group.size if op is ReduceOp.AVG else dense)

    return _ended(begin(transport, dense, ReduceOp.SUM if op is ReduceOp.AVG else op), finish,
                  async_op)  # fmt: skip


def _transport(name: str, group: ProcessGroup, tensor: Tensor) -> Transport:
    kind = tensor.device.type
    if kind not in group.transports:
        raise RuntimeError(
            f"{name}: the group carries tensors of {', '.join(group.transports)}, not of {kind}; "
            "init_process_group('nccl') carries those of GPUs"
        )
    return group.transports[kind]


def _bytes(tensor: Tensor) -> Any:
    """A copy of a tensor as uint8, one after another."""
    xp = namespace(tensor.array)
    return xp.reshape(xp.ascontiguousarray(tensor.array), (-1,)).copy().view("uint8")


def _put(tensor: Tensor, flat: Any) -> None:
    """Change a tensor in place, outside of the graph."""
    xp = namespace(tensor.array)
    tensor.array[...] = xp.reshape(flat, tensor.array.shape).astype(tensor.array.dtype, copy=False)
    tensor._storage.version += 1


def _ended(pending: Pending, finish: Callable[[], None], async_op: bool) -> Work | None:
    work = Work(pending, finish)
    if async_op:
        return work
    work.wait()
    return None


def _check_rank(name: str, argument: str, rank: int, size: int) -> None:
    if not 0 <= rank < size:
        raise ValueError(f"{name}: {argument} must be a rank from 0 to {size - 1}, but is {rank}")
