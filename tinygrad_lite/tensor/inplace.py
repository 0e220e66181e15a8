"""What changes a tensor in place: the ordinary form runs, then its result is written there.

An operation that is recorded gives the tensor a new place in the graph; the version counter
of its memory goes up, so that a gradient which needs the old elements raises instead of
using the new ones. A change of a view is a change of its base,

    base ← where(the view lies here, the view's new elements, base),

and the base and all its views then differentiate as if that had been written out of place
(PyTorch: rebasing the history).
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, cast

from ..backend import capture, namespace, numpy, random
from ..backend.dtypes import DIFFERENTIABLE, FLOATING
from ..backend.flat import root
from ..grad_names import COPY_SLICES
from ..graph import Leaf, Node, mode
from ..ops import shape as shape_ops
from ..ops.elementwise import overwrite, where
from . import twins
from .apply import apply, check_base, in_order, own_words, replay
from .base import Steps, TensorBase, new
from .index import common_shape
from .info import finfo
from .modes import no_grad
from .operation import refuse
from .promote import element, filling, to_dtype
from .shown import NAMES, called, name_result
from .source_line import user_level

if TYPE_CHECKING:
    from .tensor import Tensor

P = ParamSpec("P")


def change(input: Tensor, name: str, operation: Callable[[Tensor], Tensor], *others: Any) -> Tensor:
    """Replace a tensor's elements by those of `operation(input)`, in place.

    Args:
        input: what is changed, and returned.
        name: the operation's, for messages.
        operation: the ordinary form, which gives a new tensor.
        others: its other operands: if one requires a gradient, the change is recorded.

    Raises:
        RuntimeError: the result does not fit, or the change can't be recorded (`base_of`).
    """
    others = tuple(t for t in others if isinstance(t, TensorBase))
    whole = input if input._view is None else input._view[0]
    if not (mode.grad and any(t.requires_grad for t in (whole, input, *others))):
        write(input, name, ..., _fitting(operation(input), input, name))
        return input
    base, steps = base_of(input, name)
    old = new(namespace(base.array).copy(base.array))  # the graph may need the old elements
    old._node = base._node
    if isinstance(base._node, Node) and base._node.custom:
        base._node.outlive(old.array, old._storage)
    part = replay(old, steps)
    result = _fitting(operation(part), input, name)
    if part._node is not None and (result._node is None or name in _OF_ALL):
        result = apply(overwrite, part, result)  # the old elements' gradient is 0, and not missing
    changed = _spread(result, old, steps) if steps else result
    write(input, name, ..., result)
    _move(base, changed)
    return input


def adopt(input: Tensor, result: Tensor, base: Tensor, steps: Steps) -> None:
    """Record a change that was made already: the elements came from the node of `result`.

    Args:
        input: what was changed.
        result: a tensor of its elements, with a place in the graph.
        base, steps: of the input, as `base_of` gave them.
    """
    old = new(base.array)
    old._node = base._node
    _move(base, _spread(result, old, steps) if steps else result)


def _move(base: Tensor, changed: Tensor) -> None:
    """Give a base, whose elements were changed, the place of a tensor with the new ones."""
    node, before = changed._node, base._node
    base._storage.moves += 1
    base._node = node
    if isinstance(node, Node):
        if isinstance(before, Node) and before.retainer is not None:
            node.retainer, before.retainer = before.retainer, None
        node.value, node.storage = weakref.ref(base.array), base._storage
        node.version = base._storage.version


def base_of(input: Tensor, name: str) -> tuple[Tensor, Steps]:
    """The base that a recorded change of a tensor really changes, and the steps to that tensor.

    Of a tensor that is no view: itself, and no steps.

    Raises:
        RuntimeError: a leaf that requires a gradient, a view of one, or a view that was made
            without recording, or whose base was given other memory by `.data = …`.
    """
    base, steps = input._view or (input, ())
    check_base(base)
    if base._storage is not input._storage and base._storage is not input._storage.counts:
        raise RuntimeError(
            f"{name}: this view of shape {tuple(input.shape)} lies in memory that its base left "
            "when its .data was set; make the view again"
        )
    if isinstance(base._node, Leaf):
        what = "a view of a leaf" if steps else "a leaf"
        raise RuntimeError(
            f"{name}: {what} Variable that requires grad is being used in an in-place "
            "operation; do it under no_grad(), or on .data"
        )
    if steps is None:
        raise RuntimeError(
            f"{name}: a view of shape {tuple(input.shape)} that was made without recording (under "
            "no_grad(), or inside of a Function) can't be changed by a recorded operation; make "
            "the view again"
        )
    return base, steps


def _spread(part: Tensor, old: Tensor, steps: Steps) -> Tensor:
    """The base's old elements, but `part` where the view of `steps` lies."""
    kinds = old.array.dtype.kind, part.array.dtype.kind
    if "c" in kinds:  # the view may be of real parts, and lie in a half of each element
        hole = apply(shape_ops.spread, replay(old, steps), old.detach(), steps=in_order(steps))
        parts = apply(shape_ops.spread, part, old.detach(), steps=in_order(steps))
        return called(old - hole + parts, COPY_SLICES)
    with no_grad():
        ones = new(namespace(part.array).ones_like(part.array))
        here = apply(shape_ops.spread, ones, old, steps=in_order(steps)).ne(0)
    parts = apply(shape_ops.spread, part, old.detach(), steps=in_order(steps))
    return called(apply(where, here, parts, old), COPY_SLICES)


def _fitting(result: Tensor, input: Tensor, name: str) -> Tensor:
    """A result in a tensor's dtype.

    Raises:
        RuntimeError: it has another shape, or floats that the tensor can't hold.
    """
    if result.shape != input.shape:
        raise RuntimeError(
            f"{name}: output with shape {tuple(input.shape)} doesn't match the broadcast shape "
            f"{tuple(result.shape)}"
        )
    if result.array.dtype == input.array.dtype:
        return result
    if name in ("abs_", "absolute_") and input.array.dtype.kind == "c":
        raise RuntimeError(f"{name}: In-place abs is not supported for complex tensors.")
    narrower = _HIGHER.get(input.dtype.kind, "")
    if result.dtype.kind in narrower:
        raise RuntimeError(f"{name}: result type {result.dtype} can't be cast to {input.dtype}")
    node, cast = result._node, to_dtype(result, input.array.dtype)
    title = node.name() if isinstance(node, Node) else ""
    if title.endswith("Backward0"):  # PyTorch casts within the operation, whose name the node has
        called(cast, title.removesuffix("Backward0"))
    return cast


_OF_ALL = ("copy_", "fill_")
"""What leaves nothing of the old elements."""

_HIGHER = {"b": "iu" + DIFFERENTIABLE, "i": DIFFERENTIABLE, "u": DIFFERENTIABLE, "f": "c", "V": "c"}
"""By a dtype's kind, those that it can't take the results of."""


def repeats(array: Any) -> bool:
    """Whether several elements are one in memory, as `expand` makes them."""
    return any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True))


_WARNING = frozenset({"masked_fill_", "index_fill_", "index_put_"})
_OF_SOME = _WARNING | {"fill_diagonal_", "tril_", "triu_"}
"""What changes some elements, and takes tensors of which several elements are one in memory."""


def _overlaps(array: Any, name: str) -> bool:
    """Whether several elements are one; of `as_strided`'s asked where some elements must stay."""
    if name not in _OF_SOME:
        return repeats(array)
    reach = sum((n - 1) * abs(s) for s, n in zip(array.strides, array.shape, strict=True))
    return bool(reach + array.dtype.itemsize < array.nbytes)


def _changed(value: Any, array: Any) -> Any:
    """The places where a value is new: the others would undo what their memory got elsewhere."""
    return (value != array) & ((value == value) | (array == array))  # a NaN is no new NaN


def _warn_ofrepeats(name: str) -> None:
    warnings.warn(
        f"Use of {name} on expanded tensors is deprecated. Please clone() the tensor before "
        "performing this operation. This also applies to advanced indexing e.g. tensor[mask] = "
        "scalar",
        UserWarning,
        stacklevel=user_level(),
    )


def write(input: Tensor, name: str, index: Any, value: TensorBase) -> None:
    """Write elements at an index, and count the change of the memory.

    Raises:
        RuntimeError: the value does not broadcast to the place, is on another device, or several
            elements of the tensor are one in memory.
        IndexError: the index is out of range.
    """
    array = input.array
    if 0 in input.shape:  # NumPy's broadcast views of nothing are read-only too
        array = namespace(array).empty(input.shape, dtype=input.array.dtype)
    elif repeats(array):
        part = array[index]
        if root(part) is root(array):
            array, index = part, ...
        else:  # picked by tensors: where several elements are one, one of the values stays
            _warn_ofrepeats("index_put_")
    if index is ... and array.size and name not in ("fill_", "zero_") and _overlaps(array, name):
        if name not in _OF_SOME or value._node is not None:  # elements of one place in the graph
            raise RuntimeError(
                f"{name}: unsupported operation: more than one element of the written-to tensor "
                "refers to a single memory location; clone() the tensor first"
            )
        if name in _WARNING and repeats(array):
            _warn_ofrepeats(name)
        index = _changed(value.array, array)
        value = new(value.array[index])
    if type(value.array) is not type(input.array):
        raise RuntimeError(
            f"{name}: expected all tensors on one device, but found {input.device} and "
            f"{value.device}"
        )
    try:
        if twins.known:
            with twins.lock:
                array[index] = value.array
                twins.changed(input.array)
        else:
            array[index] = value.array
            if twins.known:  # another thread made a first one meanwhile
                with twins.lock:
                    array[index] = value.array
                    twins.changed(input.array)
    except IndexError as error:
        raise IndexError(f"{name}: {own_words(error)}") from None
    except ValueError:
        raise RuntimeError(
            f"{name}: a value of shape {tuple(value.shape)} does not broadcast to the elements "
            f"that are written in a tensor of shape {tuple(input.shape)}"
        ) from None
    input._storage.version += 1


def both(
    function: Callable[Concatenate[Tensor, P], Tensor],
) -> tuple[Callable[Concatenate[Tensor, P], Tensor], Callable[Concatenate[Tensor, P], Tensor]]:
    """A function, and its form that changes its first argument: `exp, exp_ = both(exp)`."""
    name = f"{function.__name__}_"
    kind = NAMES.get(function.__name__)

    def call(input: Tensor, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        def operation(x: Tensor) -> Tensor:
            made = function(x, *args, **kwargs)
            return made if kind is None else name_result(kind, x._node, made, (x, *args), kwargs)

        return change(input, name, operation, *args, *kwargs.values())

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"`{function.__name__}` in place."
    call.__annotations__ = function.__annotations__
    call.__wrapped__ = function  # type: ignore[attr-defined]  # for its signature
    return function, cast("Callable[Concatenate[Tensor, P], Tensor]", call)


def copy_(input: Tensor, other: Tensor | float, non_blocking: bool = False) -> Tensor:
    """Take the elements of another tensor, or a number, cast and moved to this one's device.

    Args:
        input: what is changed.
        other: a tensor that broadcasts to its shape, or a number.
        non_blocking: has no effect.

    Example:
        >>> x = torch.zeros(2)
        >>> x.copy_(torch.tensor([1, 2]))
        tensor([1., 2.])
    """
    if not isinstance(other, TensorBase):
        kind = "complex128" if isinstance(other, complex) else "float64"
        whole = numpy.dtype("int64" if isinstance(other, int) else kind)
        other = new(numpy.asarray(element("copy_", other, whole), whole))  # and cast as a tensor is
    if other is input and not input.requires_grad:
        return input  # also where its elements overlap in memory
    moved = other.to(input.device.type)
    if common_shape("copy_", input.shape, other.shape) != input.shape:
        raise RuntimeError(
            f"copy_: shape {tuple(other.shape)} does not broadcast to {tuple(input.shape)}"
        )
    expand = lambda _: to_dtype(moved.expand(input.shape), input.array.dtype)  # noqa: E731
    return change(input, "copy_", expand, other)


def fill_(input: Tensor, value: Tensor | float) -> Tensor:
    """Set every element to a number, or to a tensor without dimensions, which is cast.

    Raises:
        RuntimeError: a number that the dtype can't hold, or a tensor with dimensions.
    """
    if isinstance(value, TensorBase) and value.device.type != input.device.type and not value.ndim:
        value = to_dtype(value, input.array.dtype)
        value = value.to(input.device.type) if value.requires_grad else value.item()
    return change(input, "fill_", lambda x: filling("fill_", value, x).expand(x.shape), value)


def zero_(input: Tensor) -> Tensor:
    """Set every element to 0."""
    return fill_(input, 0)


def normal_(
    input: Tensor, mean: float = 0, std: float = 1, *, generator: random.Generator | None = None
) -> Tensor:
    """Fill with draws from N(mean, std²).

    Raises:
        RuntimeError: std is negative, or the dtype is not floating point.
    """
    if not std >= 0:  # a NaN is not
        raise RuntimeError(f"normal_: expects std >= 0, but found std {std}")
    shift = mean * (1 + 1j) if input.array.dtype.kind == "c" else mean  # of both parts
    return draw(
        input,
        lambda: random.normal(input.shape, input.array.dtype, generator) * std + shift,
        "normal_",
        DIFFERENTIABLE,
    )


def uniform_(
    input: Tensor, from_: float = 0, to: float = 1, *, generator: random.Generator | None = None
) -> Tensor:
    """Fill with draws uniform on [from, to).

    Raises:
        RuntimeError: to is below from, a bound or their distance is not a finite number of the
            dtype, or the dtype is not floating point.
    """
    if input.array.dtype.kind in DIFFERENTIABLE:
        most = finfo(input.array.dtype).max
        for word, bound in (("from", from_), ("to", to)):
            if not abs(bound) <= most:  # nor is a NaN
                raise RuntimeError(f"uniform_: {word} is out of bounds for {input.dtype}: {bound}")
        if to < from_:
            raise RuntimeError(f"uniform_: expects from <= to, but got from={from_} and to={to}")
        if to - from_ > most:
            raise RuntimeError(f"uniform_: expects to - from <= {most}, but got {from_} and {to}")
    return draw(
        input,
        lambda: random.uniform(input.shape, input.array.dtype, generator, from_, to),
        "uniform_",
        DIFFERENTIABLE,
    )


def bernoulli_(
    input: Tensor, p: float = 0.5, *, generator: random.Generator | None = None
) -> Tensor:
    """Fill with 1 (with probability p) and 0.

    Raises:
        RuntimeError: p is no probability.
    """
    if isinstance(p, TensorBase) and p.dtype.kind not in FLOATING:
        refuse("bernoulli_", p)
    if not isinstance(p, TensorBase) and not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_: expects p to be in [0, 1], but got p={p}")
    make = lambda: random.uniform(input.shape, "float32", generator) < p  # noqa: E731
    return draw(input, make, "bernoulli_", kinds=FLOATING + "iub")


def draw(input: Tensor, make: Callable[[], Any], name: str, kinds: str = FLOATING) -> Tensor:
    """Fill a tensor with draws.

    Args:
        input: what is filled, and returned.
        make: draws an array of its shape on the host, of any dtype; it is called again before
            each replay of a captured step.
        name: the operation's, for messages.
        kinds: of the dtypes that can hold the draws.

    Raises:
        NotImplementedError: another dtype, such as an integer's for fractions.
    """
    if input.dtype.kind not in kinds:
        raise NotImplementedError(f"{name}: not implemented for {input.dtype}")
    xp = namespace(input.array)
    if xp.name == "meta":
        return input
    drawn = new(xp.astype(capture.feed(xp, make), input.array.dtype))
    return change(input, name, lambda _: drawn)
