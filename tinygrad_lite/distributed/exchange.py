"""Messages between two ranks, and what is built of them and of the collectives.

Sending and receiving; gathering and scattering tensors from and to one rank; parts of a tensor from
and to all.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ..tensor import Tensor, no_grad
from ..tensor.concatenate import cat
from .collectives import (
    all_gather,
    all_reduce,
    bytes_of,
    ended,
    member,
    put,
    root_of,
    transport_of,
)
from .group import ProcessGroup, current
from .work import ReduceOp, Work

__all__ = [
    "all_gather_into_tensor",
    "all_to_all",
    "all_to_all_single",
    "gather",
    "irecv",
    "isend",
    "recv",
    "reduce_scatter",
    "reduce_scatter_tensor",
    "scatter",
    "send",
]

OWN_TAG = 32767  # the tag of our own messages: the largest that every MPI allows


def isend(
    tensor: Tensor,
    dst: int | None = None,
    group: Any = None,
    tag: int = 0,
    group_dst: int | None = None,
) -> Work:
    """Begin to send a tensor to rank `dst`, which receives it with the same tag.

    Args:
        tensor: what is sent.
        dst: a rank among all processes.
        group: of `new_group`; None for all.
        tag: a number.
        group_dst: in place of `dst` the rank inside of the group.

    Raises:
        ValueError: there is no group, no such rank in it, or it is this one.
        RuntimeError: the group carries no tensors of this device.
        DistBackendError: when waiting: the other has not come within the group's timeout.
    """
    found = current(group)
    to = _other("send", "dst", dst, found, group_dst)
    pending = transport_of("send", found, tensor).send(bytes_of(tensor), to, tag)
    return Work(pending, lambda: None)


def irecv(
    tensor: Tensor,
    src: int | None = None,
    group: Any = None,
    tag: int = 0,
    group_src: int | None = None,
) -> Work:
    """Begin to receive a tensor from rank `src`, in place. Errors as `isend`.

    Args:
        tensor: of the shape and dtype of the one that is sent.
        src: a rank; unlike PyTorch's, it can't be left out to receive from any.
        group: of `new_group`; None for all.
        tag: the one that it is sent with.
        group_src: in place of `src` the rank inside of the group.
    """
    found = current(group)
    source = _other("recv", "src", src, found, group_src)
    received = bytes_of(tensor)
    pending = transport_of("recv", found, tensor).receive(received, source, tag)
    return Work(pending, lambda: put(tensor, received.view(tensor.array.dtype)))


def send(
    tensor: Tensor,
    dst: int | None = None,
    group: Any = None,
    tag: int = 0,
    group_dst: int | None = None,
) -> None:
    """Send a tensor to rank `dst`; see `isend`."""
    isend(tensor, dst, group, tag, group_dst).wait()


def recv(
    tensor: Tensor,
    src: int | None = None,
    group: Any = None,
    tag: int = 0,
    group_src: int | None = None,
) -> int:
    """Receive a tensor from rank `src`, in place, and say from whom; see `irecv`."""
    irecv(tensor, src, group, tag, group_src).wait()
    found = current(group)
    return found.ranks[member("recv", "src", src, found, group_src)]


def gather(
    tensor: Tensor,
    gather_list: list[Tensor] | None = None,
    dst: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """The tensors of rank `dst`'s list become those of the ranks, in order. Errors as `isend`.

    Args:
        tensor: this rank's.
        gather_list: on rank `dst` as many as there are ranks, each like `tensor`; elsewhere None.
        dst: a rank among all processes; 0 if it is left out.
        group: of `new_group`; None for all.
        async_op: return at once, with a `Work` to wait for before the tensors are used.
        group_dst: in place of `dst` the rank inside of the group.
    """
    found = current(group)
    root = root_of("gather", "dst", dst, found, group_dst)
    parts = _parts("gather", "gather_list", gather_list, tensor, found, root)
    if found.rank != root:
        return ended(isend(tensor, None, group, OWN_TAG, root), async_op)
    works = _with_others(irecv, parts, found, group)
    parts[root].detach().copy_(tensor.detach())
    return ended(_all(works), async_op)


def scatter(
    tensor: Tensor,
    scatter_list: list[Tensor] | None = None,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Each rank's tensor becomes its part of rank `src`'s list. Errors as `isend`.

    Args:
        tensor: this rank's, in place.
        scatter_list: on rank `src` as many as there are ranks, each like `tensor`; elsewhere None.
        src: a rank among all processes; 0 if it is left out.
        group: of `new_group`; None for all.
        async_op: return at once, with a `Work` to wait for before the tensors are used.
        group_src: in place of `src` the rank inside of the group.
    """
    found = current(group)
    root = root_of("scatter", "src", src, found, group_src)
    parts = _parts("scatter", "scatter_list", scatter_list, tensor, found, root)
    if found.rank != root:
        return ended(irecv(tensor, None, group, OWN_TAG, root), async_op)
    works = _with_others(isend, parts, found, group)
    tensor.detach().copy_(parts[root].detach())
    return ended(_all(works), async_op)


def all_to_all(
    output_tensor_list: list[Tensor],
    input_tensor_list: list[Tensor],
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Entry j of rank i's outputs becomes entry i of rank j's inputs. Errors as `isend`.

    Args:
        output_tensor_list: as many as there are ranks, of what shapes and dtypes these send.
        input_tensor_list: as many.
        group, async_op: as of `all_reduce`.

    Raises:
        ValueError: a list of another length.
    """
    found = current(group)
    for parts in (output_tensor_list, input_tensor_list):
        if len(parts) != found.size:
            raise ValueError(f"all_to_all: {len(parts)} tensors in a list of {found.size} ranks")
    works = []
    for rank, (out, sent) in enumerate(zip(output_tensor_list, input_tensor_list, strict=True)):
        if rank == found.rank:
            out.detach().copy_(sent.detach())
            continue
        # NCCL carries one message after another: all ranks have to take their pairs in one order,
        # that of (lower, higher), and in each the lower sends first.
        turns: list[tuple[Callable[..., Work], Tensor]] = [(isend, sent), (irecv, out)]
        for begin, part in turns if found.rank < rank else turns[::-1]:
            works.append(begin(part, None, group, OWN_TAG, rank))
    return ended(_all(works), async_op)


def all_to_all_single(
    output: Tensor,
    input: Tensor,
    output_split_sizes: list[int] | None = None,
    input_split_sizes: list[int] | None = None,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """As `all_to_all`, of the parts of two tensors (N, …) along their first dimension.

    Args:
        output: what the ranks send comes here, in their order.
        input: of the same dtype.
        output_split_sizes: how many rows come from each rank; None or []: equally many.
        input_split_sizes: how many rows go to each.
        group, async_op: as of `all_reduce`.

    Raises:
        RuntimeError: sizes that are not one for each rank, or don't sum up to N; an N that the
            ranks don't divide; other dtypes.
    """
    size = current(group).size
    if output.dtype != input.dtype:
        raise RuntimeError("Tensors are not equal in data type")
    parts = []
    for tensor, sizes in ((output, output_split_sizes), (input, input_split_sizes)):
        rows = tensor.shape[0]
        if sizes and len(sizes) != size:
            raise RuntimeError("Number of tensor splits not equal to group size")
        if sizes and sum(sizes) != rows:
            raise RuntimeError("Split sizes doesn't match total dim 0 size")
        if not sizes and rows % size:
            raise RuntimeError("Tensor's dim 0 does not divide equally across group size")
        parts.append(list(tensor.detach().split(list(sizes) if sizes else [rows // size] * size)))
    return all_to_all(parts[0], parts[1], group, async_op)


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


class _Several:
    """Operations on their way, as one; see `Pending`."""

    def __init__(self, works: list[Work]) -> None:
        self._works = works

    def done(self) -> bool:
        """See `Pending`."""
        return all(work.is_completed() for work in self._works)

    def wait(self, seconds: float | None) -> None:
        """See `Pending`."""
        for work in self._works:
            work.wait(None if seconds is None else timedelta(seconds=seconds))


def _all(works: list[Work]) -> Work:
    return Work(_Several(works), lambda: None)


def _with_others(
    begin: Callable[..., Work], parts: list[Tensor], found: ProcessGroup, group: Any
) -> list[Work]:
    """Begin to send (`isend`) or receive (`irecv`) each other rank's part, on the one rank."""
    return [
        begin(part, found.ranks[rank], group, OWN_TAG)
        for rank, part in enumerate(parts)
        if rank != found.rank
    ]


def _other(
    name: str, argument: str, rank: int | None, group: ProcessGroup, inside: int | None
) -> int:
    """The place in the group of a rank to exchange with, which is not this one.

    Raises:
        ValueError: it is this one, or not in the group.
    """
    found = member(name, argument, rank, group, inside)
    if found == group.rank:
        raise ValueError(f"{name}: {argument} is this rank itself, {group.ranks[found]}")
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
