"""In place, but not of the elements: `t_`, `unsqueeze_` and their kin.

The tensor itself becomes the view that the ordinary form would return. Its elements stay, and what
was computed from it before keeps its place in the graph; as in PyTorch it counts as a change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, ParamSpec, cast

from ..graph import Leaf, Node, mode
from . import shape
from .base import new
from .layout import settle

if TYPE_CHECKING:
    from .tensor import Tensor

P = ParamSpec("P")


def in_place(
    function: Callable[Concatenate[Tensor, P], Tensor], alias: str = ""
) -> Callable[Concatenate[Tensor, P], Tensor]:
    """The method `f_` of a function f of views, which turns its first argument into the view.

    Under `no_grad` a leaf stays one, of the view's shape, and other tensors stay in their graph.

    Raises (when called):
        RuntimeError: the tensor is a leaf that requires a gradient, and gradients are recorded.
    """
    name = f"{alias or function.__name__}_"

    def call(input: Tensor, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        if isinstance(input._node, Leaf):
            return _of_leaf(input, input._node, function(input.detach(), *args, **kwargs))
        before = new(input.array)
        before._node, before._storage = input._node, input._storage
        before._view, before._seen = input._view, input._seen
        recorded, mode.grad = mode.grad, mode.grad or input.requires_grad
        try:
            view = function(before, *args, **kwargs)
        finally:
            mode.grad = recorded
        input.array, input._node = view.array, view._node
        input._view, input._seen = view._view, view._seen
        input._storage.version += 1
        if isinstance(input._node, Node):
            input._node.version = input._storage.version
        return input

    def _of_leaf(input: Tensor, leaf: Leaf, view: Tensor) -> Tensor:
        if mode.grad:
            raise RuntimeError(
                f"{name}: a leaf Variable that requires grad is being used in an in-place "
                "operation; do it under no_grad(), or on .data"
            )
        settle(input)
        input.array = leaf.array = view.array
        input._storage.version += 1
        return input

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"`{alias or function.__name__}` of the tensor itself."
    call.__annotations__ = function.__annotations__
    call.__wrapped__ = function  # type: ignore[attr-defined]  # for its signature
    return cast("Callable[Concatenate[Tensor, P], Tensor]", call)


squeeze_ = in_place(shape.squeeze)
swapaxes_ = in_place(shape.swapaxes)
swapdims_ = in_place(shape.swapdims)
t_ = in_place(shape.t)
transpose_ = in_place(shape.transpose)
unsqueeze_ = in_place(shape.unsqueeze)
