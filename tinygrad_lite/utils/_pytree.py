"""`torch.utils._pytree`, which programs import although it is PyTorch's own: nested containers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ..absent import explain as _explain
from ..trees import REGISTERED, filled, leaves, mapped

__all__ = [
    "MappingKey",
    "TreeSpec",
    "register_pytree_node",
    "tree_all",
    "tree_any",
    "tree_flatten",
    "tree_leaves",
    "tree_map",
    "tree_map_only",
    "tree_unflatten",
]

tree_leaves = leaves

IsLeaf = Callable[[Any], bool] | None
Context = Any  # what a container is made of beside its parts


class MappingKey(NamedTuple):
    """A step of the path to a leaf: a key of a dict."""

    key: Any

    def get(self, mapping: Mapping[Any, Any]) -> Any:
        """What a dict has there."""
        return mapping[self.key]

    def __str__(self) -> str:
        return f"[{self.key!r}]"


class TreeSpec(NamedTuple):
    """The form of a tree: the tree itself with None for each leaf."""

    form: Any

    @property
    def num_leaves(self) -> int:
        """How many leaves it has."""
        return len(leaves(self.form))


def register_pytree_node(
    cls: type,
    flatten_fn: Callable[[Any], tuple[list[Any], Any]],
    unflatten_fn: Callable[[Iterable[Any], Any], Any],
    *unused: Any,
    **others: Any,
) -> None:
    """Have instances of a class (not of its subclasses) count as containers, everywhere.

    Args:
        cls: the class.
        flatten_fn: gives an instance's parts, and what else it is made of.
        unflatten_fn: makes an instance of other parts, and that.
        unused: with `others`, what PyTorch writes and prints forms by; without effect.

    Raises:
        ValueError: it counts already.
    """
    if cls in REGISTERED:
        raise ValueError(f"{cls} is already registered as pytree node.")
    REGISTERED[cls] = flatten_fn, unflatten_fn


_register_pytree_node = register_pytree_node


def tree_flatten(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """The leaves of nested dicts, lists and tuples, and their form."""
    return leaves(tree, is_leaf), TreeSpec(mapped(lambda _: None, tree, is_leaf))


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """A tree of a form with these leaves."""
    return filled(treespec.form, leaves)


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """The tree with `func` of each leaf, and of those at its place in further trees."""
    if not rests:
        return mapped(func, tree, is_leaf)
    columns = zip(leaves(tree, is_leaf), *map(leaves, rests), strict=True)
    found = iter([func(*column) for column in columns])
    return mapped(lambda _: next(found), tree, is_leaf)


def tree_map_only(kind: Any, func: Callable[[Any], Any], tree: Any, is_leaf: IsLeaf = None) -> Any:
    """The tree with `func` of each leaf of a type, or of several; the others stay."""
    return mapped(lambda leaf: func(leaf) if isinstance(leaf, kind) else leaf, tree, is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether something is true of all leaves."""
    return all(map(pred, leaves(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether something is true of a leaf."""
    return any(map(pred, leaves(tree, is_leaf)))


def _dict_flatten(tree: Mapping[Any, Any]) -> tuple[list[Any], list[Any]]:
    """For `register_pytree_node`, of a class that is a dict: its values and its keys."""
    return list(tree.values()), list(tree)


def _dict_unflatten(values: Iterable[Any], context: list[Any]) -> dict[Any, Any]:
    """A dict of these values under those keys."""
    return dict(zip(context, values, strict=True))


def _dict_flatten_with_keys(
    tree: Mapping[Any, Any],
) -> tuple[list[tuple[MappingKey, Any]], list[Any]]:
    """For `register_pytree_node`, too: its values, each with where it is, and its keys."""
    return [(MappingKey(key), value) for key, value in tree.items()], list(tree)


_explain(__name__)
