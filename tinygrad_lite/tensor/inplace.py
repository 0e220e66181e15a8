"""What changes a tensor in place: the ordinary form runs, then its result is written there.

An operation that is recorded gives the tensor a new place in the graph; the version counter
of its memory goes up, so that a gradient which needs the old elements raises instead of
using the new ones.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, cast

from ..backend import capture, namespace, random
from ..backend.dtypes import FLOATING
from ..graph import Leaf, Node, mode
from ..ops import shape as shape_ops
from .apply import apply
from .base import TensorBase, new
from .dims import axis
from .methods import prepare_index
from .promote import scalar_tensor, to_dtype

if TYPE_CHECKING:
    from .tensor import Tensor

P = ParamSpec("P")


def change(input: Tensor, name: str, operation: Callable[[Tensor], Tensor], *others: Any) -> Tensor:
    """Replace the elements by those of `operation(input)`."""
    recorded = mode.grad and any(
        isinstance(t, TensorBase) and t.requires_grad for t in (input, *others)
    )
    if recorded:
        _check_may_record(input, name)
    source: Any = input
    if recorded:  # the graph may need the old elements
        source = new(namespace(input.array).copy(input.array))
        source._node = input._node
    result = operation(source)
    if result.shape != input.shape:
        raise RuntimeError(
            f"{name}: output with shape {input.shape} doesn't match the broadcast shape "
            f"{result.shape}"
        )
    if result.dtype != input.dtype:
        if result.dtype.kind in FLOATING and input.dtype.kind not in FLOATING:
            raise RuntimeError(f"{name}: result type {result.dtype} can't be cast to {input.dtype}")
        result = to_dtype(result, input.dtype)
    write(input, name, ..., result)
    if recorded:
        input._storage.recorded = input._storage.version
        input._node = node = result._node
        if isinstance(node, Node):
            node.value, node.storage = weakref.ref(input.array), input._storage
            node.version = input._storage.version
    return input


def write(input: Tensor, name: str, index: Any, value: TensorBase) -> None:
    """Change elements, and say so in the version counter."""
    repeats = (s == 0 and n > 1 for s, n in zip(input.array.strides, input.shape, strict=True))
    if any(repeats) and 0 not in input.shape:
        raise RuntimeError(
            f"{name}: unsupported operation: more than one element of the written-to tensor "
            "refers to a single memory location; clone() the tensor first"
        )
    if type(value.array) is not type(input.array):
        raise RuntimeError(
            f"{name}: expected all tensors on one device, but found {input.device} and "
            f"{value.device}"
        )
    try:
        input.array[index] = value.array
    except ValueError as error:
        raise RuntimeError(
            f"{name}: can't write a value of shape {value.shape} into a tensor of shape "
            f"{input.shape}: {error}"
        ) from None
    input._storage.version += 1


def _check_may_record(input: Tensor, name: str) -> None:
    if isinstance(input._node, Leaf):
        raise RuntimeError(
            f"{name}: a leaf Variable that requires grad is being used in an in-place "
            "operation; do it under no_grad(), or on .data"
        )
    if input._seen >= 0:
        raise RuntimeError(
            f"{name}: in-place operations that need a gradient are not supported on a view "
            f"(shape {input.shape}); use the out-of-place form, or change the base"
        )


def both(
    function: Callable[Concatenate[Tensor, P], Tensor],
) -> tuple[Callable[Concatenate[Tensor, P], Tensor], Callable[Concatenate[Tensor, P], Tensor]]:
    """A function and its form that changes its first argument: `exp, exp_ = both(exp)`."""
    name = f"{function.__name__}_"

    def call(input: Tensor, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        def operation(x: Tensor) -> Tensor:
            return function(x, *args, **kwargs)

        return change(input, name, operation, *args, *kwargs.values())

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"`{function.__name__}` in place."
    call.__wrapped__ = function  # type: ignore[attr-defined]  # for its signature
    return function, cast("Callable[Concatenate[Tensor, P], Tensor]", call)


def copy_(input: Tensor, source: Tensor) -> Tensor:
    """Take the elements of another tensor, cast and moved to this one's device."""
    if not isinstance(source, TensorBase):
        raise TypeError(f"copy_: expected a Tensor, but got {type(source).__name__}")
    moved = source.to(input.device.type)
    expand = lambda _: to_dtype(moved, input.dtype).expand(input.shape)  # noqa: E731
    return change(input, "copy_", expand, source)


def fill_(input: Tensor, value: float) -> Tensor:
    """Set every element to a number."""
    if mode.grad and input.requires_grad:  # it stays in the graph, with a gradient of 0
        return change(input, "fill_", lambda x: x.masked_fill(x.eq(x) | x.ne(x), value))
    return change(input, "fill_", lambda x: scalar_tensor(value, x).expand(x.shape))


def zero_(input: Tensor) -> Tensor:
    """Set every element to 0."""
    return fill_(input, 0)


def normal_(
    input: Tensor, mean: float = 0, std: float = 1, *, generator: random.Generator | None = None
) -> Tensor:
    """Fill with draws from N(mean, std²)."""
    if std < 0:
        raise RuntimeError(f"normal_: expects std >= 0, but found std {std}")
    return _draw(
        input, lambda: random.normal(input.shape, input.dtype, generator) * std + mean, "normal_"
    )


def uniform_(
    input: Tensor, low: float = 0, high: float = 1, *, generator: random.Generator | None = None
) -> Tensor:
    """Fill with draws uniform on [low, high)."""
    return _draw(
        input,
        lambda: random.uniform(input.shape, input.dtype, generator) * (high - low) + low,
        "uniform_",
    )


def bernoulli_(
    input: Tensor, p: float = 0.5, *, generator: random.Generator | None = None
) -> Tensor:
    """Fill with 1 (with probability p) and 0."""
    return _draw(input, lambda: random.uniform(input.shape, "float32", generator) < p, "bernoulli_")


def _draw(input: Tensor, draw: Callable[[], Any], name: str) -> Tensor:
    xp = namespace(input.array)
    drawn = new(xp.astype(capture.feed(xp, draw), input.dtype))
    return change(input, name, lambda _: drawn)


def setitem(input: Tensor, index: Any, value: Any) -> None:
    """Write elements at an index, as in NumPy."""
    spec, indices = shape_ops.split(prepare_index(input, index))
    if not isinstance(value, TensorBase):
        value = scalar_tensor(value, input)
    value = to_dtype(value, input.dtype)
    if not (mode.grad and (input.requires_grad or value.requires_grad)):
        index = shape_ops.fill(spec, tuple(i.array for i in indices))
        write(input, "setitem", index, value)
        return
    change(
        input, "setitem", lambda x: apply(shape_ops.setitem, x, value, *indices, spec=spec), value
    )


def scatter_(input: Tensor, dim: int, index: Tensor, src: Any) -> Tensor:
    """Write a number, or src's elements, at input[i, index[i, j, …], …] for dim 1, and so on.

    Raises:
        RuntimeError: a gradient would be needed, an index out of range, or sizes that do
            not fit.
    """
    at = axis("scatter_", input, dim)
    own = isinstance(src, TensorBase)
    if mode.grad and (input.requires_grad or (own and src.requires_grad)):
        _check_may_record(input, "scatter_")
        raise RuntimeError("scatter_: gradients are not supported; use it under no_grad()")
    shape = index.shape
    fits = index.ndim == input.ndim > 0 and not (own and src.ndim != input.ndim)
    others = [n <= m for d, (n, m) in enumerate(zip(shape, input.shape, strict=False)) if d != at]
    if not fits or not all(others) or (own and any(map(int.__gt__, shape, src.shape))):
        raise RuntimeError(
            f"scatter_: an index of shape {shape} does not fit a tensor of shape {input.shape}"
        )
    xp = namespace(input.array)
    if (
        index.numel()
        and not 0 <= int(index.array.min()) <= int(index.array.max()) < (input.shape[at])
    ):
        raise RuntimeError(f"scatter_: index out of range for size {input.shape[at]}")
    places = list(xp.meshgrid(*map(xp.arange, shape), indexing="ij", sparse=True))
    places[at] = index.array
    value = src.array[tuple(map(slice, shape))] if own else xp.asarray(src, dtype=input.dtype)
    write(input, "scatter_", tuple(places), new(value))
    return input
