"""What a module is made of: parameters, buffers and submodules, kept as attributes.

PyTorch keeps them in three dicts that `__getattr__` searches when ordinary look-up has
failed, at some 0.3 µs for each `self.weight`. Here the values are ordinary attributes, in
the instance's `__dict__`, and only their *kinds* are kept beside them, in the order of
registration. So reading one is as fast as Python gets, nothing is stored twice that could
disagree, and copying or pickling a module needs no code.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, ClassVar

from ..tensor import Tensor
from .parameter import Parameter

if TYPE_CHECKING:
    from .module import Module


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

    def __repr__(self) -> str:
        return repr(dict(self))


class Registry:
    """Registers what is assigned to its attributes, as `torch.nn.Module` does."""

    _kinds: dict[str, str]
    _unsaved: set[str]
    _late: ClassVar[frozenset[str]] = frozenset()  # buffers that old state dicts do not have

    def __init__(self) -> None:
        super().__setattr__("_kinds", {})
        super().__setattr__("_unsaved", set())

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    @property
    def _parameters(self) -> Members:
        return Members(self.__dict__, "parameter")

    @property
    def _buffers(self) -> Members:
        return Members(self.__dict__, "buffer")

    @property
    def _modules(self) -> Members:
        return Members(self.__dict__, "module")

    def _of_kind(self, kind: str) -> list[Any]:
        """The values of one kind, in order."""
        attributes = self.__dict__
        return [attributes[name] for name, found in self._kinds.items() if found == kind]

    def __setattr__(self, name: str, value: Any) -> None:
        kinds = self.__dict__.get("_kinds")
        kind = (
            "parameter"
            if isinstance(value, Parameter)
            else "module"
            if isinstance(value, Registry)
            else None
        )
        if kinds is None:
            if kind is not None:
                what = "parameters" if kind == "parameter" else kind
                raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        elif name in kinds:
            self._reassign(name, value, kinds[name], kind)
            return
        elif kind is not None:
            self._register(name, value, kind)
            return
        super().__setattr__(name, value)

    def _reassign(self, name: str, value: Any, held: str, kind: str | None) -> None:
        """Give a registered name a value of its kind, None, or a parameter or module."""
        fits = value is None or kind == held or (held == "buffer" and isinstance(value, Tensor))
        if not fits and (kind is None or held == "parameter"):
            what = {"parameter": "parameter", "buffer": "buffer", "module": "child module"}[held]
            wanted = {"parameter": "nn.Parameter", "buffer": "Tensor", "module": "nn.Module"}[held]
            raise TypeError(
                f"cannot assign '{type(value).__name__}' as {what} '{name}' ({wanted} or None "
                "expected)"
            )
        # A buffer stays one when it is given a plain tensor; None keeps the kind.
        self._register(name, value, held if kind is None else kind)

    def _register(self, name: str, value: Any, kind: str) -> None:
        if kind != "buffer":
            self._unsaved.discard(name)
        Members(self.__dict__, kind)[name] = value

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._kinds.pop(name, None)
        self._unsaved.discard(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter; None keeps the name without one, as `Linear(bias=False)` does.

        Raises:
            KeyError: the name is empty, has a dot, or is an attribute already.
            TypeError: the value is not a Parameter, or the name no string.
            AttributeError: called before `Module.__init__()`.
        """
        self._check_name(name, "parameter", "parameters")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' "
                "(nn.Parameter or None required)"
            )
        self._register(name, param, "parameter")

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is state but is not trained, such as a running mean.

        Args:
            name: the attribute.
            tensor: the value; None keeps the name without one.
            persistent: whether it is part of `state_dict()`.

        Raises:
            KeyError, TypeError, AttributeError: as `register_parameter`.
        """
        self._check_name(name, "buffer", "buffer")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' "
                "(Tensor or None required)"
            )
        self._register(name, tensor, "buffer")
        if persistent:
            self._unsaved.discard(name)
        else:
            self._unsaved.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under a name that need not be an identifier, such as "0".

        Raises:
            KeyError, TypeError, AttributeError: as `register_parameter`.
        """
        if module is not None and not isinstance(module, Registry):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name(name, "module", "module")
        self._register(name, module, "module")

    def add_module(self, name: str, module: Module | None) -> None:
        """The same as `register_module`."""
        self.register_module(name, module)

    def _check_name(self, name: str, kind: str, several: str) -> None:
        if "_kinds" not in self.__dict__:
            raise AttributeError(f"cannot assign {several} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if not name:
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and self._kinds.get(name) != kind:
            raise KeyError(f"attribute '{name}' already exists")
