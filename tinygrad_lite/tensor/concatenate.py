"""Functions that join tensors: `cat`, `stack` and their kin."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from ..ops import shape as ops
from .apply import apply_to_many
from .base import TensorBase
from .dims import axis as place
from .operation import public
from .promote import to_dtype, together

if TYPE_CHECKING:
    from .tensor import Tensor


def cat(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """The tensors joined along a dimension; all other sizes must agree.

    A tensor of shape (0,) may be among tensors of any shape, and adds nothing.

    Args:
        tensors: at least one; of several dtypes the result has the one that they promote to.
        dim: the dimension.
        axis: another name of `dim`.

    Raises:
        RuntimeError: sizes that differ.
        ValueError: no tensors.

    Example:
        >>> torch.cat([torch.ones(2, 3), torch.zeros(1, 3)]).shape
        torch.Size([3, 3])
    """
    return _joined("cat", _all_tensors("cat", tensors, ValueError), dim if axis is None else axis)


def _joined(name: str, tensors: Sequence[Tensor], dim: int) -> Tensor:
    """`cat` under a name; it is made for hundreds of samples, so lists are counted, not looped."""
    arrays = [t.array for t in tensors]
    shapes = [a.shape for a in arrays]
    if () in shapes:
        raise RuntimeError(
            f"{name}: zero-dimensional tensor (at position {shapes.index(())}) cannot be joined"
        )
    typed, arrays = _one_dtype(tensors, arrays)
    if shapes.count(shapes[0]) == len(shapes):
        at = place(name, tensors[0], dim) if shapes[0] != _NOTHING else 0
        return apply_to_many(ops.concatenate, typed, arrays, axis=at, alike=True)
    parts = [t for t in tensors if t.array.shape != _NOTHING]
    at = place(name, parts[0], dim)
    shape = parts[0].array.shape
    for i, other in enumerate([t.array.shape for t in parts]):
        if other[:at] != shape[:at] or other[at + 1 :] != shape[at + 1 :] or len(other) <= at:
            raise RuntimeError(
                f"{name}: sizes of tensors must match except in dimension {dim}: expected "
                f"{shape}, but got {other} at position {i}"
            )
    if len(parts) < len(tensors):
        nothing = (*shape[:at], 0, *shape[at + 1 :])
        typed = [t if t.array.shape != _NOTHING else t.reshape(nothing) for t in typed]
        arrays = [t.array for t in typed]
    return apply_to_many(ops.concatenate, typed, arrays, axis=at)


_NOTHING = (0,)  # the shape that may be joined to all others


concat = cat
concatenate = cat


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors joined along dimension 0; those of fewer than 2 dimensions are rows."""
    parts = _all_tensors("vstack", tensors)
    return _joined("vstack", [_as_row(t) for t in parts], 0)


row_stack = vstack


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors joined along dimension 1, or along 0 if they are 1-D."""
    parts = [t if t.ndim else t.reshape(1) for t in _all_tensors("hstack", tensors)]
    return _joined("hstack", parts, int(parts[0].ndim > 1))


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors joined along dimension 2; those of fewer than 3 dimensions get more of size 1."""
    parts = [_as_row(t) for t in _all_tensors("dstack", tensors)]
    return _joined("dstack", [t if t.ndim > 2 else t.unsqueeze(-1) for t in parts], 2)


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors joined along dimension 1; vectors are columns."""
    parts = _all_tensors("column_stack", tensors)
    tall = [t if t.ndim > 1 else t.reshape(t.numel(), 1) for t in parts]
    return _joined("column_stack", tall, 1)


def _as_row(t: Tensor) -> Tensor:
    """A tensor of fewer than 2 dimensions as a matrix of one row."""
    return t if t.ndim > 1 else t.reshape(1, t.numel())


def stack(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Tensors of one shape joined along a new dimension.

    Args:
        tensors: at least one.
        dim: where the new dimension is.
        axis: another name of `dim`.

    Raises:
        RuntimeError: no tensors, or shapes that differ.

    Example:
        >>> torch.stack([torch.zeros(2), torch.ones(2)])
        tensor([[0., 0.],
                [1., 1.]])
    """
    tensors = _all_tensors("stack", tensors)
    arrays = [t.array for t in tensors]
    at = place("stack", tensors[0], dim if axis is None else axis, extra=1)
    shapes = [a.shape for a in arrays]
    first = shapes[0]
    if shapes.count(first) != len(shapes):
        i = next(i for i, shape in enumerate(shapes) if shape != first)
        raise RuntimeError(
            "stack: expects each tensor to be of equal size, but got "
            f"{first} at entry 0 and {shapes[i]} at entry {i}"
        )
    return apply_to_many(ops.stack, *_one_dtype(tensors, arrays), axis=at)


def _all_tensors(
    name: str, tensors: Sequence[Tensor], empty: type[Exception] = RuntimeError
) -> Sequence[Tensor]:
    """A sequence that must hold tensors alone, at least one.

    Raises:
        TypeError: it is a tensor itself, or holds something else.
        Exception: of the type `empty`: it is empty.
    """
    if isinstance(tensors, TensorBase):
        raise TypeError(f"{name}: expected a list or tuple of Tensors, but got one Tensor")
    tensors = tuple(tensors)
    if not tensors:
        raise empty(f"{name}: expected a non-empty list of Tensors")
    kinds: set[type] = set(map(type, tensors))  # a few, of maybe many tensors
    wrong = [kind for kind in kinds if not issubclass(kind, TensorBase)]
    if wrong:
        i = [isinstance(t, TensorBase) for t in tensors].index(False)
        raise TypeError(
            f"{name}: expected a Tensor at position {i}, but got {type(tensors[i]).__name__}"
        )
    return tensors


def _one_dtype(tensors: Sequence[Tensor], arrays: list[Any]) -> tuple[Sequence[Tensor], list[Any]]:
    """Tensors, and their arrays, in the dtype that they promote to."""
    dtypes = [a.dtype for a in arrays]
    if dtypes.count(dtypes[0]) == len(dtypes):
        return tensors, arrays
    dtype = reduce(together, dtypes)  # not the widest: int8 and uint8 make int16
    cast = [to_dtype(t, dtype) for t in tensors]
    return cast, [t.array for t in cast]


if not TYPE_CHECKING:
    __all__ = public(globals())
