"""Results of several tensors: tuples with names, printed as PyTorch prints those of a function."""

from __future__ import annotations

import functools
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from typing import NamedTuple as Named

    from .tensor import Tensor
else:

    class Named(tuple):
        """`typing.NamedTuple`, whose classes are made in a tenth of the time.

        (That compiles a function for each: together a twentieth of the library's import.)
        """

        __slots__ = ()

        def __init_subclass__(cls):
            if fields := tuple(cls.__annotations__):
                cls._fields = fields
            for i, name in enumerate(fields):
                setattr(cls, name, property(itemgetter(i)))

        def __new__(cls, *parts):
            """The tuple of the parts, in the order of the class's annotations."""
            return tuple.__new__(cls, parts)

        def __getnewargs__(self):
            return tuple(self)


__all__ = ["MinMax", "Named", "ValuesIndices", "of"]

T = TypeVar("T", bound="tuple[Any, ...]")


class ValuesIndices(NamedTuple):
    """What `max`, `min`, `sort` and `topk` along a dimension return."""

    values: Tensor
    indices: Tensor


class MinMax(Named):
    """What `aminmax` returns."""

    min: Tensor
    max: Tensor


def of(name: str, result: T) -> T:
    """A result, shown as that of the function of a name: `torch.return_types.max(…)`."""
    made: T = _kind(name, type(result))(*result)
    return made


@functools.cache
def _kind(name: str, base: Any) -> Any:
    """The subclass of a named tuple that prints, and is pickled, as a function's result."""
    own = {
        "__slots__": (),
        "__repr__": _text,
        "__reduce__": lambda self: (_again, (name, base, [*self])),
    }
    return type(name, (base,), own)


def _again(name: str, base: Any, parts: list[Any]) -> Any:
    return of(name, base(*parts))


def _text(self: Any) -> str:
    parts = (f"{name}={part!r}" for name, part in zip(self._fields, self, strict=True))
    return f"torch.return_types.{type(self).__name__}(\n" + ",\n".join(parts) + ")"
