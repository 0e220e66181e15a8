"""Weak references to tensors, and dictionaries keyed by them."""

from __future__ import annotations

import copy
import gc
from typing import Any

import pytest

import tinygrad_lite as torch
from tinygrad_lite.utils.weak import (
    TensorWeakRef,
    WeakIdKeyDictionary,
    WeakIdRef,
    WeakTensorKeyDictionary,
)


def test_a_reference_does_not_hold_its_tensor() -> None:
    x = torch.ones(2)
    ref = TensorWeakRef(x)
    assert ref() is x
    del x
    gc.collect()
    assert ref() is None
    with pytest.raises(AssertionError):
        TensorWeakRef(2)  # type: ignore[arg-type]


def test_references_are_equal_to_those_of_the_same_object() -> None:
    x, y = torch.ones(2), torch.ones(2)
    a, b = WeakIdRef(x), WeakIdRef(x)
    assert a == b
    assert hash(a) == hash(b)
    assert a != WeakIdRef(y)
    assert a != x.shape
    del x
    assert a == a
    assert a != b


def test_a_dictionary_keyed_by_tensors() -> None:
    x, y = torch.ones(2), torch.ones(2)
    known: Any = WeakTensorKeyDictionary({x: 1})
    assert WeakTensorKeyDictionary is WeakIdKeyDictionary
    known[y] = 2
    assert (known[x], known.get(y), known.get(torch.ones(2), 3)) == (1, 2, 3)
    assert x in known
    assert 5 not in known
    assert [key is x for key in known] == [True, False]
    assert [*known.values()] == [1, 2]
    assert known.setdefault(x, 7) == 1
    assert known.pop(y) == 2
    assert len(known) == 1
    with pytest.raises(KeyError):
        known[y]
    known |= {y: 5}
    assert dict(known.items())[y] == 5
    assert known == copy.copy(known) == known.copy()
    assert known != {x: 1}
    assert (known | {x: 9})[x] == 9
    assert ({x: 9} | known)[x] == 1
    assert [ref() is x for ref in known.keyrefs()] == [True, False]
    held = copy.deepcopy(known)
    assert held[x] == 1
    del x, held
    gc.collect()
    assert [*known.values()] == [5]
    del known[y]
    assert not known


def test_entries_go_while_keys_are_gone_through() -> None:
    tensors = [torch.ones(1) for _ in range(4)]
    known = WeakIdKeyDictionary({x: i for i, x in enumerate(tensors)})
    seen = 0
    for _ in known:
        seen += 1
        tensors.clear()
    assert seen == 1
    assert len(known) <= 1
