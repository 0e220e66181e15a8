"""What a module is made of, under its attributes' names: parameters, buffers, submodules.

PyTorch keeps them in three dicts that `__getattr__` searches when ordinary look-up has
failed, at some 0.3 µs for each `self.weight`. Here the values are ordinary attributes, in
the instance's `__dict__`, and only their *kinds* are kept beside them, in the order of
registration. So reading one is as fast as Python gets, and nothing is stored twice that could
disagree. Programs that look for PyTorch's three dicts in `__dict__` find them (`Attributes`).
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, MutableMapping, ValuesView
from copy import copy
from typing import Any

KINDS = {"_parameters": "parameter", "_buffers": "buffer", "_modules": "module"}
"""What PyTorch calls its dicts of members, and the kind of those."""


OWN = frozenset(
    "_kinds _unsaved _forward_hooks _forward_pre_hooks _backward_hooks _backward_pre_hooks".split()
)
"""Entries of a module's `__dict__` in which it notes what is registered with it, and no other."""


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
        dict.__setitem__(self._attributes, name, value)

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


class Attributes(dict[str, Any]):
    """The `__dict__` of a module that was initialised: it also has PyTorch's three dicts.

    Programs take `model.__dict__["_modules"][name]`, and methods that were copied from PyTorch's
    begin with `"_parameters" in self.__dict__` or `self.__dict__.get("_buffers")`. These are no
    entries: who iterates sees each member under its own name.
    """

    __slots__ = ()

    def __missing__(self, name: str) -> Any:
        if name not in KINDS:
            raise KeyError(name)
        return Members(self, KINDS[name])

    def __contains__(self, name: object) -> bool:
        return name in KINDS or dict.__contains__(self, name)

    def copy(self) -> dict[str, Any]:
        """The entries, for another module: what it registers is its own, also its hooks."""
        entries = dict(self)
        for name, held in entries.items():
            if name in OWN:
                entries[name] = copy(held)
            elif name == "_save_hooks":
                entries[name] = {when: copy(hooks) for when, hooks in held.items()}
        return entries

    def get(self, name: str, default: Any = None) -> Any:
        """The value under a name, or the default."""
        try:
            return self[name]
        except KeyError:
            return default

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in KINDS:
            dict.__setitem__(self, name, value)
            return
        held, value = self[name], dict(value)
        held.clear()
        held.update(value)
