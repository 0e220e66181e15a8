"""`apply`, through which every operation goes: it runs a rule on tensors and records it.

A tensor that shares another's memory is a *view*. It knows its *base*, which is no view itself, and
the *steps* that lead from there to it: rules whose results NumPy gives as views. When a recorded
in-place operation gives the base a new place in the graph, its views get theirs by taking their
steps again.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ..backend import Array, capture, is_array, namespace, numpy
from ..backend.dtypes import DIFFERENTIABLE
from ..backend.flat import root
from ..backend.out_of_memory import OutOfMemoryError
from ..graph import Leaf, Node, Rule, Storage, VJPs, mode
from . import anomaly
from . import base as bases
from .base import Steps, TensorBase, new
from .check import plain
from .complex import run_odd
from .element import dtype_of
from .layout import iterated, layout_of, theirs

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["apply", "apply_keeping", "node_of"]

_FLOAT64 = numpy.dtype("float64").num
"""NumPy's number of a dtype; above it are complex numbers, float16, and then bfloat16."""

_NO_PYTHON_NUMBER = numpy.generic, TensorBase


def apply(rule: Rule, *args: Any, **kwargs: Any) -> Tensor:
    """Run a rule on tensors (and constants) and, if a gradient may be wanted, record it.

    Args:
        rule: the rule.
        args: its inputs: tensors, at least one, and Python numbers.
        kwargs: its arguments that are not arrays.

    Raises:
        RuntimeError: tensors on different devices (but numbers, of no dimensions, may be on the
            CPU), or shapes that the rule does not take.
    """
    if capture.note is not None:
        capture.note([a for a in args if isinstance(a, TensorBase)])
    if mode.cast is not None:
        args = mode.cast.operands(rule, namespace(_first(rule, args)).name, args)
    # One pass over the inputs: their arrays, one of them, and whether any has 16 bits or is
    # complex, is of another library than that one, may have a place in the graph, or lies as the
    # library chose.
    arrays, one, odd, mixed, placed = [], None, False, False, False
    laid: Any = False
    for given in args:
        if isinstance(given, TensorBase):
            array = given.array
            one = array if one is None else one
            odd = odd or array.dtype.num > _FLOAT64
            mixed = mixed or type(array) is not type(one)
            placed = placed or given._node is not None or given._seen >= 0
            laid = laid or given._storage.ours
            arrays.append(array)
        else:
            arrays.append(given)
    if one is None or mixed:
        return apply(rule, *_together(rule, args), **kwargs)
    kind, xp = type(one), namespace(one)
    for word, value in kwargs.items():
        if isinstance(value, _NO_PYTHON_NUMBER):
            kwargs[word] = plain(rule.__name__, value)  # NumPy's scalars would widen the result
    try:
        if odd:
            value, vjps = run_odd(rule, xp, arrays, kwargs)
        else:
            value, vjps = rule(xp, *arrays, **kwargs)
    except (ValueError, TypeError, IndexError, MemoryError) as error:
        _raise_named(error, rule, arrays)
    if type(value) is not kind and not is_array(value):
        value = xp.asarray(value)  # NumPy gives scalars where other libraries give 0-d arrays
    out = new(value)
    if value.base is not None:
        _be_view(out, rule, kwargs, args)
    elif (laid or out._storage.ours) and rule in KEEP_ORDER:
        _keep_order(out, args)
    if placed and mode.grad:
        _record(out, rule, kwargs, args, arrays, vjps)
    if anomaly.watch is not None:
        anomaly.watch.forward(rule, arrays, out, kwargs)
    return out


def apply_keeping(rule: Rule, x: TensorBase, **kwargs: Any) -> Tensor:
    """`apply` of a rule that makes more than its output if `mode.grad` says that it is recorded.

    Of a tensor outside of any graph nothing is recorded, and the rule is told so.
    """
    if not mode.grad or x._node is not None or x._seen >= 0:
        return apply(rule, x, **kwargs)
    try:
        mode.grad = False
        return apply(rule, x, **kwargs)
    finally:
        mode.grad = True


def apply_to_many(
    rule: Rule, tensors: Sequence[Tensor], arrays: Sequence[Array], **kwargs: Any
) -> Tensor:
    """`apply` of a rule that joins tensors: at once, where nothing has to look at each of them.

    Args:
        rule: `ops.shape.concatenate` or `stack`.
        tensors: maybe hundreds, of one dtype.
        arrays: theirs.
        kwargs: the rule's arguments that are not arrays.
    """
    if mode.cast is None and anomaly.watch is None and capture.note is None:
        recorded = mode.grad and arrays[0].dtype.kind in DIFFERENTIABLE
        plain = not recorded or [t._node or t._view for t in tensors].count(None) == len(arrays)
        if plain and len(set(map(type, arrays))) == 1:
            return new(rule(namespace(arrays[0]), *arrays, **kwargs)[0])
    return apply(rule, *tensors, **kwargs)


def _record(
    out: TensorBase,
    rule: Rule,
    kwargs: dict[str, Any],
    args: tuple[Any, ...],
    arrays: list[Any],
    vjps: VJPs,
) -> None:
    """Give the output of a rule its node, if a gradient flows to an input.

    Args:
        out: the output, a new tensor.
        rule, kwargs: what made it, and the arguments that are not arrays.
        args, arrays: its inputs as they were given, and with arrays in place of tensors.
        vjps: what the rule returned.
    """
    parents: list[Node | Leaf | None] = []
    constants: list[Any] = []
    guards: list[tuple[Storage, int] | None] = []
    wanted = False
    for given, array in zip(args, arrays, strict=True):
        parent = guard = None
        if given is not array:  # a tensor
            parent, storage = given._node, given._storage
            if given._seen >= 0:  # a view
                parent = node_of(given)
            guard = storage, storage.version
        wanted = wanted or parent is not None
        parents.append(parent)
        constants.append(array if parent is None else None)
        guards.append(guard)
    if wanted and out.array.dtype.kind in DIFFERENTIABLE:
        inputs = tuple(parents), tuple(constants), tuple(guards)
        out._node = node = Node(rule, kwargs, *inputs, vjps, out.array, out._storage)
        if mode.saving is not None:
            from .saving import packed  # which few programs need

            kept: Any = node.vjps
            node.vjps = packed(kept, (*args, out.detach()))


def _be_view(out: TensorBase, rule: Rule, kwargs: dict[str, Any], args: tuple[Any, ...]) -> None:
    """If the output shares an input's memory, make it a view of that input's base.

    It shares the base's storage then, and so the count of changes.
    """
    memory = out._storage.key
    for tensor in args:
        if isinstance(tensor, TensorBase) and tensor._storage.key == memory:
            out._storage = tensor._storage
            out._seen = out._storage.moves
            base, steps = tensor._view or (tensor, ())
            can_replay = len(args) == 1 and mode.grad and steps is not None
            out._view = base, ((steps, rule, kwargs) if can_replay else None)  # type: ignore[assignment]
            return


KEEP_ORDER: set[Rule] = set()
"""Rules of each element by itself: their results lie in memory as their inputs do."""


def _keep_order(out: TensorBase, args: tuple[Any, ...]) -> None:
    """Note whose choice the order of a result is: the library's if it chose that of an input."""
    ours = turned = False
    for given in args:
        if isinstance(given, TensorBase):
            laid, view = given._storage.ours, given._view
            other = type(laid) is not bool
            other = other or (view is not None and view[0].array.strides != given.array.strides)
            # What lies row by row here may not do so in PyTorch.
            if not given.array.flags.c_contiguous or (laid and other):
                ours, turned = ours or bool(laid), turned or other
    out._storage.ours = ours
    if ours and turned:  # where PyTorch's may not lie row by row
        tensors = [given for given in args if isinstance(given, TensorBase)]
        found = [theirs(t) if t.shape == out.shape else None for t in tensors]
        item = out.array.dtype.itemsize
        steps = iterated(out.shape, [strides for strides in found if strides is not None], item)
        out._storage.ours = (layout_of(out.array, steps),)


def apply_to_view(rule: Rule, input: Tensor, **kwargs: Any) -> Tensor:
    """`apply` of a rule that mostly gives views of one tensor: at once, if nothing is recorded."""
    given: Any = input  # which a user may have taken for a tensor
    if not isinstance(given, TensorBase) or (mode.grad and (input._node or input._view)):
        return apply(rule, input, **kwargs)
    if mode.cast is not None or anomaly.watch is not None or capture.note is not None:
        return apply(rule, input, **kwargs)
    array = input.array
    try:
        value = rule(namespace(array), array, **kwargs)[0]
    except (ValueError, TypeError, IndexError, MemoryError) as error:
        _raise_named(error, rule, [array])
    if value.base is not None and id(root(value)) == input._storage.key:
        return view_of(input, value, rule, kwargs)
    return new(value)


def view_of(input: Tensor, array: Array, rule: Rule, kwargs: dict[str, Any]) -> Tensor:
    """What `apply` makes of a rule that gives a view, where there is nothing to record.

    Args:
        input: the tensor.
        array: the view of its array, made already.
        rule, kwargs: the step that leads to it.
    """
    out: Tensor = object.__new__(bases.tensor_class)
    storage = input._storage
    out.array, out._storage, out._seen = array, storage, storage.moves
    out._grad = out._node = None
    whole, steps = input._view or (input, ())
    replayable = mode.grad and steps is not None
    out._view = whole, ((steps, rule, kwargs) if replayable else None)
    return out


def node_of(tensor: TensorBase) -> Node | Leaf | None:
    """A tensor's place in the graph, where its gradient goes; None if it needs none.

    A view whose base has got another place since takes its steps again first.
    """
    if tensor._seen < 0 or tensor._storage.moves == tensor._seen or tensor._view is None:
        return tensor._node
    base, steps = tensor._view
    check_base(base)
    if steps is not None:
        before, mode.grad = mode.grad, True
        try:
            again = replay(base, steps)
        finally:
            mode.grad = before
        older, node = tensor._node, again._node
        tensor._node, tensor._seen = node, tensor._storage.moves
        if isinstance(node, Node):
            node.value, node.called = weakref.ref(tensor.array), "AsStrided"
            if isinstance(older, Node) and older.retainer is not None:
                node.retainer, older.retainer = older.retainer, None
    return tensor._node


def check_base(base: Tensor) -> None:
    """Refuse a base that has become a view of another tensor itself.

    Raises:
        RuntimeError: it has.
    """
    if base._view is not None:
        raise RuntimeError(
            "a view's base was changed in place, after t_(), unsqueeze_() or the like had made it "
            "a view itself; make the view again"
        )


def replay(base: Tensor, steps: Steps) -> Tensor:
    """The view of a tensor that some steps lead to; they are recorded like any operation."""
    for rule, kwargs in in_order(steps):
        base = apply(rule, base, **kwargs)
    return base


def in_order(steps: Steps) -> tuple[tuple[Rule, dict[str, Any]], ...]:
    """The steps to a view, the first one first."""
    found = []
    while steps:
        steps, *step = steps
        found.append(tuple(step))
    return tuple(reversed(found))


def _first(rule: Rule, args: tuple[Any, ...]) -> Array:
    """The array of the first tensor among a rule's inputs that may not be moved.

    Raises:
        TypeError: no input is a tensor.
    """
    tensors = [a for a in args if isinstance(a, TensorBase)]
    if not tensors:
        raise TypeError(f"{shown(rule)}: input must be a Tensor, but got {type(args[0]).__name__}")
    return next((t.array for t in tensors if not follows(t)), tensors[0].array)


def follows(tensor: TensorBase) -> bool:
    """Whether it is a number on the CPU, which goes to the device of the others as in PyTorch."""
    return tensor.array.ndim == 0 and isinstance(tensor.array, numpy.ndarray)


def _together(rule: Rule, args: tuple[Any, ...]) -> list[Any]:
    """A rule's inputs on one device, where only numbers had to be moved.

    Raises:
        TypeError: no input is a tensor.
        RuntimeError: others are of several devices.
    """
    kind, device = type(_first(rule, args)), namespace(_first(rule, args)).name
    moved = [
        a.to(device)  # type: ignore[attr-defined]
        if isinstance(a, TensorBase) and type(a.array) is not kind and follows(a)
        else a
        for a in args
    ]
    tensors = [a for a in moved if isinstance(a, TensorBase)]
    if len({type(t.array) for t in tensors}) > 1:
        found = " and ".join(sorted({str(t.device) for t in tensors}))
        raise RuntimeError(f"{shown(rule)}: expected all tensors on one device, but found {found}")
    return moved


def shown(rule: Rule) -> str:
    """The name under which users know a rule."""
    return getattr(rule, "shown", None) or rule.__name__


def _raise_named(error: Exception, rule: Rule, arrays: list[Array]) -> NoReturn:
    """Raise an error of a rule or an array library as PyTorch's type, naming the operation."""
    name, text = shown(rule), own_words(error)
    if isinstance(error, MemoryError):
        raise OutOfMemoryError(f"{name}: out of memory: {text}") from error
    if isinstance(error, ValueError):
        raise RuntimeError(f"{name}: {_with_shapes(text, arrays)}") from error
    if isinstance(error, IndexError):
        raise IndexError(f"{name}: {text}") from error
    if "boolean" in text:
        raise RuntimeError(f"{name}: not supported for booleans; use ~ or logical_not()") from error
    if text.startswith("ufunc") or "Cannot cast ufunc" in text:
        kinds = " and ".join(str(dtype_of(a.dtype)) for a in arrays if is_array(a))
        raise RuntimeError(f"{name}: not implemented for {kinds}") from None
    raise error


_NUMPYS_WORDS = (
    (r"boolean index did not match indexed array along axis (\d+); size of axis is (\d+) but size "
     r"of corresponding boolean axis is (\d+)",
     r"the shape of the mask does not fit: dimension \1 has size \2, but the mask \3"),
    (r"is out of bounds for axis (\d+) with size (\d+)",
     r"is out of bounds for dimension \1 with size \2"),
    (r"too many indices for array: array is (\d+)-dimensional, but (\d+) were indexed",
     r"too many indices (\2) for a tensor of dimension \1"),
)  # fmt: skip


def own_words(error: Exception) -> str:
    """An array library's message about an index, in this library's words."""
    text = str(error)
    for word, own in _NUMPYS_WORDS:
        text = re.sub(word, own, text)
    return text


def _with_shapes(text: str, arrays: list[Array]) -> str:
    """An array library's message, with the shapes that it is about."""
    shapes = [tuple(a.shape) for a in arrays if is_array(a)]
    if "broadcast" in text:
        return f"shapes {' and '.join(map(str, shapes))} cannot be broadcast together"
    return f"{text} (shapes {', '.join(map(str, shapes))})"
