"""What PyTorch calls the nodes of a graph: how a `grad_fn` prints.

A rule of ours often stands for several of PyTorch's operations (`getitem` for `select`, `slice`
and `index`), so a name is told from what the node knows: the rule, its constants and shapes. Where
that does not tell (`view(1, 3)` and `unsqueeze(0)` of three elements are one reshape), the function
says it (`node.called`), or the name is that of the commoner operation. Rules that are not listed
have PyTorch's name already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["COPY", "COPY_SLICES", "NO_GRADIENT", "grad_name"]

COPY = "torch::autograd::CopyBackwards"
COPY_SLICES = "torch::autograd::CopySlices"
"""What PyTorch calls the node of a tensor that a view of it was changed in place."""

NO_GRADIENT = "torch::autograd::NotImplemented"
"""What PyTorch calls the node of an operation that has no derivative."""


def grad_name(node: Any) -> str:
    """PyTorch's name of a node, such as "AddBackward0"."""
    rule = node.rule.__name__
    found = getattr(node, "called", None) or _NAMES.get(rule)
    if found in _SQUEEZED:
        found = _end(node) or found
    name = found(node) if callable(found) else found
    name = name or rule.title().replace("_", "")
    whole = name == COPY_SLICES or "Backward" in name or ":" in name
    return name if whole else f"{name}Backward0"


def _rule_before(node: Any) -> str | None:
    """The name of the rule that made a node's first input, None for a leaf."""
    before = node.parents[0] if node.parents else None
    return getattr(getattr(before, "rule", None), "__name__", None)


def _begins_with_number(node: Any) -> bool:
    """Whether the first of two inputs was a Python number, as in `1 - x`."""
    return bool(node.guards) and node.guards[0] is None


def _is_number(node: Any, place: int) -> bool:
    """Whether an input is a number, perhaps as a tensor without dimensions that is constant."""
    if place >= len(node.parents) or node.parents[place] is not None:
        return False
    return not getattr(node.constants[place], "shape", ())


def _is_scalar(node: Any, place: int) -> bool:
    """Whether an input has no dimensions and is part of the graph."""
    return node.parents[place] is not None and node.parents[place].shape == ()


def _forms(name: str, first: str, second: str, tensors: str) -> Callable[[Any], str]:
    """An operation with forms for a number in the first or the second place, and for none."""

    def call(node: Any) -> str:
        if _is_number(node, 0):
            return first if ":" in first else f"{name}Backward{first}"
        return f"{name}Backward{second if _is_number(node, 1) else tensors}"

    return call


def _reduction(name: str) -> Callable[[Any], str]:
    """A sum or mean: of everything, of some dimensions, or what a loss ends with."""

    def call(node: Any) -> str:
        loss = _LOSSES.get(_rule_before(node) or "")
        return loss or (name if node.shape == () else f"{name}Backward1")

    return call


def _extreme(name: str) -> Callable[[Any], str]:
    return lambda node: f"{name}Backward1" if node.kwargs.get("same") else f"A{name.lower()}"


def _getitem(node: Any) -> str:
    """The last of the steps that an index comes to, one for each entry."""
    last = "Slice" if any(entry is not Ellipsis for entry in node.kwargs["spec"]) else "Alias"
    for entry in node.kwargs["spec"]:
        if entry is None:
            last = "Unsqueeze"
        elif isinstance(entry, int):
            last = "Select"
        elif isinstance(entry, slice):
            last = last if entry == slice(None) else "Slice"
        elif entry is not Ellipsis:  # a tensor's place
            return "Index"
    return last


def _setitem(node: Any) -> str:
    """A write at places that tensors say, to a part that is a view, or to all that there is."""
    spec = node.kwargs["spec"]
    numbers = [entry for entry in spec if not isinstance(entry, slice) and entry is not Ellipsis]
    if any(not (entry is None or isinstance(entry, int)) for entry in numbers):
        return "IndexPut"
    if numbers:
        return COPY_SLICES
    behind = spec[::-1].index(Ellipsis) if Ellipsis in spec else 0
    before = len(spec) - behind - (Ellipsis in spec)
    sizes = node.shape[:before] + node.shape[len(node.shape) - behind :]
    parts = [entry for entry in spec if entry is not Ellipsis]
    some = any(part.indices(n) != (0, n, 1) for part, n in zip(parts, sizes, strict=True))
    if some:
        return COPY_SLICES
    filled = node.shape and (_is_number(node, 1) or _is_scalar(node, 1))
    return "FillBackward3" if filled else COPY


_SQUEEZED = tuple(f"SqueezeBackward{form}" for form in range(3))


def _end(node: Any) -> str:
    """The operation that a reshape without a dimension of 1 is the last step of, if it is one's."""
    if _rule_before(node) == "reshape" and _rule_before(node.parents[0]) == "matmul":
        return "Dot"
    if _rule_before(node) == "matmul":
        return "Mv" if node.parents[0].shape[-1] == 1 else "SqueezeBackward4"
    return "Convolution" if _rule_before(node) == "conv2d" else ""


def _reshape(node: Any) -> str:
    """A view, or the last step of some operations of ours."""
    before = node.parents[0].shape if node.parents else node.shape
    if _rule_before(node) == "matmul" and len(node.shape) > 1 and len(before) > len(node.shape):
        return "UnsafeView"
    guard = node.guards[0] if node.guards else None
    if guard and guard[0] is not node.storage:
        return "UnsafeView"  # of a copy
    fewer = len(before) > len(node.shape)
    same = [n for n in before if n != 1] == [n for n in node.shape if n != 1]
    return (_end(node) if fewer and same else "") or "View"


def _transpose(node: Any) -> str:
    moved = sum(i != axis for i, axis in enumerate(node.kwargs["axes"]))
    return "Permute" if moved > 2 else "Transpose"


def _matmul(node: Any) -> str:
    return "Mm" if len(node.shape) == 2 else "UnsafeView"


def _linear(node: Any) -> str:
    if len(node.constants) < 3:
        return _matmul(node)
    return "Addmm" if len(node.shape) == 2 else "View"


def _pow(node: Any) -> str:
    return "PowBackward2" if _is_number(node, 0) else "PowBackward1"


_LOSSES = {  # that end with a mean or a sum of the rule
    "binary_cross_entropy": "BinaryCrossEntropy",
    "huber": "HuberLoss",
    "logits_error": "BinaryCrossEntropyWithLogits",
    "squared_error": "MseLoss",
}
_NAMES: dict[str, str | Callable[[Any], str]] = {
    "complex_of": "Complex",
    "fourier": "FftC2C",
    "fourier_of_real": "FftR2C",
    "fourier_to_real": "FftC2R",
    "imag": "Select",
    "modulus": "Abs",
    "real": "Select",
    **_LOSSES,
    "amax": _extreme("Max"),
    "amin": _extreme("Min"),
    "batch_norm": "NativeBatchNorm",
    "batch_norm_eval": "NativeBatchNorm",
    "cast": "ToCopy",
    "at_least": "Clamp",
    "at_most": "Clamp",
    "between": "Clamp",
    "ctc": "CtcLoss",
    "div_floor": "DivBackward2",
    "div_trunc": "DivBackward2",
    "entr": "SpecialEntr",
    "erfcx": "SpecialErfcx",
    "floor_divide": NO_GRADIENT,
    "gammainc": "Igamma",
    "gammaincc": "Igammac",
    "i0e": "SpecialI0E",
    "i1": "SpecialI1",
    "i1e": "SpecialI1E",
    "pinv": "LinalgPinv",
    "copysign": _forms("Copysign", "0", "1", "0"),
    "fmod": _forms("Fmod", "1", "0", "1"),
    "remainder": _forms("Remainder", NO_GRADIENT, "0", "1"),
    "xlogy": _forms("Xlogy", "1", "2", "0"),
    "xlog1py": _forms("SpecialXlog1Py", "1", "2", "0"),
    "cholesky": "LinalgCholeskyEx",
    "clamp": "ClampBackward1",
    "concatenate": "Cat",
    "contiguous": "Clone",
    "conv2d": "Convolution",
    "conv_transpose2d": "Convolution",
    "cross_entropy": "NllLoss",
    "cross_entropy_probabilities": "DivBackward1",
    "det": "LinalgDet",
    "div": lambda node: "Mul" if _begins_with_number(node) else "Div",
    "eigh": "LinalgEigh",
    "fold": "Col2Im",
    "gelu_tanh": "Gelu",
    "getitem": _getitem,
    "inv": "LinalgInvEx",
    "layer_norm": "NativeLayerNorm",
    "linear": _linear,
    "matmul": _matmul,
    "max_pool2d": "MaxPool2DWithIndices",
    "relu_of_kept": "MaxPool2DWithIndices",  # behind which it is
    "mean": _reduction("Mean"),
    "norm": "LinalgVectorNorm",
    "p_norm": "LinalgVectorNorm",
    "poisson_error": "Sub",
    "pow": _pow,
    "power": "Pow",
    "reshape": _reshape,
    "scatter_along": "Scatter",
    "setitem": _setitem,
    "solve": "LinalgSolveEx",
    "sub": lambda node: "RsubBackward1" if _begins_with_number(node) else "Sub",
    "sum": _reduction("Sum"),
    "transpose": _transpose,
    "unique": "Unique2",
    "unfold": "Im2Col",
    "windows": "Unfold",
}
