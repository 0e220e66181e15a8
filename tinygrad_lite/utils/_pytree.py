"""`torch.utils._pytree`, which programs import although it is PyTorch's own: nested containers."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from types import UnionType
from typing import Any

from ..absent import explain as _explain
from ._tree_nodes import (
    SUPPORTED_NODES,
    GetAttrKey,
    IsLeaf,
    KeyEntry,
    KeyPath,
    MappingKey,
    NodeDef,
    SequenceKey,
    key_get,
    keystr,
    node_type,
    register_dataclass,
    register_pytree_node,
    tree_is_leaf,
)
from ._tree_nodes import _dict_flatten as _dict_flatten
from ._tree_nodes import _dict_flatten_with_keys as _dict_flatten_with_keys
from ._tree_nodes import _dict_unflatten as _dict_unflatten

__all__ = [
    "GetAttrKey",
    "KeyEntry",
    "KeyPath",
    "LeafSpec",
    "MappingKey",
    "NodeDef",
    "PyTree",
    "SUPPORTED_NODES",
    "SequenceKey",
    "TreeSpec",
    "key_get",
    "keystr",
    "register_dataclass",
    "register_pytree_node",
    "tree_all",
    "tree_all_only",
    "tree_any",
    "tree_any_only",
    "tree_flatten",
    "tree_flatten_with_path",
    "tree_is_leaf",
    "tree_iter",
    "tree_leaves",
    "tree_leaves_with_path",
    "tree_map",
    "tree_map_",
    "tree_map_only",
    "tree_map_only_",
    "tree_map_with_path",
    "tree_structure",
    "tree_unflatten",
    "treespec_dumps",
    "treespec_leaf",
    "treespec_loads",
    "treespec_pprint",
]

PyTree = Any
Context = Any  # what a container is made of beside its parts
Kinds = type | tuple[type, ...] | UnionType

_DICTS = dict, OrderedDict, defaultdict  # one stands for another in further trees

_register_pytree_node = register_pytree_node
_get_node_type = node_type


# --- forms ---


@dataclasses.dataclass(frozen=True)
class TreeSpec:
    """The form of a tree.

    Attributes:
        type: what a container is under in `SUPPORTED_NODES`; None of a leaf.
        context: what it is made of beside its parts.
        children_specs: their forms.
    """

    type: Any
    context: Any
    children_specs: list[TreeSpec]

    @property
    def num_leaves(self) -> int:
        """How many leaves it has."""
        return 1 if self.is_leaf() else sum(child.num_leaves for child in self.children_specs)

    @property
    def num_nodes(self) -> int:
        """How many containers and leaves."""
        return 1 + sum(child.num_nodes for child in self.children_specs)

    @property
    def num_children(self) -> int:
        """How many parts."""
        return len(self.children_specs)

    def is_leaf(self) -> bool:
        """Whether it is a leaf's."""
        return self.type is None

    def children(self) -> list[TreeSpec]:
        """The forms of its parts."""
        return list(self.children_specs)

    def child(self, index: int) -> TreeSpec:
        """The form of a part."""
        return self.children_specs[index]

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """What stands in a tree at this form's leaves, which may be containers there.

        Raises:
            ValueError: the tree has another form above them.
        """
        if self.is_leaf():
            return [tree]
        kind = node_type(tree)
        if kind != self.type and not (kind in _DICTS and self.type in _DICTS):
            raise ValueError(f"Node type mismatch; expected {self.type!r}, but got {kind!r}.")
        parts, context = SUPPORTED_NODES[kind].flatten_fn(tree)
        if kind in _DICTS:
            keys, found = self.context[1] if self.type is defaultdict else self.context, list(tree)
            if set(keys) != set(found):
                raise ValueError(
                    f"Node keys mismatch; missing key(s): {set(keys) - set(found)}; "
                    f"extra key(s): {set(found) - set(keys)}."
                )
            parts = [tree[key] for key in keys]
        elif len(parts) != self.num_children:
            raise ValueError(
                f"Node arity mismatch; expected {self.num_children}, but got {len(parts)}."
            )
        elif kind is not deque and context != self.context:
            raise ValueError(
                f"Node context mismatch for {kind!r}: expected {self.context!r}, but got "
                f"{context!r}."
            )
        pairs = zip(self.children_specs, parts, strict=True)
        return [leaf for form, part in pairs for leaf in form.flatten_up_to(part)]

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """A tree of this form with these leaves.

        Raises:
            ValueError: they are not as many as the form's.
        """
        given = list(leaves)
        if len(given) != self.num_leaves:
            raise ValueError(
                f"treespec.unflatten(leaves): `leaves` has length {len(given)} but the spec "
                f"refers to a pytree that holds {self.num_leaves} items ({self})."
            )
        return self._filled(iter(given))

    def _filled(self, leaves: Iterator[Any]) -> Any:
        if self.is_leaf():
            return next(leaves)
        parts = [child._filled(leaves) for child in self.children_specs]
        return SUPPORTED_NODES[self.type].unflatten_fn(parts, self.context)

    def __hash__(self) -> int:
        return hash((self.type, repr(self.context), tuple(self.children_specs)))

    def __repr__(self, indent: int = 0) -> str:
        if self.is_leaf():
            return "*"
        parts = (",\n" + " " * (indent + 2)).join(
            child.__repr__(indent + 2) for child in self.children_specs
        )
        return f"TreeSpec({self.type.__name__}, {self.context}, [{parts}])"


_LEAF = TreeSpec(None, None, [])


def treespec_leaf() -> TreeSpec:
    """The form of a leaf."""
    return _LEAF


class _Leaves(type):
    """The class of `LeafSpec`: every leaf's form is one."""

    def __call__(cls) -> Any:
        return _LEAF

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, TreeSpec) and instance.is_leaf()


class LeafSpec(TreeSpec, metaclass=_Leaves):
    """The form of a leaf, by an older name: `LeafSpec()` is `treespec_leaf()`."""


def treespec_dumps(treespec: TreeSpec, protocol: int | None = None) -> str:
    """A form as JSON, which PyTorch reads too.

    Raises:
        ValueError: another protocol than 1.
        NotImplementedError: of a class that has no name there, such as a named tuple.
        TypeError: keys of a dict that are none of JSON's.
    """
    from ._tree_texts import dumps

    return dumps(treespec, protocol)


def treespec_loads(serialized: str) -> TreeSpec:
    """The form that `treespec_dumps`, or PyTorch's, wrote.

    Raises:
        ValueError: no JSON, or of another protocol.
        NotImplementedError: of a class that has no name there.
    """
    from ._tree_texts import loads

    return loads(serialized, TreeSpec, _LEAF)


def treespec_pprint(treespec: TreeSpec) -> str:
    """A form as Python would write it, with * for each leaf."""

    class Star:
        def __repr__(self) -> str:
            return "*"

    return repr(treespec.unflatten(Star() for _ in range(treespec.num_leaves)))


def tree_structure(tree: Any, is_leaf: IsLeaf = None) -> TreeSpec:
    """The form of a tree."""
    return tree_flatten(tree, is_leaf)[1]


# --- trees ---


def tree_flatten(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """The leaves of a tree, in order, and its form; None is a leaf like any other."""
    leaves: list[Any] = []

    def form(part: Any) -> TreeSpec:
        if tree_is_leaf(part, is_leaf):
            leaves.append(part)
            return _LEAF
        kind = node_type(part)
        parts, context = SUPPORTED_NODES[kind].flatten_fn(part)
        return TreeSpec(kind, context, [form(one) for one in parts])

    made = form(tree)
    return leaves, made


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """A tree of a form with these leaves.

    Raises:
        TypeError: not a form.
        ValueError: the leaves are not as many as the form's.
    """
    if not isinstance(treespec, TreeSpec):
        raise TypeError(f"tree_unflatten: treespec must be a TreeSpec, but is {type(treespec)}")
    return treespec.unflatten(leaves)


def tree_iter(tree: Any, is_leaf: IsLeaf = None) -> Iterator[Any]:
    """The leaves of a tree, one after another."""
    if tree_is_leaf(tree, is_leaf):
        yield tree
    else:
        for part in SUPPORTED_NODES[node_type(tree)].flatten_fn(tree)[0]:
            yield from tree_iter(part, is_leaf)


def tree_leaves(tree: Any, is_leaf: IsLeaf = None) -> list[Any]:
    """The leaves of a tree, in order."""
    return list(tree_iter(tree, is_leaf))


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """The tree with `func` of each leaf, and of what is at its place in further trees.

    Raises:
        ValueError: another has another form.
    """
    leaves, form = tree_flatten(tree, is_leaf)
    return form.unflatten(map(func, leaves, *map(form.flatten_up_to, rests)))


def tree_map_(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """Call `func` as `tree_map` does, for its effect; the tree itself."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def _only(kinds: Kinds | Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Whether a leaf is of these classes, or what else says which are meant."""
    if isinstance(kinds, type | tuple | UnionType):
        return lambda leaf: isinstance(leaf, kinds)
    return kinds


def tree_map_only(
    type_or_types_or_pred: Kinds | Callable[[Any], bool],
    /,
    func: Callable[[Any], Any],
    tree: Any,
    is_leaf: IsLeaf = None,
) -> Any:
    """The tree with `func` of each leaf of some classes, or that is meant; the others stay."""
    meant = _only(type_or_types_or_pred)
    return tree_map(lambda leaf: func(leaf) if meant(leaf) else leaf, tree, is_leaf=is_leaf)


def tree_map_only_(
    type_or_types_or_pred: Kinds | Callable[[Any], bool],
    /,
    func: Callable[[Any], Any],
    tree: Any,
    is_leaf: IsLeaf = None,
) -> Any:
    """Call `func` as `tree_map_only` does, for its effect; the tree itself."""
    tree_map_only(type_or_types_or_pred, func, tree, is_leaf)
    return tree


def tree_all(pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether something is true of all leaves."""
    return all(map(pred, tree_iter(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether something is true of a leaf."""
    return any(map(pred, tree_iter(tree, is_leaf)))


def tree_all_only(
    type_or_types: Kinds, /, pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None
) -> bool:
    """Whether something is true of all leaves of some classes."""
    return all(pred(leaf) for leaf in tree_iter(tree, is_leaf) if isinstance(leaf, type_or_types))


def tree_any_only(
    type_or_types: Kinds, /, pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None
) -> bool:
    """Whether something is true of a leaf of some classes."""
    return any(pred(leaf) for leaf in tree_iter(tree, is_leaf) if isinstance(leaf, type_or_types))


# --- with paths ---


def tree_leaves_with_path(tree: Any, is_leaf: IsLeaf = None) -> list[tuple[KeyPath, Any]]:
    """The leaves of a tree, in order, each with where it is.

    Raises:
        ValueError: a class that was registered without its keys.
    """
    if tree_is_leaf(tree, is_leaf):
        return [((), tree)]
    node = SUPPORTED_NODES[node_type(tree)]
    if node.flatten_with_keys_fn is None:
        raise ValueError(
            f"Did not find a flatten_with_keys_fn for type: {node.type}. Please pass a "
            "flatten_with_keys_fn argument to register_pytree_node."
        )
    return [
        ((key, *path), leaf)
        for key, part in node.flatten_with_keys_fn(tree)[0]
        for path, leaf in tree_leaves_with_path(part, is_leaf)
    ]


def tree_flatten_with_path(
    tree: Any, is_leaf: IsLeaf = None
) -> tuple[list[tuple[KeyPath, Any]], TreeSpec]:
    """The leaves of a tree, each with where it is, and the tree's form."""
    return tree_leaves_with_path(tree, is_leaf), tree_structure(tree, is_leaf)


def tree_map_with_path(
    func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None
) -> Any:
    """`tree_map` of a function of where a leaf is, and of the leaves."""
    found, form = tree_flatten_with_path(tree, is_leaf)
    paths, leaves = [path for path, _ in found], [leaf for _, leaf in found]
    return form.unflatten(map(func, paths, leaves, *map(form.flatten_up_to, rests)))


_explain(__name__)
