"""What changes a tensor in place: the ordinary form runs, then its result is written there.

An operation that is recorded gives the tensor a new place in the graph; the version counter
of its memory goes up, so that a gradient which needs the old elements raises instead of
using the new ones.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, cast

from ..backend import capture, namespace, numpy, random
from ..backend.dtypes import FLOATING
from ..graph import Leaf, Node, mode
from ..ops import shape as shape_ops
from .apply import apply
from .base import TensorBase, new
from .index import read_index
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
    """Write elements at an index.

    Raises:
        TypeError: the value is neither a tensor nor a number.
        RuntimeError: it does not fit, or (beside indices) has another dtype.
    """
    view, places = read_index(input, index)
    value = _assigned(input, value, bool(places))
    if view and places:
        input, view = apply(shape_ops.getitem, input, spec=view), ()
    spec, indices = shape_ops.split(places or view)
    if not (mode.grad and (input.requires_grad or value.requires_grad)):
        write(input, "setitem", shape_ops.fill(spec, tuple(i.array for i in indices)), value)
        return
    change(
        input, "setitem", lambda x: apply(shape_ops.setitem, x, value, *indices, spec=spec), value
    )


def _assigned(input: Tensor, value: Any, indexed: bool) -> Tensor:
    if not isinstance(value, TensorBase):
        if not isinstance(value, int | float | numpy.number):
            raise TypeError(
                f"setitem: can't assign a {type(value).__name__} to a tensor of {input.dtype}; "
                "use tensor(...)"
            )
        return scalar_tensor(value, input)
    if indexed and value.dtype != input.dtype:
        raise RuntimeError(
            f"setitem: an index of tensors requires the source and destination dtypes to match, "
            f"but they are {value.dtype} and {input.dtype}"
        )
    return to_dtype(value, input.dtype)
