"""A model's operations, written down while it runs.

Every operation goes through `apply`, which shows it to a `Watch`. An array that no operation made
is an input, a parameter, or a constant that the model made by itself; to tell a constant from what
depends on the input in a way that was not seen, the model runs twice, on different inputs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..backend import is_array, numpy, to_host
from ..nn import Module
from ..ops.shape import Hole
from ..tensor import Tensor, no_grad
from ..tensor.anomaly import Watch, watching
from ..trees import leaves

__all__ = ["Call", "Ref", "Trace", "other_input", "trace"]


class Ref(NamedTuple):
    """Where an operand comes from.

    Attributes:
        kind: "input", "parameter", "value" (an operation's output), "constant", "number", "none".
        key: its number or name; of a constant its array, of a number itself.
    """

    kind: str
    key: Any


class Call(NamedTuple):
    """An operation of a run: its rule's name, where its operands come from, shapes and dtypes."""

    rule: str
    operands: tuple[Ref, ...]
    kwargs: dict[str, Any]
    shapes: tuple[tuple[int, ...], ...]  # of the operands; () of numbers
    dtype: Any  # of the first operand that is an array
    shape: tuple[int, ...]  # of the output
    gives: Any  # the output's dtype


class Trace(Watch):
    """The operations of one run of a model, in order.

    Args:
        inputs: the model's.
        parameters: its parameters and buffers, by name.
    """

    def __init__(self, inputs: list[Tensor], parameters: dict[str, Tensor]) -> None:
        super().__init__(check=False)
        self.calls: list[Call] = []
        self._known: dict[int, tuple[Ref, Any, Any]] = {}  # with the array, and a copy of it
        for name, tensor in parameters.items():
            self._know(Ref("parameter", name), tensor.array)
        for i, tensor in enumerate(inputs):
            self._know(Ref("input", i), tensor.array)

    def _know(self, ref: Ref, array: Any) -> None:
        self._known[id(array)] = ref, array, to_host(array).copy()

    def forward(self, rule: Any, given: list[Any], out: Any, kwargs: dict[str, Any]) -> None:
        """Add an operation that has just run to the list."""
        operands = tuple(self.ref(value) for value in given)
        shapes = tuple(tuple(getattr(value, "shape", ())) for value in given)
        dtype = next(value.dtype for value in given if is_array(value))
        name, shape = rule.__name__, tuple(out.array.shape)
        if type(kwargs.get("spec")) is tuple:  # places of tensors in it, all alike
            spec = tuple("tensor" if type(p) is Hole else p for p in kwargs["spec"])
            kwargs = kwargs | {"spec": spec}
        self.calls.append(Call(name, operands, kwargs, shapes, dtype, shape, out.array.dtype))
        self._know(Ref("value", len(self.calls) - 1), out.array)

    def ref(self, value: Any) -> Ref:
        """The `Ref` of an operand: an input, a parameter, an output, a constant or a number.

        Raises:
            NotImplementedError: it was changed in place since.
        """
        if value is None:
            return Ref("none", None)
        if not is_array(value):
            return Ref("number", value)
        if id(value) not in self._known:
            return Ref("constant", to_host(value).copy())
        ref, _, copy = self._known[id(value)]
        if not numpy.array_equal(to_host(value), copy, equal_nan=copy.dtype.kind == "f"):
            raise NotImplementedError(
                "onnx.export: a tensor was changed in place; use the operation that gives a new one"
            )
        return ref


def trace(model: Module, inputs: list[Tensor], kwargs: dict[str, Any]) -> tuple[Trace, list[Ref]]:
    """The operations of a run of a model, and where its outputs come from."""
    parameters = dict(model.named_parameters()) | dict(model.named_buffers())
    seen = Trace(inputs, parameters)
    plain = [module for module in model.modules() if getattr(module, "inplace", False)]
    try:
        for module in plain:  # for a moment, out of place
            module.inplace = False
        with no_grad(), watching(seen):
            outputs = model(*inputs, **kwargs)
    finally:
        for module in plain:
            module.inplace = True
    several = leaves(outputs, lambda part: isinstance(part, dict))  # whose order says nothing
    return seen, [seen.ref(_array(output)) for output in several]


def _array(output: Any) -> Any:
    if not isinstance(output, Tensor):
        raise TypeError(
            f"onnx.export: a model must give Tensors, but gave a {type(output).__name__}"
        )
    return output.array


def other_input(tensor: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Another input of the same kind, one longer along the axes that may have any size."""
    array = to_host(tensor.array)
    for axis in axes:
        array = numpy.concatenate([array, array.take([-1], axis)], axis)
    array = numpy.flip(array).copy()
    return Tensor.detach(tensor.new_tensor(array + 0.125 if array.dtype.kind == "f" else array))
