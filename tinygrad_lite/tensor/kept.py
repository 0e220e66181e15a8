"""VJPs that were kept for arrays, made to take tensors: for a rule whose input was changed since.

A rule can't run again then (`rerun.py`), but its gradient may do without that input: of x · 2, of
x − w, or of eˣ, for which the output was kept. Loaded when a recorded pass meets such a node.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CellType, FunctionType
from typing import Any

from ..backend import Namespace, is_array, numpy
from ..engine import saved_vjps
from ..graph import Joint, Leaf, Node
from ..ops.shape import Hole
from .base import new
from .space import space

_PACKAGE = __name__.partition(".")[0]
_RULES = (
    f"{_PACKAGE}.ops.",
    f"{_PACKAGE}.tensor.half",
    f"{_PACKAGE}.tensor.complex",
)  # where functions also take tensors


class Needed(Exception):
    """The VJPs captured what was made of an input, and nothing says how: the input is needed."""


def kept_vjps(node: Node, tensor_input: Callable[[Node, int], Any]) -> Any:
    """A node's VJPs as they were kept, with the inputs and the output as tensors in the graph.

    Args:
        node: the node.
        tensor_input: gives one of its inputs, by its position, as a tensor.

    Raises:
        Needed: they captured something else that may depend on an input.
        RuntimeError: they were released, or an input that they captured was changed.
    """
    vjps = saved_vjps(node)
    inputs = [_array(node, i) for i in range(len(node.parents))]

    def translated(value: Any) -> Any:
        if isinstance(value, FunctionType) and value.__module__.startswith(_RULES):
            cells = [cell.cell_contents for cell in value.__closure__ or ()]
            if node.rule.composition is not None and _calls_kernels(value, cells):
                raise Needed
            closure = tuple([CellType(translated(content)) for content in cells])
            return FunctionType(
                value.__code__, value.__globals__, value.__name__, value.__defaults__, closure
            )
        if isinstance(value, Joint):
            parts = [translated(part) for part in value.parts]
            return Joint(translated(value.prepare), *parts, sharers=value.sharers)
        if isinstance(value, tuple | list):
            return type(value)([translated(part) for part in value])
        if isinstance(value, Namespace):
            return space
        if is_array(value):
            return tensor_of(value)
        if value is None or isinstance(value, _PLAIN):
            return value
        raise Needed

    def tensor_of(array: Any) -> Any:
        for position, given in enumerate(inputs):
            if given is array:
                return tensor_input(node, position)
        made = new(array)
        if node.value() is array:
            made._node, made._storage = node, node.storage
        elif array.dtype.kind not in "biu":  # masks and indices have no derivative
            raise Needed
        return made

    return translated(vjps)


def _array(node: Node, position: int) -> Any:
    """An input of a node, where it still lives."""
    parent = node.parents[position]
    if parent is None:
        return node.constants[position]
    return parent.array if isinstance(parent, Leaf) else parent.value()


def _calls_kernels(function: FunctionType, cells: list[Any]) -> bool:
    """Whether a VJP asks its namespace for what there is for arrays alone."""
    theirs = next((c for c in cells if isinstance(c, Namespace)), None)
    return any(hasattr(theirs, n) and not hasattr(space, n) for n in function.__code__.co_names)


_PLAIN = (bool, int, float, str, slice, type, type(...), numpy.dtype, Hole)
