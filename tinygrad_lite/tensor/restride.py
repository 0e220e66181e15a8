"""In place, but not of the elements: `t_`, `unsqueeze_` and their kin.

The tensor itself becomes the view that the ordinary form would return. Its elements stay, and what
was computed from it before keeps its place in the graph; as in PyTorch it counts as a change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, ParamSpec, cast

from ..graph import Leaf, Node
from . import shape
from .base import new

if TYPE_CHECKING:
    from .tensor import Tensor

P = ParamSpec("P")


def in_place(
    function: Callable[Concatenate[Tensor, P], Tensor], alias: str = ""
) -> Callable[Concatenate[Tensor, P], Tensor]:
    """The method `f_` of a function f of views, which turns its first argument into the view.

    Raises (when called):
        RuntimeError: the tensor is a leaf that requires a gradient.
    """
    name = f"{alias or function.__name__}_"

    def call(input: Tensor, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        if isinstance(input._node, Leaf):
            raise RuntimeError(
                f"{name}: a leaf Variable that requires grad is being used in an in-place "
                "operation; do it before it requires a gradient"
            )
        before = new(input.array)
        before._node, before._storage = input._node, input._storage
        before._view, before._seen = input._view, input._seen
        view = function(before, *args, **kwargs)
        input.array, input._node = view.array, view._node
        input._view, input._seen = view._view, view._seen
        input._storage.version += 1
        if isinstance(input._node, Node):
            input._node.version = input._storage.version
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
