"""Registering hooks around every module's calls, and on what modules register.

They are `torch.nn.modules.module`'s.
Each returns a handle, whose `remove()` takes the hook away.
"""

from __future__ import annotations

from . import hooks
from .hooks import Hook, Hooks, RemovableHandle, everywhere
from .module import Module

__all__ = [
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]


def _listen(
    to: Hooks, hook: Hook, with_kwargs: bool = False, always: bool = False
) -> RemovableHandle:
    """Add a hook, and have every module look for hooks from now on."""
    Module._listened_to = True
    return hooks.add(to, hook, False, with_kwargs, always)


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, args)` before each `forward` of any module, and before its own hooks.

    What the hook returns replaces the arguments, unless it is None.
    """
    return _listen(everywhere.before, hook)


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after each `forward` of any module, before its own hooks.

    Args:
        hook: returns None or the new output.
        with_kwargs: call `hook(module, args, kwargs, output)`.
        always_call: call it, with None for the output, also if the call raises before.
    """
    return _listen(everywhere.after, hook, with_kwargs, always_call)


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_output)` before gradients go back through any module.

    What the hook returns replaces grad_output, unless it is None.
    """
    return _listen(everywhere.behind, hook)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` when the gradients of any call are known.

    What the hook returns replaces grad_input, unless it is None.
    """
    return _listen(everywhere.back, hook)


def register_module_backward_hook(hook: Hook) -> RemovableHandle:
    """The old name of `register_module_full_backward_hook`."""
    return register_module_full_backward_hook(hook)


def register_module_parameter_registration_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, name, param)` before any module registers or replaces a parameter.

    What the hook returns is registered in its place, unless it is None.
    """
    return hooks.add(everywhere.registered["parameter"], hook, False, False)


def register_module_buffer_registration_hook(hook: Hook) -> RemovableHandle:
    """`register_module_parameter_registration_hook` for buffers, also for a buffer that is None."""
    return hooks.add(everywhere.registered["buffer"], hook, False, False)


def register_module_module_registration_hook(hook: Hook) -> RemovableHandle:
    """`register_module_parameter_registration_hook` for submodules, also for one that is None."""
    return hooks.add(everywhere.registered["module"], hook, False, False)
