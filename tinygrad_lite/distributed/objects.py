"""Python objects between ranks: they are sent by `pickle`, as bytes."""

from __future__ import annotations

import pickle
from typing import Any

from ..backend import numpy
from ..tensor.create import from_numpy, zeros
from .collectives import all_gather_object, root_of
from .exchange import recv, send
from .group import current

__all__ = [
    "broadcast_object_list",
    "gather_object",
    "recv_object_list",
    "scatter_object_list",
    "send_object_list",
]


def broadcast_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: Any = None,
    device: Any = None,
    group_src: int | None = None,
) -> None:
    """The list becomes that of rank `src`. Objects are sent by `pickle`.

    Args:
        object_list: of objects that can be pickled; of the same length on all ranks.
        src: a rank among all processes; 0 if it is left out.
        group: of `new_group`; None for all.
        device: without effect.
        group_src: in place of `src` the rank inside of the group.
    """
    found = current(group)
    root = root_of("broadcast_object_list", "src", src, found, group_src)
    sent = numpy.frombuffer(pickle.dumps(object_list) if found.rank == root else b"", numpy.uint8)
    size = numpy.array([sent.size])
    found.mpi.broadcast(size, root).wait(None)
    array = sent.copy() if found.rank == root else numpy.zeros(int(size[0]), dtype="uint8")
    found.mpi.broadcast(array, root).wait(None)
    object_list[:] = pickle.loads(array.tobytes())


def gather_object(
    obj: Any,
    object_gather_list: list[Any] | None = None,
    dst: int | None = None,
    group: Any = None,
    group_dst: int | None = None,
) -> None:
    """On rank `dst` the list becomes all ranks' objects, in order.

    Args:
        obj: this rank's object, which can be pickled.
        object_gather_list: on rank `dst` a list, whose contents are replaced; elsewhere None.
        dst: a rank among all processes; 0 if it is left out.
        group: of `new_group`; None for all.
        group_dst: in place of `dst` the rank inside of the group.

    Raises:
        ValueError: `dst` is not in the group, or has given no list.
    """
    found = current(group)
    root = root_of("gather_object", "dst", dst, found, group_dst)
    all_objects: list[Any] = [None] * found.size
    all_gather_object(all_objects, obj, group)
    if found.rank == root:
        if object_gather_list is None:
            raise ValueError("gather_object: rank dst has to give object_gather_list")
        object_gather_list[:] = all_objects


def send_object_list(
    object_list: list[Any],
    dst: int | None = None,
    group: Any = None,
    device: Any = None,
    group_dst: int | None = None,
    use_batch: bool = False,
) -> None:
    """Send objects to rank `dst`, which calls `recv_object_list`. They are sent by `pickle`.

    Args:
        object_list: of objects that can be pickled, at least one.
        dst: a rank among all processes; 0 if it is left out.
        group: of `new_group`; None for all.
        device, use_batch: without effect.
        group_dst: in place of `dst` the rank inside of the group.

    Raises:
        ValueError: no such rank, or it is this one.
    """
    root = root_of("send_object_list", "dst", dst, current(group), group_dst)
    content = numpy.frombuffer(pickle.dumps(object_list), numpy.uint8).copy()
    for part in (numpy.array([content.size]), content):
        send(from_numpy(part), None, group, 0, root)


def recv_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: Any = None,
    device: Any = None,
    group_src: int | None = None,
    use_batch: bool = False,
) -> int:
    """The list becomes what rank `src` sends by `send_object_list`; that rank.

    Args:
        object_list: as long as the one that is sent.
        src: a rank among all processes; 0 if it is left out. It can't be any.
        group, device, use_batch: as of `send_object_list`.
        group_src: in place of `src` the rank inside of the group.

    Raises:
        ValueError: no such rank, or it is this one.
    """
    root = root_of("recv_object_list", "src", src, current(group), group_src)
    size = zeros(1, dtype="int64")
    recv(size, None, group, 0, root)
    content = zeros(int(size), dtype="uint8")
    source = recv(content, None, group, 0, root)
    object_list[:] = pickle.loads(content.array.tobytes())
    return source


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int | None = None,
    group: Any = None,
    group_src: int | None = None,
) -> None:
    """Entry 0 of rank r's output list becomes entry r of rank `src`'s input list, for each r.

    Args:
        scatter_object_output_list: with at least one entry.
        scatter_object_input_list: on rank `src` as many objects as there are ranks; elsewhere None.
        src: a rank among all processes; 0 if it is left out.
        group: of `new_group`; None for all.
        group_src: in place of `src` the rank inside of the group.

    Raises:
        ValueError: `src` is not in the group.
    """
    found = current(group)
    root = root_of("scatter_object_list", "src", src, found, group_src)
    given = scatter_object_input_list if found.rank == root else None
    whole = [None] * found.size if given is None else list(given)
    broadcast_object_list(whole, None, group, group_src=root)
    scatter_object_output_list[0] = whole[found.rank]
