"""A module as a tree: parameters, buffers and submodules are registered, and found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from ...absent import MissingAttribute
from ...tensor import Tensor
from ..parameter import Buffer, Parameter
from .hooks import everywhere
from .members import Attributes, Members

_get = dict.get  # not that of `Attributes`, for what is asked often


class Tree:
    """Registers what is assigned to a module's attributes, and goes through all of it by name.

    Submodules are `Module`s, and come in the order of their registration.
    """

    _kinds: dict[str, str]  # "parameter", "buffer" or "module", by attribute
    _unsaved: set[str]  # buffers that are not in state dicts
    _late: ClassVar[frozenset[str]] = frozenset()  # buffers that old state dicts do not have

    def __init__(self) -> None:
        super().__setattr__("__dict__", Attributes(self.__dict__))
        super().__setattr__("_kinds", {})
        super().__setattr__("_unsaved", set())

    def __getstate__(self) -> object:
        """The attributes, for a copy or a pickle."""
        state: Any = super().__getstate__()
        attributes = self.__dict__.copy()
        return (attributes, state[1]) if isinstance(state, tuple) else attributes or None

    def __setstate__(self, state: Any) -> None:
        """Take what `__getstate__` gave; subclasses call it as `super().__setstate__(state)`."""
        state, slots = state if isinstance(state, tuple) else (state, {})
        attributes = Attributes(self.__dict__)
        attributes.update(state)
        super().__setattr__("__dict__", attributes)
        for name, value in slots.items():
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        """Called for an attribute that is not there; subclasses call it as `super().__getattr__`.

        Programs also call it for a member: `self.__getattr__(f"layer{i}")`.

        Raises:
            AttributeError: it is no parameter, buffer or submodule.
        """
        if name in _get(self.__dict__, "_kinds", ()):
            return self.__dict__[name]
        for kind in type(self).__mro__:  # what the class lacks says so by itself
            if isinstance(said := vars(kind).get(name), MissingAttribute):
                said.__get__(self, type(self))
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    @property
    def _parameters(self) -> Members:
        return Members(self.__dict__, "parameter")

    @_parameters.setter
    def _parameters(self, members: Mapping[str, Any]) -> None:
        self._replace("parameter", members)

    @property
    def _buffers(self) -> Members:
        return Members(self.__dict__, "buffer")

    @_buffers.setter
    def _buffers(self, members: Mapping[str, Any]) -> None:
        self._replace("buffer", members)

    @property
    def _modules(self) -> Members:
        return Members(self.__dict__, "module")

    @_modules.setter
    def _modules(self, members: Mapping[str, Any]) -> None:
        self._replace("module", members)

    @property
    def _non_persistent_buffers_set(self) -> set[str]:
        """PyTorch's name of the buffers that are not in state dicts."""
        return self._unsaved

    def _replace(self, kind: str, members: Mapping[str, Any]) -> None:
        """Hold these members of one kind and no others, in a module whose `__dict__` may be a copy.

        Programs make replicas so: `r.__dict__ = m.__dict__.copy(); r._parameters = {}`. Whose kinds
        the copy shares keeps its own.
        """
        found = dict(members)
        for name in Members(self.__dict__, kind):
            del self.__dict__[name]
        kinds = {name: held for name, held in self._kinds.items() if held != kind}
        super().__setattr__("__dict__", Attributes(self.__dict__))
        super().__setattr__("_kinds", kinds)
        super().__setattr__("_unsaved", set(self._unsaved))
        Members(self.__dict__, kind).update(found)

    def _of_kind(self, kind: str) -> list[Any]:
        """The values of one kind ("parameter", "buffer", "module") in their order."""
        attributes = self.__dict__
        return [attributes[name] for name, found in self._kinds.items() if found == kind]

    def __dir__(self) -> list[str]:
        """The attributes' names; not those of members that Python could not write: "0", "1", …"""
        return [name for name in super().__dir__() if not name[:1].isdigit()]

    def __setattr__(self, name: str, value: Any) -> None:
        kinds = _get(self.__dict__, "_kinds")
        kind = (
            "parameter"
            if isinstance(value, Parameter)
            else "module"
            if isinstance(value, Tree)
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
            hidden = isinstance(getattr(type(self), name, None), property)
            if kind == "parameter" and (hidden or not name or "." in name):
                self._check_name(name, "parameter", "parameters")
            self._register(name, value, kind)
            return
        elif isinstance(value, Buffer):
            self.register_buffer(name, value, value.persistent)
            return
        super().__setattr__(name, value)

    def _reassign(self, name: str, value: Any, held: str, kind: str | None) -> None:
        """Give a registered name another value: of its kind, None, or a parameter or module.

        Args:
            name: the attribute.
            value: its new value.
            held: the kind that it was registered as.
            kind: "parameter" or "module" if the new value is one.

        Raises:
            TypeError: the value does not fit what the name was registered as.
        """
        fits = value is None or kind == held or (held == "buffer" and isinstance(value, Tensor))
        if not fits and (kind is None or held == "parameter"):
            what = {"parameter": "parameter", "buffer": "buffer", "module": "child module"}[held]
            wanted = {"parameter": "nn.Parameter", "buffer": "Tensor", "module": "nn.Module"}[held]
            raise TypeError(
                f"cannot assign '{type(value).__name__}' as {what} '{name}' ({wanted} or None "
                "expected)"
            )
        if isinstance(value, Buffer):
            self.register_buffer(name, value, value.persistent)
            return
        # A buffer stays one when it is given a plain tensor; None keeps the kind.
        self._register(name, value, held if kind is None else kind)

    def _register(self, name: str, value: Any, kind: str) -> None:
        """Set an attribute, to what hooks on registrations make of its value, and note its kind."""
        for hook in everywhere.registered[kind].values():
            if value is not None or kind != "parameter":
                made = hook(self, name, value)
                value = value if made is None else made
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

        Example:
            >>> module = nn.Module()
            >>> module.register_buffer("mean", torch.zeros(3))
            >>> list(module.state_dict())
            ['mean']
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

    def register_module(self, name: str, module: Any) -> None:
        """Add a submodule under a name that need not be an identifier, such as "0".

        Raises:
            KeyError, TypeError, AttributeError: as `register_parameter`.
        """
        if module is not None and not isinstance(module, Tree):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name(name, "module", "module")
        self._register(name, module, "module")

    def add_module(self, name: str, module: Any) -> None:
        """The same as `register_module`."""
        self.register_module(name, module)

    def _check_name(self, name: str, kind: str, several: str) -> None:
        """Refuse a name that can't be registered; errors as `register_parameter`."""
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

    def named_modules(
        self, memo: set[int] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """This module (named `prefix`) and all below it, depth first, with dotted names.

        Args:
            memo: identities (`id`) of modules to leave out; those that come are added.
            prefix: put before each name.
            remove_duplicate: give a module that is reached twice only once.
        """
        memo = set() if memo is None else memo
        if remove_duplicate:
            if id(self) in memo:
                return
            memo.add(id(self))
        yield prefix, self
        for name, kind in self._kinds.items():
            module = self.__dict__[name] if kind == "module" else None
            if module is not None:
                inner = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, inner, remove_duplicate)

    def modules(self) -> Iterator[Any]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Any]]:
        """The submodules of this module itself with their names, each once."""
        seen: set[int] = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Any]:
        """The submodules of this module itself, each once."""
        return (module for _, module in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with dotted names; one that is shared comes under its first name.

        Args:
            prefix: put before each name, with a dot.
            recurse: also those of submodules.
            remove_duplicate: give each parameter only once.

        Example:
            >>> [(name, tuple(p.shape)) for name, p in nn.Linear(3, 2).named_parameters()]
            [('weight', (2, 3)), ('bias', (2,))]
        """
        return self._named("parameter", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, each once; what an optimizer takes.

        Example:
            >>> sum(p.numel() for p in nn.Linear(3, 2).parameters())
            8
        """
        return (parameter for _, parameter in self._named("parameter", "", recurse, True))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers with dotted names. Arguments as `named_parameters`."""
        return self._named("buffer", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _named(
        self, kind: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        """Parameters or buffers with dotted names; arguments as `named_parameters`."""

        def members(module: Any) -> list[tuple[str, Any]]:
            held = module.__dict__
            return [(name, held[name]) for name, found in module._kinds.items() if found == kind]

        return self._named_members(members, prefix, recurse, remove_duplicate)

    def _named_members(
        self,
        get_members_fn: Callable[[Any], Iterable[tuple[str, Any]]],
        prefix: str = "",
        recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Any]]:
        """What a function gives of each module, with dotted names: programs ask for members so.

        Args:
            get_members_fn: a module's members by name; None is left out.
            prefix, recurse, remove_duplicate: as of `named_parameters`.
        """
        # By identity: comparing two tensors with == would compare their elements.
        seen: set[int] = set()
        modules: Any = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        for path, module in modules:
            for name, member in get_members_fn(module):
                if member is None:
                    continue
                if remove_duplicate:
                    if id(member) in seen:
                        continue
                    seen.add(id(member))
                yield f"{path}.{name}" if path else name, member

    def get_submodule(self, target: str) -> Any:
        """The submodule of a dotted name; "" is this module.

        Raises:
            AttributeError: no such attribute, or it is not a module.
        """
        module: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Tree):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: Any, strict: bool = False) -> None:
        """Put a module in the place of a dotted name.

        Args:
            target: the name.
            module: the new module.
            strict: there must be a submodule of this name already.

        Raises:
            ValueError: an empty name, or something that is not a module.
            AttributeError: no such place, or it holds something else than a module.
        """
        if not target:
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Tree):
            raise ValueError(f'"module" is not an nn.Module, but {type(module).__name__}')
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{type(parent).__name__} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Tree):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a dotted name.

        Raises:
            AttributeError: no such attribute, or it is not a parameter.
        """
        return self._get(target, "parameter", "an nn.Parameter")  # type: ignore[no-any-return]

    def get_buffer(self, target: str) -> Tensor:
        """The buffer of a dotted name.

        Raises:
            AttributeError: no such attribute, or it is not a buffer.
        """
        return self._get(target, "buffer", "a buffer")  # type: ignore[no-any-return]

    def _get(self, target: str, kind: str, what: str) -> Any:
        """The parameter or buffer of a dotted name; `what` is how messages call its kind."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        if module._kinds.get(name) != kind:
            raise AttributeError(f"`{name}` is not {what}")
        return getattr(module, name)
