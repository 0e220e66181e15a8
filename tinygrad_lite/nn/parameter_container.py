"""Modules that hold parameters, and what stands beside them, in a list or a dict."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Self

from ..tensor import Tensor
from ..tensor.dtypes import type_name
from .container import _Indexed
from .module import Module
from .parameter import Parameter

__all__ = ["ParameterDict", "ParameterList"]


def _kept(value: Any) -> Any:
    """What a container keeps for a value: for a plain tensor a parameter that shares its memory."""
    plain = isinstance(value, Tensor) and not isinstance(value, Parameter)
    return Parameter(value) if plain else value


def _lines(pairs: Iterable[tuple[Any, Any]], name: Any) -> list[str]:
    """A printed line for each key and value; `name` says what a tensor's elements are called."""
    lines = []
    for key, value in pairs:
        if isinstance(value, Tensor):
            size = "x".join(map(str, value.shape))
            text = f"Parameter containing: [{name(value)} of size {size}]"
        else:
            text = f"Object of type: {type(value).__name__}"
        lines.append(f"  ({key}): {text}")
    return lines


class _Attributes(MutableMapping[str, Any]):
    """A module's attributes of the names in `keys` as a dict; what it is given is set there."""

    def __init__(self, module: Module, keys: dict[str, None]) -> None:
        self._module, self._keys = module, keys

    def __getitem__(self, key: str) -> Any:
        return getattr(self._module, key)

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self._module, key, value)
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self._module, key)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._keys))

    def __len__(self) -> int:
        return len(self._keys)


class _Keyed(Module):
    """A module that holds what is under `_keys` among its attributes."""

    _keys: dict[str, None]

    def __getstate__(self) -> Any:
        """The attributes; a copy, also a shallow one, has names of its own."""
        state: Any = super().__getstate__()
        attributes = state[0] if isinstance(state, tuple) else state
        attributes["_keys"] = dict(self._keys)
        return state


class ParameterList(_Keyed, _Indexed):
    """A list of parameters that the module it belongs to sees.

    Args:
        values: tensors become parameters that share their memory; modules, such as another list,
            are registered; anything else is kept as it is.

    Raises:
        TypeError: not an iterable.
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._keys = {}
        if values is not None:
            self.extend(values)

    def _prepare(self, value: Any) -> Any:
        return _kept(value)

    def _put(self, name: str, value: Any) -> None:
        self._members()[name] = value

    def _members(self) -> MutableMapping[str, Any]:
        return _Attributes(self, self._keys)

    def _held(self) -> list[Any]:
        return list(self._members().values())

    def extend(self, values: Iterable[Any]) -> Self:
        """Add several at the end.

        Raises:
            TypeError: not an iterable, or a tensor, whose rows would be no leaves of it.
        """
        if isinstance(values, Tensor):
            raise TypeError(
                "ParameterList.extend should be called with an iterable, but got "
                f"{type(values).__name__}"
            )
        return super().extend(values)

    def extra_repr(self) -> str:
        """A line for each value."""
        return "\n".join(_lines(enumerate(self), lambda value: value.dtype))


class ParameterDict(_Keyed):
    """A dict of parameters that the module it belongs to sees, in the order of insertion.

    Tensors become parameters (sharing memory); other values are kept as they are.

    Args:
        parameters: a mapping of names to values (of a plain dict in alphabetical order, as in
            PyTorch, whose files have parameters in that order), or pairs of both.

    Raises:
        TypeError: a name that is not a string.
        KeyError: a name that is an attribute of the dict itself, such as "keys"; or of a
            parameter one that is empty or has a dot.
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Any:
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(
                "Index given to ParameterDict cannot be used as a key as it is not a string (type "
                f"is '{type(key).__name__}')."
            )
        if key not in self._keys and hasattr(self, key):
            raise KeyError(f"attribute '{key}' already exists")
        setattr(self, key, _kept(value))  # which may refuse the name
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._keys))

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._keys.keys()

    def values(self) -> Iterable[Any]:
        """The values."""
        return (self[key] for key in self._keys)

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and values."""
        return ((key, self[key]) for key in self._keys)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a name, or the default."""
        return getattr(self, key) if key in self._keys else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of a name; if there is none, the default, which is added first."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str) -> Any:
        """Take a value out and return it."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take the last pair out and return it."""
        key = next(reversed(self))
        return key, self.pop(key)

    def clear(self) -> None:
        """Take everything out."""
        for key in list(self._keys):
            del self[key]

    def copy(self) -> ParameterDict:
        """Another dict of the same parameters."""
        return ParameterDict(self.items())

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A new dict of these names, all with one value."""
        return ParameterDict((key, default) for key in keys)

    def update(self, parameters: Any) -> None:
        """Add the names and values of a mapping or of pairs; names that are there get the new ones.

        Raises:
            TypeError: not an iterable, or not one of pairs, or a name that is not a string.
            ValueError: an entry of another length than 2.
        """
        if not isinstance(parameters, Iterable):
            raise TypeError(
                "ParametersDict.update should be called with an iterable of key/value pairs, but "
                f"got {type(parameters).__name__}"
            )
        if isinstance(parameters, OrderedDict | ParameterDict):
            parameters = parameters.items()
        elif isinstance(parameters, Mapping):
            parameters = sorted(parameters.items())
        for i, pair in enumerate(parameters):
            if not isinstance(pair, Iterable):
                raise TypeError(
                    f"ParameterDict update sequence element #{i} should be Iterable; is "
                    f"{type(pair).__name__}"
                )
            if len(both := tuple(pair)) != 2:
                raise ValueError(
                    f"ParameterDict update sequence element #{i} has length {len(both)}; 2 is "
                    "required"
                )
            self[both[0]] = both[1]

    def __call__(self, *_: Any) -> Any:
        """Raise: it is no layer."""
        raise RuntimeError("ParameterDict should not be called.")

    def __or__(self, other: ParameterDict) -> ParameterDict:
        out = self.copy()
        out.update(other)
        return out

    def __ror__(self, other: Any) -> Any:
        out = other.copy()
        out.update(self)
        return out

    def __ior__(self, other: ParameterDict) -> Self:
        self.update(other)
        return self

    def extra_repr(self) -> str:
        """A line for each value."""
        return "\n".join(_lines(self.items(), type_name))
