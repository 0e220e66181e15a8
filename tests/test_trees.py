"""Nested containers, as `torch.utils._pytree` has them."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest

import tinygrad_lite
from tinygrad_lite import trees
from tinygrad_lite.utils import _pytree


def test_nested_containers() -> None:
    tree = {"a": 1, "b": [2, (3,)]}
    found, form = _pytree.tree_flatten(tree)
    assert found == [1, 2, 3]
    assert form.num_leaves == 3
    assert _pytree.tree_unflatten([4, 5, 6], form) == {"a": 4, "b": [5, (6,)]}
    assert _pytree.tree_map(lambda a, b: a + b, tree, tree) == {"a": 2, "b": [4, (6,)]}
    assert _pytree.tree_map_only(str, len, [1, "abc"]) == [1, 3]
    assert _pytree.tree_all(bool, tree)
    assert _pytree.tree_any(lambda v: v == 3, tree)
    assert _pytree.tree_leaves(tree, is_leaf=lambda part: isinstance(part, list)) == [1, [2, (3,)]]


def test_containers_that_a_program_registers(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pair:
        def __init__(self, first: Any, second: Any, name: str) -> None:
            self.parts, self.name = [first, second], name

    for registry in (trees.REGISTERED, _pytree.SUPPORTED_NODES):
        monkeypatch.setitem(registry, Pair, None)  # so that it is taken out again
        del registry[Pair]
    found = Pair(1, [2, 3], "a")
    assert _pytree.tree_leaves(found) == [found]
    _pytree._register_pytree_node(
        Pair, lambda pair: (pair.parts, pair.name), lambda parts, name: Pair(*parts, name)
    )
    assert _pytree._dict_unflatten(*_pytree._dict_flatten({"a": 1})) == {"a": 1}
    with pytest.raises(ValueError, match="already registered"):
        _pytree.register_pytree_node(Pair, lambda p: ([], None), lambda p, c: None)
    leaves, form = _pytree.tree_flatten({"x": found})
    assert leaves == [1, 2, 3]
    again = _pytree.tree_unflatten([4, 5, 6], form)["x"]
    assert (again.parts, again.name) == ([4, [5, 6]], "a")
    assert _pytree.tree_map(lambda a, b: a + b, found, again).parts == [5, [7, 9]]


def test_forms_of_nested_containers() -> None:
    class Point(NamedTuple):
        x: Any
        y: Any

    class Own(dict[str, int]):
        """A class of a program's own, which is no container until it is registered."""

    tree = {"b": 1, "a": [2, Point(3, deque([4], maxlen=2))], "c": OrderedDict(d=5)}
    leaves, form = _pytree.tree_flatten(tree)
    assert leaves == [1, 2, 3, 4, 5]
    assert repr(_pytree.tree_structure({"b": 1, "a": [2, ()]})) == (
        "TreeSpec(dict, ['b', 'a'], [*,\n"
        "  TreeSpec(list, None, [*,\n"
        "    TreeSpec(tuple, None, [])])])"
    )
    assert (form.num_leaves, form.num_nodes, form.num_children) == (5, 10, 3)
    assert (form.type, form.context, form.is_leaf()) == (dict, ["b", "a", "c"], False)
    assert form.child(0) == form.children()[0] == _pytree.treespec_leaf()
    assert _pytree.treespec_pprint(form.child(1)) == "[*, Point(x=*, y=deque([*], maxlen=2))]"
    assert {form: 1}[_pytree.tree_structure(tree)] == 1
    assert form != _pytree.tree_structure({"b": 1})
    assert form.unflatten(leaves) == tree
    assert type(_pytree.tree_map(abs, tree)["a"][1]) is Point
    assert _pytree.tree_map(abs, defaultdict(int, a=-1))["z"] == 0
    assert _pytree.tree_leaves([Own(a=1), None]) == [{"a": 1}, None]
    assert _pytree.tree_is_leaf(Own())
    assert not _pytree.tree_is_leaf(tinygrad_lite.Size([1]))
    # Further trees may have more below the first one's leaves, and other kinds of dicts.
    other = {"c": {"d": [6]}, "b": (7,), "a": [8, Point(9, deque([10]))]}
    pairs = _pytree.tree_leaves(_pytree.tree_map(lambda a, b: str((a, b)), tree, other))
    assert pairs == ["(1, (7,))", "(2, 8)", "(3, 9)", "(4, 10)", "(5, [6])"]
    for wrong, message in (
        ([1], "type mismatch"),
        ({"b": 1}, r"missing key\(s\)"),
        (tree | {"a": [1]}, "arity mismatch; expected 2, but got 1"),
        (tree | {"a": [1, (3, deque([4]))]}, "type mismatch"),
    ):
        with pytest.raises(ValueError, match=message):
            form.flatten_up_to(wrong)
    with pytest.raises(ValueError, match=r"has length 1 but the spec .* holds 5"):
        form.unflatten([1])
    with pytest.raises(TypeError, match="must be a TreeSpec"):
        _pytree.tree_unflatten([1], [1])  # type: ignore[arg-type]


def test_paths_in_nested_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass
    class Pair:
        x: Any
        y: Any

    class Box:
        """A container whose keys nobody tells."""

    for registry in (trees.REGISTERED, _pytree.SUPPORTED_NODES):
        for kind in (Pair, Box):
            monkeypatch.setitem(registry, kind, None)
            del registry[kind]
    _pytree.register_dataclass(Pair)
    _pytree.register_pytree_node(Box, lambda box: ([], None), lambda parts, _: Box())
    tree = {"a": [1, Pair(2, (3,))]}
    found, form = _pytree.tree_flatten_with_path(tree)
    assert [_pytree.keystr(path) for path, _ in found] == [
        "['a'][0]",
        "['a'][1].x",
        "['a'][1].y[0]",
    ]
    assert found[1][0] == (
        _pytree.MappingKey("a"),
        _pytree.SequenceKey(1),
        _pytree.GetAttrKey("x"),
    )
    assert [_pytree.key_get(tree, path) for path, _ in found] == [leaf for _, leaf in found]
    assert form.unflatten([4, 5, 6]) == {"a": [4, Pair(5, (6,))]}
    told = _pytree.tree_map_with_path(lambda path, *leaves: (len(path), *leaves), tree, tree)
    assert told == {"a": [(2, 1, 1), Pair((3, 2, 2), ((4, 3, 3),))]}
    with pytest.raises(ValueError, match="flatten_with_keys_fn"):
        _pytree.tree_leaves_with_path([Box()])
    with pytest.raises(TypeError, match="not a dataclass"):
        _pytree.register_dataclass(int)
    with pytest.raises(ValueError, match="already registered"):
        _pytree.register_pytree_node(list, list, list)  # type: ignore[arg-type]


def test_leaves_of_some_classes() -> None:
    seen: list[Any] = []
    tree = [1, {"a": 2.5}]
    assert _pytree.tree_map_(seen.append, tree) is tree
    assert _pytree.tree_map_only_(float, seen.append, tree) is tree
    assert seen == [1, 2.5, 2.5]
    assert _pytree.tree_map_only(int | str, str, tree) == ["1", {"a": 2.5}]
    assert _pytree.tree_map_only(lambda leaf: leaf > 2, str, tree) == [1, {"a": "2.5"}]
    assert _pytree.tree_all_only(float, lambda leaf: leaf > 2, tree)
    assert not _pytree.tree_any_only(int, lambda leaf: leaf > 2, tree)
    assert [*_pytree.tree_iter(tree)] == [1, 2.5]


def test_forms_as_texts() -> None:
    """PyTorch's texts, read and written."""
    tree = [1, {"a": (2, 3)}, OrderedDict(k=deque([None], maxlen=3)), defaultdict(int, x=4)]
    form = _pytree.tree_structure(tree)
    text = _pytree.treespec_dumps(form)
    leaf = '{"type": null, "context": null, "children_spec": []}'
    assert _pytree.treespec_dumps(_pytree.tree_structure([1, {"a": 2}])) == (
        '[1, {"type": "builtins.list", "context": "null", "children_spec": [' + leaf + ", "
        '{"type": "builtins.dict", "context": "[\\"a\\"]", "children_spec": [' + leaf + "]}]}]"
    )
    assert _pytree.treespec_loads(text) == form
    assert _pytree.tree_unflatten(_pytree.tree_leaves(tree), _pytree.treespec_loads(text)) == tree
    with pytest.raises(ValueError, match="Unknown protocol 2"):
        _pytree.treespec_dumps(form, 2)
    with pytest.raises(ValueError, match="Unknown protocol 7"):
        _pytree.treespec_loads("[7, {}]")
    for bad in ("os.system", "builtins.eval"):
        with pytest.raises(NotImplementedError, match="not registered"):
            _pytree.treespec_loads(
                f'[1, {{"type": "{bad}", "context": "null", "children_spec": []}}]'
            )
    evil = text.replace('"default_factory_name": "int"', '"default_factory_name": "exec"')
    with pytest.raises(NotImplementedError, match="defaultdict of exec"):
        _pytree.treespec_loads(evil)

    class Point(NamedTuple):
        x: int

    with pytest.raises(NotImplementedError, match="Serializing"):
        _pytree.treespec_dumps(_pytree.tree_structure(Point(1)))
