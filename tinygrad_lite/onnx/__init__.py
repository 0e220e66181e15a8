"""`torch.onnx`: models as ONNX files, which other programs run.

The package onnx writes them: `pip install 'tinygrad-lite[interop]'`.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..absent import explain as _explain
from ..nn import Module
from ..serialization import write_whole
from ..tensor import Tensor
from .graph import Graph
from .trace import other_input, trace

__all__ = [
    "OnnxExporterError",
    "OperatorExportTypes",
    "TrainingMode",
    "export",
    "is_in_onnx_export",
    "register_custom_op_symbolic",
    "unregister_custom_op_symbolic",
]

OPSET = 18


class OperatorExportTypes(enum.Enum):
    """What PyTorch's `operator_export_type=` says, which is without effect here."""

    ONNX = 0
    ONNX_ATEN = 1
    ONNX_ATEN_FALLBACK = 2
    ONNX_FALLTHROUGH = 3


class TrainingMode(enum.Enum):
    """What PyTorch's `training=` says, which is without effect: models are written as in `eval`."""

    EVAL = 0
    PRESERVE = 1
    TRAINING = 2


class OnnxExporterError(RuntimeError):
    """PyTorch's error of models that can't be written; here they raise its bases' own."""


def export(
    model: Module,
    args: Any = (),
    f: str | os.PathLike[str] | Any = None,
    *,
    kwargs: Mapping[str, Any] | None = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    opset_version: int | None = None,
    dynamic_axes: Mapping[str, Any] | None = None,
    export_params: bool = True,
    **ignored: Any,
) -> None:
    """Write a model as an ONNX file, in evaluation mode.

    The model runs on `args`, and the operations that it does are written down. It runs again on
    other values (and other sizes along `dynamic_axes`), to see that they do not depend on these.

    Args:
        model: made of operations that `onnx/nodes.py` knows: linear, convolution, pooling,
            normalisation, embedding, attention, activations, arithmetic, shapes; not RNN, LSTM,
            GRU.
        args: the tensor, or a tuple of the tensors, that the model is called with.
        f: the file, or an open one.
        kwargs: more arguments, which are constants.
        input_names, output_names: names; "input", "input_1", … if not given.
        opset_version: 18, which is the default.
        dynamic_axes: for names the dimensions that may have any size, as a list, or as a dict
            with a name of each.
        export_params: without effect: parameters are in the file.
        **ignored: PyTorch's other arguments, without effect.

    Raises:
        ImportError: the package onnx is missing.
        NotImplementedError: an operation that is not known here; the message names it.
        TypeError: args that are no tensors, or a model that gives something else.
    """
    onnx = _library()
    inputs = [args] if isinstance(args, Tensor) else list(args)
    if not inputs or not all(isinstance(tensor, Tensor) for tensor in inputs):
        raise TypeError("onnx.export: args must be a Tensor or a tuple of Tensors")
    if opset_version not in (None, OPSET):
        raise NotImplementedError(f"onnx.export: opset {opset_version}; {OPSET} is written")
    names = _names(input_names, "input", len(inputs))
    axes = {name: _axes(given) for name, given in (dynamic_axes or {}).items()}
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        seen, outputs = trace(model, inputs, dict(kwargs or {}))
        others = [
            other_input(tensor, tuple(axes.get(name, ())))
            for name, tensor in zip(names, inputs, strict=True)
        ]
        again, _ = trace(model, others, dict(kwargs or {}))
    finally:
        for module in training:
            module.training = True
    parameters = dict(model.named_parameters()) | dict(model.named_buffers())
    graph = Graph(onnx, seen, again, parameters, names)
    results = _names(output_names, "output", len(outputs))
    for result, ref in zip(results, outputs, strict=True):
        if ref.kind != "value":
            raise NotImplementedError("onnx.export: an output that no operation made")
        node = onnx.helper.make_node("Identity", [graph.name(ref)], [result])
        graph.nodes.append(node)
    infos = [
        _info(onnx, name, tensor.shape, tensor.array.dtype, axes.get(name, {}))
        for name, tensor in zip(names, inputs, strict=True)
    ]
    ends = []
    for name, ref in zip(results, outputs, strict=True):
        call, other = seen.calls[ref.key], again.calls[ref.key]
        varying = [
            i for i, (n, m) in enumerate(zip(call.shape, other.shape, strict=True)) if n != m
        ]
        free = {i: f"{name}_{i}" for i in varying} | axes.get(name, {})
        ends.append(_info(onnx, name, call.shape, call.gives, free))
    made = onnx.helper.make_graph(
        graph.nodes, type(model).__name__, infos, ends, list(graph.initializers.values())
    )
    whole = onnx.helper.make_model(
        made, opset_imports=[onnx.helper.make_opsetid("", OPSET)], producer_name="tinygrad_lite"
    )
    whole.ir_version = min(whole.ir_version, 9)  # which older programs read as well
    onnx.checker.check_model(whole)
    content = whole.SerializeToString()
    write_whole(f, lambda file: file.write(content))


def _library() -> Any:
    try:
        import onnx
        from onnx import checker, helper, numpy_helper  # noqa: F401 (its parts)
    except ImportError:
        raise ImportError(
            "onnx.export needs the package onnx; pip install 'tinygrad-lite[interop]'"
        ) from None
    return onnx


def _names(given: Sequence[str] | None, base: str, count: int) -> list[str]:
    found = list(given or ())[:count]
    return found + [f"{base}_{i}" if i else base for i in range(len(found), count)]


def _axes(given: Any) -> dict[int, str]:
    """The dimensions of any size, each with its name."""
    if isinstance(given, Mapping):
        return {int(axis): str(name) for axis, name in given.items()}
    return {int(axis): f"axis_{axis}" for axis in given}


def _info(onnx: Any, name: str, shape: Any, dtype: Any, free: Mapping[int, str]) -> Any:
    """The file's entry for an input or an output: its name, dtype and shape."""
    sizes = [free.get(i, n) for i, n in enumerate(shape)]
    kind = onnx.helper.np_dtype_to_tensor_dtype(dtype)
    return onnx.helper.make_tensor_value_info(name, kind, sizes)


def is_in_onnx_export() -> bool:
    """False: nothing here behaves differently during an export."""
    return False


def register_custom_op_symbolic(symbolic_name: str, symbolic_fn: Any, opset_version: int) -> None:
    """Do nothing: what runs is written, whatever a program says of its own operations."""


def unregister_custom_op_symbolic(symbolic_name: str, opset_version: int) -> None:
    """Do nothing, see `register_custom_op_symbolic`."""


_explain(__name__)
