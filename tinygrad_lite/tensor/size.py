"""`Size`, the shape of a tensor: a tuple of integers that also knows their product."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from operator import index
from typing import Any, SupportsIndex

__all__ = ["Size"]


class Size(tuple[int, ...]):
    """A shape, as `torch.Size`: a tuple, also when sliced or added to."""

    __module__ = "tinygrad_lite"  # as users import it, and types print
    __slots__ = ()

    def __new__(cls, iterable: Iterable[SupportsIndex] = ()) -> Size:
        """The sizes, checked.

        Raises:
            TypeError: one that is no int.
        """
        sizes: list[int] = []
        for i, size in enumerate(iterable):
            try:
                sizes.append(index(size))
            except TypeError:
                kind = type(size).__name__
                raise TypeError(
                    f"torch.Size() takes an iterable of 'int' (item {i} is {kind!r})"
                ) from None
        return of_ints(sizes)

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return math.prod(self)

    def __getitem__(self, place: SupportsIndex | slice) -> Any:
        found = tuple.__getitem__(self, place)
        return of_ints(found) if isinstance(found, tuple) else found

    def __add__(self, other: Any) -> Any:
        return Size(tuple.__add__(self, other))

    def __mul__(self, times: SupportsIndex) -> Size:
        return of_ints(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"


of_ints: Callable[[Iterable[int]], Size] = partial(tuple.__new__, Size)
"""A `Size` of what is known to be ints, such as an array's shape: nothing is checked."""
