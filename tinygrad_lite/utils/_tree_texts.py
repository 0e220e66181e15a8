"""Forms of trees as JSON, in PyTorch's first protocol, which is the only one there is."""

from __future__ import annotations

import builtins
import json
from collections import OrderedDict, defaultdict, deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._pytree import TreeSpec

_PROTOCOL = 1
_NAMES: dict[Any, str] = {
    tuple: "builtins.tuple",
    list: "builtins.list",
    dict: "builtins.dict",
    OrderedDict: "collections.OrderedDict",
    defaultdict: "collections.defaultdict",
    deque: "collections.deque",
}
_KINDS = {name: kind for kind, name in _NAMES.items()}
_FACTORIES = {kind.__name__: kind for kind in (int, float, bool, str, list, dict, set, tuple)}


def _plain(spec: TreeSpec) -> dict[str, Any]:
    """A form as dicts, lists and texts.

    Raises:
        NotImplementedError: of a class that has no name in the protocol.
        TypeError: what it is made of beside its parts is none of JSON's.
    """
    if spec.is_leaf():
        return {"type": None, "context": None, "children_spec": []}
    if spec.type not in _NAMES:
        raise NotImplementedError(f"Serializing {spec.type} in pytree is not registered.")
    context: Any
    if spec.type is defaultdict:
        factory, keys = spec.context
        context = {
            "default_factory_module": factory.__module__,
            "default_factory_name": factory.__qualname__,
            "dict_context": keys,
        }
    else:
        context = json.dumps(spec.context)
    children = [_plain(child) for child in spec.children_specs]
    return {"type": _NAMES[spec.type], "context": context, "children_spec": children}


def dumps(spec: TreeSpec, protocol: int | None = None) -> str:
    """A form as text, which PyTorch reads too.

    Raises:
        ValueError: another protocol than 1.
        NotImplementedError: of a class that has no name in the protocol, such as a named tuple.
        TypeError: keys of a dict that are none of JSON's.
    """
    if protocol not in (None, _PROTOCOL):
        raise ValueError(f"Unknown protocol {protocol}. Available protocols: [{_PROTOCOL}]")
    return json.dumps((_PROTOCOL, _plain(spec)))


def _form(given: dict[str, Any], make: Any, leaf: TreeSpec) -> TreeSpec:
    """What `_plain` made dicts of.

    Raises:
        NotImplementedError: of a class that has no name in the protocol, or a factory that is none
            of Python's plain types.
    """
    name, context, children = given["type"], given["context"], given["children_spec"]
    if name is None and context is None and not children:
        return leaf
    if name not in _KINDS:
        raise NotImplementedError(f"Deserializing {name} in pytree is not registered.")
    kind = _KINDS[name]
    if kind is defaultdict:
        factory = context["default_factory_name"]
        if context["default_factory_module"] != builtins.__name__ or factory not in _FACTORIES:
            raise NotImplementedError(f"Deserializing a defaultdict of {factory} is not supported.")
        context = [_FACTORIES[factory], context["dict_context"]]
    else:
        context = json.loads(context)
    return make(kind, context, [_form(child, make, leaf) for child in children])  # type: ignore[no-any-return]


def loads(text: str, make: Any, leaf: TreeSpec) -> TreeSpec:
    """The form that a text is of.

    Args:
        text: as `dumps` or PyTorch wrote it.
        make: `TreeSpec`.
        leaf: the form of a leaf.

    Raises:
        ValueError: no JSON, or of another protocol.
        NotImplementedError: of a class that has no name in the protocol.
    """
    protocol, given = json.loads(text)
    if protocol != _PROTOCOL:
        raise ValueError(f"Unknown protocol {protocol}. Available protocols: [{_PROTOCOL}]")
    return _form(given, make, leaf)
