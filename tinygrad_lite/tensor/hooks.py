"""Users' functions that watch gradients, and the `.grad` of tensors that are not leaves."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..backend import namespace
from ..graph import Leaf, Node
from .apply import node_of
from .base import TensorBase, new

if TYPE_CHECKING:
    from .tensor import Tensor

Hook = Callable[["Tensor"], "Tensor | None"]

_numbers = itertools.count()


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
    xp = namespace(input.array)

    def call(grad: Any) -> Any:
        raw = not isinstance(grad, TensorBase)
        out = hook(new(xp.asarray(grad)) if raw else grad)
        if out is not None and not isinstance(out, TensorBase):
            raise TypeError(
                f"register_hook: a hook must return a Tensor or None, not {type(out).__name__}"
            )
        return out.array if raw and out is not None else out

    if node.hooks is None:
        node.hooks = {}
    return RemovableHandle(node.hooks, call)


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

    def call(tensor: Tensor) -> None:
        if hook(tensor) is not None:
            raise RuntimeError(
                "register_post_accumulate_grad_hook: a hook must return None; it changes .grad"
            )

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
