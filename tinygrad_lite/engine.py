"""The walk that differentiates a graph.

It visits nodes from the last made to the first, so that each has all of its gradient when
its turn comes; it needs no recursion and lets go of every node as it consumes it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import FunctionType
from typing import Any

from .backend import is_array, root
from .graph import Leaf, Node, VJPs, mode


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
    mode.walk += 1
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
                grad = grad if changed is None else changed
            owned = False  # a hook may have kept it
            _check("a hook", grad, node)
        reached(node, grad, owned)
        if isinstance(node, Leaf):
            continue
        for parent, piece in _pieces(node, vjps_of(node), grad, only):
            if piece.shape != parent.shape:
                piece = sum_to(piece, parent.shape)
            if piece.shape != parent.shape or piece.dtype != parent.dtype:
                _check(f"{node.name}: its rule", piece, parent)
            send(parent, piece, in_place and piece is not grad and piece.base is None)
        if release:
            node.release()


def _check(giver: str, grad: Any, target: Node | Leaf) -> None:
    """Raise unless a gradient has the shape and dtype of what it is the gradient of."""
    if grad.shape != target.shape or grad.dtype != target.dtype:
        raise RuntimeError(
            f"{giver} gave a gradient of shape {tuple(grad.shape)} and dtype {grad.dtype} for an "
            f"input of shape {target.shape} and dtype {target.dtype}"
        )


def _pieces(
    node: Node, vjps: VJPs, grad: Any, only: set[Node | Leaf] | None
) -> Iterator[tuple[Node | Leaf, Any]]:
    """For each input that needs one, its node and its share of the gradient."""
    shares: Any = vjps if isinstance(vjps, tuple) else vjps(grad)
    several = shares is vjps
    for parent, share in zip(node.parents, shares, strict=not several):
        if parent is not None and share is not None and (only is None or parent in only):
            yield parent, share(grad) if several else share


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
    return {id(root(value))} if is_array(value) else set()


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
