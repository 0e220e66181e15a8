"""Sizes as users give them, one int or one for each dimension, checked in one place."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from ...backend.window import Pair, Window

Size = int | Sequence[int]

_EXPECTED = {
    1: ("an int", "one int"),
    2: ("an int or a pair of ints", "two ints"),
    3: ("an int or three ints", "three ints"),
}


def sizes(op: str, name: str, value: Any, dims: int, least: int = 0) -> tuple[int, ...]:
    """One int for each of 1, 2 or 3 dimensions, from an int or a sequence of 1 or `dims` ints.

    Raises:
        TypeError: not whole numbers.
        RuntimeError: another number of them, or one below `least`.
    """
    if type(value) is tuple and [*map(type, value)] == [int] * dims and min(value) >= least:
        return value  # what a layer has checked already: the most frequent case
    try:
        if isinstance(value, Sequence):
            found = tuple(map(index, value))
            found = found * dims if len(found) == 1 else found
        else:
            found = (index(value),) * dims
    except TypeError:
        raise TypeError(f"{op}: {name} must be {_EXPECTED[dims][0]}, but is {value!r}") from None
    if len(found) != dims or min(found) < least:
        raise RuntimeError(
            f"{op}: {name} must be {_EXPECTED[dims][1]} of at least {least}, but is {value!r}"
        )
    return found


def bins(op: str, output_size: Any, dims: int, rank: int | None = None) -> tuple[Any, ...]:
    """How many bins an adaptive pooling has along each dimension, None for as many as elements.

    Args:
        op: the operation, for messages.
        output_size: one number, or one for each dimension.
        dims: how many dimensions are pooled.
        rank: the input's number of dimensions, where PyTorch compares it first.

    Raises:
        ValueError: a sequence of as many sizes as the input has dimensions, or more.
        RuntimeError: another number of sizes.
    """
    if not isinstance(output_size, Sequence):
        return (output_size,) * dims
    if rank is not None and rank <= len(output_size):
        raise ValueError(
            f"{op}: Input dimension should be at least {len(output_size) + 1}, but is {rank}"
        )
    if len(output_size) != dims:
        raise RuntimeError(f"{op}: output_size must be {dims} sizes, but is {output_size!r}")
    return tuple(output_size)


def whole(op: str, name: str, value: Any) -> int:
    """One int, of Python or anything with `__index__`.

    Raises:
        TypeError: it is neither.
    """
    try:
        return index(value)
    except TypeError:
        raise TypeError(f"{op}: {name} must be an int, but is {value!r}") from None


def plane(op: str, name: str, value: Any, dims: int, least: int = 0) -> Pair:
    """A size (height, width), of signals (`dims` = 1) too, which are images of height 1.

    Across a signal, where there is nothing to choose, it is `least`: a kernel, stride or dilation
    of 1, a padding of 0.
    """
    found = sizes(op, name, value, dims, least)
    return (found[0], found[1]) if dims == 2 else (least, found[0])


def window_of(
    op: str, kernel: Any, stride: Any, padding: Any, dilation: Any, dims: int = 2
) -> Window:
    """The checked window of a convolution or pooling over images (`dims` = 2) or signals (1).

    Without a stride it is the kernel's size. Layers ask with the same sizes at each call, so
    windows that are known are found again by their eight numbers, without a check.
    """
    if dims == 2:
        given = [
            (size, size) if type(size) is int else size
            for size in (kernel, kernel if stride is None else stride, padding, dilation)
        ]
        if [*map(type, given)] == _PAIRS:
            every = (*given[0], *given[1], *given[2], *given[3])
            if [*map(type, every)] == _INTS and every in _known:  # types too, for 1.0 == 1
                return _known[every]
    window = _checked_window(op, kernel, stride, padding, dilation, dims)
    if len(_known) < MOST_KNOWN:
        _known[(*window[0], *window[1], *window[2], *window[3])] = window
    return window


_PAIRS, _INTS = [tuple] * 4, [int] * 8
_known: dict[tuple[int, ...], Window] = {}
MOST_KNOWN = 1024  # more windows are checked at each call, so that memory stays bounded


def _checked_window(
    op: str, kernel: Any, stride: Any, padding: Any, dilation: Any, dims: int
) -> Window:
    """A window of sizes as a user gives them; errors as `sizes`."""
    size = plane(op, "kernel_size", kernel, dims, 1)
    return Window(
        size,
        size if stride is None else plane(op, "stride", stride, dims, 1),
        plane(op, "padding", padding, dims),
        plane(op, "dilation", dilation, dims, 1),
    )
