"""What `apply` leaves behind: the node of a recorded operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend.dtypes import FLOATING
from ..graph import Leaf, Node, Rule, Storage, VJPs

if TYPE_CHECKING:
    from .base import TensorBase


def record(
    out: TensorBase,
    rule: Rule,
    kwargs: dict[str, Any],
    args: tuple[Any, ...],
    arrays: list[Any],
    vjps: VJPs,
) -> None:
    """Give the output of a rule its node, if a gradient flows to an input.

    Args:
        out: the output, a new tensor.
        rule, kwargs: what made it, and the arguments that are not arrays.
        args, arrays: its inputs as they were given, and with arrays in place of tensors.
        vjps: what the rule returned.

    Raises:
        RuntimeError: an input is a view that its base has left behind (`parent_of`).
    """
    parents: list[Node | Leaf | None] = []
    constants: list[Any] = []
    guards: list[tuple[Storage, int] | None] = []
    wanted = False
    for given, array in zip(args, arrays, strict=True):
        parent = guard = None
        if given is not array:  # a tensor
            parent, storage = parent_of(given), given._storage
            guard = storage, storage.version
        wanted = wanted or parent is not None
        parents.append(parent)
        constants.append(array if parent is None else None)
        guards.append(guard)
    if wanted and out.array.dtype.kind in FLOATING:
        inputs = tuple(parents), tuple(constants), tuple(guards)
        out._node = Node(rule, kwargs, *inputs, vjps, out.array, out._storage)


def parent_of(tensor: TensorBase) -> Node | Leaf | None:
    """Where a tensor's gradient goes, or None.

    Raises:
        RuntimeError: the tensor is a view of one that was changed in place since, so that
            its place in the graph no longer describes its elements.
    """
    node, seen, storage = tensor._node, tensor._seen, tensor._storage
    if seen >= 0 and (storage.version != seen if node is not None else storage.recorded > seen):
        raise RuntimeError(
            f"a view of shape {tensor.shape} is used after its base was modified in place; make "
            "the view again from the base"
        )
    return node
