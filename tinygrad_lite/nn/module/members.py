"""What a module is made of, under its attributes' names: parameters, buffers, submodules.

PyTorch keeps them in three dicts that `__getattr__` searches when ordinary look-up has
failed, at some 0.3 µs for each `self.weight`. Here the values are ordinary attributes, in
the instance's `__dict__`, and only their *kinds* are kept beside them, in the order of
registration. So reading one is as fast as Python gets, nothing is stored twice that could
disagree, and copying or pickling a module needs no code.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, MutableMapping, ValuesView
from typing import Any


class Members(MutableMapping[str, Any]):
    """A module's members of one kind as a dict: `_parameters`, `_buffers` or `_modules`.

    It holds no values: it reads and writes the module's attributes.
    """

    __slots__ = ("_attributes", "_kind", "_kinds")

    def __init__(self, attributes: dict[str, Any], kind: str) -> None:
        self._attributes = attributes
        self._kinds: dict[str, str] = attributes["_kinds"]
        self._kind = kind

    def __getitem__(self, name: str) -> Any:
        if self._kinds.get(name) != self._kind:
            raise KeyError(name)
        return self._attributes[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if self._kinds.get(name) != self._kind:
            self._kinds.pop(name, None)
            self._kinds[name] = self._kind
        self._attributes[name] = value

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        del self._kinds[name], self._attributes[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name, kind in self._kinds.items() if kind == self._kind)

    def __len__(self) -> int:
        return sum(kind == self._kind for kind in self._kinds.values())

    def _found(self) -> dict[str, Any]:
        return {name: self._attributes[name] for name in self}

    # As a dict's they print; those of a MutableMapping show all of it.

    def keys(self) -> KeysView[str]:
        """The names as they are now."""
        return self._found().keys()

    def values(self) -> ValuesView[Any]:
        """The values as they are now."""
        return self._found().values()

    def items(self) -> ItemsView[str, Any]:
        """Names and values as they are now."""
        return self._found().items()

    def copy(self) -> dict[str, Any]:
        """Names and values as they are now, in a dict that stays."""
        return self._found()

    def __repr__(self) -> str:
        return repr(self._found())
