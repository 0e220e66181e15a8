"""Users' functions that watch gradients, and the `.grad` of tensors that are not leaves.

Hooks of tensors, and those before nodes, stand in the nodes, where the walk calls them. Those
behind nodes, and those of several tensors, are few: `watch` looks after them in passes that begin
after one was registered.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..absent import lacks
from ..backend import is_array, numpy
from ..engine import saved_vjps, sum_to
from ..graph import Leaf, Node, VJPs
from .apply import node_of
from .base import TensorBase, new
from .modes import no_grad
from .space import space

if TYPE_CHECKING:
    from .tensor import Tensor

Hook = Callable[["Tensor"], "Tensor | None"]

_numbers = itertools.count()


@lacks("extra_dict_ref hooks_dict_ref next_id")
class RemovableHandle:
    """What registering a hook returns; as a `with` block it removes the hook at the end.

    Args:
        hooks: the hooks by number, in the order in which they are called.
        hook: the hook, which is added behind them.
    """

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self.id = next(_numbers)
        self._hooks = hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Hooks(dict[int, Hook]):
    """The hooks of one node by number: called with its gradient, it gives what they leave of it.

    A gradient is the same tensor to all of them: what one hook sets on it, the next one reads.

    Attributes:
        inner: those of the node itself, which come last: `grad` does not see what they leave.
    """

    inner: Hooks | None = None

    def __call__(self, grad: Any) -> Any:
        """Call the hooks, one after another, with an array or (in recorded passes) a tensor."""
        if not self:
            return grad
        held = _tensor(grad)
        for hook in tuple(self.values()):
            changed = hook(held)
            held = held if changed is None else changed
        return held if isinstance(grad, TensorBase) else held.array


def _hooks_of(node: Node | Leaf) -> Hooks:
    if node.hooks is None:
        node.hooks = Hooks()
    hooks: Hooks = node.hooks
    return hooks


def register_hook(input: Tensor, hook: Hook) -> RemovableHandle:
    """Call `hook(grad)` in each backward pass when this tensor's gradient is known.

    Args:
        hook: returns None, or a tensor that replaces the gradient.

    Returns:
        A handle, whose `remove()` takes the hook away.

    Raises:
        RuntimeError: no gradient flows to the tensor.

    Example:
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> handle = x.register_hook(lambda grad: grad * 10)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10., 10.])
    """
    node = node_of(input)
    if node is None:
        raise RuntimeError(
            "register_hook: can't register a hook on a tensor that doesn't require gradient"
        )

    def call(grad: Tensor) -> Tensor | None:
        out = hook(grad)
        if out is not None and not isinstance(out, TensorBase):
            raise TypeError(
                f"register_hook: a hook must return a Tensor or None, not {type(out).__name__}"
            )
        return out

    if isinstance(node, Leaf):  # called as soon as its gradient is whole, as in PyTorch
        Leaf.waited_for = True
    return RemovableHandle(_hooks_of(node), call)


def register_post_accumulate_grad_hook(
    input: Tensor, hook: Callable[[Tensor], Any]
) -> RemovableHandle:
    """Call `hook(tensor)` each time a backward pass has added to this leaf's `.grad`.

    It is called as soon as this gradient is complete, while the pass still goes on.

    Raises:
        RuntimeError: not a leaf that requires a gradient; later, if the hook returns something.
    """
    leaf = node_of(input)
    if not isinstance(leaf, Leaf):
        raise RuntimeError(
            "register_post_accumulate_grad_hook: expected a leaf that requires a gradient"
        )

    def call(tensor: Tensor, _: Any) -> None:
        if hook(tensor) is not None:
            raise RuntimeError(
                "register_post_accumulate_grad_hook: a hook must return None; it changes .grad"
            )

    return _after(leaf, call)


def _after(leaf: Leaf, call: Callable[[Tensor, Any], None]) -> RemovableHandle:
    """Have a function called when a pass has added to a leaf's `.grad`."""
    if leaf.after is None:
        leaf.after = {}
    Leaf.waited_for = True
    return RemovableHandle(leaf.after, call)


def retain_grad(input: Tensor) -> None:
    """Add gradients to this tensor's `.grad` in backward passes, although it is no leaf.

    They are added as the hooks leave them; and after in-place changes of the tensor too.

    Raises:
        RuntimeError: no gradient flows to the tensor.

    Example:
        >>> x = torch.tensor(3.0, requires_grad=True)
        >>> y = x * x
        >>> y.retain_grad()
        >>> (2 * y).backward()
        >>> y.grad, x.grad
        (tensor(2.), tensor(12.))
    """
    node = node_of(input)
    if node is None:
        raise RuntimeError(
            "retain_grad: can't retain_grad on a Tensor that has requires_grad=False"
        )
    if isinstance(node, Node):
        node.retainer = weakref.ref(input)


def retains_grad(input: Tensor) -> bool:
    """Whether `retain_grad` was called, and this is no leaf."""
    node = node_of(input)
    return isinstance(node, Node) and node.retainer is not None and node.retainer() is input


watched = False  # whether a hook behind a node, or of several tensors, was ever registered
_behind: weakref.WeakKeyDictionary[Node, dict[int, Any]] = weakref.WeakKeyDictionary()
_before: weakref.WeakKeyDictionary[Node, dict[int, Any]] = weakref.WeakKeyDictionary()
_joint: weakref.WeakSet[JointHook] = weakref.WeakSet()


def register_prehook(node: Node | Leaf, fn: Callable[[tuple[Tensor]], Any]) -> RemovableHandle:
    """Call `fn((grad,))` when the gradient of a node's output is known.

    Args:
        node: the `grad_fn` of a tensor, or what it leads to.
        fn: returns None, or a tuple of the gradient that takes its place.
    """

    def call(grad: Tensor) -> Tensor | None:
        out = fn((grad,))
        if out is None:
            return None
        (changed,) = out
        found: Tensor = changed
        return found

    hooks = _hooks_of(node)
    hooks.inner = hooks.inner or Hooks()
    return RemovableHandle(hooks.inner, call)


def register_joint_prehook(node: Node, fn: Callable[[Any], Any]) -> RemovableHandle:
    """`register_prehook` of a node of several outputs: `fn` gets all their gradients, or None."""
    global watched
    watched = True
    return RemovableHandle(_before.setdefault(node, {}), fn)


def register_node_hook(node: Node, fn: Callable[[Any, Any], Any]) -> RemovableHandle:
    """Call `fn(grad_inputs, grad_outputs)` when a node has given its inputs' gradients.

    Args:
        node: the `grad_fn` of a tensor, or what it leads to.
        fn: takes a tuple with a gradient, or None, for each input, and the output's in a tuple.
            Returns None, or another tuple in the place of the first.
    """
    global watched
    watched = True
    return RemovableHandle(_behind.setdefault(node, {}), fn)


def call_node(node: Node, grad: Tensor) -> Any:
    """The gradients of a node's inputs, from the gradient of its output; nothing is accumulated.

    Args:
        node: the `grad_fn` of a tensor.
        grad: of the tensor's shape.

    Returns:
        A tensor, or None for an input without gradient; of several inputs a tuple of these.
    """
    wanted = tuple(parent is not None for parent in node.parents)
    with no_grad():
        found = tuple(
            None if share is None else _tensor(share)
            for share in _shares(node, saved_vjps(node), grad.array, wanted)
        )
    return found if len(found) > 1 else found[0]


def register_leaf_hook(leaf: Leaf, fn: Callable[[Any, Any], Any]) -> RemovableHandle:
    """Call `fn((), (grad,))` when a pass has added a gradient to the `.grad` of a leaf's tensor.

    It comes behind the hooks of the tensor. What it returns is not looked at: there is no input.
    """

    def call(tensor: Tensor, grad: Any) -> None:
        fn((), (_tensor(grad),))

    call.last = True  # type: ignore[attr-defined]
    return _after(leaf, call)


Node.register_prehook = Leaf.register_prehook = register_prehook
Node.register_hook = register_node_hook
Leaf.register_hook = register_leaf_hook
Node.__call__ = call_node  # type: ignore[method-assign]


class JointHook:
    """A hook of several tensors.

    Args:
        nodes: theirs.
        whole: is called, as each pass ends, with a list of gradients, None where none came; or
            None, for a hook that wants the first gradient alone.
        first: is called with the gradient that comes first.
    """

    def __init__(self, nodes: list[Node | Leaf], whole: Any, first: Any) -> None:
        global watched
        watched = True
        self._nodes = [weakref.ref(node) for node in nodes]  # which hold this, in their hooks
        self._whole, self._first = whole, first
        self.begin(set(nodes))
        _joint.add(self)

    def begin(self, reached: set[Node | Leaf]) -> None:
        """A pass begins that reaches some nodes."""
        self._missing = sum(node() in reached for node in self._nodes)
        self._grads: list[Any] = [None] * len(self._nodes)
        self._seen = False

    def took(self, position: int, grad: Tensor) -> None:
        """The gradient of a tensor has come."""
        if self._whole is None:
            if not self._seen:
                self._seen = True
                self._first(grad)
            return
        self._grads[position] = grad
        self._missing -= 1
        if self._missing == 0:
            self._whole(self._grads)


def watch(
    roots: Iterable[tuple[Node | Leaf, Any]],
    only: set[Node | Leaf] | None,
    vjps_of: Callable[[Node], VJPs],
) -> Callable[[Node], VJPs]:
    """Tell the hooks of several tensors what a pass reaches, and call those behind nodes.

    Args:
        roots, only: as `walk` is given them.
        vjps_of: gives a node's VJPs.

    Returns:
        The same, with hooks.
    """
    if _joint:
        reached = _reached([node for node, _ in roots], only)
        for several in tuple(_joint):
            several.begin(reached)

    def watched_vjps(node: Node) -> VJPs:
        vjps, hooks, before = vjps_of(node), _behind.get(node), _before.get(node)
        if hooks:
            vjps = _with_hooks(node, vjps, tuple(hooks.values()))
        return _with_prehooks(node, vjps, tuple(before.values())) if before else vjps

    return watched_vjps if _behind or _before else vjps_of


def _reached(roots: list[Node | Leaf], only: set[Node | Leaf] | None) -> set[Node | Leaf]:
    """The nodes that a walk from some roots visits."""
    found = set(roots)
    while roots:
        node = roots.pop()
        for parent in () if isinstance(node, Leaf) else node.parents:
            if parent is not None and parent not in found and (only is None or parent in only):
                found.add(parent)
                roots.append(parent)
    return found


def _with_hooks(node: Node, vjps: VJPs, hooks: tuple[Any, ...]) -> VJPs:
    """VJPs whose gradients, as the inputs get them, hooks may change."""

    def joint(grad: Any, wanted: tuple[bool, ...]) -> list[Any]:
        given, recorded = _of_outputs(node, grad), _is_recorded(grad)
        shares = _shares(node, vjps, grad, wanted)
        grads = tuple(None if share is None else _tensor(share) for share in shares)
        for hook in hooks:
            changed = hook(grads, given)
            if changed is not None:
                grads = tuple(changed) if isinstance(changed, tuple | list) else (changed,)
            if len(grads) != len(wanted):
                raise RuntimeError(
                    f"register_hook: a hook of {node.name()} gave {len(grads)} gradients for "
                    f"{len(wanted)} inputs"
                )
        # As views, which the walk does not add into: a hook may have kept them.
        return [g if g is None or recorded else g.array[...] for g in grads]

    return joint


def _with_prehooks(node: Node, vjps: Any, hooks: tuple[Any, ...]) -> VJPs:
    """VJPs of several outputs, of whose gradients hooks may make others."""

    def joint(grad: Any, wanted: tuple[bool, ...]) -> Any:
        given, recorded = _of_outputs(node, grad), _is_recorded(grad)
        for hook in hooks:
            changed = hook(given)
            given = given if changed is None else changed
        parts = {i: g if recorded else g.array for i, g in enumerate(given) if g is not None}
        return vjps(type(grad)(parts), wanted)

    return joint


def _is_recorded(grad: Any) -> bool:
    """Whether a gradient, or those of a Function's several outputs, are tensors."""
    parts = grad.values() if isinstance(grad, dict) else (grad,)
    return any(isinstance(part, TensorBase) for part in parts)


def _of_outputs(node: Any, grad: Any) -> tuple[Any, ...]:
    """The gradient of a node's output; of a Function's several outputs those that came, or None."""
    if not isinstance(grad, dict):
        return (_tensor(grad),)
    count = len(node.vjps.blanks)
    return tuple(_tensor(grad[i]) if i in grad else None for i in range(count))


def _shares(node: Node, vjps: VJPs, grad: Any, wanted: tuple[bool, ...]) -> list[Any]:
    """The gradient of each input that wants it, of the input's shape; None for the others."""
    if isinstance(vjps, tuple):
        padded = (*vjps, *(None,) * (len(wanted) - len(vjps)))
        pairs = zip(padded, wanted, strict=False)
        shares = [vjp(grad) if asked and vjp is not None else None for vjp, asked in pairs]
    else:
        shares = list(vjps(grad, wanted))
    shares += [None] * (len(wanted) - len(shares))
    inner = space if _is_recorded(grad) else None
    return [
        None if g is None or p is None else sum_to(g, p.shape, inner)
        for g, p in zip(shares, node.parents, strict=True)
    ]


def _tensor(grad: Any) -> Any:
    """A gradient as a tensor."""
    if isinstance(grad, TensorBase):
        return grad
    return new(grad if is_array(grad) else numpy.asarray(grad))
