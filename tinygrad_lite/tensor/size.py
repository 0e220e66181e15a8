"""`Size`, the shape of a tensor: a tuple of integers that also knows their product."""

from __future__ import annotations

import math
from typing import Any, SupportsIndex

__all__ = ["Size"]


class Size(tuple[int, ...]):
    """A shape, as `torch.Size`: a tuple, also when sliced or added to."""

    __module__ = "tinygrad_lite"  # as users import it, and types print
    __slots__ = ()

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return math.prod(self)

    def __getitem__(self, place: SupportsIndex | slice) -> Any:
        found = tuple.__getitem__(self, place)
        return Size(found) if isinstance(found, tuple) else found

    def __add__(self, other: Any) -> Any:
        return Size(tuple.__add__(self, other))

    def __mul__(self, times: SupportsIndex) -> Size:
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"
