"""Functions that are called before and after an optimizer's step, and around its state dicts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from itertools import chain
from typing import Any

from ..tensor.hooks import RemovableHandle

Hook = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
"""Gets the optimizer, and what its step is called with: the optimizer first, and keywords."""


BEFORE: OrderedDict[int, Hook] = OrderedDict()
"""Hooks before the steps of all optimizers."""
AFTER: OrderedDict[int, Hook] = OrderedDict()
"""Hooks after the steps of all optimizers."""


def register_optimizer_step_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` before each step of any optimizer."""
    return RemovableHandle(BEFORE, hook)


def register_optimizer_step_post_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` after each step of any optimizer."""
    return RemovableHandle(AFTER, hook)


class StepHooks:
    """The hooks of one optimizer.

    Attributes:
        running: whether a step is going on that they were called for.
    """

    def __init__(self) -> None:
        self.before: OrderedDict[int, Hook] = OrderedDict()
        self.after: OrderedDict[int, Hook] = OrderedDict()
        self.running = False

    def run(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """A step between its hooks.

        Raises:
            RuntimeError: a hook before it returned something else than None or a pair.
        """
        given: tuple[Any, ...] = (optimizer, *args)
        for hook in [*chain(BEFORE.values(), self.before.values())]:
            found = hook(optimizer, given, kwargs)
            if found is not None:
                if not isinstance(found, tuple) or len(found) != 2:
                    raise RuntimeError(
                        f"{type(optimizer).__name__}.step: a hook before it must return None or a "
                        f"tuple of (new_args, new_kwargs), but got {found}"
                    )
                given, kwargs = found
        self.running = True
        try:
            out = optimizer.step(*given[1:], **kwargs)
        finally:
            self.running = False
        for hook in [*chain(self.after.values(), AFTER.values())]:
            hook(optimizer, given, kwargs)
        return out


class Hooked:
    """What an optimizer has for hooks. Copies of it have none."""

    OptimizerPreHook = OptimizerPostHook = Hook
    _hooks: StepHooks | None = None
    _around: dict[str, OrderedDict[int, Hook]] | None = None  # those of state dicts, by their time

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take attributes: all of a copy's, or `state` and `param_groups` of a loaded state dict.

        Subclasses that give old groups their newer options call it as `super().__setstate__`.
        """
        self.__dict__.update(state)

    def _unheard(self) -> StepHooks | None:
        """The hooks that this call of `step` has still to run; None if there are none."""
        if self._hooks is None:
            if not (BEFORE or AFTER):
                return None
            self._hooks = StepHooks()
        return None if self._hooks.running else self._hooks

    def _of_steps(self) -> StepHooks:
        self._hooks = self._hooks or StepHooks()
        return self._hooks

    # PyTorch's names, which programs read, and set where they wrap another optimizer.
    @property
    def _optimizer_step_pre_hooks(self) -> OrderedDict[int, Hook]:
        return self._of_steps().before

    @_optimizer_step_pre_hooks.setter
    def _optimizer_step_pre_hooks(self, hooks: OrderedDict[int, Hook]) -> None:
        self._of_steps().before = hooks

    @property
    def _optimizer_step_post_hooks(self) -> OrderedDict[int, Hook]:
        return self._of_steps().after

    @_optimizer_step_post_hooks.setter
    def _optimizer_step_post_hooks(self, hooks: OrderedDict[int, Hook]) -> None:
        self._of_steps().after = hooks

    def register_step_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step; copies have no hooks.

        `args` and `kwargs` are what the step was called with, the optimizer first; the hook may
        return a pair of others in their place.
        """
        return RemovableHandle(self._of_steps().before, hook)

    def register_step_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step; else as before it."""
        return RemovableHandle(self._of_steps().after, hook)

    def _patch_step_function(self) -> None:
        """Do nothing: `step` was wrapped when its class was made."""

    @staticmethod
    def profile_hook_step(func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: PyTorch marks it for its profiler."""
        return func

    def _add(self, when: str, hook: Hook, prepend: bool) -> RemovableHandle:
        self._around = self._around or {}
        hooks = self._around.setdefault(when, OrderedDict())
        handle = RemovableHandle(hooks, hook)
        if prepend:
            hooks.move_to_end(handle.id, last=False)
        return handle

    def _run(self, when: str, *given: Any) -> Any:
        """Call the hooks of one time; the last argument, as they leave it."""
        for hook in [*(self._around or {}).get(when, {}).values()]:
            changed = hook(self, *given)
            if given and changed is not None:
                given = (changed,)
        return given[0] if given else None

    def register_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before each `state_dict`.

        Args:
            hook: the function.
            prepend: call it before those that are there already.
        """
        return self._add("before saving", hook, prepend)

    def register_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` with what `state_dict` found, or return another."""
        return self._add("after saving", hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Hook, prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` with a copy of the dict to load, or return another."""
        return self._add("before loading", hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Hook, prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(optimizer)` when a state was loaded."""
        return self._add("after loading", hook, prepend)
