"""Messages to and from several ranks, begun at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..tensor import Tensor
from .collectives import member
from .exchange import irecv, isend
from .group import current
from .work import Work

__all__ = ["P2POp", "batch_isend_irecv"]


class P2POp:
    """One message, for `batch_isend_irecv`.

    Args:
        op: `isend` or `irecv`.
        tensor: what is sent, or is received in place.
        peer: the other's rank among all processes.
        group: of `new_group`; None for all.
        tag: a number; both ends give the same.
        group_peer: in place of `peer` the other's rank inside of the group.

    Raises:
        ValueError: another `op`, or no such rank.
    """

    def __init__(
        self,
        op: Callable[..., Work],
        tensor: Tensor,
        peer: int | None = None,
        group: Any = None,
        tag: int = 0,
        group_peer: int | None = None,
    ) -> None:
        if op not in (isend, irecv):
            raise ValueError("Invalid ``op``: expected torch.distributed.isend or irecv")
        found = current(group)
        self.op, self.tensor, self.group, self.tag = op, tensor, group, tag
        self.group_peer = member("P2POp", "peer", peer, found, group_peer)
        self.peer = found.ranks[self.group_peer]

    def __repr__(self) -> str:
        return f"P2POp({self.op.__name__} peer={self.peer}, {tuple(self.tensor.shape)})"


def batch_isend_irecv(p2p_op_list: list[P2POp]) -> list[Work]:
    """Begin several messages; each rank gives those that it takes part in, in any order.

    Between two ranks the first `isend` of one goes to the first `irecv` of the other, and so on.

    Args:
        p2p_op_list: the messages, of one group.

    Returns:
        A `Work` for each, to be waited for.

    Raises:
        ValueError: no messages, something else, or several groups.
    """
    if not p2p_op_list or not all(isinstance(op, P2POp) for op in p2p_op_list):
        raise ValueError("Invalid ``p2p_op_list``. Each op is expected to be of type P2POp")
    if any(op.group is not p2p_op_list[0].group for op in p2p_op_list):
        raise ValueError("All ops need to use the same group")
    rank = current(p2p_op_list[0].group).rank

    def turn(place: int) -> tuple[int, int, bool]:
        # NCCL carries one message after another: all ranks have to take their pairs in one order,
        # that of (lower, higher), and in each the lower sends first.
        op = p2p_op_list[place]
        lower, higher = sorted((rank, op.group_peer))
        return lower, higher, (op.op is isend) != (rank == lower)

    works = {}
    for place in sorted(range(len(p2p_op_list)), key=turn):
        op = p2p_op_list[place]
        works[place] = op.op(op.tensor, None, op.group, op.tag, op.group_peer)
    return [works[place] for place in range(len(p2p_op_list))]
