"""Functions that are called before and after an optimizer's step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..tensor.hooks import RemovableHandle

Hook = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
"""Gets the optimizer, and what its step is called with: the optimizer first, and keywords."""


class StepHooks:
    """The hooks of one optimizer.

    Attributes:
        running: whether a step is going on that they were called for.
    """

    def __init__(self) -> None:
        self._before: dict[int, Hook] = {}
        self._after: dict[int, Hook] = {}
        self.running = False

    def add(self, hook: Hook, before: bool) -> RemovableHandle:
        """Call a hook from now on, before or after each step."""
        return RemovableHandle(self._before if before else self._after, hook)

    def run(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """A step between its hooks.

        Raises:
            RuntimeError: a hook before it returned something else than None or a pair.
        """
        given: tuple[Any, ...] = (optimizer, *args)
        for hook in list(self._before.values()):
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
        for hook in list(self._after.values()):
            hook(optimizer, given, kwargs)
        return out
