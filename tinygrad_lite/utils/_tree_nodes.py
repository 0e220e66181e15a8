"""Containers that `_pytree` goes into, and the keys of their parts.

They go by their exact class: a class derived from `dict` is a leaf until a program registers it.
Named tuples of every class are containers.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from ..tensor.size import Size
from ..trees import REGISTERED

IsLeaf = Callable[[Any], bool] | None


# --- where a leaf is ---


@dataclasses.dataclass(frozen=True)
class SequenceKey:
    """A place in a list or tuple."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"

    def get(self, sequence: Any) -> Any:
        """What is there."""
        return sequence[self.idx]


@dataclasses.dataclass(frozen=True)
class MappingKey:
    """A key of a dict."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"

    def get(self, mapping: Any) -> Any:
        """What is under it."""
        return mapping[self.key]


@dataclasses.dataclass(frozen=True)
class GetAttrKey:
    """A field of a named tuple or a dataclass."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, obj: Any) -> Any:
        """Its value."""
        return getattr(obj, self.name)


KeyEntry = SequenceKey | MappingKey | GetAttrKey
KeyPath = tuple[KeyEntry, ...]


def keystr(kp: KeyPath) -> str:
    """A path as Python would write it, such as "['a'][0].x"."""
    return "".join(map(str, kp))


def key_get(obj: Any, kp: KeyPath) -> Any:
    """What a path leads to."""
    for key in kp:
        obj = key.get(obj)
    return obj


# --- containers ---


class NodeDef(NamedTuple):
    """What is known of a class of containers.

    Attributes:
        type: the class.
        flatten_fn: container ↦ its parts, and what else it is made of (its context).
        unflatten_fn: parts and context ↦ a container.
        flatten_with_keys_fn: container ↦ pairs of a key and a part, and its context; or None.
    """

    type: Any
    flatten_fn: Callable[[Any], tuple[list[Any], Any]]
    unflatten_fn: Callable[[Iterable[Any], Any], Any]
    flatten_with_keys_fn: Callable[[Any], tuple[list[tuple[Any, Any]], Any]] | None = None


SUPPORTED_NODES: dict[Any, NodeDef] = {}
"""The containers by class; named tuples are all under `collections.namedtuple`."""


def _dict_flatten(tree: Any) -> tuple[list[Any], list[Any]]:
    """A dict's values and its keys."""
    return list(tree.values()), list(tree)


def _dict_flatten_with_keys(tree: Any) -> tuple[list[tuple[KeyEntry, Any]], list[Any]]:
    """A dict's values, each with its step of a path, and its keys."""
    return [(MappingKey(key), value) for key, value in tree.items()], list(tree)


def _dict_unflatten(values: Iterable[Any], context: list[Any], kind: type = dict) -> Any:
    """A dict of these values under those keys."""
    return kind(zip(context, values, strict=True))


def _in_order(kind: type) -> NodeDef:
    return NodeDef(
        kind,
        lambda tree: (list(tree), None),
        lambda parts, _: kind(parts),
        lambda tree: ([(SequenceKey(i), part) for i, part in enumerate(tree)], None),
    )


def _by_key(
    kind: type, context: Callable[[Any], Any], made: Callable[[Iterable[Any], Any], Any]
) -> NodeDef:
    return NodeDef(
        kind,
        lambda tree: (list(tree.values()), context(tree)),
        made,
        lambda tree: ([(MappingKey(k), part) for k, part in tree.items()], context(tree)),
    )


def _of_fields(kind: Any, parts: Callable[[Any], dict[str, Any]], made: Any) -> NodeDef:
    """Of classes whose parts have names; the class, or the lists of names, is the context."""

    def context(tree: Any) -> Any:
        return type(tree) if kind is namedtuple else [list(parts(tree)), []]

    return NodeDef(
        kind,
        lambda tree: (list(parts(tree).values()), context(tree)),
        made,
        lambda tree: ([(GetAttrKey(k), v) for k, v in parts(tree).items()], context(tree)),
    )


for _node in (
    *map(_in_order, (tuple, list)),
    _by_key(dict, list, _dict_unflatten),
    _by_key(OrderedDict, list, partial(_dict_unflatten, kind=OrderedDict)),
    _by_key(
        defaultdict,
        lambda tree: [tree.default_factory, list(tree)],
        lambda parts, context: defaultdict(context[0], zip(context[1], parts, strict=True)),
    ),
    _in_order(Size)._replace(unflatten_fn=lambda parts, _: tuple(parts)),
    _in_order(deque)._replace(
        flatten_fn=lambda tree: (list(tree), tree.maxlen),
        unflatten_fn=lambda parts, context: deque(parts, maxlen=context),
        flatten_with_keys_fn=lambda tree: (
            [(SequenceKey(i), part) for i, part in enumerate(tree)],
            tree.maxlen,
        ),
    ),
    _of_fields(
        namedtuple,
        lambda tree: dict(zip(tree._fields, tree, strict=True)),
        lambda parts, context: context(*parts),
    ),
):
    SUPPORTED_NODES[_node.type] = _node


def register_pytree_node(
    cls: type,
    flatten_fn: Callable[[Any], tuple[list[Any], Any]],
    unflatten_fn: Callable[[Iterable[Any], Any], Any],
    *unused: Any,
    flatten_with_keys_fn: Callable[[Any], tuple[list[tuple[Any, Any]], Any]] | None = None,
    **others: Any,
) -> None:
    """Have instances of a class (not of its subclasses) count as containers, everywhere.

    Args:
        cls: the class.
        flatten_fn: gives an instance's parts, and what else it is made of.
        unflatten_fn: makes an instance of other parts, and that.
        unused: with `others`, what PyTorch writes forms to files by; without effect.
        flatten_with_keys_fn: as `flatten_fn`, but pairs of a key and a part.

    Raises:
        ValueError: it counts already.
    """
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    SUPPORTED_NODES[cls] = NodeDef(cls, flatten_fn, unflatten_fn, flatten_with_keys_fn)
    REGISTERED[cls] = flatten_fn, unflatten_fn


def register_dataclass(cls: type, *, field_names: list[str] | None = None, **others: Any) -> None:
    """`register_pytree_node` of a dataclass: its parts are its fields, of which it is made.

    Args:
        cls: the class.
        field_names: those that are parts; default: all that its constructor takes.
        others: as for `register_pytree_node`.

    Raises:
        TypeError: not a dataclass.
        ValueError: it counts already.
    """
    if not dataclasses.is_dataclass(cls):
        raise TypeError(f"register_dataclass: {cls} is not a dataclass")
    names = field_names or [f.name for f in dataclasses.fields(cls) if f.init]
    node = _of_fields(
        cls,
        lambda tree: {name: getattr(tree, name) for name in names},
        lambda parts, _: cls(**dict(zip(names, parts, strict=True))),
    )
    register_pytree_node(
        cls,
        node.flatten_fn,
        node.unflatten_fn,
        flatten_with_keys_fn=node.flatten_with_keys_fn,
        **others,
    )


def node_type(tree: Any) -> Any:
    """What a container is under in `SUPPORTED_NODES`; of a leaf its class."""
    kind = type(tree)
    if kind not in SUPPORTED_NODES and issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return namedtuple
    return kind


def tree_is_leaf(tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether it is no container, or is to be taken for none."""
    return bool(is_leaf is not None and is_leaf(tree)) or (node_type(tree) not in SUPPORTED_NODES)
