"""The walk that differentiates a graph.

It visits nodes from the last made to the first, so that each has all of its gradient when
its turn comes; it needs no recursion and lets go of what every node saved as it consumes it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import FunctionType
from typing import Any

from .backend import is_array, namespace, numpy, root
from .backend.dtypes import is_half
from .graph import Joint, Leaf, Node, Packed, VJPs, Zero

AT_ONCE = 1 << 62  # added to a node's order: before all nodes that have only their own


def walk(
    roots: Iterable[tuple[Node | Leaf, Any]],
    vjps_of: Callable[[Node], VJPs],
    *,
    space: Any = None,
    only: set[Node | Leaf] | None = None,
    release: bool = True,
    uses: dict[Leaf, int] | None = None,
) -> Iterator[tuple[Node | Leaf, Any, bool]]:
    """Send gradients from `roots` to everything they were computed from.

    Args:
        roots: nodes with the gradient that each starts with.
        vjps_of: gives a node's VJPs (it raises for a node that was released).
        space: the namespace that gradients belong to if they are tensors (a recorded walk).
        only: if given, nodes outside of this set are not visited.
        release: whether to let go of each node's VJPs behind us.
        uses: how many gradients will be sent to some leaves (`leaf_uses`). These are yielded as
            soon as all have come, the others at the end: they are the oldest. Counted down.

    Yields:
        Each leaf or node that is reached, its whole gradient, and whether the walk owns that
        array: nothing else refers to it then.
    """
    in_place = space is None
    grads: dict[Node | Leaf, list[Any]] = {}
    heap: list[tuple[int, Node | Leaf]] = []

    lazy = in_place and only is None and vjps_of is saved_vjps  # zeros are not even made

    def send(node: Node | Leaf, grad: Any, owned: bool) -> None:
        held = grads.get(node)
        if held is None:
            grads[node] = [grad, owned]
            heapq.heappush(heap, (-node.order, node))
        elif type(grad) is Zero:
            pass
        elif type(held[0]) is Zero:
            held[:] = grad, owned
        elif held[1]:
            held[0] += grad
        else:
            held[0] = held[0] + grad
            held[1] = in_place
        if uses and isinstance(node, Leaf) and node in uses:
            uses[node] -= 1
            if uses[node] == 0:
                heapq.heappush(heap, (-AT_ONCE - node.order, node))

    for node, grad in roots:
        send(node, grad, False)
    while heap:
        node = heapq.heappop(heap)[1]
        if uses and node not in grads:  # a leaf that had its turn
            continue
        grad, owned = grads.pop(node)
        if type(grad) is Zero:
            if isinstance(node, Node) and not _is_heard(node):
                for parent in _wanting(node):
                    send(parent, grad, False)
                if release:
                    node.release()
                continue
            grad, owned = _zeros(node, grad.like, space), True
        if node.hooks is not None:
            grad = node.hooks(grad)
            owned = False  # a hook may have kept it
            _check("a hook", grad, node)
        yield node, grad, owned
        if isinstance(node, Leaf) or (only is not None and _ends(node, only)):
            continue
        if node.hooks is not None and node.hooks.inner:
            grad = node.hooks.inner(grad)
            _check("a hook", grad, node)
        vjps, part = vjps_of(node), getattr(node.rule, "part", None)
        # Who watches a node, or waits for its leaf, sees its share.
        unseen = vjps is node.vjps and not (uses and node.parents[0] in uses)
        added = part and in_place and unseen and _added(node, node.kwargs[part], grad, grads)
        for parent, piece in () if added else _pieces(node, vjps, grad, only):
            if type(piece) is Zero:
                if lazy:
                    send(parent, piece, False)
                    continue
                piece = _zeros(parent, piece.like, space)
            shape = parent.shape
            if piece.shape != shape:
                piece = sum_to(piece, shape, space)
            if piece.shape != shape or piece.dtype != parent.dtype:
                _check(f"{node.operation}: its rule", piece, parent)
            send(parent, piece, in_place and piece is not grad and piece.base is None)
        if release:
            node.release()


def _is_heard(node: Node) -> bool:
    """Whether somebody looks at a node's gradient, or may make more of it than zeros."""
    return node.hooks is not None or bool(node.custom or node.retainer)


def _wanting(node: Node) -> list[Node | Leaf]:
    """The inputs of a node that a gradient goes on to.

    Raises:
        RuntimeError: as `saved_vjps`.
    """
    vjps, parents = saved_vjps(node), node.parents
    given: Any = vjps if isinstance(vjps, tuple) else parents
    return [p for p, v in zip(parents, given, strict=False) if p is not None and v is not None]


def _zeros(node: Node | Leaf, like: Any, space: Any) -> Any:
    """The zeros that stand for a `Zero` at a node: an array, or in a recorded walk a tensor."""
    if space is None:  # NumPy's scalars stand for arrays without dimensions
        return namespace(numpy.asarray(like) if isinstance(like, numpy.generic) else like).zeros(
            node.shape, dtype=node.dtype
        )
    return space.zeros_like(like)


def _added(node: Node, index: Any, grad: Any, grads: dict[Any, list[Any]]) -> bool:
    """Whether the gradient of a part x[index] was added there, to what x has already and we own.

    So many parts, the steps of a sequence or what `split` gives, take time as their sizes, not each
    as the whole. An index with arrays, inputs themselves, may name a place twice.
    """
    held = grads.get(node.parents[0]) if len(node.parents) == 1 else None
    if held is None or not held[1] or held[0].dtype != grad.dtype or not held[0].shape:
        return False  # of no dimensions it may be a scalar, which takes nothing
    held[0][index] += grad
    return True


def _ends(node: Node, only: set[Node | Leaf]) -> bool:
    """Whether a walk along `only` has no step to take at a node: another pass may, later."""
    return only.isdisjoint(node.parents)


def _check(giver: str, grad: Any, target: Node | Leaf) -> None:
    """Raise unless a gradient has the shape and dtype of what it is the gradient of."""
    if grad.shape != target.shape or grad.dtype != target.dtype:
        raise RuntimeError(
            f"{giver} gave a gradient of shape {tuple(grad.shape)} and dtype {grad.dtype} for an "
            f"input of shape {tuple(target.shape)} and dtype {target.dtype}"
        )


def _pieces(
    node: Node, vjps: VJPs, grad: Any, only: set[Node | Leaf] | None
) -> list[tuple[Node | Leaf, Any]]:
    """For each input that wants one, its node and its share of the gradient."""
    parents = node.parents
    found: list[tuple[Node | Leaf, Any]] = []
    if isinstance(vjps, tuple):
        for parent, vjp in zip(parents, vjps, strict=False):
            if parent is not None and vjp is not None and (only is None or parent in only):
                found.append((parent, vjp(grad)))
        return found
    wanted = tuple([p is not None and (only is None or p in only) for p in parents])
    for parent, asked, share in zip(parents, wanted, vjps(grad, wanted), strict=True):
        if parent is not None and asked and share is not None:
            found.append((parent, share))
    return found


def sum_to(grad: Any, shape: tuple[int, ...], space: Any) -> Any:
    """Undo a broadcast: sum over the axes that were added or repeated."""
    added = grad.ndim - len(shape)
    axes = (
        *range(added),
        *(a + added for a, n in enumerate(shape) if n == 1 != grad.shape[a + added]),
    )
    if added < 0 or not axes:
        return grad  # not a broadcast; the walk's check names the rule
    xp = namespace(grad) if space is None else space
    if space is None and is_half(grad.dtype):  # sums in 16 bits would stop growing
        return xp.reshape(xp.sum(grad, axis=axes, dtype="float32"), shape).astype(grad.dtype)
    total = xp.sum(grad, axis=axes)
    # Not a view of itself, which the walk would not own; but of no dimension it may be a scalar.
    return total if shape and total.shape == shape else xp.reshape(total, shape)


def saved_vjps(node: Node) -> VJPs:
    """The VJPs that a node kept, if what they captured is as it was.

    Raises:
        RuntimeError: the node was released by an earlier backward pass, or an array that
            its VJPs need was changed in place since.
    """
    if node.vjps is None:
        raise RuntimeError(
            f"{node.operation}: trying to backward through the graph a second time, but what it "
            "saved has been freed; call the first backward() with retain_graph=True"
        )
    for position, guard in enumerate((*node.guards, (node.storage, node.version))):
        if guard is None:
            continue
        storage, version = guard
        if storage.version != version and storage.key in _captured(node.vjps):
            which = f"input {position}" if position < len(node.guards) else "the output"
            raise RuntimeError(
                f"{node.operation}: {which}, needed for its gradient, has been modified by an "
                f"in-place operation: it is at version {storage.version}, expected version "
                f"{version}"
            )
    return node.vjps.restore() if isinstance(node.vjps, Packed) else node.vjps


def _captured(value: Any) -> set[int]:
    """The `id`s of the memory that a VJP, or several, captured: read off their closures."""
    if isinstance(value, FunctionType):
        value = tuple(cell.cell_contents for cell in value.__closure__ or ())
    elif isinstance(value, Joint):
        value = (value.prepare, value.parts)
    if isinstance(value, tuple | list):
        return set().union(*map(_captured, value))
    return {id(root(value))} if is_array(value) else set()


def leaf_uses(roots: Iterable[Node | Leaf]) -> dict[Leaf, int]:
    """How many gradients a walk from some roots will send to each leaf that has hooks."""
    found: dict[Leaf, int] = {}
    stack = list(roots)
    seen = set(stack)
    while stack:
        node = stack.pop()
        for parent in () if isinstance(node, Leaf) else node.parents:
            if isinstance(parent, Leaf):
                if parent.after or parent.hooks:
                    found[parent] = found.get(parent, 0) + 1
            elif parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return found


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
