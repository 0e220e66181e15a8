"""A tensor's place in the graph: a leaf, the output of a node, or none."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ..backend import numpy
from ..backend.dtypes import DIFFERENTIABLE
from ..graph import Leaf, Node, named
from .apply import node_of
from .base import new, storage_of

if TYPE_CHECKING:
    from .tensor import Tensor


def is_leaf(input: Tensor) -> bool:
    """True if no recorded operation made this tensor."""
    return not isinstance(node_of(input), Node)


def output_nr(input: Tensor) -> int:
    """Which of its node's outputs this tensor is: 0, as each has a node of its own."""
    return 0


def grad_fn(input: Tensor) -> Node | None:
    """The node of the operation that made this tensor; None for a leaf."""
    node = node_of(input)
    return named(node) if isinstance(node, Node) else None


def _shown(node: Node, name: str) -> Any:
    """What a node shows of what it keeps, such as `_saved_self`; see `saved.py`."""
    if not name.startswith(("_saved_", "_raw_saved_")):
        raise AttributeError(f"{type(node).__name__!r} object has no attribute {name!r}")
    from .saved import saved

    return saved(node, name)


def _names(node: Node) -> list[str]:
    """The attributes of a node, with those that it shows of what it keeps."""
    from .saved import names

    return [*object.__dir__(node), *names(node)]


def _variable(leaf: Leaf) -> Tensor:
    """The tensor at a leaf: if the program let go of it, another in its place, of its memory."""
    tensor = leaf.tensor()
    if tensor is None:
        tensor = new(leaf.array)
        tensor._storage, tensor._node = leaf.storage, leaf
        leaf.tensor = weakref.ref(tensor)
    return tensor


Leaf.variable = property(_variable)
Node.__getattr__ = _shown
Node.__dir__ = _names  # type: ignore[assignment]


def requires_grad(input: Tensor) -> bool:
    """Whether gradients flow to this tensor."""
    return node_of(input) is not None


_ONLY_LEAVES = (
    "you can only change requires_grad flags of leaf variables; use detach() for a "
    "tensor that doesn't require gradients"
)


def requires_grad_(input: Tensor, requires_grad: bool = True) -> Tensor:
    """Start (or stop) gathering gradients in `.grad`; returns the tensor itself.

    Raises:
        RuntimeError: the dtype is not floating point, or the tensor is not a leaf.
    """
    if requires_grad and input.dtype.kind not in DIFFERENTIABLE:
        raise RuntimeError(
            "only Tensors of floating point and complex dtype can require gradients, not "
            f"{input.dtype}"
        )
    if not requires_grad and not is_leaf(input):
        raise RuntimeError(_ONLY_LEAVES)
    leaf = node_of(input)
    if not requires_grad:
        if isinstance(leaf, Leaf) and (leaf.hooks or leaf.after):
            input._storage.frozen = leaf  # keeps the hooks for the next requires_grad_()
        input._node = None
    elif leaf is None:
        frozen = getattr(input._storage, "frozen", None)
        mine = frozen is not None and frozen.tensor() is input
        input._node = frozen if mine else Leaf(input, input.array, input._storage)
        input._storage = storage_of(input)
        input._seen, input._view = -1, None  # a leaf is no view, even if it shares memory with one
        input._storage.moves += 1  # so that earlier views of it look up their place again
    return input


def set_requires_grad(input: Tensor, value: bool) -> None:
    """`requires_grad_`, as an attribute.

    Raises:
        RuntimeError: the value is no bool, or the tensor is not a leaf.
    """
    if not isinstance(value, bool | numpy.bool_):
        raise RuntimeError(f"requires_grad: must be a bool, but got {type(value).__name__}")
    if not is_leaf(input):
        raise RuntimeError(_ONLY_LEAVES)
    requires_grad_(input, bool(value))
