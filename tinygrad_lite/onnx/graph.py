"""The ONNX graph of a trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..backend import numpy, to_host
from ..tensor import Tensor
from .nodes import RULES
from .trace import Call, Ref, Trace

__all__ = ["Graph"]

_ACROSS = frozenset({"reshape", "expand"})  # rules whose arguments may follow the input's sizes


class Graph:
    """Nodes and constants of a model, to be written.

    Args:
        onnx: the package.
        seen, again: the operations of two runs on different inputs.
        parameters: parameters and buffers by name.
        inputs: the inputs' names.

    Raises:
        NotImplementedError: an operation that is not known here, or constants that depend on the
            input in a way that was not seen.
    """

    def __init__(
        self,
        onnx: Any,
        seen: Trace,
        again: Trace,
        parameters: Mapping[str, Tensor],
        inputs: Sequence[str],
    ) -> None:
        self._onnx, self._again = onnx, again
        self._parameters, self._inputs = parameters, inputs
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self._values: list[str] = []
        self._count = 0
        if [call.rule for call in seen.calls] != [call.rule for call in again.calls]:
            raise NotImplementedError(
                "onnx.export: what the model does depends on the values or sizes of its input"
            )
        for call, other in zip(seen.calls, again.calls, strict=True):
            self._check(call, other)
            if call.rule not in RULES:
                raise NotImplementedError(
                    f"onnx.export: {call.rule} is not known here; known are {', '.join(RULES)}"
                )
            names = [self.name(ref, call) for ref in call.operands]
            while names and not names[-1]:
                names.pop()
            self._values.append(RULES[call.rule](self, call, names))

    @staticmethod
    def _check(call: Call, other: Call) -> None:
        """Both runs must have done the same with the same constants."""
        border = call.rule == "concatenate"
        for mine, its in zip(call.operands, other.operands, strict=True):
            if mine.kind == its.kind == "constant":
                same = numpy.array_equal(mine.key, its.key)
                same = same or (border and not mine.key.any() and not its.key.any())
            else:
                same = mine == its
            if not same:
                raise NotImplementedError(
                    f"onnx.export: {call.rule} takes a value that depends on the input in a way "
                    "that is not known here"
                )
        if call.rule not in _ACROSS and call.kwargs != other.kwargs:
            raise NotImplementedError(
                f"onnx.export: {call.rule} has arguments that depend on the input"
            )

    def varying(self, call: Call) -> list[int]:
        """The dimensions of an output whose sizes follow the input's."""
        other = self._again.calls[len(self._values)].shape
        return [i for i, (n, m) in enumerate(zip(call.shape, other, strict=True)) if n != m]

    def name(self, ref: Ref, call: Call | None = None) -> str:
        """The name of an operand; "" of one that is left out."""
        if ref.kind == "none":
            return ""
        if ref.kind == "value":
            value: str = self._values[ref.key]
            return value
        if ref.kind == "input":
            given: str = self._inputs[ref.key]
            return given
        if ref.kind == "parameter":
            if ref.key not in self.initializers:
                self._store(ref.key, to_host(self._parameters[ref.key].array))
            return str(ref.key)
        array = ref.key
        if ref.kind == "number" and call is not None:
            array = numpy.asarray(ref.key, call.dtype)
        return self.constant(array)

    def constant(self, array: Any) -> str:
        """The name of a constant."""
        name = self._fresh("constant")
        self._store(name, numpy.asarray(array))
        return name

    def integers(self, values: Sequence[int]) -> str:
        """The name of a constant vector of int64."""
        return self.constant(numpy.array(values, numpy.int64))

    def number(self, name: str, operator: str, value: float, dtype: Any) -> str:
        """The output of an operator of a value and a number."""
        return self.add(operator, [name, self.constant(numpy.asarray(value, dtype))])

    def add(self, operator: str, names: Sequence[str], **attributes: Any) -> str:
        """Add a node; the name of its output."""
        output = self._fresh(operator.lower())
        made = self._onnx.helper.make_node(operator, list(names), [output], **attributes)
        self.nodes.append(made)
        return output

    def type(self, dtype: Any) -> int:
        """ONNX's number of a dtype."""
        found: int = self._onnx.helper.np_dtype_to_tensor_dtype(numpy.dtype(dtype))
        return found

    def _store(self, name: str, array: Any) -> None:
        whole = numpy.ascontiguousarray(array).reshape(array.shape)
        self.initializers[name] = self._onnx.numpy_helper.from_array(whole, name)

    def _fresh(self, base: str) -> str:
        self._count += 1
        return f"{base}_{self._count}"
