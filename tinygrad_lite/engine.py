"""The graph of a computation, and the walk that differentiates it.

`Node` is one application of a rule, `Leaf` a tensor that gathers its gradient; edges go
from a node to the nodes of its inputs. The walk visits nodes from the last made to the
first, so that each has all of its gradient when its turn comes; it needs no recursion and
lets go of every node as it consumes it.

A node holds what its vector-Jacobian products (VJPs) captured, never its own output: there
are no reference cycles, and memory goes with the last reference.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import FunctionType
from typing import Any

from .backend import Array, DType, root

VJP = Callable[[Any], Any]
VJPs = tuple[VJP | None, ...] | Callable[..., Any]
Rule = Callable[..., tuple[Array, VJPs]]

_order = itertools.count()


class _Mode(threading.local):
    """Whether operations are recorded, for each thread by itself."""

    grad = True


mode = _Mode()


class Storage:
    """What tensors that share memory share: how often it was changed in place."""

    __slots__ = ("key", "version")

    def __init__(self, array: Array) -> None:
        self.version = 0
        base = array.base
        self.key = id(array if base is None else base)


class Leaf:
    """The end of the graph: a tensor with `requires_grad` that no operation made."""

    __slots__ = ("__weakref__", "array", "hooks", "order", "storage", "tensor")

    def __init__(self, tensor: Any, array: Array, storage: Storage) -> None:
        self.tensor = weakref.ref(tensor)
        self.array = array
        self.storage = storage
        self.hooks: list[Callable[[Any], Any]] | None = None
        self.order = next(_order)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the tensor and of its gradient."""
        shape: tuple[int, ...] = self.array.shape
        return shape

    @property
    def dtype(self) -> DType:
        """The dtype of the tensor and of its gradient."""
        dtype: DType = self.array.dtype
        return dtype


class Node:
    """One application of a rule.

    Args:
        rule: the rule, whose name errors give.
        kwargs: the arguments of the rule that are not arrays.
        parents: for each input its `Node` or `Leaf`, or None if it needs no gradient.
        constants: for each input without a parent its value, else None.
        guards: for each input that is a tensor its storage and version when the rule ran.
        vjps: for each input g ↦ dL/dinput, or one callable that returns them all.
        value: the output; only a weak reference is kept.
        storage: the storage of the output.
    """

    __slots__ = (
        "__weakref__",
        "constants",
        "dtype",
        "guards",
        "hooks",
        "kwargs",
        "order",
        "parents",
        "rule",
        "shape",
        "storage",
        "value",
        "version",
        "vjps",
    )

    def __init__(
        self,
        rule: Rule,
        kwargs: dict[str, Any],
        parents: tuple[Node | Leaf | None, ...],
        constants: tuple[Any, ...],
        guards: tuple[tuple[Storage, int] | None, ...],
        vjps: VJPs,
        value: Array,
        storage: Storage,
    ) -> None:
        self.rule = rule
        self.kwargs = kwargs
        self.parents = parents
        self.constants = constants
        self.guards = guards
        self.vjps: VJPs | None = (
            tuple(v if p is not None else None for v, p in zip(vjps, parents, strict=False))
            if type(vjps) is tuple
            else vjps
        )
        self.value = weakref.ref(value)
        self.shape: tuple[int, ...] = value.shape
        self.dtype: DType = value.dtype
        self.storage = storage
        self.version = storage.version
        self.hooks: list[Callable[[Any], Any]] | None = None
        self.order = next(_order)

    @property
    def name(self) -> str:
        """The rule's name, such as "matmul"."""
        return self.rule.__name__

    def release(self) -> None:
        """Let go of everything that only a backward pass needs."""
        self.vjps = None
        self.parents = self.constants = self.guards = ()

    def __repr__(self) -> str:
        return f"<{self.name.title().replace('_', '')}Backward>"


def backward(
    roots: Iterable[tuple[Node | Leaf, Any]],
    vjps_of: Callable[[Node], VJPs],
    sum_to: Callable[[Any, tuple[int, ...]], Any],
    reached: Callable[[Node | Leaf, Any, bool], None],
    *,
    only: set[Node | Leaf] | None = None,
    in_place: bool = True,
    release: bool = True,
) -> None:
    """Send gradients from `roots` to everything they were computed from.

    Args:
        roots: nodes with the gradient that each starts with.
        vjps_of: gives a node's VJPs (it raises for a node that was released).
        sum_to: sums a gradient down to the shape that was broadcast.
        reached: called with each leaf or node, its whole gradient, and whether the walk
            owns that array (nothing else refers to it).
        only: if given, nodes outside of this set are not visited.
        in_place: whether gradients that the walk owns may be added into.
        release: whether to let go of each node's VJPs and edges behind us.
    """
    grads: dict[Node | Leaf, list[Any]] = {}
    heap: list[tuple[int, Node | Leaf]] = []

    def send(node: Node | Leaf, grad: Any, owned: bool) -> None:
        held = grads.get(node)
        if held is None:
            grads[node] = [grad, owned]
            heapq.heappush(heap, (-node.order, node))
        elif held[1]:
            held[0] += grad
        else:
            held[0] = held[0] + grad
            held[1] = in_place

    for node, grad in roots:
        send(node, grad, False)
    while heap:
        node = heapq.heappop(heap)[1]
        grad, owned = grads.pop(node)
        if node.hooks:
            for hook in node.hooks:
                changed = hook(grad)
                grad, owned = (grad, owned) if changed is None else (changed, False)
        reached(node, grad, owned)
        if isinstance(node, Leaf):
            continue
        for parent, piece in _pieces(node, vjps_of(node), grad):
            if only is not None and parent not in only:
                continue
            if piece.shape != parent.shape:
                piece = sum_to(piece, parent.shape)
            if piece.shape != parent.shape or piece.dtype != parent.dtype:
                raise RuntimeError(
                    f"{node.name}: its rule gave a gradient of shape {tuple(piece.shape)} and "
                    f"dtype {piece.dtype} for an input of shape {parent.shape} and dtype "
                    f"{parent.dtype}"
                )
            send(parent, piece, in_place and piece is not grad and piece.base is None)
        if release:
            node.release()


def _pieces(node: Node, vjps: VJPs, grad: Any) -> Iterator[tuple[Node | Leaf, Any]]:
    """For each input that needs one, its node and its share of the gradient."""
    if isinstance(vjps, tuple):
        for parent, vjp in zip(node.parents, vjps, strict=False):
            if parent is not None and vjp is not None:
                yield parent, vjp(grad)
    else:
        for parent, piece in zip(node.parents, vjps(grad), strict=True):
            if parent is not None and piece is not None:
                yield parent, piece


def saved_vjps(node: Node) -> VJPs:
    """The VJPs a node kept, checked to be whole.

    Raises:
        RuntimeError: the node was released by an earlier backward pass, or an array that
            its VJPs need was changed in place since.
    """
    if node.vjps is None:
        raise RuntimeError(
            f"{node.name}: trying to backward through the graph a second time, but what it "
            "saved has been freed; call the first backward() with retain_graph=True"
        )
    for position, guard in enumerate((*node.guards, (node.storage, node.version))):
        if guard is None:
            continue
        storage, version = guard
        if storage.version != version and storage.key in _captured(node.vjps):
            which = f"input {position}" if position < len(node.guards) else "the output"
            raise RuntimeError(
                f"{node.name}: {which}, needed for its gradient, has been modified by an in-place "
                f"operation: it is at version {storage.version}, expected version {version}"
            )
    return node.vjps


def _captured(value: Any) -> set[int]:
    """The identities of the memory that a VJP, or a tuple of them, holds on to."""
    if isinstance(value, FunctionType):
        value = tuple(cell.cell_contents for cell in value.__closure__ or ())
    if isinstance(value, tuple | list):
        return set().union(*map(_captured, value))
    return {id(root(value))} if hasattr(value, "base") else set()


def ancestors(targets: Sequence[Node | Leaf], roots: Iterable[Node | Leaf]) -> set[Node | Leaf]:
    """The nodes on a path from any root to any target, both ends included."""
    oldest = min((target.order for target in targets), default=0)
    consumers: dict[Node | Leaf, list[Node]] = {}
    stack = list(roots)
    seen = set(stack)
    while stack:
        node = stack.pop()
        if isinstance(node, Leaf):
            continue
        for parent in node.parents:
            if parent is None or parent.order < oldest:
                continue
            consumers.setdefault(parent, []).append(node)
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    found = {target for target in targets if target in seen}
    stack = list(found)
    while stack:
        for consumer in consumers.get(stack.pop(), ()):
            if consumer not in found:
                found.add(consumer)
                stack.append(consumer)
    return found
