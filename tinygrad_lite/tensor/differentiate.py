"""Backward passes over tensors, and what users call to make one.

A pass walks over raw arrays, or over tensors if it is recorded itself (`create_graph=True`).
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..backend import namespace
from ..engine import ancestors, saved_vjps, walk
from ..graph import Leaf, Node
from .base import TensorBase, new
from .modes import set_grad_enabled
from .record import parent_of
from .rerun import Rerun
from .space import space

if TYPE_CHECKING:
    from .tensor import Tensor


def backward(
    input: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | None = None,
) -> None:
    """Add d(Σ gradient · self)/dleaf to `.grad` of every leaf (or of `inputs`).

    Args:
        gradient: the cotangent, of this tensor's shape; may be left out for one element.
        retain_graph: keep the graph for another pass; default: `create_graph`.
        create_graph: record this pass, so that the gradients can be differentiated.
        inputs: the leaves to reach; default: all.

    Raises:
        RuntimeError: no graph, a graph that was freed, a value changed in place since,
            more than one element without a gradient, or a gradient that does not fit.
    """
    run_backward(
        [input],
        [gradient],
        inputs=inputs,
        retain_graph=retain_graph,
        create_graph=create_graph,
    )


def retain_grad(input: Tensor) -> None:
    """Fill `.grad` in backward passes although this is no leaf."""
    if input._node is None:
        raise RuntimeError("retain_grad: can't retain_grad on a Tensor that has no gradient")
    if isinstance(input._node, Leaf):
        return
    me = weakref.ref(input)

    def keep(grad: Tensor) -> None:
        tensor = me()
        if tensor is not None:
            copy = grad if grad.requires_grad else grad.clone()
            tensor._grad = copy if tensor._grad is None else tensor._grad + copy

    register_hook(input, keep)


def register_hook(input: Tensor, hook: Callable[[Tensor], Tensor | None]) -> Callable[[], None]:
    """Call `hook(grad)` when this tensor's gradient is known; what it returns replaces it.

    Returns:
        A function that removes the hook.
    """
    node: Node | Leaf | None = input._node
    if node is None:
        raise RuntimeError("register_hook: can't register a hook on a Tensor without a gradient")
    xp = namespace(input.array)

    def call(grad: Any) -> Any:
        raw = not isinstance(grad, TensorBase)
        out = hook(new(xp.asarray(grad)) if raw else grad)
        return out.array if raw and out is not None else out

    node.hooks = [*(node.hooks or ()), call]

    def remove() -> None:
        node.hooks = [h for h in node.hooks or () if h is not call]

    return remove


def run_backward(
    outputs: Sequence[Tensor],
    gradients: Sequence[Tensor | None],
    *,
    inputs: Sequence[Tensor] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    accumulate: bool = True,
) -> list[Tensor | None]:
    """Differentiate outputs, weighted with gradients, with respect to leaves or `inputs`.

    Args:
        outputs: tensors that require a gradient.
        gradients: for each output dL/doutput of its shape; None stands for 1 (one element).
        inputs: what to differentiate with respect to; None for every leaf.
        retain_graph: keep the graph for another pass (default: `create_graph`).
        create_graph: record this pass itself, so that its results can be differentiated.
        accumulate: add the gradients to `.grad`; otherwise return those of `inputs`.

    Raises:
        RuntimeError: an output without a graph, a gradient of another shape, or a graph
            that was freed or whose values were changed in place.
    """
    with set_grad_enabled(create_graph):
        roots = [
            (_node(o), _first(o, g, create_graph)) for o, g in zip(outputs, gradients, strict=True)
        ]
        targets = None if inputs is None else [_node(t) for t in inputs]
        only = None if targets is None else ancestors(targets, [node for node, _ in roots])
        results: dict[Node | Leaf, tuple[Any, bool]] = {}
        visited = walk(
            roots,
            Rerun(run_backward).vjps if create_graph else saved_vjps,
            space=space if create_graph else None,
            only=only,
            release=not (create_graph if retain_graph is None else retain_graph),
        )
        for node, grad, owned in visited:
            if accumulate and isinstance(node, Leaf):
                if only is None or node in only:
                    _accumulate(node, grad, owned)
            elif targets is not None and node in targets:
                results[node] = (grad, owned)
            del grad  # the walk alone holds it now
    if accumulate or targets is None or inputs is None:
        return []
    return [_result(t, results.get(node)) for t, node in zip(inputs, targets, strict=True)]


def _result(tensor: Tensor, found: tuple[Any, bool] | None) -> Tensor | None:
    if found is None or isinstance(found[0], TensorBase):
        return None if found is None else found[0]
    xp = namespace(tensor.array)
    return new(xp.asarray(found[0]) if found[1] else xp.array(found[0]))


def _node(tensor: Tensor) -> Node | Leaf:
    if not isinstance(tensor, TensorBase):
        raise TypeError(f"backward: expected a Tensor, but got {type(tensor).__name__}")
    node = parent_of(tensor)
    if node is None:
        raise RuntimeError(
            f"backward: a tensor of shape {tensor.shape} does not require grad and does not have "
            "a grad_fn"
        )
    return node


def _first(output: Tensor, gradient: Tensor | None, create_graph: bool) -> Any:
    """The gradient that an output starts with."""
    if gradient is None:
        if math.prod(output.shape) != 1:
            raise RuntimeError(
                "backward: grad can be implicitly created only for scalar outputs, but the "
                f"output's shape is {output.shape}; pass gradient="
            )
        ones = namespace(output.array).ones_like(output.array)
        return new(ones) if create_graph else ones
    if not isinstance(gradient, TensorBase):
        raise TypeError(f"backward: gradient must be a Tensor, not {type(gradient).__name__}")
    if gradient.shape != output.shape or type(gradient.array) is not type(output.array):
        raise RuntimeError(
            f"backward: a gradient of shape {gradient.shape} on {gradient.device} does not fit an "
            f"output of shape {output.shape} on {output.device}"
        )
    if gradient.dtype != output.dtype:
        raise RuntimeError(
            f"backward: a gradient of dtype {gradient.dtype} does not fit an output of dtype "
            f"{output.dtype}"
        )
    return gradient if create_graph else gradient.array


def _accumulate(leaf: Leaf, grad: Any, owned: bool) -> None:
    """Add a gradient to `.grad`, which never shares memory with another tensor."""
    tensor: Tensor | None = leaf.tensor()
    if tensor is None:
        return
    if isinstance(grad, TensorBase):  # a recorded pass: `.grad` stays in the graph
        recorded: Any = grad
        tensor._grad = recorded.clone() if tensor._grad is None else tensor._grad + recorded
        return
    xp = namespace(leaf.array)
    if tensor._grad is None:
        tensor._grad = new(xp.asarray(grad) if owned else xp.array(grad))
    elif tensor._grad._node is not None:
        tensor._grad = tensor._grad + new(xp.asarray(grad))
    else:
        tensor._grad.array += grad
        tensor._grad._storage.version += 1
