"""Modules that hold other modules in a list or a dict."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from operator import index as to_index
from typing import Any, Self

from .module import Members, Module, indented, layout

__all__ = ["ModuleDict", "ModuleList", "Sequential"]


class _Indexed(Module):
    """A module that is a list: its members are attributes named "0", "1", … in their order."""

    _kind = "module"

    def _members(self) -> MutableMapping[str, Any]:
        """The members by name; changes of the mapping change the module."""
        return Members(self.__dict__, self._kind)

    def _held(self) -> list[Any]:
        """The members in their order."""
        return self._of_kind(self._kind)

    def _prepare(self, value: Any) -> Any:
        """A value as it is kept.

        Raises:
            TypeError: it is no module.
        """
        if not isinstance(value, Module) and value is not None:  # None holds a place
            raise TypeError(f"{type(value).__name__} is not a Module subclass")
        return value

    def _put(self, name: str, value: Any) -> None:
        """Hold a value, as `_prepare` gave it, under a name."""
        self._register(name, value, self._kind)

    def _name(self, index: Any) -> str:
        """The name of the member at an index, which may count from the end."""
        n, at = len(self), to_index(index)
        if not -n <= at < n:
            raise IndexError(f"index {at} is out of range")
        return list(self._members())[at]

    def _get_abs_string_index(self, idx: Any) -> str:
        """PyTorch's name of what says under which name a member is held."""
        return self._name(idx)

    def _replace_all(self, values: Iterable[Any]) -> None:
        """Hold other members, numbered anew."""
        members, values = self._members(), list(values)
        members.clear()
        for i, value in enumerate(values):
            members[str(i)] = value

    def __len__(self) -> int:
        return len(self._members())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._held())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(self._held()[index])  # type: ignore[call-arg]
        return self._members()[self._name(index)]

    def __setitem__(self, index: int, value: Any) -> None:
        self._put(self._name(index), self._prepare(value))

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._members())
        gone = names[index] if isinstance(index, slice) else [self._name(index)]
        self._replace_all(value for name, value in self._members().items() if name not in gone)

    def append(self, value: Any) -> Self:
        """Add one at the end."""
        self._put(str(len(self)), self._prepare(value))
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add several at the end.

        Raises:
            TypeError: not an iterable, or a value that can't be held.
        """
        if not hasattr(values, "__iter__"):
            raise TypeError(
                f"{type(self).__name__}.extend should be called with an iterable, but got "
                f"{type(values).__name__}"
            )
        for value in list(values):
            self.append(value)
        return self

    def insert(self, index: int, value: Any) -> Any:
        """Put one before an index; those behind it move up.

        A Sequential returns itself, as in PyTorch.

        Raises:
            IndexError: the index is beyond the end.
        """
        n = len(self)
        if not -n <= index <= n:
            raise IndexError(f"insert: index {index} is out of range for {n} elements")
        values = list(self)
        values.insert(index, self._prepare(value))
        self._replace_all(values)
        return self if isinstance(self, Sequential) else None

    def pop(self, index: int = -1) -> Any:
        """Take one out, the last by default, and return it."""
        value = self[index]
        del self[index]
        return value

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def __add__(self, values: Iterable[Any]) -> Self:
        return type(self)().extend(self).extend(values)


def _sequential(values: Iterable[Any]) -> Sequential:
    """What may be added to a Sequential: another one.

    Raises:
        ValueError: anything else.
    """
    if not isinstance(values, Sequential):
        raise ValueError(
            f"add operator supports only objects of Sequential class, but {type(values)} is given."
        )
    return values


class Sequential(_Indexed):
    """Modules run one after another: y = mₙ(… m₂(m₁(x))).

    Args:
        args: the modules, or one OrderedDict of modules by name.

    Raises:
        TypeError: something that is not a module.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
        >>> model(torch.zeros(5, 3)).shape
        torch.Size([5, 2])
        >>> model[0]
        Linear(in_features=3, out_features=4, bias=True)
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            self.extend(args)

    def forward(self, input: Any) -> Any:
        """The last module's output; without modules the input.

        Where a module can be computed in one with those behind it (`_joined`), it is.
        """
        modules = self._of_kind("module")
        at = 0
        while at < len(modules):
            module = modules[at]
            at += 1
            join = None if module is None else module._joined_with
            joined = None if join is None else join(modules[at : at + 2])
            if joined is None:
                input = module(input)
            else:
                together, more = joined
                input = together(input)
                at += more
        return input

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):  # keeps the names
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return super().__getitem__(index)

    def _get_item_by_idx(self, iterator: Iterable[Any], idx: Any) -> Any:
        """The member of an iterator over all at an index; PyTorch's, for derived classes.

        Raises:
            IndexError: no such index.
        """
        place = list(self._members()).index(self._name(idx))
        return next(itertools.islice(iterator, place, None))

    def __add__(self, values: Iterable[Any]) -> Self:
        return super().__add__(_sequential(values))

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return super().__iadd__(_sequential(values))

    def __mul__(self, times: int) -> Self:
        return type(self)().extend(self._repeated(times))

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        return self.extend(self._repeated(times)[len(self) :])

    def _repeated(self, times: int) -> list[Any]:
        """The modules, several times over: they are shared, not copied."""
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times} for {type(self)}")
        return self._of_kind("module") * times


class ModuleList(_Indexed):
    """A list of modules that the module it belongs to sees; it has no `forward`.

    Args:
        modules: any iterable of modules.

    Raises:
        TypeError: something that is not a module.

    Example:
        >>> layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
        >>> len(layers), len(list(layers.parameters()))
        (3, 6)
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __repr__(self) -> str:
        groups: list[tuple[int, int, str]] = []  # runs of modules that print the same
        for i, text in enumerate(map(repr, self)):
            if groups and groups[-1][2] == text:
                groups[-1] = (groups[-1][0], i, text)
            else:
                groups.append((i, i, text))
        lines = [
            f"({a}): {indented(text)}" if a == b else f"({a}-{b}): {b - a + 1} x {indented(text)}"
            for a, b, text in groups
        ]
        return layout(self._get_name(), [], lines)


class ModuleDict(Module):
    """A dict of modules that the module it belongs to sees; it keeps the order of insertion.

    Args:
        modules: a mapping of names to modules, or pairs of them.

    Raises:
        KeyError: a name that is an attribute of the dict itself, such as "keys".
        TypeError: something that is not a module.
    """

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> Iterable[Module]:
        """The modules."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Module]]:
        """Names and modules."""
        return self._modules.items()

    def clear(self) -> None:
        """Take all modules out."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Take a module out and return it."""
        module: Module = self._modules.pop(key)
        return module

    def update(self, modules: Any) -> None:
        """Add modules of a mapping or of pairs; a name that is there already is replaced.

        Raises:
            TypeError: neither a mapping nor an iterable of pairs.
            ValueError: an element that is not a pair.
        """
        if not isinstance(modules, Iterable):
            raise TypeError(
                "ModuleDict.update should be called with an iterable of key/value pairs, but got "
                f"{type(modules).__name__}"
            )
        if isinstance(modules, Mapping | ModuleDict):
            modules = modules.items()
        for pair in modules:
            if not isinstance(pair, Iterable):
                raise TypeError(f"ModuleDict.update: expected pairs, but got {type(pair).__name__}")
            key, module = pair
            self[key] = module
