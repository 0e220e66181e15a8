"""Functions whose results may be viewed, whatever axes they turn on their way."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from .base import TensorBase, in_our_order
from .layout import iterated, theirs

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T", bound=TensorBase)


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
    one = kinds[0] if len(kinds) == 1 else ""

    def mark(part: Any, kind: str) -> None:
        if part._view is not None:
            in_our_order(part, kind)
        else:  # `settle` sees to it when it is asked for
            part._storage.ours = kind == "rows" or kind

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            result = function(*args, **kwargs)
            if one:
                mark(result, one)
            else:
                for part, kind in zip(result, kinds, strict=False):  # type: ignore[call-overload]
                    mark(part, kind)
            return result

        return call

    return decorate


def lying_as(input: TensorBase, out: T) -> T:
    """A result itself, once noted that PyTorch's lies in its input's order."""
    if input._view is None and input._storage.ours is True:
        out._storage.ours = True
    elif not input.array.flags.c_contiguous:
        steps = theirs(input)
        found = iterated(out.shape, [] if steps is None else [steps], out.array.itemsize)
        in_our_order(out, found)
    return out
