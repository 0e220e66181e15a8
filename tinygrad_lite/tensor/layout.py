"""Where PyTorch's elements would lie, of tensors whose memory the library laid out by itself.

The output of a convolution lies here with its batch innermost, PyTorch's lies row by row. What
shows a part of such memory, with axes turned, cut or merged, has strides in both; those in
PyTorch's memory say whether a `reshape` there shares it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..backend import Array
from ..backend.flat import address, root

if TYPE_CHECKING:
    from .base import TensorBase

Ints = tuple[int, ...]


Layout = tuple[int, Ints, Ints, Ints, int, int]
"""What lies in some memory, here and in PyTorch, counted in bytes: where its first element is, from
where the memory begins; its shape; its strides here, and in PyTorch; the size of an element; and
where its first element is in PyTorch's memory."""

known: dict[int, tuple[Any, ...]] = {}
"""The twins of each memory (`twins.py`), by the `id` of the array that owns it."""


def by_rows(shape: Sequence[int], item: int) -> Ints:
    """The strides of what lies row by row, in bytes."""
    found = []
    for n in reversed(shape):
        found.append(item)
        item *= max(n, 1)
    return tuple(reversed(found))


def layout_of(array: Array, theirs: Ints | str | None = None, origin: int = 0) -> Layout:
    """The layout of an array which is the whole of something.

    Args:
        array: an array.
        theirs: its strides in PyTorch, in bytes; or that its matrices lie in "columns" there;
            default: row by row.
        origin: where its first element is in PyTorch's memory, in bytes.
    """
    item = array.dtype.itemsize
    start = 0 if array.base is None else address(array) - address(root(array))
    if theirs == "columns" and array.ndim > 1:
        *several, m, n = array.shape
        *steps, b, a = by_rows((*several, n, m), item)
        theirs = (*steps, a, b)
    elif theirs is None or isinstance(theirs, str):
        theirs = by_rows(array.shape, item)
    return start, array.shape, array.strides, theirs, item, origin


def place_in(layout: Layout, array: Array) -> tuple[int, Ints] | None:
    """Where PyTorch's view lies, in bytes, which shows what an array shows: offset, strides.

    A place in memory has one number along each axis of the whole. From one element of the array to
    its neighbour these change by the same steps everywhere, or there is no such view.

    Args:
        layout: of what lies in the memory.
        array: a view of that memory.

    Returns:
        The offset and the strides (of dimensions of size 1 they have no meaning), or None.
    """
    begin, sizes, steps, theirs, item, origin = layout
    axes: list[tuple[int, int, int]] = []
    each = zip(steps, sizes, theirs, strict=True)
    # The last one is of a part of an element, such as its imaginary part.
    for step, n, their in (
        *sorted((a for a in each if a[1] > 1 and a[0]), reverse=True),
        (1, item, 1),
    ):
        if axes and axes[-1][0] == n * step and axes[-1][2] == n * their:
            n *= axes.pop()[1]  # they lie one in the other in both, and a view may merge them
        axes.append((step, n, their))

    def places(at: int) -> list[int] | None:
        found = []
        for step, n, _ in axes:
            place, at = divmod(at, step)
            if not 0 <= place < n:
                return None
            found.append(place)
        return found

    start = address(array) - address(root(array)) - begin
    first = places(start)
    if first is None:
        return None
    low, high, strides = [*first], [*first], []
    for n, step in zip(array.shape, array.strides, strict=True):
        second = first if n < 2 else places(start + step)
        if second is None:
            return None
        moves = [b - a for a, b in zip(first, second, strict=True)]
        strides.append(sum(move * axis[2] for move, axis in zip(moves, axes, strict=True)))
        for i, move in enumerate(moves):
            low[i] += min(move, 0) * (n - 1)
            high[i] += max(move, 0) * (n - 1)
    outside = any(a < 0 or b >= axis[1] for a, b, axis in zip(low, high, axes, strict=True))
    if outside:
        return None
    offset = origin + sum(n * axis[2] for n, axis in zip(first, axes, strict=True))
    return offset, tuple(strides)


def restrided(shape: Ints, strides: Ints, wanted: Ints) -> Ints | None:
    """The strides of a view of another shape, or None if there is no such view.

    Dimensions that lie one in the other make up a piece, which may be cut into others.

    Args:
        shape, strides: of what is viewed.
        wanted: the shape of the view, of as many elements.
    """
    if 0 in shape:
        return by_rows(wanted, 1)
    old = [(n, s) for n, s in zip(shape, strides, strict=True) if n != 1]
    found: list[int] = []
    new = [*wanted]
    piece, base = 1, old[-1][1] if old else 1
    for d in reversed(range(len(old))):
        piece *= old[d][0]
        if d and old[d - 1][1] == piece * base:
            continue
        reached = 1
        while new and (reached < piece or new[-1] == 1):
            found.append(reached * base)
            reached *= new.pop()
        if reached != piece:
            return None
        if d:
            piece, base = 1, old[d - 1][1]
    found += [base * piece] * len(new)
    return tuple(reversed(found)) if math.prod(new) == 1 else None


def are_rows(shape: Ints, strides: Ints, item: int) -> bool:
    """Whether strides, in bytes, are those of what lies row by row without gaps."""
    return (
        all(n == 1 or s == t for n, s, t in zip(shape, strides, by_rows(shape, item), strict=True))
        or 0 in shape
    )


def settle(tensor: TensorBase) -> None:
    """Note in a tensor's storage how its memory is laid out, before its base is lost sight of."""
    storage = tensor._storage
    if storage.ours is True or storage.ours == "columns":
        base = tensor if tensor._view is None else tensor._view[0]
        array: Array = base.array
        if storage.ours is True:
            alike = array.flags.c_contiguous or 0 in array.strides  # expanded, as in PyTorch
            storage.ours = () if alike else (layout_of(array),)
        else:
            storage.ours = (layout_of(array, "columns"),)


def theirs(tensor: TensorBase) -> Ints | None:
    """The strides, in bytes, that PyTorch's tensor would have; None if they are not known."""
    found = place(tensor)
    return None if found is None else found[1]


def place(tensor: TensorBase) -> tuple[int, Ints] | None:
    """Where PyTorch's tensor would lie, in bytes: offset, strides; None if that is not known."""
    settle(tensor)
    array: Array = tensor.array
    if not tensor._storage.ours or not array.size:
        return address(array) - address(root(array)) if array.size else 0, array.strides
    layouts: Any = tensor._storage.ours
    for layout in layouts:
        found = place_in(layout, array)
        if found is not None:
            return found
    return None


def iterated(shape: Ints, operands: list[Ints], item: int) -> Ints:
    """The strides, in bytes, of what PyTorch makes of operands element by element.

    The result lies without gaps in the order of the first operand that has one, where dimensions
    of the others settle what that leaves open (ATen's `TensorIteratorBase::reorder_dimensions`).

    Args:
        shape: of the result.
        operands: the strides of those of that shape.
        item: the size of an element.
    """
    order = [*reversed(range(len(shape)))]  # the innermost first

    def turn(a: int, b: int) -> int:
        for steps in operands:
            if 0 in (steps[a], steps[b]):
                continue
            if steps[a] != steps[b]:
                return 1 if steps[a] > steps[b] else -1
            if shape[a] > shape[b]:
                return 1
        return 0

    for i in range(1, len(order)):
        at = i
        for before in reversed(range(i)):
            found = turn(order[before], order[at])
            if found > 0:
                order[before], order[at] = order[at], order[before]
                at = before
            elif found < 0:
                break
    strides = [0] * len(shape)
    for axis in order:
        strides[axis] = item
        item *= shape[axis]
    return tuple(strides)


def lies_by_rows(tensor: TensorBase) -> bool:
    """Whether PyTorch's tensor would lie row by row without gaps."""
    strides = theirs(tensor)
    array: Array = tensor.array
    return strides is not None and are_rows(array.shape, strides, array.dtype.itemsize)


def is_sound(ours: Any) -> bool:
    """Whether `Storage.ours`, as a file has it, is what it may be."""
    if type(ours) is tuple:
        return all(map(_is_layout, ours))
    return type(ours) is bool or ours == "columns"


def _is_layout(given: Any) -> bool:
    if type(given) is not tuple or len(given) != 6 or type(given[1]) is not tuple:
        return False
    start, shape, steps, theirs, item, origin = given
    rows = all(are_strides(row, len(shape)) for row in (shape, steps, theirs))
    return rows and are_strides((start, item, origin), 3) and min((item, *shape, *steps)) > 0


def are_strides(given: Any, n: int) -> bool:
    """Whether something, as a file has it, is n integers."""
    return type(given) is tuple and len(given) == n and all(type(step) is int for step in given)
