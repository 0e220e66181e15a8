"""A call as data, and its outcome on either library.

An argument is a `Given` (a tensor to be made), a Python or NumPy value, or a list, tuple or dict
of arguments. `run` makes the tensors, calls, and reports what a user could see: results, dtypes,
gradients, whether results share memory with arguments, whether arguments changed, or the error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import tinygrad_lite

LIBRARIES = {"ours": tinygrad_lite, "torch": torch}
_TORCH_DTYPES = {
    name: getattr(torch, name)
    for name in (
        "bool",
        "uint8",
        "int8",
        "int16",
        "int32",
        "int64",
        "float16",
        "float32",
        "float64",
    )
}


@dataclass(frozen=True)
class Given:
    """A tensor to be made: its elements, how it lies in memory, whether it requires a gradient.

    `layout`: "plain" (contiguous), "turned" (reversed dimensions), "spread" (every second element
    of the last dimension), "offset" (a slice of a longer array).
    """

    values: np.ndarray[Any, Any]
    layout: str = "plain"
    requires_grad: bool = False

    def make(self, library: str) -> Any:
        """The tensor of a library, in memory of its own."""
        tensor = _from_numpy(library, self._base())
        if self.layout == "turned":
            tensor = tensor.permute(tuple(reversed(range(self.values.ndim))))
        if self.layout == "spread":
            tensor = tensor[..., ::2]
        if self.layout == "offset":
            tensor = tensor[1:]
        return tensor.requires_grad_() if self.requires_grad else tensor

    def _base(self) -> np.ndarray[Any, Any]:
        values = self.values
        if self.layout == "turned":
            return np.array(values.T, order="C")
        if self.layout == "spread":
            wide = np.zeros((*values.shape[:-1], 2 * values.shape[-1]), values.dtype)
            wide[..., ::2] = values
            return wide
        if self.layout == "offset":
            return np.concatenate([np.zeros((1, *values.shape[1:]), values.dtype), values])
        return np.array(values)

    def __repr__(self) -> str:
        extra = "" if self.layout == "plain" else f", {self.layout}"
        extra += ", requires_grad" if self.requires_grad else ""
        text = np.array2string(self.values, threshold=16, precision=5, separator=", ")
        text = text.replace("\n", "")
        return f"T({self.values.dtype}{list(self.values.shape)}{extra}: {text})"


def _from_numpy(library: str, array: np.ndarray[Any, Any]) -> Any:
    return LIBRARIES[library].from_numpy(array)


@dataclass(frozen=True)
class Call:
    """A function by its dotted name under the package, or ".name" for a method, and arguments."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    function: Callable[..., Any] | None = None  # of (library's module, *args), for operators

    def __repr__(self) -> str:
        words = [repr(a) for a in self.args] + [f"{k}={v!r}" for k, v in self.kwargs.items()]
        return f"{self.name}({', '.join(words)})"


@dataclass
class Outcome:
    """What a call did. `error` is the exception, or None."""

    error: Exception | None = None
    kind: str = ""  # the result's structure, such as "tensor" or "tuple[2]"
    results: list[Any] = field(default_factory=list)  # arrays and plain values, flattened
    dtypes: list[str] = field(default_factory=list)
    shares: list[bool] = field(default_factory=list)  # each result with any argument
    refuses_view: list[bool] = field(default_factory=list)  # its memory order allows no view(-1)
    needs_grad: list[bool] = field(default_factory=list)
    after: list[Any] = field(default_factory=list)  # the arguments' elements afterwards
    cotangents: list[Any] = field(default_factory=list)  # what the results that need one are given
    gradients: list[Any] | Exception = field(default_factory=list)
    second: list[Any] | Exception = field(default_factory=list)  # of the arguments and cotangents


def run(library: str, call: Call, *, seed: int = 0, cotangents: Any = None) -> Outcome:
    """Make the arguments, call, and look at everything a user can see.

    Cotangents are drawn from a seed, if they are not given.
    """
    made: list[Any] = []
    args = _build(library, call.args, made)
    kwargs = _build(library, call.kwargs, made)
    out = Outcome()
    try:
        result = _target(library, call)(*args, **kwargs)
    except Exception as error:
        out.error = error
        return out
    leaves = list(_flatten(result))
    out.kind = _kind(result)
    for leaf in leaves:
        is_tensor = _is_tensor(leaf)
        out.results.append(_array(leaf) if is_tensor else leaf)
        out.dtypes.append(_dtype(leaf) if is_tensor else type(leaf).__name__)
        out.shares.append(is_tensor and any(_share(leaf, tensor) for tensor in made))
        out.refuses_view.append(is_tensor and _refuses_view(leaf))
        out.needs_grad.append(is_tensor and bool(leaf.requires_grad))
    out.after = [_array(tensor) for tensor in made]
    wanted = [t for t in made if t.requires_grad and t.is_leaf]
    if wanted:
        outputs = [t for t in leaves if _is_tensor(t) and t.requires_grad]
        out.cotangents = cotangents or _drawn(outputs, seed)
        mild = all(_mild(t) for t in (*made, *outputs))
        out.gradients, first = _gradients(library, outputs, wanted, out.cotangents, mild)
        if mild and first:
            out.second = _second(library, wanted, *first, seed)
    return out


def in_float64(call: Call) -> Call:
    """The same call with every floating-point tensor and dtype as float64."""

    def wide(value: Any) -> Any:
        if isinstance(value, Given) and value.values.dtype.kind == "f":
            return Given(value.values.astype("float64"), value.layout, value.requires_grad)
        if isinstance(value, np.dtype) and value.kind == "f":
            return np.dtype("float64")
        if isinstance(value, list | tuple):
            return type(value)([wide(v) for v in value])
        return {k: wide(v) for k, v in value.items()} if isinstance(value, dict) else value

    return Call(call.name, wide(call.args), wide(call.kwargs), call.function)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor | tinygrad_lite.Tensor)


def _drawn(outputs: list[Any], seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    kinds = [_dtype(t).replace("bfloat16", "float32") for t in outputs]
    return [
        np.asarray(rng.standard_normal(tuple(t.shape))).astype(kind)
        for t, kind in zip(outputs, kinds, strict=True)
    ]


def _gradients(
    library: str, outputs: list[Any], wanted: list[Any], cotangents: Any, again: bool
) -> tuple[Any, Any]:
    """The gradients as arrays; if they are wanted again, also cotangents and gradients in a graph.

    The second come from a pass of their own: one that is not recorded takes other ways.
    """
    if not outputs:
        return [], None
    grad = LIBRARIES[library].autograd.grad
    given = [
        _from_numpy(library, np.asarray(c, _dtype(t).replace("bfloat16", "float32"))).to(t.dtype)
        for t, c in zip(outputs, cotangents, strict=True)
    ]
    try:
        found = grad(outputs, wanted, given, allow_unused=True, retain_graph=again)
    except Exception as error:
        return error, None
    arrays = [None if g is None else _array(g) for g in found]
    if not again:
        return arrays, None
    given = [t.requires_grad_() for t in given]
    try:
        found = grad(outputs, wanted, given, allow_unused=True, create_graph=True)
    except Exception as error:
        return arrays, (given, error)
    return arrays, (given, found)


def _second(library: str, wanted: list[Any], given: list[Any], first: Any, seed: int) -> Any:
    """Derivatives of the weighted gradients by arguments and cotangents, zeros if they are free."""
    if isinstance(first, Exception):
        return first
    draws = _drawn(wanted, seed + 1)
    pairs = [
        (g, _from_numpy(library, np.asarray(c)))
        for g, c in zip(first, draws, strict=True)
        if g is not None and g.requires_grad
    ]
    if not pairs:
        return [np.zeros_like(_array(t)) for t in (*wanted, *given)]
    outputs, weights = zip(*pairs, strict=True)
    try:
        found = LIBRARIES[library].autograd.grad(
            outputs, [*wanted, *given], weights, allow_unused=True
        )
    except Exception as error:
        return error
    pairs = zip(found, [*wanted, *given], strict=True)
    return [np.zeros_like(_array(t)) if g is None else _array(g) for g, t in pairs]


def _mild(tensor: Any) -> bool:
    """Whether second derivatives are worth comparing: no extremes, no 16 bits."""
    return _dtype(tensor) != "float16" and bool(np.all(np.abs(_array(tensor) * 1.0) < 100))


def _target(library: str, call: Call) -> Callable[..., Any]:
    module = LIBRARIES[library]
    if call.function is not None:
        function = call.function
        return lambda *args, **kwargs: function(module, *args, **kwargs)
    if call.name.startswith("."):
        name = call.name[1:]
        return lambda first, *args, **kwargs: getattr(first, name)(*args, **kwargs)
    found: Any = module
    for part in call.name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def exists(library: str, name: str) -> bool:
    """Whether a library has a function or (".name") a method."""
    found: Any = LIBRARIES[library]
    for part in ("Tensor" + name if name.startswith(".") else name).split("."):
        found = getattr(found, part, None)
    return found is not None


def _build(library: str, value: Any, made: list[Any]) -> Any:
    if isinstance(value, Given):
        made.append(value.make(library))
        return made[-1]
    if isinstance(value, np.dtype):
        return _TORCH_DTYPES[value.name] if library == "torch" else value
    if isinstance(value, list | tuple):
        return type(value)([_build(library, v, made) for v in value])
    if isinstance(value, dict):
        return {k: _build(library, v, made) for k, v in value.items()}
    return value


def _flatten(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple) and not hasattr(value, "numel"):  # torch.Size is a value
        for part in value:
            yield from _flatten(part)
    else:
        yield value


def _kind(value: Any) -> str:
    if _is_tensor(value):
        return "tensor"
    if isinstance(value, list):
        return f"list[{len(value)}]"
    if isinstance(value, tuple):
        return f"tuple[{len(value)}]"
    return type(value).__name__


def _array(tensor: Any) -> np.ndarray[Any, Any]:
    """Its elements; bfloat16 as float32."""
    tensor = tensor.detach().float() if _dtype(tensor) == "bfloat16" else tensor
    if isinstance(tensor, torch.Tensor):
        return np.array(tensor.numpy(force=True))  # also what PyTorch keeps as a lazy zero
    return np.array(tensor.detach().numpy())


def _dtype(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _share(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        if not a.numel() or not b.numel():
            return False
        return bool(a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr())
    return bool(np.may_share_memory(_root(a.array), _root(b.array))) and math.prod(a.shape) > 0


def _refuses_view(tensor: Any) -> bool:
    try:
        tensor.detach().view(-1)
    except RuntimeError:
        return True
    return False


def _root(array: Any) -> Any:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
