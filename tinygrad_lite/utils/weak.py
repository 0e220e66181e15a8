"""`torch.utils.weak`: weak references to tensors, and dictionaries that are keyed by tensors.

Tensors compare element by element, so they are no keys for Python's `WeakKeyDictionary`: here a key
is the tensor itself, whatever its elements, and an entry goes when its tensor does.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from ..tensor import Tensor

__all__ = ["TensorWeakRef", "WeakIdKeyDictionary", "WeakIdRef", "WeakTensorKeyDictionary"]


WeakRef = ref = weakref.ref


class WeakIdRef(weakref.ref):  # type: ignore[type-arg]
    """A weak reference that is equal to those to the same object, and hashes alike."""

    __slots__ = ("_id",)

    def __init__(self, key: Any, callback: Any = None) -> None:
        super().__init__(key, callback)  # type: ignore[call-arg]
        self._id = id(key)

    def __hash__(self) -> int:
        return self._id

    def __eq__(self, other: object) -> bool:
        mine = self()
        its = other() if isinstance(other, weakref.ref) else None
        return self is other if mine is None or its is None else mine is its

    def __ne__(self, other: object) -> bool:  # a reference's own compares what is referred to
        return not self == other


class TensorWeakRef:
    """A weak reference to a tensor; called, it gives the tensor, or None if there is none left."""

    def __init__(self, tensor: Tensor) -> None:
        if not isinstance(tensor, Tensor):
            raise AssertionError(f"expected a Tensor, but got {type(tensor).__name__}")
        self.ref = weakref.ref(tensor)

    def __call__(self) -> Tensor | None:
        """The tensor, or None."""
        return self.ref()


class WeakIdKeyDictionary(MutableMapping[Any, Any]):
    """A dictionary of weakly held keys, each of which is equal to itself alone.

    Args:
        dict: entries to begin with.
        ref_type: the class of the references to the keys.
    """

    def __init__(self, dict: Any = None, ref_type: Any = WeakIdRef) -> None:
        self.data: Any = {}
        self.ref_type = ref_type
        held = weakref.ref(self)

        def remove(key: Any) -> None:
            mine = held()
            if mine is not None:
                mine.data.pop(key, None)

        self._remove = remove
        if dict is not None:
            self.update(dict)

    def __getitem__(self, key: Any) -> Any:
        return self.data[self.ref_type(key)]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.data[self.ref_type(key, self._remove)] = value

    def __delitem__(self, key: Any) -> None:
        del self.data[self.ref_type(key)]

    def __contains__(self, key: Any) -> bool:
        try:
            return self.ref_type(key) in self.data
        except TypeError:  # what can't be referred to
            return False

    def __iter__(self) -> Iterator[Any]:
        for ref in [*self.data]:
            key = ref()
            if key is not None:
                yield key

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {id(self):#x}>"

    def keyrefs(self) -> list[Any]:
        """The references to the keys; some keys may go before they are used."""
        return [*self.data]

    def copy(self) -> WeakIdKeyDictionary:
        """Another dictionary of the same entries."""
        made = type(self)(ref_type=self.ref_type)
        made.update(self)
        return made

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> WeakIdKeyDictionary:
        from copy import deepcopy  # which called this

        made = type(self)(ref_type=self.ref_type)
        made.update([(key, deepcopy(value, memo)) for key, value in _pairs(self)])
        return made

    def __or__(self, other: Any) -> WeakIdKeyDictionary:
        if not isinstance(other, Mapping):
            return NotImplemented
        made = self.copy()
        made.update(other)
        return made

    def __ror__(self, other: Any) -> WeakIdKeyDictionary:
        if not isinstance(other, Mapping):
            return NotImplemented
        made = type(self)(other, self.ref_type)
        made.update(self)
        return made

    def __ior__(self, other: Any) -> WeakIdKeyDictionary:
        self.update(other)
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        mine = {id(key): value for key, value in _pairs(self)}
        return mine == {id(key): value for key, value in _pairs(other)}

    __hash__ = None  # type: ignore[assignment]


def _pairs(mapping: Any) -> list[tuple[Any, Any]]:
    return [(key, mapping[key]) for key in mapping]


WeakTensorKeyDictionary = WeakIdKeyDictionary
