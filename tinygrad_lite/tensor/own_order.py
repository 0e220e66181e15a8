"""Functions whose results may be viewed, whatever axes they turn on their way."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from .base import TensorBase, in_our_order

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
