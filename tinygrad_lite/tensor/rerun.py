"""Second derivatives: each node's rule runs again, on tensors in place of arrays.

The VJPs that it returns then compute with tensors, so what they do is recorded like any other
computation. For that a rule needs its inputs as they were: an array that still lives and was not
changed is taken as it is, any other is computed again from the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..backend import Array, is_array, namespace
from ..engine import saved_vjps
from ..graph import Leaf, Node, VJPs
from ..ops.elementwise import clone, tied
from .apply import apply
from .base import TensorBase, new
from .complex import run_odd
from .half import wide
from .promote import to_dtype
from .space import space

if TYPE_CHECKING:
    from .tensor import Tensor


class Rerun:
    """What one recorded backward pass knows: how nodes are run again, and what that gave.

    Args:
        differentiate: `run_backward`, to differentiate the composition of a fused rule.
    """

    def __init__(self, differentiate: Callable[..., list[Tensor | None]]) -> None:
        self._differentiate = differentiate
        self._outputs: dict[Node, Array] = {}

    def vjps(self, node: Node) -> VJPs:
        """A node's VJPs on tensors."""
        if node.vjps is None or node.custom:
            return saved_vjps(node)  # raises if it was released
        try:
            inputs = [self.tensor_input(node, i) for i in range(len(node.parents))]
        except RuntimeError as error:
            return self._without_inputs(node, error)
        if node.rule.composition is not None:
            return self._composition_vjp(node, node.rule.composition, inputs)
        vjps: Any = run_odd(node.rule, space, inputs, node.kwargs)[1]
        return tuple(map(_tied, vjps, inputs)) if node.rule.flat else vjps

    def _without_inputs(self, node: Node, error: RuntimeError) -> VJPs:
        """A node's VJPs on tensors, though an input was changed since: if they do without it."""
        from .kept import Needed, kept_vjps  # which few programs need

        try:
            return kept_vjps(node, self.tensor_input)  # type: ignore[no-any-return]
        except Needed:
            raise error from None

    def _composition_vjp(
        self, node: Node, composition: Callable[..., Any], inputs: list[Any]
    ) -> VJPs:
        """The joint VJP of a fused rule: the gradient of its composition, itself recorded."""
        # Copies of the inputs, so that one input's gradient never takes a path through another.
        copies = [
            apply(clone, t) if isinstance(t, TensorBase) and t.requires_grad else t for t in inputs
        ]
        given = [wide(space, t) for t in copies]  # what has 16 bits is rounded once, at the end
        output = to_dtype(composition(space, *given, **node.kwargs), node.dtype)

        def joint(grad: Any, wanted: tuple[bool, ...]) -> Sequence[Any]:
            asked = [c for c, w in zip(copies, wanted, strict=True) if w]
            found = iter(
                self._differentiate(
                    [output], [grad], inputs=asked, create_graph=True, accumulate=False
                )
            )
            return [next(found) if w else None for w in wanted]

        return joint

    def tensor_input(self, node: Node, position: int) -> Any:
        """An input of a node as a tensor at its place in the graph; a constant number as it is."""
        value = self._input(node, position)
        if not is_array(value):
            return value
        tensor, parent = new(value), node.parents[position]
        tensor._node = parent
        if isinstance(parent, Leaf) or (parent is not None and parent.value() is value):
            tensor._storage = parent.storage
        return tensor

    def _input(self, node: Node, position: int) -> Any:
        """An input of a node as it was when its rule ran: an array, or a constant."""
        parent, guard = node.parents[position], node.guards[position]
        if isinstance(parent, Node):
            if guard is None or guard[1] == parent.version or guard[0] is not parent.storage:
                return self.output(parent)
            # Changed in place, and not recorded, before the rule ran: no run again would make it.
            alive = parent.value()
            if alive is not None and guard[0].version == guard[1]:
                return alive
        if guard is not None:
            storage = guard[0] if parent is None else parent.storage
            if isinstance(parent, Node) or storage is not guard[0] or storage.version != guard[1]:
                raise RuntimeError(
                    f"{node.operation}: input {position} has been modified by an in-place "
                    "operation, but create_graph=True needs it again"
                )
        return parent.array if isinstance(parent, Leaf) else node.constants[position]

    def output(self, node: Node) -> Array:
        """A node's output, after those of its ancestors that have to be computed again as well."""
        stack, outputs = [node], self._outputs
        while stack:
            top = stack[-1]
            alive = _living_output(top)
            if alive is not None:
                outputs[top] = alive
            if top not in outputs:
                missing = [p for p in top.parents if isinstance(p, Node) and p not in outputs]
                if missing:
                    stack.extend(missing)
                    continue
                outputs[top] = self._compute(top)
            stack.pop()
        return outputs[node]

    def _compute(self, node: Node) -> Array:
        """A node's output, computed again from its inputs."""
        arrays = [self._input(node, i) for i in range(len(node.parents))]
        xp = namespace(next(a for a in arrays if is_array(a)))
        array = run_odd(node.rule, xp, arrays, node.kwargs)[0]
        return array if is_array(array) else xp.asarray(array)


def _tied(vjp: Any, x: Any) -> Any:
    """A VJP whose gradients count as depending on x; none of an input that wants none."""
    return vjp and (lambda g: apply(tied, vjp(g), x))


def _living_output(node: Node) -> Array | None:
    """A node's output if it lives unchanged; None if it has to be computed again.

    Raises:
        RuntimeError: it can't be: the node was released, or is a user's `Function`.
    """
    alive = node.value() if node.storage.version == node.version else None
    if alive is None and node.vjps is None:
        saved_vjps(node)  # raises: it was released
    if alive is None and node.custom:
        if getattr(node, "output", None) is None:
            raise RuntimeError(
                f"{node.operation}: trying to backward through the graph a second time, but its "
                "output has been freed; call the first backward() with retain_graph=True"
            )
        raise RuntimeError(
            f"{node.operation}: the output has been modified by an in-place operation, but "
            "create_graph=True needs it again"
        )
    return alive
