"""What each rule is in ONNX: one function a rule, or one row of a table.

Operators: https://onnx.ai/onnx/operators/ (opset 18).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..backend import numpy
from .trace import Call

__all__ = ["RULES"]


class Writer(Protocol):
    """The methods of a graph that is being written; see `graph.py`."""

    def add(self, operator: str, names: Sequence[str], **attributes: Any) -> str:
        """Add a node; the name of its output."""

    def constant(self, array: Any) -> str:
        """The name of a constant."""

    def integers(self, values: Sequence[int]) -> str:
        """The name of a constant vector of int64."""

    def number(self, name: str, operator: str, value: float, dtype: Any) -> str:
        """Add an operator with two inputs, a value and a number; the name of its output."""

    def varying(self, call: Call) -> list[int]:
        """The dimensions of an output whose sizes follow the input's."""

    def type(self, dtype: Any) -> int:
        """ONNX's number of a dtype."""


Write = Callable[[Writer, Call, list[str]], str]  # of a graph, a call and its operands' names
_TO_END = 2**63 - 1

# Rules that are one operator without attributes.
_SAME = {
    "abs": "Abs", "acos": "Acos", "acosh": "Acosh", "add": "Add", "asin": "Asin",
    "asinh": "Asinh", "atan": "Atan", "atanh": "Atanh", "ceil": "Ceil", "clone": "Identity",
    "contiguous": "Identity", "cos": "Cos", "cosh": "Cosh", "div": "Div", "eq": "Equal",
    "erf": "Erf", "exp": "Exp", "floor": "Floor", "ge": "GreaterOrEqual", "gt": "Greater",
    "hardswish": "HardSwish", "hinge": "Identity", "prelu": "PRelu",
    "le": "LessOrEqual", "log": "Log", "logical_and": "And", "logical_not": "Not",
    "logical_or": "Or", "lt": "Less", "matmul": "MatMul", "maximum": "Max", "minimum": "Min",
    "mul": "Mul", "neg": "Neg", "pow": "Pow", "power": "Pow", "reciprocal": "Reciprocal",
    "relu": "Relu", "sigmoid": "Sigmoid", "sign": "Sign", "sin": "Sin", "sinh": "Sinh",
    "sqrt": "Sqrt", "sub": "Sub", "tan": "Tan", "tanh": "Tanh", "to_device": "Identity",
    "where": "Where",
}  # fmt: skip
_REDUCTIONS = {
    "amax": "ReduceMax", "amin": "ReduceMin", "logsumexp": "ReduceLogSumExp",
    "mean": "ReduceMean", "norm": "ReduceL2", "sum": "ReduceSum",
}  # fmt: skip


def _plain(operator: str) -> Write:
    return lambda graph, call, names: graph.add(operator, names)


def _bits(of_bools: str, of_integers: str) -> Write:
    return lambda graph, call, names: graph.add(
        of_bools if call.dtype == bool else of_integers, names
    )


def _reduction(operator: str) -> Write:
    def write(graph: Writer, call: Call, names: list[str]) -> str:
        axis = call.kwargs["axis"]
        keep = int(call.kwargs.get("keepdims", False))
        if axis is None:
            return graph.add(operator, names, keepdims=keep)
        axes = [axis] if isinstance(axis, int) else list(axis)
        return graph.add(operator, [*names, graph.integers(axes)], keepdims=keep)

    return write


def _linear(graph: Writer, call: Call, names: list[str]) -> str:
    """y = x Wᵀ + b, or max(0, that)."""
    turned = graph.add("Transpose", names[1:2], perm=[1, 0])
    y = graph.add("MatMul", [names[0], turned])
    y = y if len(names) < 3 or not names[2] else graph.add("Add", [y, names[2]])
    return graph.add("Relu", [y]) if call.kwargs.get("relu") else y


def _window(window: Any) -> dict[str, list[int]]:
    """The attributes of a window over an image: a border on both sides."""
    return {
        "kernel_shape": list(window.kernel),
        "strides": list(window.stride),
        "pads": [*window.padding, *window.padding],
        "dilations": list(window.dilation),
    }


def _conv(graph: Writer, call: Call, names: list[str]) -> str:
    window = _window(call.kwargs["window"])
    return graph.add("Conv", names, group=call.kwargs["groups"], **window)


def _conv_transpose(graph: Writer, call: Call, names: list[str]) -> str:
    window, size = call.kwargs["window"], call.kwargs["size"]
    more = [
        n - ((m - 1) * s - 2 * p + d * (k - 1) + 1)
        for n, m, k, s, p, d in zip(
            size, call.shapes[0][2:], window.kernel, window.stride, window.padding,
            window.dilation, strict=True,
        )
    ]  # fmt: skip
    attributes = _window(window) | {"output_padding": more}
    return graph.add("ConvTranspose", names, group=call.kwargs["groups"], **attributes)


def _max_pool(graph: Writer, call: Call, names: list[str]) -> str:
    pool = call.kwargs["pool"]
    return graph.add("MaxPool", names, ceil_mode=int(pool.ceil_mode), **_window(pool))


def _avg_pool(graph: Writer, call: Call, names: list[str]) -> str:
    pool = call.kwargs["pool"]
    if pool.divisor is not None or pool.ceil_mode:
        raise NotImplementedError("onnx.export: average pooling with ceil_mode or a divisor")
    attributes = {key: v for key, v in _window(pool).items() if key != "dilations"}
    return graph.add("AveragePool", names, count_include_pad=int(pool.include_pad), **attributes)


def _batch_norm(graph: Writer, call: Call, names: list[str]) -> str:
    x, mean, var, weight, bias = [*names, "", ""][:5]
    channels, dtype = call.shapes[0][1], call.dtype
    weight = weight or graph.constant(numpy.ones(channels, dtype))
    bias = bias or graph.constant(numpy.zeros(channels, dtype))
    eps = call.kwargs["eps"]
    y = graph.add("BatchNormalization", [x, weight, bias, mean, var], epsilon=eps)
    return graph.add("Relu", [y]) if call.kwargs.get("relu") else y


def _layer_norm(graph: Writer, call: Call, names: list[str]) -> str:
    x, weight, bias = [*names, "", ""][:3]
    shape = call.kwargs["shape"]
    weight = weight or graph.constant(numpy.ones(shape, call.dtype))
    given = [x, weight, bias] if bias else [x, weight]
    return graph.add("LayerNormalization", given, axis=-len(shape), epsilon=call.kwargs["eps"])


def _reshape(graph: Writer, call: Call, names: list[str]) -> str:
    """Sizes that follow the input's are 0 (the same) or −1 (what is left)."""
    sizes, own = list(call.shape), call.shapes[0]
    for i in graph.varying(call):
        if i < len(own) and own[i] == sizes[i]:
            sizes[i] = 0
        elif -1 in sizes:
            raise NotImplementedError(f"onnx.export: two sizes of {call.shape} vary in a reshape")
        else:
            sizes[i] = -1
    if 0 in call.shape:
        raise NotImplementedError("onnx.export: a reshape of nothing")
    return graph.add("Reshape", [*names, graph.integers(sizes)])


def _expand(graph: Writer, call: Call, names: list[str]) -> str:
    sizes, own = list(call.shape), call.shapes[0]
    for i in graph.varying(call):
        j = i - len(sizes) + len(own)
        if j < 0 or own[j] != sizes[i]:
            raise NotImplementedError(f"onnx.export: an expansion to {call.shape}, which varies")
        sizes[i] = 1  # which leaves the input's
    return graph.add("Expand", [*names, graph.integers(sizes)])


def _transpose(graph: Writer, call: Call, names: list[str]) -> str:
    return graph.add("Transpose", names, perm=list(call.kwargs["axes"]))


def _cast(graph: Writer, call: Call, names: list[str]) -> str:
    return graph.add("Cast", names, to=graph.type(call.kwargs["dtype"]))


def _concatenate(graph: Writer, call: Call, names: list[str]) -> str:
    """Zeros on both sides of one tensor are a border."""
    axis = call.kwargs["axis"]
    inner = [i for i, ref in enumerate(call.operands) if ref.kind != "constant"]
    borders = [ref.key for ref in call.operands if ref.kind == "constant"]
    if len(inner) == 1 and borders and not any(border.any() for border in borders):
        widths = [shape[axis] for shape in call.shapes]
        pads = [0] * (2 * len(call.shape))
        pads[axis] = sum(widths[: inner[0]])
        pads[axis + len(call.shape)] = sum(widths[inner[0] + 1 :])
        return graph.add("Pad", [names[inner[0]], graph.integers(pads)])
    return graph.add("Concat", names, axis=axis)


def _stack(graph: Writer, call: Call, names: list[str]) -> str:
    axis = [call.kwargs["axis"]]
    rows = [graph.add("Unsqueeze", [name, graph.integers(axis)]) for name in names]
    return graph.add("Concat", rows, axis=axis[0])


def _flip(graph: Writer, call: Call, names: list[str]) -> str:
    axis = call.kwargs["axis"]
    axes = [axis] if isinstance(axis, int) else list(axis)
    bounds = ([-1] * len(axes), [-_TO_END] * len(axes), axes, [-1] * len(axes))
    return graph.add("Slice", [*names, *map(graph.integers, bounds)])


def _getitem(graph: Writer, call: Call, names: list[str]) -> str:
    spec = call.kwargs["spec"]
    spec = spec if isinstance(spec, tuple) else (spec,)
    if len(names) > 1:
        others = [i for i, part in enumerate(spec) if part != slice(None)]
        if len(names) == 2 and len(others) == 1:
            return graph.add("Gather", names, axis=others[0])
        raise NotImplementedError("onnx.export: an index of several tensors")
    ndim = len(call.shapes[0])
    used = sum(part is not None and part is not Ellipsis for part in spec)
    starts, ends, steps, axes, gone, added = [], [], [], [], [], []
    at = out = 0
    for part in spec:
        if part is None:
            added.append(out)
            out += 1
        elif part is Ellipsis:
            at, out = at + ndim - used, out + ndim - used
        else:
            whole = slice(part, part + 1 or None) if isinstance(part, int) else part
            if whole != slice(None):
                starts.append(whole.start or 0)
                ends.append(_TO_END if whole.stop is None else whole.stop)
                steps.append(whole.step or 1)
                axes.append(at)
            if isinstance(part, int):
                gone.append(at)
            else:
                out += 1
            at += 1
    y = names[0]
    if axes:
        y = graph.add("Slice", [y, *map(graph.integers, (starts, ends, axes, steps))])
    if gone:
        y = graph.add("Squeeze", [y, graph.integers(gone)])
    return graph.add("Unsqueeze", [y, graph.integers(added)]) if added else y


def _embedding(graph: Writer, call: Call, names: list[str]) -> str:
    return graph.add("Gather", names, axis=0)


def _attention(graph: Writer, call: Call, names: list[str]) -> str:
    """Softmax(scale q kᵀ + mask) v."""
    rows, columns = call.shapes[0][-2], call.shapes[1][-2]
    return _attended(graph, call, names, len(call.shapes[1]), rows, columns)


def _self_attention(graph: Writer, call: Call, names: list[str]) -> str:
    """`_attention` of queries, keys and values that lie side by side, in heads."""
    (_, length, size), heads = call.shapes[0], call.kwargs["heads"]
    split = [0, 0, 3, heads, size // (3 * heads)]
    apart = graph.add("Reshape", [names[0], graph.integers(split)])
    first = graph.add("Transpose", [apart], perm=[2, 0, 3, 1, 4])
    lead = graph.integers([0])
    found = [graph.add("Gather", [first, graph.integers([i])], axis=0) for i in range(3)]
    parts = [graph.add("Squeeze", [part, lead]) for part in found]
    y = _attended(graph, call, [*parts, *names[1:]], 4, length, length)
    together = graph.add("Transpose", [y], perm=[0, 2, 1, 3])
    return graph.add("Reshape", [together, graph.integers([0, 0, size // 3])])


def _attended(
    graph: Writer, call: Call, names: list[str], rank: int, rows: int, columns: int
) -> str:
    """Attention of the operands q, k, v and, if there is a fourth, a mask.

    Raises:
        NotImplementedError: dropout, or a mask that is made from the input and may be booleans.
    """
    (q, k, v, *rest), how, axes = names, call.kwargs["how"], list(range(rank))
    if how.rate:
        raise NotImplementedError("onnx.export: attention with dropout")
    turned = graph.add("Transpose", [k], perm=[*axes[:-2], axes[-1], axes[-2]])
    scores = graph.number(graph.add("MatMul", [q, turned]), "Mul", how.scale, call.dtype)
    if how.causal:
        later = numpy.triu(numpy.full((rows, columns), -math.inf, call.dtype), 1)
        scores = graph.add("Add", [scores, graph.constant(later)])
    if rest:
        given = call.operands[-2]  # behind it stands what dropout kept
        if given.kind != "constant" and call.rule == "attention":
            raise NotImplementedError("onnx.export: attention with a mask that varies")
        if given.kind == "constant" and given.key.dtype == bool:
            mask = numpy.where(given.key, 0.0, -math.inf).astype(call.dtype)
            rest = [graph.constant(mask)]
        scores = graph.add("Add", [scores, rest[0]])
    return graph.add("MatMul", [graph.add("Softmax", [scores], axis=-1), v])


def _clip(low: str, high: str) -> Write:
    def write(graph: Writer, call: Call, names: list[str]) -> str:
        bounds = [
            "" if call.kwargs[key] is None
            else graph.constant(numpy.asarray(call.kwargs[key], call.dtype))
            for key in (low, high)
        ]  # fmt: skip
        return graph.add("Clip", [*names, *bounds])

    return write


def _silu(graph: Writer, call: Call, names: list[str]) -> str:
    return graph.add("Mul", [names[0], graph.add("Sigmoid", names)])


def _gelu(graph: Writer, call: Call, names: list[str]) -> str:
    """½ x (1 + erf(x / √2))."""
    inner = graph.add("Erf", [graph.number(names[0], "Mul", 1 / math.sqrt(2), call.dtype)])
    half = graph.number(names[0], "Mul", 0.5, call.dtype)
    return graph.add("Mul", [half, graph.number(inner, "Add", 1.0, call.dtype)])


def _gelu_tanh(graph: Writer, call: Call, names: list[str]) -> str:
    """½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))."""
    cube = graph.number(graph.number(names[0], "Pow", 3.0, call.dtype), "Mul", 0.044715, call.dtype)
    inner = graph.number(
        graph.add("Add", [names[0], cube]), "Mul", math.sqrt(2 / math.pi), call.dtype
    )
    half = graph.number(names[0], "Mul", 0.5, call.dtype)
    return graph.add(
        "Mul", [half, graph.number(graph.add("Tanh", [inner]), "Add", 1.0, call.dtype)]
    )


def _softplus(graph: Writer, call: Call, names: list[str]) -> str:
    """ln(1 + e^(β x)) / β; above a threshold of 20 that is x itself to all digits."""
    beta, threshold = call.kwargs["beta"], call.kwargs["threshold"]
    z = graph.number(names[0], "Mul", beta, call.dtype)
    y = graph.number(graph.add("Softplus", [z]), "Div", beta, call.dtype)
    if threshold >= 20:
        return y
    return graph.add("Where", [graph.number(z, "Greater", threshold, call.dtype), names[0], y])


def _log_sigmoid(graph: Writer, call: Call, names: list[str]) -> str:
    """−ln(1 + e⁻ˣ)."""
    return graph.add("Neg", [graph.add("Softplus", [graph.add("Neg", names)])])


def _with(operator: str, *keys: tuple[str, str]) -> Write:
    """An operator whose attributes are arguments of the rule, each as (its name, the rule's)."""
    return lambda graph, call, names: graph.add(
        operator, names, **{theirs: call.kwargs[ours] for theirs, ours in keys}
    )


def _adaptive(graph: Writer, call: Call, names: list[str]) -> str:
    if tuple(call.kwargs["size"]) != (1, 1):
        raise NotImplementedError(
            f"onnx.export: adaptive average pooling of {call.shapes[0][2:]} to "
            f"{call.kwargs['size']}, which does not divide it"
        )
    return graph.add("GlobalAveragePool", names)


RULES: dict[str, Write] = {
    **{rule: _plain(operator) for rule, operator in _SAME.items()},
    **{rule: _reduction(operator) for rule, operator in _REDUCTIONS.items()},
    "adaptive_avg_pool2d": _adaptive,
    "attention": _attention,
    "avg_pool2d": _avg_pool,
    "batch_norm_eval": _batch_norm,
    "bitwise_and": _bits("And", "BitwiseAnd"),
    "bitwise_not": _bits("Not", "BitwiseNot"),
    "bitwise_or": _bits("Or", "BitwiseOr"),
    "bitwise_xor": _bits("Xor", "BitwiseXor"),
    "cast": _cast,
    "clamp": _clip("min", "max"),
    "concatenate": _concatenate,
    "conv2d": _conv,
    "conv_transpose2d": _conv_transpose,
    "elu": _with("Elu", ("alpha", "alpha")),
    "embedding": _embedding,
    "expand": _expand,
    "flip": _flip,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "getitem": _getitem,
    "hardsigmoid": lambda graph, call, names: graph.add(
        "HardSigmoid", names, alpha=1 / 6, beta=0.5
    ),
    "hardshrink": _with("Shrink", ("lambd", "lambd")),
    "hardtanh": _clip("min_val", "max_val"),
    "layer_norm": _layer_norm,
    "leaky_relu": _with("LeakyRelu", ("alpha", "negative_slope")),
    "linear": _linear,
    "log_sigmoid": _log_sigmoid,
    "log_softmax": _with("LogSoftmax", ("axis", "axis")),
    "max_pool2d": _max_pool,
    "reshape": _reshape,
    "self_attention": _self_attention,
    "silu": _silu,
    "softmax": _with("Softmax", ("axis", "axis")),
    "softshrink": _with("Shrink", ("lambd", "lambd"), ("bias", "lambd")),
    "softplus": _softplus,
    "stack": _stack,
    "transpose": _transpose,
}
"""How to write each rule, by its name."""
