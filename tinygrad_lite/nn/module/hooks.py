"""Hooks around a module's forward pass, and those around every module's."""

from __future__ import annotations

import itertools
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from ...tensor.source_line import user_level

Hook = Callable[..., Any]

_numbers = itertools.count()


class Hooks(OrderedDict[int, Hook]):
    """Hooks by number, in the order in which they are called.

    Args:
        parts: other hooks, which these are made of; or plain dicts.

    Attributes:
        with_kwargs: the numbers of those that take keyword arguments.
        always: the numbers of those that run after an error too.
    """

    def __init__(self, *parts: Mapping[int, Hook]) -> None:
        super().__init__()
        self.with_kwargs: set[int] = set()
        self.always: set[int] = set()
        for part in parts:
            self.update(part)
            if isinstance(part, Hooks):
                self.with_kwargs |= part.with_kwargs
                self.always |= part.always

    def __copy__(self) -> Hooks:
        return Hooks(self)

    def __repr__(self) -> str:
        return repr(OrderedDict(self))


class Held:
    """An attribute of a module that is `Hooks`; a dict that a program puts there becomes some."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, module: Any, kind: Any = None) -> Any:
        """The module's.

        Raises:
            AttributeError: before `Module.__init__()`.
        """
        if module is None:
            return self
        try:
            return module.__dict__[self._name]
        except KeyError:
            raise AttributeError(self._name) from None

    def __set__(self, module: Any, hooks: Mapping[int, Hook]) -> None:
        if hooks:  # in a dict of the program's own
            module.__dict__["_listened_to"] = True
        module.__dict__[self._name] = hooks if isinstance(hooks, Hooks) else Hooks(hooks)


class Numbers:
    """What PyTorch keeps beside hooks: the numbers of those with a flag, as the keys of a dict.

    Args:
        of: the attribute of the hooks.
        flag: "with_kwargs" or "always".
    """

    def __init__(self, of: str, flag: str) -> None:
        self._of, self._flag = of, flag

    def __get__(self, module: Any, kind: Any = None) -> Any:
        """They, as they are now; to add one is without effect."""
        if module is None:
            return self
        hooks = getattr(module, self._of)
        chosen = getattr(hooks, self._flag)
        return OrderedDict((number, True) for number in hooks if number in chosen)


class RemovableHandle:
    """What registering a hook returns; as a `with` block it removes the hook at the end.

    Args:
        hooks: where the hook is.
        number: its number there.
    """

    def __init__(self, hooks: Hooks, number: int) -> None:
        self._hooks = hooks
        self.id = number

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def add(
    hooks: Hooks, hook: Hook, prepend: bool, with_kwargs: bool, always: bool = False
) -> RemovableHandle:
    """Put a hook behind the others, or before them if `prepend`."""
    number = next(_numbers)
    hooks[number] = hook
    if prepend:
        hooks.move_to_end(number, last=False)
    if with_kwargs:
        hooks.with_kwargs.add(number)
    if always:
        hooks.always.add(number)
    return RemovableHandle(hooks, number)


def before(
    module: Any, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments as the hooks that run before `forward` leave them.

    Raises:
        RuntimeError: a hook with kwargs returns something else than (args, kwargs) or None.
    """
    for number, hook in list(hooks.items()):
        if number in hooks.with_kwargs:
            changed = hook(module, args, kwargs)
            if changed is not None:
                if not isinstance(changed, tuple) or len(changed) != 2:
                    raise RuntimeError(
                        "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                        f"but got {changed}."
                    )
                args, kwargs = changed
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    return args, kwargs


class After:
    """The hooks that run after one call of a module, and how far they came.

    Args:
        module: handed to the hooks.
        hooks: in the order in which they run.

    Attributes:
        args, kwargs: what `forward` was called with.
        output: what came of it, as the hooks left it by now; None as long as there is none.
    """

    def __init__(self, module: Any, hooks: Hooks) -> None:
        self._module, self._hooks = module, hooks
        self._called: set[int] = set()
        self.args: tuple[Any, ...] = ()
        self.kwargs: dict[str, Any] = {}
        self.output: Any = None

    def _call(self, number: int, hook: Hook) -> None:
        given = (self.args, self.kwargs) if number in self._hooks.with_kwargs else (self.args,)
        changed = hook(self._module, *given, self.output)
        self.output = self.output if changed is None else changed

    def run(self, output: Any) -> Any:
        """The output as the hooks leave it."""
        self.output = output
        for number, hook in list(self._hooks.items()):
            self._called.add(number)
            self._call(number, hook)
        return self.output

    def despite(self) -> None:
        """After an error call those hooks that are called always, and were not yet.

        They get the output if there is one: the error may be that of another hook. Their own
        errors only warn, so that the first one is raised.
        """
        for number, hook in list(self._hooks.items()):
            if number not in self._hooks.always or number in self._called:
                continue
            try:
                self._call(number, hook)
            except Exception as error:
                warnings.warn(
                    "module forward hook with ``always_call=True`` raised an exception that was "
                    f"silenced as another error was raised in forward: {error}",
                    stacklevel=user_level(),
                )


class Everywhere:
    """Hooks around every module's calls, beside its own, and on what modules register.

    Attributes:
        before, after: around the forward pass.
        behind: called before gradients go back through a module.
        back: called when they have.
        registered: called before a member is registered, by its kind.
    """

    def __init__(self) -> None:
        self.before = Hooks()
        self.after = Hooks()
        self.behind = Hooks()
        self.back = Hooks()
        self.registered = {kind: Hooks() for kind in ("parameter", "buffer", "module")}

    def __bool__(self) -> bool:
        """Whether there are any around calls."""
        return bool(self.before or self.after or self.behind or self.back)


everywhere = Everywhere()
