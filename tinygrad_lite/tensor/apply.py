"""`apply`, through which every operation goes: it runs a rule on tensors and records it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from ..backend import Array, capture, is_array, namespace, root
from ..graph import Rule, mode
from .base import TensorBase, new
from .half import run_half
from .record import record

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["apply"]


def apply(rule: Rule, *args: Any, **kwargs: Any) -> Tensor:
    """Run a rule on tensors (and constants) and, if a gradient may be wanted, record it.

    Args:
        rule: the rule.
        args: its inputs: tensors, at least one, and Python numbers.
        kwargs: its arguments that are not arrays.

    Raises:
        RuntimeError: tensors on different devices, or shapes that the rule does not take.
    """
    tensors = [a for a in args if isinstance(a, TensorBase)]
    if capture.note is not None:
        capture.note(tensors)
    kind = type(tensors[0].array)
    xp = namespace(tensors[0].array)
    if mode.cast is not None:
        args = mode.cast.operands(rule, xp.name, args)
        tensors = [a for a in args if isinstance(a, TensorBase)]
    arrays = [a.array if isinstance(a, TensorBase) else a for a in args]
    half = False
    for tensor in tensors:
        half = half or tensor.array.dtype.itemsize == 2
        if type(tensor.array) is not kind:
            _refuse_two_devices(rule, tensors)
    try:
        if half:
            value, vjps = run_half(rule, xp, arrays, kwargs)
        else:
            value, vjps = rule(xp, *arrays, **kwargs)
    except (ValueError, TypeError, IndexError) as error:
        _raise_named(error, rule, arrays)
    if type(value) is not kind and not is_array(value):
        value = xp.asarray(value)  # NumPy gives scalars where other libraries give 0-d arrays
    out = new(value)
    if value.base is not None:
        _share_storage(out, tensors)
    if mode.grad:
        record(out, rule, kwargs, args, arrays, vjps)
    return out


def _share_storage(out: TensorBase, tensors: list[TensorBase]) -> None:
    """Make a view count its in-place changes together with the tensor it is a view of."""
    memory = root(out.array)
    for tensor in tensors:
        if root(tensor.array) is memory:
            out._storage = tensor._storage
            out._seen = out._storage.version
            return


def _refuse_two_devices(rule: Rule, tensors: list[TensorBase]) -> NoReturn:
    found = " and ".join(sorted({str(t.device) for t in tensors}))
    raise RuntimeError(f"{rule.__name__}: expected all tensors on one device, but found {found}")


def _raise_named(error: Exception, rule: Rule, arrays: list[Array]) -> NoReturn:
    """Raise a rule's or a library's complaint as PyTorch's type, with the operation's name."""
    if isinstance(error, ValueError):
        raise RuntimeError(f"{rule.__name__}: {_with_shapes(error, arrays)}") from error
    if isinstance(error, IndexError):
        raise IndexError(f"{rule.__name__}: {error}") from error
    if "boolean" in str(error):
        raise RuntimeError(f"{rule.__name__}: {error}") from error
    raise error


def _with_shapes(error: Exception, arrays: list[Array]) -> str:
    """A library's complaint, with the shapes that it is about."""
    shapes = [tuple(a.shape) for a in arrays if is_array(a)]
    if "broadcast" in str(error):
        return f"shapes {' and '.join(map(str, shapes))} cannot be broadcast together"
    return f"{error} (shapes {', '.join(map(str, shapes))})"
