"""Nested dicts, lists and tuples of anything: their leaves, and the same form with others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["filled", "leaves", "mapped"]


def leaves(tree: Any) -> list[Any]:
    """What nested dicts, lists and tuples hold, in their order; None is a leaf as any other."""
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, list | tuple):
        return [tree]
    return [leaf for part in tree for leaf in leaves(part)]


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same tree with other leaves."""
    if isinstance(tree, dict):
        return type(tree)((key, mapped(function, part)) for key, part in tree.items())
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(mapped(function, part) for part in tree))
    if isinstance(tree, list | tuple):
        return type(tree)(mapped(function, part) for part in tree)
    return function(tree)


def filled(tree: Any, others: Iterable[Any]) -> Any:
    """The same tree with these leaves in their order."""
    following = iter(others)
    return mapped(lambda _: next(following), tree)
