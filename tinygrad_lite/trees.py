"""Trees, that is nested dicts, lists and tuples: their leaves, and trees of the same form."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["REGISTERED", "filled", "leaves", "mapped"]

REGISTERED: dict[type, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {}
"""Further containers, which programs add: a function that gives a container's parts and a context,
and one that makes a container of others and the context."""


def leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """The values in nested dicts, lists and tuples, in order; None is a leaf like any other.

    Args:
        tree: the whole, or a leaf.
        is_leaf: whether to take a container as a leaf.
    """
    if is_leaf is not None and is_leaf(tree):
        return [tree]
    if type(tree) in REGISTERED:
        tree = REGISTERED[type(tree)][0](tree)[0]
    elif isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, list | tuple):
        return [tree]
    return [leaf for part in tree for leaf in leaves(part, is_leaf)]


def mapped(
    function: Callable[[Any], Any], tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> Any:
    """A tree of the same form with `function(leaf)` in place of each leaf."""

    def inner(part: Any) -> Any:
        if is_leaf is not None and is_leaf(part):
            return function(part)
        if type(part) in REGISTERED:
            flatten, unflatten = REGISTERED[type(part)]
            parts, context = flatten(part)
            return unflatten([inner(one) for one in parts], context)
        if isinstance(part, dict):
            return type(part)((key, inner(one)) for key, one in part.items())
        if isinstance(part, tuple) and hasattr(part, "_fields"):
            return type(part)(*(inner(one) for one in part))
        if isinstance(part, list | tuple):
            return type(part)(inner(one) for one in part)
        return function(part)

    return inner(tree)


def filled(tree: Any, others: Iterable[Any]) -> Any:
    """A tree of the same form with the given leaves, in order."""
    following = iter(others)
    return mapped(lambda _: next(following), tree)
