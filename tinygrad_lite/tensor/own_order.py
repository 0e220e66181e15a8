"""Functions whose results may be viewed, whatever axes they turn on their way."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from .base import TensorBase, in_our_order
from .layout import by_rows

P = ParamSpec("P")
R = TypeVar("R")


def own_order(function: Callable[P, R]) -> Callable[P, R]:
    """The function, whose results lie in an order of the library's choice (see `in_our_order`).

    PyTorch's are contiguous, and programs view them. A result that shares an argument's memory
    lies as that does.
    """

    @functools.wraps(function)
    def ordered(*args: P.args, **kwargs: P.kwargs) -> R:
        result = function(*args, **kwargs)
        given = {id(a._storage) for a in (*args, *kwargs.values()) if isinstance(a, TensorBase)}
        for part in result if isinstance(result, tuple) else (result,):
            if isinstance(part, TensorBase) and id(part._storage) not in given:
                in_our_order(part)
        return result

    return ordered


def laid(*kinds: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """For functions of matrices: how PyTorch's results lie, who calls LAPACK with columns.

    Args:
        kinds: of each result, or the only one, "columns" or "rows".
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            result = function(*args, **kwargs)
            parts: tuple[Any, ...] = result if isinstance(result, tuple) else (result,)
            for part, kind in zip(parts, kinds, strict=False):
                if part.ndim < 2 or kind == "rows":
                    in_our_order(part)
                else:
                    *several, rows, columns = part.shape
                    *steps, a, b = by_rows((*several, columns, rows), part.array.itemsize)
                    in_our_order(part, (*steps, b, a))
            return result

        return call

    return decorate
