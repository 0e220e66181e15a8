"""`torch.utils._pytree`, which programs import although it is PyTorch's own: nested containers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..trees import filled, leaves, mapped

__all__ = [
    "TreeSpec",
    "tree_all",
    "tree_any",
    "tree_flatten",
    "tree_leaves",
    "tree_map",
    "tree_map_only",
    "tree_unflatten",
]

tree_leaves = leaves


class TreeSpec(NamedTuple):
    """The form of a tree: the tree itself with None for each leaf."""

    form: Any

    @property
    def num_leaves(self) -> int:
        """How many leaves it has."""
        return len(leaves(self.form))


def tree_flatten(tree: Any) -> tuple[list[Any], TreeSpec]:
    """The leaves of nested dicts, lists and tuples, and their form."""
    return leaves(tree), TreeSpec(mapped(lambda _: None, tree))


def tree_unflatten(others: Iterable[Any], treespec: TreeSpec) -> Any:
    """A tree of a form with these leaves."""
    return filled(treespec.form, others)


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any) -> Any:
    """The tree with `func` of each leaf, and of those at its place in further trees."""
    if not rests:
        return mapped(func, tree)
    columns = zip(leaves(tree), *map(leaves, rests), strict=True)
    return filled(tree, [func(*column) for column in columns])


def tree_map_only(kind: Any, func: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with `func` of each leaf of a type, or of several; the others stay."""
    return mapped(lambda leaf: func(leaf) if isinstance(leaf, kind) else leaf, tree)


def tree_all(pred: Callable[[Any], bool], tree: Any) -> bool:
    """Whether something is true of all leaves."""
    return all(map(pred, leaves(tree)))


def tree_any(pred: Callable[[Any], bool], tree: Any) -> bool:
    """Whether something is true of a leaf."""
    return any(map(pred, leaves(tree)))
