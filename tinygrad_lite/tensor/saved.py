"""What nodes show of what PyTorch's keep: `grad_fn._saved_self`, and hooks of one such tensor.

A rule keeps what its VJPs capture: often what PyTorch's operation keeps, but under no name. So an
input is taken from the graph by its position, as for second derivatives (`rerun`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..backend import numpy
from ..engine import saved_vjps
from ..graph import Leaf, Node, Packed, mode
from .base import new
from .differentiate import run_backward
from .rerun import Rerun
from .saving import Hooks, packed

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["SavedTensor", "names", "saved"]

_WORDS = {
    "self": "Abs Acos Acosh Asin Asinh Atan Atanh AvgPool2D Clamp1 Cos Cosh Digamma Elu Erf Erfc "
    "Gelu Hardswish Hardtanh I0 LeakyRelu Lgamma Log Log10 Log1P Log2 LogSigmoid "
    "MaxPool2DWithIndices Silu Sin Sinc Sinh Softplus Var",
    "=result": "Erfinv Exp Exp2 Expm1 LogSoftmax Relu Sigmoid Softmax Sqrt Tan Tanh",
    "self =result": "Amax Amin Cumprod LinalgDet LinalgVectorNorm Logsumexp Max1 Min1 Std",
    "=inverse": "LinalgInvEx",
    "self exponent": "Pow0",
    "self exponent =result": "Pow1 Pow2",
    "self other": "Atan2 Div Maximum Minimum Mul",
    "self other =result": "Hypot",
    "self mat2": "Mm",
    "mat1 mat2": "Addmm",
    "input weight": "Convolution NativeBatchNorm",
    "input weight bias": "NativeLayerNorm",
    "self target": "BinaryCrossEntropy BinaryCrossEntropyWithLogits HuberLoss MseLoss",
    "- target": "NllLoss",
    "- indices": "Embedding",
    "self index": "Gather",
    "condition": "Where",
    "mask": "MaskedFill",
}
_KEPT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {node: tuple(words.split()) for words, nodes in _WORDS.items() for node in nodes.split()}
)
"""By PyTorch's name of a node, without "Backward" and a 0: what it calls inputs; `=` the output."""

_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "alpha": "alpha",
        "beta": "beta",
        "dim": "axis",
        "keepdim": "keepdims",
        "max": "max",
        "max_val": "max_val",
        "min": "min",
        "min_val": "min_val",
        "negative_slope": "negative_slope",
        "threshold": "threshold",
    }
)
"""What PyTorch's nodes call arguments that are no tensors, and our rules."""

_PRODUCTS = frozenset({"Addmm", "Mm", "Mul"})
"""Nodes that need an input only for the gradient of another; of `Div` it is the first."""


def _words(node: Node) -> tuple[str, ...]:
    """What PyTorch calls a node's inputs and output, by position; () where nothing is known."""
    name = node.name().replace("Backward", "")
    return () if node.custom else _KEPT.get(name) or _KEPT.get(name.removesuffix("0"), ())


def _inner(node: Node) -> Node:
    """The node that has the inputs: of a loss the one before its mean."""
    before = node.parents[0] if node.operation in ("mean", "sum") and node.parents else None
    return before if isinstance(before, Node) else node


def names(node: Node) -> list[str]:
    """The names of what a node shows as kept."""
    tensors = [word.removeprefix("=") for word in _words(node) if word != "-"]
    settings = [theirs for theirs, ours in _SETTINGS.items() if tensors and ours in node.kwargs]
    return [f"_saved_{word}" for word in tensors + settings] + [f"_raw_saved_{w}" for w in tensors]


def saved(node: Node, name: str) -> Any:
    """A node's attribute such as `_saved_self`: a tensor, or a setting; or `_raw_saved_self`.

    Raises:
        AttributeError: no such thing is kept.
        RuntimeError: a backward pass has freed it, or it was changed in place since.
    """
    word = name.partition("saved_")[2]
    if name not in names(node):
        raise AttributeError(f"{type(node).__name__!r} object has no attribute {name!r}")
    for position, given in enumerate(_words(node)):
        if word == given.removeprefix("="):
            tensor = SavedTensor(node, -1 if given[0] == "=" else position)
            return tensor if name[1] == "r" else tensor.value()
    return node.kwargs[_SETTINGS[word]]


class SavedTensor:
    """One tensor that a node keeps, as `grad_fn._raw_saved_self`.

    Args:
        node: the node.
        position: of the input, −1 for the output.

    Raises:
        RuntimeError: a backward pass has freed it.
    """

    def __init__(self, node: Node, position: int) -> None:
        self._kind = node.name().partition("Backward")[0]
        self._node = node = _inner(node)
        if node.vjps is None:
            saved_vjps(node)  # which says that it is freed
        swapped = self._kind == "Mul" and node.constants[0] is not None and position >= 0
        self._position = 1 - position if swapped and node.parents[0] is None else position

    def value(self) -> Any:
        """The tensor, at its place in the graph; None if it is not kept.

        Raises:
            RuntimeError: it was changed in place since.
        """
        node, position = self._node, self._position
        self._check()
        if isinstance(node.vjps, Packed) and position % (len(node.parents) + 1) in node.vjps.boxes:
            unpacked = new(node.vjps.boxes[position % (len(node.parents) + 1)].open())
            unpacked._node = node if position < 0 else node.parents[position]
            return unpacked
        if position < 0:
            out = new(Rerun(run_backward).output(node))
            out._node = node
            return out
        others = [parent for i, parent in enumerate(node.parents[:2]) if i != position]
        if others == [None] and (self._kind in _PRODUCTS or (self._kind == "Div" and not position)):
            return None
        parent = node.parents[position]
        alive = parent.tensor() if isinstance(parent, Leaf) else None
        found = Rerun(run_backward).tensor_input(node, position) if alive is None else alive
        if position == 1 and node.operation == "linear":
            return found.T
        if isinstance(found, int | float) and self._kind != "Pow":
            return new(numpy.asarray(found))
        return found

    def _check(self) -> None:
        """Refuse what was changed since."""
        node, position = self._node, self._position
        guard = (node.storage, node.version) if position < 0 else node.guards[position]
        if guard is not None and guard[0].version != guard[1]:
            which = "the output" if position < 0 else f"input {position}"
            raise RuntimeError(
                f"{node.operation}: {which}, needed for its gradient, has been modified by an "
                f"in-place operation: it is at version {guard[0].version}, expected version "
                f"{guard[1]}"
            )

    def register_hooks(
        self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]
    ) -> None:
        """Keep what `pack_hook` makes of the tensor, as `graph.saved_tensors_hooks` does of all.

        Where the rule keeps something else, such as a mask, the hook is not called.

        Raises:
            RuntimeError: there are hooks already.
        """
        node = self._node
        if isinstance(node.vjps, Packed):
            raise RuntimeError("register_hooks: hooks of this saved tensor have been set already")
        tensor, vjps = self.value(), node.vjps
        inputs: list[Any] = [None] * (len(node.parents) + 1)
        inputs[self._position] = tensor
        before, mode.saving = mode.saving, Hooks(pack_hook, unpack_hook)
        try:
            node.vjps = packed(vjps, inputs, alone=True)  # type: ignore[arg-type]
        finally:
            mode.saving = before
