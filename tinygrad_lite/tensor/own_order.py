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


def lay(names: dict[str, Any], **kinds: str) -> None:
    """Note of functions of matrices how PyTorch's results lie, who calls LAPACK with columns.

    Args:
        names: a module's, in which the functions that do so take the place of those of the name.
        kinds: by a function's name, of each of its results, or the only one, "columns" or "rows".
    """
    for name, words in kinds.items():
        function, several = names[name], words.split()

        # Closures of a loop need defaults; one call for all keeps an import short.
        def call(*args: Any, _run: Any = function, _kinds: Any = several, **kwargs: Any) -> Any:
            result = _run(*args, **kwargs)
            if len(_kinds) == 1:
                _mark(result, _kinds[0])
            else:
                for part, kind in zip(result, _kinds, strict=False):
                    _mark(part, kind)
            return result

        call.__name__, call.__qualname__ = function.__name__, function.__qualname__
        call.__module__, call.__doc__ = function.__module__, function.__doc__
        call.__annotations__ = function.__annotations__
        call.__wrapped__ = function  # type: ignore[attr-defined]
        names[name] = call


def _mark(part: Any, kind: str) -> None:
    if part._view is not None:
        in_our_order(part, kind)
    else:  # `settle` sees to it when it is asked for
        part._storage.ours = kind == "rows" or kind


def lying_as(input: TensorBase, out: T) -> T:
    """A result itself, once noted that PyTorch's lies in its input's order."""
    if input._view is None and input._storage.ours is True:
        out._storage.ours = True
    elif input._storage.ours or not input.array.flags.c_contiguous:
        steps = theirs(input)
        found = iterated(out.shape, [] if steps is None else [steps], out.array.itemsize)
        in_our_order(out, found)
    return out
