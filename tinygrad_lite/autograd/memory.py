"""What a graph keeps in memory for its backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType
from typing import Any

from ..backend import is_array, root
from ..graph import Joint, Leaf, Node
from ..tensor import Tensor
from .node import Backward, FunctionNode

__all__ = ["held", "saved_bytes"]


def saved_bytes(*tensors: Tensor) -> int:
    """The bytes of arrays that only live for the backward pass from these tensors.

    Counts, each memory once, what the nodes behind the tensors hold: what VJPs captured,
    constants, and what a `Function` saved, put on `ctx` or returned. The memory of the tensors
    themselves and of leaves (parameters, inputs with `requires_grad`) lives anyway and is not
    counted.
    """
    stack: list[Any] = [t._node for t in tensors if t._node is not None]
    seen = set(stack)
    found: dict[int, Any] = {}
    alive = {id(root(t.array)) for t in tensors}
    while stack:
        node = stack.pop()
        if isinstance(node, Leaf):
            alive.add(id(root(node.array)))
            continue
        for array in held(node):
            found[id(array)] = array
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sum(int(array.nbytes) for key, array in found.items() if key not in alive)


def held(node: Node) -> Iterator[Any]:
    """The memory that a node refers to, apart from other nodes; some of it maybe twice."""
    output = node.output if isinstance(node, FunctionNode) else None
    return _arrays((node.vjps, node.constants, node.kwargs, output))


def _arrays(value: Any) -> Iterator[Any]:
    """The memory that a value refers to, through functions, tensors and containers."""
    if isinstance(value, FunctionType):
        value = tuple(cell.cell_contents for cell in value.__closure__ or ())
    elif isinstance(value, Joint):
        value = (value.prepare, value.parts)
    elif isinstance(value, Backward):
        value = tuple(value.held())
    elif isinstance(value, Tensor):
        value = value.array
    elif isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        for part in value:
            yield from _arrays(part)
    elif is_array(value):
        yield root(value)
