"""Backward passes over tensors, and what users call to make one.

A pass walks over raw arrays, or over tensors if it is recorded itself (`create_graph=True`).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..backend import namespace, numpy
from ..backend.out_of_memory import OutOfMemoryError
from ..engine import ancestors, leaf_uses, saved_vjps, walk
from ..graph import GradientEdge, Leaf, Node, VJPs, mode
from . import anomaly, hooks, twins
from .apply import node_of
from .base import TensorBase, in_our_order, new
from .promote import to_dtype
from .rerun import Rerun
from .space import space

if TYPE_CHECKING:
    from .tensor import Tensor

_adding = threading.RLock()  # two threads may reach one leaf


def backward(
    input: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add d(Σ gradient · self)/dleaf to the `.grad` of every leaf (or of `inputs`).

    Args:
        gradient: dL/dself, of this tensor's shape; default 1, for a tensor of one element.
        retain_graph: keep the graph for another pass, which otherwise raises; default:
            `create_graph`.
        create_graph: record this pass, so that the gradients can be differentiated.
        inputs: the tensors to reach, leaves or not; default: all leaves.

    Raises:
        RuntimeError: the tensor does not require a gradient; its graph was freed; a value that
            is needed was changed in place since; it has several elements, and no gradient is
            given; the gradient does not fit; `inputs` is empty.
        TypeError: gradient or inputs that are no tensors.

    Example:
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4.])
        >>> (3 * x).backward(torch.tensor([1.0, 10.0]))  # adds to it
        >>> x.grad
        tensor([ 5., 34.])
    """
    given: Any = [inputs] if isinstance(inputs, TensorBase | GradientEdge) else inputs
    if given is not None:
        if not isinstance(given, Sequence):
            raise TypeError(f"backward: inputs must be Tensors, but got {type(given).__name__}")
        if len(given) == 0:
            raise RuntimeError("backward: inputs= can't be empty; leave it out to reach all leaves")
    run_backward(
        [input],
        [gradient],
        inputs=given,
        retain_graph=retain_graph,
        create_graph=create_graph,
    )


def run_backward(
    outputs: Sequence[Any],
    gradients: Sequence[Tensor | None],
    *,
    inputs: Sequence[Any] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    accumulate: bool = True,
) -> list[Tensor | None]:
    """Differentiate outputs, weighted with gradients, with respect to leaves or `inputs`.

    Args:
        outputs: tensors that require a gradient, or edges of the graph (`GradientEdge`).
        gradients: for each output dL/doutput, of its shape; None for 1, of one element.
        inputs: what to differentiate with respect to; None for every leaf.
        retain_graph: keep the graph for another pass (default: `create_graph`).
        create_graph: record this pass itself, so that its results can be differentiated.
        accumulate: add the gradients to `.grad`; otherwise return those of `inputs`.

    Raises:
        RuntimeError: an output without a graph, a gradient of another shape, or a graph
            that was freed or whose values were changed in place.

    Returns:
        With `accumulate` nothing, else the gradient of each of `inputs`, None of those that the
        outputs do not depend on.
    """
    before, mode.grad = mode.grad, create_graph
    try:
        roots = [
            (_node(o), _first(o, g, create_graph)) for o, g in zip(outputs, gradients, strict=True)
        ]
        targets = only = None
        if inputs is not None:
            targets = [_node(t) for t in inputs]
            only = ancestors(targets, [node for node, _ in roots])
            if accumulate:
                for wanted in inputs:
                    if not isinstance(wanted, GradientEdge):
                        hooks.retain_grad(wanted)  # of a leaf it changes nothing
        results: dict[Node | Leaf, tuple[Any, bool]] = {}
        vjps_of: Callable[[Node], VJPs] = saved_vjps
        if create_graph:
            vjps_of = Rerun(run_backward).vjps
        if hooks.watched:
            vjps_of = hooks.watch(roots, only, vjps_of)
        visited = walk(
            roots,
            vjps_of if anomaly.watch is None else anomaly.watch.vjps(vjps_of),
            space=space if create_graph else None,
            only=only,
            release=not (create_graph if retain_graph is None else retain_graph),
            uses=leaf_uses([n for n, _ in roots]) if Leaf.waited_for and accumulate else None,
        )
        if anomaly.watch is not None:
            visited = anomaly.watch.visits(roots, visited)
        for node, grad, owned in visited:
            if isinstance(node, Node) and node.retainer is not None:
                _retain(node.retainer(), grad, owned)
                owned = False
            if (targets is None or node in targets) and (not accumulate or isinstance(node, Leaf)):
                if create_graph:
                    in_our_order(grad)
                if accumulate:
                    _reach(node, grad, owned)
                else:
                    results[node] = (grad, owned)
            del grad  # the walk alone holds it now
    except MemoryError as error:
        raise OutOfMemoryError(f"the backward pass is out of memory: {error}") from error
    finally:
        mode.grad = before
    if accumulate or targets is None or inputs is None:
        return []
    return [_result(t, results.get(node)) for t, node in zip(inputs, targets, strict=True)]


def _result(tensor: Any, found: tuple[Any, bool] | None) -> Tensor | None:
    """A gradient that is returned, as a tensor of its own; None if the walk did not reach it."""
    if found is None or isinstance(found[0], TensorBase):
        return None if found is None else found[0]
    xp = namespace(found[0] if isinstance(tensor, GradientEdge) else tensor.array)
    return new(xp.asarray(found[0]) if found[1] else xp.array(found[0]))


def _node(tensor: Any) -> Node | Leaf:
    """A tensor's place in the graph.

    Raises:
        RuntimeError: it has none.
        TypeError: not a tensor.
    """
    if isinstance(tensor, GradientEdge):
        return tensor.node  # type: ignore[no-any-return]
    if not isinstance(tensor, TensorBase):
        raise TypeError(f"backward: expected a Tensor, but got {type(tensor).__name__}")
    node = node_of(tensor)
    if node is None:
        raise RuntimeError(
            f"backward: a tensor of shape {tuple(tensor.shape)} does not require grad and does "
            "not have "
            "a grad_fn"
        )
    return node


def _is_alone(node: Any) -> bool:
    """Whether a node hands its gradient to a rule alone, and to no function of a user."""
    return isinstance(node, Node) and node.hooks is None and not node.custom


def _first(output: Any, gradient: Tensor | None, create_graph: bool) -> Any:
    """The gradient that an output starts with: an array, or a tensor with `create_graph`.

    Raises:
        RuntimeError: none is given for several elements, or it does not fit the output.
        TypeError: not a tensor.
    """
    if isinstance(output, GradientEdge):
        output = _standing_for(output.node)
    if gradient is None:
        if math.prod(output.shape) != 1:
            raise RuntimeError(
                "backward: grad can be implicitly created only for scalar outputs, but the "
                f"output's shape is {tuple(output.shape)}; pass gradient="
            )
        own, node = output.array, output._node
        if own.dtype.kind == "c":
            raise RuntimeError(
                "grad can be implicitly created only for real scalar outputs but got "
                f"{output.dtype}"
            )
        if own.shape == () and not create_graph and _is_alone(node):
            return namespace(own).one(own.dtype)  # one array for all passes: no user may change it
        ones = namespace(own).ones_like(own)
        return new(ones) if create_graph else ones
    if not isinstance(gradient, TensorBase):
        raise TypeError(f"backward: gradient must be a Tensor, not {type(gradient).__name__}")
    own, given = output.array, gradient.array
    if given.shape != own.shape or type(given) is not type(own):
        raise RuntimeError(
            f"backward: a gradient of shape {tuple(gradient.shape)} on {gradient.device} does "
            "not fit an "
            f"output of shape {tuple(output.shape)} on {output.device}"
        )
    if (given.dtype.kind == "c") is not (own.dtype.kind == "c"):
        raise RuntimeError(
            f"backward: a gradient of dtype {gradient.dtype} does not fit an output of dtype "
            f"{output.dtype}: both must be complex, or neither"
        )
    fitting = to_dtype(gradient, own.dtype)
    return fitting if create_graph else fitting.array


def _standing_for(node: Node | Leaf) -> Tensor:
    """A tensor of the shape, dtype and device of a node's output, which may be gone."""
    array = node.array if isinstance(node, Leaf) else node.value()
    if array is None:
        array = numpy.broadcast_to(numpy.empty((), node.dtype), node.shape)
    out = new(array)
    out._node = node
    return out


def _reach(leaf: Any, grad: Any, owned: bool) -> None:
    """Add a gradient to the `.grad` of a leaf, unless it was frozen since."""
    tensor = leaf.tensor()
    if tensor is not None and tensor._node is leaf:
        if leaf.hooks is not None and leaf.hooks.inner:
            grad, owned = leaf.hooks.inner(grad), False
        _accumulate(tensor, grad, owned)
        if leaf.after is not None:
            for hook in sorted(leaf.after.values(), key=lambda hook: hasattr(hook, "last")):
                hook(tensor, grad)


def _retain(tensor: Tensor | None, grad: Any, owned: bool) -> None:
    """Add a gradient to the `.grad` of what is no leaf: out of place, as a program may hold it."""
    if tensor is None:
        return
    if tensor._grad is None or isinstance(grad, TensorBase):
        _accumulate(tensor, grad, owned)
    else:
        tensor._grad = tensor._grad + new(namespace(tensor.array).asarray(grad))


def _accumulate(tensor: Tensor, grad: Any, owned: bool) -> None:
    """Add a gradient to `.grad`, which never shares memory with another tensor."""
    with _adding:
        if tensor._grad is None and owned and type(grad) is type(tensor.array):
            tensor._grad = new(grad)
            return
        if isinstance(grad, TensorBase):  # a recorded pass: `.grad` stays in the graph
            recorded: Any = grad
            tensor._grad = recorded.clone() if tensor._grad is None else tensor._grad + recorded
            return
        xp = namespace(tensor.array)
        if tensor._grad is None:
            tensor._grad = new(xp.array(grad))
        else:  # in place, also where it is in a graph: it stays there, as what it was
            tensor._grad.array += grad
            tensor._grad._storage.version += 1
            if twins.known:
                twins.changed(tensor._grad.array)
