"""The greatest and the least elements, and where they are: `max`, `amax`, `argmax` and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import namespace
from ..ops import reduce as ops
from ..ops import shape as shape_ops
from . import results
from .apply import apply, apply_to_view
from .base import TensorBase, new
from .dims import axis
from .operation import filled, ordered, public, reduction, refuse
from .results import MinMax, ValuesIndices

if TYPE_CHECKING:
    from .tensor import Tensor

amax = reduction(ops.amax, empty=False)
amin = reduction(ops.amin, empty=False)


def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """Three functions: the maximum of all elements, along a dimension, or of two tensors.

    The gradient of the maximum of all is shared evenly among the elements that equal it.

    Args:
        input: any shape.
        dim: a dimension, for (values, indices): the maxima along it, and where the first of each
            is (int64); or a tensor, for `maximum`; None: all.
        keepdim: keep the dimension, with size 1.
        other: another name for a tensor in place of dim.

    Raises:
        IndexError: the dimension has no elements.
        RuntimeError: there are no elements at all, and no dim is given.

    Example:
        >>> x = torch.tensor([[1, 5], [7, 2]])
        >>> x.max()
        tensor(7)
        >>> values, indices = x.max(dim=1)
        >>> values, indices
        (tensor([5, 7]), tensor([1, 0]))
        >>> x.max(torch.tensor(4))
        tensor([[4, 5],
                [7, 4]])
    """
    if other is not None or (isinstance(dim, TensorBase) and not keepdim):
        return input.maximum(dim if other is None else other)
    if dim is None:
        return apply(ops.amax, input, axis=filled("max", input, None), same=True)
    return _extreme(input, "max", "argmax", dim, keepdim)


def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """Three functions: the minimum of all, along a dimension, or of two tensors; see `max`.

    Example:
        >>> torch.tensor([3, 1, 2]).min(dim=0)
        torch.return_types.min(
        values=tensor(1),
        indices=tensor(1))
    """
    if other is not None or (isinstance(dim, TensorBase) and not keepdim):
        return input.minimum(dim if other is None else other)
    if dim is None:
        return apply(ops.amin, input, axis=filled("min", input, None), same=True)
    return _extreme(input, "min", "argmin", dim, keepdim)


def _extreme(input: Tensor, name: str, arg: str, dim: int, keepdim: bool) -> ValuesIndices:
    """The extremes along a dimension and their places, which `arg` finds: "argmax" or "argmin"."""
    where = axis(name, input, dim)
    filled(name, input, dim)
    indices = _arg(input, arg, where, True)
    if input.ndim == 0:
        return results.of(name, ValuesIndices(input.clone(), indices))
    values = apply(shape_ops.gather, input, indices, axis=where)
    if not keepdim:
        shape = *input.shape[:where], *input.shape[where + 1 :]
        values = apply_to_view(shape_ops.reshape, values, shape=shape)
        indices = apply_to_view(shape_ops.reshape, indices, shape=shape)
    return results.of(name, ValuesIndices(values, indices))


def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> MinMax:
    """The minimum and the maximum, of all or along a dimension."""
    where = () if dim is None else dim
    both = MinMax(amin(input, where, keepdim), amax(input, where, keepdim))
    return results.of("aminmax", both)


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index (int64) of the first maximum, in the flattened tensor if no dim is given.

    Example:
        >>> torch.tensor([[1, 5], [7, 2]]).argmax(dim=1)
        tensor([1, 0])
    """
    return _index(input, "argmax", dim, keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index (int64) of the first minimum, in the flattened tensor if no dim is given."""
    return _index(input, "argmin", dim, keepdim)


def _index(input: Tensor, name: str, dim: int | None, keepdim: bool) -> Tensor:
    """`_arg`, for a user's input: booleans and empty dimensions are refused."""
    if input.array.dtype.kind == "b":
        refuse(name, input)
    filled(name, input, dim)
    return _arg(input, name, dim, keepdim)


def _arg(input: Tensor, name: str, dim: int | None, keepdim: bool) -> Tensor:
    """The int64 indices that the array library's "argmax" or "argmin" finds."""
    ordered(name, input)
    xp = namespace(input.array)
    where = None if dim is None else axis(name, input, dim)
    array = input.array.reshape(1) if input.ndim == 0 else input.array
    found = getattr(xp, name)(array, axis=where)
    if keepdim and input.ndim:
        shape = [1 if where in (None, a) else n for a, n in enumerate(input.shape)]
        found = xp.reshape(found, tuple(shape))
    elif input.ndim == 0:
        found = xp.reshape(found, ())
    return new(xp.asarray(found, dtype="int64"))


if not TYPE_CHECKING:
    __all__ = public(globals())
