"""What `Tensor` has for classes that programs derive from it; `subclass.py` does the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, TypeVar

from ..absent import METHODS
from ..backend import Device
from . import base as bases
from . import legacy
from .base import TensorBase, storage_of

PACKAGE = __name__.partition(".")[0]
T = TypeVar("T", bound=TensorBase)


class Listed(type):
    """The class of `Tensor`: `dir(Tensor)` is without the names that only say what is missing."""

    def __dir__(cls) -> list[str]:
        return [n for n in super().__dir__() if n not in METHODS or hasattr(cls, n)]


class Derived(TensorBase, metaclass=Listed):
    """A tensor whose class may be derived from."""

    __slots__ = ()

    def __init_subclass__(cls, **words: Any) -> None:
        super().__init_subclass__(**words)
        derived = next(k for k in cls.__mro__ if k.__module__.partition(".")[0] == PACKAGE)
        if derived is bases.tensor_class:
            from .subclass import adopt

            adopt(cls)

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """What a class derived from this one makes of a function of its tensors: the usual.

        Tensors that it gives become the class's. Not asked of `Tensor` itself, nor of `Parameter`.
        """
        from .subclass import torch_function

        return torch_function(cls, func, types, args, kwargs)

    def as_subclass(self, cls: type[T]) -> T:
        """The same elements, as a tensor of a class: a view, recorded in every mode."""
        from .subclass import as_subclass

        return as_subclass(self, cls)  # type: ignore[no-any-return, arg-type]

    def __new__(cls, *data: Any, device: str | Device | None = None, **words: Any) -> Self:
        """See the class; of a class that a program derives from it, also the elements are set."""
        made = object.__new__(cls)
        if words and cls.__init__ is Derived.__init__:
            raise TypeError(f"{cls.__name__}: unexpected keyword arguments {sorted(words)}")
        if cls._foreign:  # whose own `__init__` may take something else
            TensorBase.__init__(made, legacy.array_of("Tensor", data, None, device))
        return made

    def __init__(self, *data: Any, device: str | Device | None = None, **_: Any) -> None:
        if self._foreign:  # `__new__` did it, or the class's own, with keywords of its own
            return
        TensorBase.__init__(self, legacy.array_of("Tensor", data, None, device))
        if len(data) == 1 and isinstance(data[0], TensorBase):
            self._storage = storage_of(data[0])  # one memory, one count of its changes
