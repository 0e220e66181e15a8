"""Backward passes over tensors: over raw arrays, or over tensors for second derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..backend import Array, is_array, namespace
from ..backend.dtypes import is_half
from ..engine import ancestors, backward, saved_vjps
from ..graph import Leaf, Node, VJPs
from ..ops import COMPOSITIONS
from ..ops.elementwise import clone
from . import anomaly
from ._base import TensorBase, apply, new
from ._half import run
from ._modes import set_grad_enabled
from ._promote import to_dtype
from ._record import parent_of

if TYPE_CHECKING:
    from . import Tensor


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

        def take(node: Node | Leaf, grad: Any, owned: bool) -> None:
            if accumulate and isinstance(node, Leaf) and (only is None or node in only):
                _accumulate(node, grad, owned)
            elif targets is not None and node in targets:
                results[node] = (grad, owned)

        known: dict[Node, Array] = {}
        vjps_of = (lambda node: tensor_vjps(node, known)) if create_graph else saved_vjps
        reached: Callable[[Node | Leaf, Any, bool], None] = take
        if anomaly.watch is not None:
            vjps_of, reached = anomaly.watch.backward(roots, vjps_of, reached)
        backward(
            roots,
            vjps_of,
            _sum_to,
            reached,
            only=only,
            in_place=not create_graph,
            release=not (create_graph if retain_graph is None else retain_graph),
        )
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


def _sum_to(grad: Any, shape: tuple[int, ...]) -> Any:
    """Undo a broadcast: sum over the axes that were added or repeated."""
    added = grad.ndim - len(shape)
    axes = (
        *range(added),
        *(a + added for a, n in enumerate(shape) if n == 1 != grad.shape[a + added]),
    )
    if added < 0 or not axes:
        return grad  # not a broadcast; the walk's check names the rule
    if not hasattr(grad, "base"):  # a tensor
        return grad.sum(axes).reshape(shape)
    xp = namespace(grad)
    if is_half(grad.dtype):  # sums that rounded to 16 bits at each step would stop growing
        return xp.reshape(xp.sum(grad, axis=axes, dtype="float32"), shape).astype(grad.dtype)
    return xp.reshape(xp.sum(grad, axis=axes), shape)


def tensor_vjps(node: Node, known: dict[Node, Array]) -> VJPs:
    """A node's VJPs on tensors, from running its rule again on tensors.

    Args:
        node: the node.
        known: values computed again so far, by node; added to.
    """
    from ._namespace import space

    if node.vjps is None or node.custom:
        return saved_vjps(node)  # raises if it was released
    inputs: list[Any] = []
    for position, parent in enumerate(node.parents):
        value = _input(node, position, known)
        if hasattr(value, "base"):
            array, value = value, new(value)
            value._node = parent
            if isinstance(parent, Leaf) or (parent is not None and parent.value() is array):
                value._storage = parent.storage
        inputs.append(value)
    if node.rule in COMPOSITIONS:
        return _through(COMPOSITIONS[node.rule], node, inputs, space)
    run: Callable[..., tuple[Any, VJPs]] = node.rule
    return run(space, *inputs, **node.kwargs)[1]


def _through(composition: Callable[..., Any], node: Node, inputs: list[Any], space: Any) -> VJPs:
    """The joint VJP of a fused rule: the gradient of its composition, itself recorded."""
    # Copies of the inputs, so that one input's gradient never takes a path through another.
    copies = [
        apply(clone, t) if isinstance(t, TensorBase) and t.requires_grad else t for t in inputs
    ]
    output = to_dtype(composition(space, *copies, **node.kwargs), node.dtype)
    wanted = [c for c, p in zip(copies, node.parents, strict=True) if p is not None]

    def joint(grad: Any) -> tuple[Any, ...]:
        found = iter(
            run_backward([output], [grad], inputs=wanted, create_graph=True, accumulate=False)
        )
        return tuple(None if p is None else next(found) for p in node.parents)

    return joint


def _input(node: Node, position: int, known: dict[Node, Array]) -> Any:
    """An input of a node as it was when its rule ran."""
    parent, guard = node.parents[position], node.guards[position]
    if isinstance(parent, Node):
        return _value(parent, known)
    if guard is not None:
        storage = guard[0] if parent is None else parent.storage
        if storage is not guard[0] or storage.version != guard[1]:
            raise RuntimeError(
                f"{node.name}: input {position} has been modified by an in-place operation, but "
                "create_graph=True needs it again"
            )
    return node.constants[position] if parent is None else parent.array


def _value(node: Node, known: dict[Node, Array]) -> Array:
    """A node's output: the array itself while it lives unchanged, else computed again."""
    stack = [node]
    while stack:
        top = stack[-1]
        alive = top.value() if top.storage.version == top.version else None
        if alive is not None or top in known:
            known[top] = known[top] if alive is None else alive
            stack.pop()
            continue
        if top.vjps is None:
            saved_vjps(top)  # raises: it was released
        if top.custom:
            raise RuntimeError(
                f"{top.name}: the output has been modified by an in-place operation, but "
                "create_graph=True needs it again"
            )
        missing = [p for p in top.parents if isinstance(p, Node) and p not in known]
        if missing:
            stack.extend(missing)
            continue
        arrays = [_input(top, i, known) for i in range(len(top.parents))]
        xp = namespace(next(a for a in arrays if hasattr(a, "base")))
        array = run(top.rule, xp, arrays, top.kwargs)[0]
        known[top] = array if is_array(array) else xp.asarray(array)
        stack.pop()
    return known[node]
