"""Messages between two ranks, and what is built of them and of the collectives.

Sending and receiving; gathering and scattering tensors from and to one rank; parts of a tensor from
and to all; Python objects.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from ..backend import numpy
from ..tensor import Tensor, no_grad
from ..tensor.concatenate import cat
from .collectives import (
    all_gather,
    all_gather_object,
    all_reduce,
    bytes_of,
    ended,
    member,
    put,
    transport_of,
)
from .group import ProcessGroup, current
from .work import ReduceOp, Work

__all__ = [
    "all_gather_into_tensor",
    "broadcast_object_list",
    "gather",
    "gather_object",
    "irecv",
    "isend",
    "recv",
    "reduce_scatter",
    "reduce_scatter_tensor",
    "scatter",
    "scatter_object_list",
    "send",
]

OWN_TAG = 32767  # the tag of our own messages: the largest that every MPI allows


def isend(tensor: Tensor, dst: int | None = None, group: Any = None, tag: int = 0) -> Work:
    """Begin to send a tensor to rank `dst`, which receives it with the same tag.

    Raises:
        ValueError: there is no group, no such rank in it, or it is this one.
        RuntimeError: the group carries no tensors of this device.
        DistBackendError: when waiting: the other has not come within the group's timeout.
    """
    found = current(group)
    to = _other("send", "dst", dst, found)
    pending = transport_of("send", found, tensor).send(bytes_of(tensor), to, tag)
    return Work(pending, lambda: None)


def irecv(tensor: Tensor, src: int | None = None, group: Any = None, tag: int = 0) -> Work:
    """Begin to receive a tensor from rank `src`, in place. Errors as `isend`.

    Args:
        tensor: of the shape and dtype of the one that is sent.
        src: a rank; unlike PyTorch's, it can't be left out to receive from any.
        group: of `new_group`; None for all.
        tag: the one that it is sent with.
    """
    found = current(group)
    source = _other("recv", "src", src, found)
    received = bytes_of(tensor)
    pending = transport_of("recv", found, tensor).receive(received, source, tag)
    return Work(pending, lambda: put(tensor, received.view(tensor.array.dtype)))


def send(tensor: Tensor, dst: int | None = None, group: Any = None, tag: int = 0) -> None:
    """Send a tensor to rank `dst`; see `isend`."""
    isend(tensor, dst, group, tag).wait()


def recv(tensor: Tensor, src: int | None = None, group: Any = None, tag: int = 0) -> int:
    """Receive a tensor from rank `src`, in place, and say from whom; see `irecv`."""
    irecv(tensor, src, group, tag).wait()
    assert src is not None
    return src


def gather(
    tensor: Tensor, gather_list: list[Tensor] | None = None, dst: int = 0, group: Any = None
) -> None:
    """The tensors of rank `dst`'s list become those of the ranks, in order. Errors as `isend`.

    Args:
        tensor: this rank's.
        gather_list: on rank `dst` as many as there are ranks, each like `tensor`; elsewhere None.
        dst: a rank among all processes.
        group: of `new_group`; None for all.
    """
    found = current(group)
    root = member("gather", "dst", dst, found)
    parts = _parts("gather", "gather_list", gather_list, tensor, found, root)
    if found.rank != root:
        send(tensor, dst, group, OWN_TAG)
        return
    works = _with_others(irecv, parts, found, group)
    parts[root].detach().copy_(tensor.detach())
    for work in works:
        work.wait()


def scatter(
    tensor: Tensor, scatter_list: list[Tensor] | None = None, src: int = 0, group: Any = None
) -> None:
    """Each rank's tensor becomes its part of rank `src`'s list. Errors as `isend`.

    Args:
        tensor: this rank's, in place.
        scatter_list: on rank `src` as many as there are ranks, each like `tensor`; elsewhere None.
        src: a rank among all processes.
        group: of `new_group`; None for all.
    """
    found = current(group)
    root = member("scatter", "src", src, found)
    parts = _parts("scatter", "scatter_list", scatter_list, tensor, found, root)
    if found.rank != root:
        recv(tensor, src, group, OWN_TAG)
        return
    works = _with_others(isend, parts, found, group)
    tensor.detach().copy_(parts[root].detach())
    for work in works:
        work.wait()


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """The output becomes all ranks' inputs, joined along the first dimension or stacked.

    Args:
        output_tensor: (p·N, …) or (p, N, …) for inputs (N, …) of p ranks, dense.
        input_tensor: this rank's.
        group, async_op: as of `all_reduce`.

    Raises:
        ValueError: the output is of another size.
    """
    parts = _shares("all_gather_into_tensor", output_tensor, input_tensor, current(group))
    return all_gather(parts, input_tensor, group, async_op)


@no_grad()
def reduce_scatter_tensor(
    output: Tensor,
    input: Tensor,
    op: ReduceOp = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """The output becomes this rank's part of the sum (or what `op` says) of the ranks' inputs.

    It is an all-reduce of which a part is kept.

    Args:
        output: (N, …), in place.
        input: (p·N, …) or (p, N, …) for p ranks.
        op, group, async_op: as of `all_reduce`.

    Raises:
        ValueError: the input is of another size.
    """
    found = current(group)
    whole = input.detach().clone()
    part = _shares("reduce_scatter_tensor", whole, output, found)[found.rank]
    work = all_reduce(whole, op, group, async_op=True)
    assert work is not None
    return ended(work.then(lambda: put(output, part.array.reshape(-1))), async_op)


def reduce_scatter(
    output: Tensor,
    input_list: list[Tensor],
    op: ReduceOp = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """As `reduce_scatter_tensor`, of a list of as many tensors like `output` as there are ranks."""
    whole = cat([part.detach().reshape(-1) for part in input_list])
    return reduce_scatter_tensor(output, whole, op, group, async_op)


def broadcast_object_list(
    object_list: list[Any], src: int = 0, group: Any = None, device: Any = None
) -> None:
    """The list becomes that of rank `src`. Objects are sent by `pickle`.

    Args:
        object_list: of objects that can be pickled; of the same length on all ranks.
        src: a rank among all processes.
        group: of `new_group`; None for all.
        device: without effect.
    """
    found = current(group)
    root = member("broadcast_object_list", "src", src, found)
    sent = numpy.frombuffer(pickle.dumps(object_list) if found.rank == root else b"", numpy.uint8)
    size = numpy.array([sent.size])
    found.mpi.broadcast(size, root).wait(None)
    array = sent.copy() if found.rank == root else numpy.zeros(int(size[0]), dtype="uint8")
    found.mpi.broadcast(array, root).wait(None)
    object_list[:] = pickle.loads(array.tobytes())


def gather_object(
    obj: Any, object_gather_list: list[Any] | None = None, dst: int = 0, group: Any = None
) -> None:
    """On rank `dst` the list becomes all ranks' objects, in order.

    Args:
        obj: this rank's object, which can be pickled.
        object_gather_list: on rank `dst` a list, whose contents are replaced; elsewhere None.
        dst: a rank among all processes.
        group: of `new_group`; None for all.

    Raises:
        ValueError: `dst` is not in the group, or has given no list.
    """
    found = current(group)
    root = member("gather_object", "dst", dst, found)
    all_objects: list[Any] = [None] * found.size
    all_gather_object(all_objects, obj, group)
    if found.rank == root:
        if object_gather_list is None:
            raise ValueError("gather_object: rank dst has to give object_gather_list")
        object_gather_list[:] = all_objects


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int = 0,
    group: Any = None,
) -> None:
    """Entry 0 of rank r's output list becomes entry r of rank `src`'s input list, for each r.

    Args:
        scatter_object_output_list: with at least one entry.
        scatter_object_input_list: on rank `src` as many objects as there are ranks; elsewhere None.
        src: a rank among all processes.
        group: of `new_group`; None for all.

    Raises:
        ValueError: `src` is not in the group.
    """
    found = current(group)
    root = member("scatter_object_list", "src", src, found)
    given = scatter_object_input_list if found.rank == root else None
    whole = [None] * found.size if given is None else list(given)
    broadcast_object_list(whole, src, group)
    scatter_object_output_list[0] = whole[found.rank]


def _with_others(
    begin: Callable[..., Work], parts: list[Tensor], found: ProcessGroup, group: Any
) -> list[Work]:
    """Begin to send (`isend`) or receive (`irecv`) each other rank's part, on the one rank."""
    return [
        begin(part, found.ranks[rank], group, OWN_TAG)
        for rank, part in enumerate(parts)
        if rank != found.rank
    ]


def _other(name: str, argument: str, rank: int | None, group: ProcessGroup) -> int:
    """The place in the group of a rank to exchange with, which is not this one.

    Raises:
        ValueError: it is this one, or not in the group.
    """
    found = member(name, argument, rank, group)
    if found == group.rank:
        raise ValueError(f"{name}: {argument} is this rank itself, {rank}")
    return found


def _parts(
    name: str,
    argument: str,
    parts: list[Tensor] | None,
    tensor: Tensor,
    group: ProcessGroup,
    root: int,
) -> list[Tensor]:
    """On the rank `root` its list, after checks; elsewhere an empty one.

    Raises:
        ValueError: the list is missing on `root`, or given elsewhere; it has not one tensor for
            each rank; or one differs from `tensor` in shape or dtype.
    """
    if group.rank != root:
        if parts:
            raise ValueError(f"{name}: {argument} is the one rank's alone; leave it out elsewhere")
        return []
    if parts is None or len(parts) != group.size:
        found = "none" if parts is None else len(parts)
        raise ValueError(f"{name}: {argument} must have {group.size} tensors, but has {found}")
    for part in parts:
        if part.shape != tensor.shape or part.dtype != tensor.dtype:
            raise ValueError(
                f"{name}: {argument} must be of tensors {tuple(tensor.shape)} {tensor.dtype}, but "
                f"one is {tuple(part.shape)} {part.dtype}"
            )
    return parts


def _shares(name: str, whole: Tensor, part: Tensor, group: ProcessGroup) -> list[Tensor]:
    """A dense tensor (p·N, …) or (p, N, …), seen as p parts (N, …), one for each of p ranks.

    Raises:
        ValueError: it is not of p times the elements of `part`, or of another dtype.
    """
    if whole.numel() != group.size * part.numel() or whole.dtype != part.dtype:
        raise ValueError(
            f"{name}: {tuple(whole.shape)} {whole.dtype} is not {group.size} times "
            f"{tuple(part.shape)} {part.dtype}"
        )
    rows = whole.detach().view(group.size, *part.shape)
    return [rows[rank] for rank in range(group.size)]
