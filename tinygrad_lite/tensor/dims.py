"""Arguments that name dimensions or sizes, as users write them: negative, tuples, left out."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from .base import TensorBase
from .check import is_int, not_a_tensor

Dim = int | Sequence[int] | None


def axis(name: str, x: TensorBase, dim: Any, extra: int = 0) -> int:
    """One dimension as a non-negative number.

    Args:
        name: the operation, for messages.
        x: the tensor.
        dim: the dimension, from −n to n − 1.
        extra: 1 for the place of a new dimension, of which there is one more.

    Raises:
        IndexError: out of range.
        TypeError: not an int.
    """
    # A 0-d tensor is given one dimension to name, as in PyTorch.
    n = _rank(name, x) + extra or 1
    if type(dim) is int and 0 <= dim < n:
        return dim
    try:
        if type(dim) is not int and not is_int(dim):
            raise TypeError
        place: int = index(dim)
    except TypeError:
        raise TypeError(f"{name}: dim must be an int, but got {type(dim).__name__}") from None
    if not -n <= place < n:
        raise IndexError(
            f"{name}: dimension out of range (expected to be in range of [{-n}, {n - 1}], but got "
            f"{dim})"
        )
    return place % n


def _rank(name: str, x: Any) -> int:
    """The number of dimensions.

    Raises:
        TypeError: not a tensor.
    """
    try:
        return len(x.array.shape)
    except AttributeError:
        raise not_a_tensor(name, x) from None


def axes(name: str, x: TensorBase, dim: Dim) -> tuple[int, ...]:
    """Dimensions as a tuple of non-negative numbers; None and () stand for all.

    Raises:
        IndexError: out of range.
        RuntimeError: a dimension appears twice.
    """
    ndim = _rank(name, x)
    if dim is None:
        return tuple(range(ndim))
    if not isinstance(dim, Sequence):
        checked = axis(name, x, dim)
        return (checked,) if ndim else ()  # of a 0-d tensor 0 and −1 may be named, but are none
    found = named_axes(name, x, dim)
    return (found or tuple(range(ndim))) if ndim else ()


def whole(name: str, argument: str, value: Any) -> int:
    """An argument that must be an integer: of Python, of NumPy, or a 0-d integer tensor.

    Raises:
        TypeError: it is no integer.
    """
    try:
        if type(value) is not int and not is_int(value):
            raise TypeError
        return index(value)
    except TypeError:
        raise TypeError(
            f"{name}: {argument} must be an int, but got {type(value).__name__}"
        ) from None


def named_axes(name: str, x: TensorBase, dims: Any) -> tuple[int, ...]:
    """One dimension or several as non-negative numbers; () names none, where for `axes` it is all.

    Raises:
        IndexError: out of range.
        RuntimeError: a dimension appears twice.
    """
    found: list[int] = []
    for dim in dims if isinstance(dims, Sequence) else (dims,):
        place = axis(name, x, dim)
        if place in found:
            raise RuntimeError(f"{name}: dim appears multiple times in the list of dims {dims}")
        found.append(place)
    return tuple(found)


def sizes(name: str, args: tuple[Any, ...], given: Any = None) -> tuple[int, ...]:
    """A shape given as one sequence, as several ints, or by its keyword (`given`).

    Raises:
        TypeError: nothing is given, or not ints.
    """
    if given is not None:
        args = (*args, given)
    if not args:
        raise TypeError(f"{name}: missing 1 required argument, sizes as ints or as one sequence")
    if len(args) == 1 and isinstance(args[0], Sequence):
        args = tuple(args[0])
    try:
        if bool in map(type, args):
            raise TypeError
        return tuple(map(index, args))
    except TypeError:
        raise TypeError(f"{name}: sizes must be ints, but got {args}") from None
