"""Trees, that is nested dicts, lists and tuples: their leaves, and trees of the same form."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["filled", "leaves", "mapped"]


def leaves(tree: Any) -> list[Any]:
    """The values in nested dicts, lists and tuples, in order; None is a leaf like any other."""
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, list | tuple):
        return [tree]
    return [leaf for part in tree for leaf in leaves(part)]


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """A tree of the same form with `function(leaf)` in place of each leaf."""
    if isinstance(tree, dict):
        return type(tree)((key, mapped(function, part)) for key, part in tree.items())
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(mapped(function, part) for part in tree))
    if isinstance(tree, list | tuple):
        return type(tree)(mapped(function, part) for part in tree)
    return function(tree)


def filled(tree: Any, others: Iterable[Any]) -> Any:
    """A tree of the same form with the given leaves, in order."""
    following = iter(others)
    return mapped(lambda _: next(following), tree)
