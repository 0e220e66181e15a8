"""Module: the base class of layers, losses and models."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Self

from ...absent import lacks
from ...tensor.source_line import user_level
from . import hooks
from .backward_hooks import Watch
from .convert import Convert
from .hooks import Held, Hook, Hooks, Numbers, RemovableHandle, everywhere
from .state import State
from .text import indented, layout

__all__ = ["Module"]


@lacks("T_destination ipu mtia xpu")
class Module(State, Convert):
    """The base class of layers and models, as `torch.nn.Module`.

    A subclass calls `super().__init__()`, assigns its parameters and submodules to
    attributes, and defines `forward`. Calling the module runs `forward` between its hooks.

    Example:
        >>> class Net(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.hidden = nn.Linear(3072, 100)
        ...         self.out = nn.Linear(100, 10)
        ...
        ...     def forward(self, x):
        ...         return self.out(self.hidden(x).relu())
    """

    training: bool
    _joined_with: Any = None  # see `nn/_joined.py`
    # Whether a hook was ever registered, here or for all modules: one look at each call, not five.
    _listened_to = False
    _forward_hooks = Held()
    _forward_pre_hooks = Held()
    _backward_hooks = Held()
    _backward_pre_hooks = Held()
    # PyTorch's names, which programs read.
    _forward_hooks_with_kwargs = Numbers("_forward_hooks", "with_kwargs")
    _forward_hooks_always_called = Numbers("_forward_hooks", "always")
    _forward_pre_hooks_with_kwargs = Numbers("_forward_pre_hooks", "with_kwargs")
    _compiled_call_impl = None
    call_super_init = dump_patches = False

    def __init__(self) -> None:
        super().__init__()
        self.training = True
        self._forward_hooks = Hooks()
        self._forward_pre_hooks = Hooks()
        self._backward_hooks = Hooks()
        self._backward_pre_hooks = Hooks()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass defines it.

        Raises:
            NotImplementedError: a subclass did not.
        """
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The output of `forward`, and of the hooks around it."""
        if self._listened_to:
            return self._call_between_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    _call_impl = __call__

    @property
    def _is_full_backward_hook(self) -> bool | None:
        """Whether there are backward hooks: all of them are of PyTorch's new kind."""
        return True if self._backward_hooks else None

    def _is_hooked(self) -> bool:
        """Whether this module's calls run hooks now; those of a state dict do not count."""
        return bool(
            self._forward_hooks
            or self._forward_pre_hooks
            or self._backward_hooks
            or self._backward_pre_hooks
            or everywhere
        )

    def _call_between_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """`forward` between its hooks: pre-hooks, `forward`, hooks; backward hooks are put around.

        Hooks for every module come before the module's own.
        """
        own = self._forward_hooks
        after = hooks.After(self, Hooks(everywhere.after, own) if everywhere else own)
        try:
            before = Hooks(everywhere.before, self._forward_pre_hooks)
            args, kwargs = after.args, after.kwargs = hooks.before(self, before, args, kwargs)
            backward = Hooks(everywhere.back, self._backward_hooks)
            behind = Hooks(everywhere.behind, self._backward_pre_hooks)
            if not (backward or behind):
                return after.run(self.forward(*args, **kwargs))
            watch = Watch(self, backward, behind)
            return watch.output(after.run(self.forward(*watch.inputs(args), **kwargs)))
        except Exception:
            after.despite()
            raise

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before each `forward`; what it returns replaces the args.

        Args:
            hook: returns None, the new args as a tuple, or the only arg.
            prepend: run it before the hooks that are there already.
            with_kwargs: call `hook(module, args, kwargs)`, which returns None or both.

        Returns:
            A handle; its `remove()` takes the hook away.
        """
        return self._listen(self._forward_pre_hooks, hook, prepend, with_kwargs)

    def register_forward_hook(
        self,
        hook: Hook,
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after each `forward`; what it returns replaces it.

        Args:
            hook: returns None or the new output.
            prepend: run it before the hooks that are there already.
            with_kwargs: call `hook(module, args, kwargs, output)`.
            always_call: call it even if the call raises an error, with None for the output where
                `forward` has none.

        Returns:
            A handle; its `remove()` takes the hook away.

        Example:
            >>> layer = nn.Linear(3, 2)
            >>> handle = layer.register_forward_hook(
            ...     lambda module, args, output: print(output.shape)
            ... )
            >>> _ = layer(torch.zeros(5, 3))
            torch.Size([5, 2])
            >>> handle.remove()
        """
        return self._listen(self._forward_hooks, hook, prepend, with_kwargs, always_call)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of a call are known.

        Both are tuples: of the gradients of the positional arguments (None for those that need
        none), and of the outputs.

        Args:
            hook: returns None, or a tuple that replaces grad_input.
            prepend: run it before the hooks that are there already.

        Returns:
            A handle; its `remove()` takes the hook away.
        """
        return self._listen(self._backward_hooks, hook, prepend)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` before the gradients go back through the module.

        Arguments and handle as `register_full_backward_hook`. What the hook returns replaces
        grad_output, unless it is None.
        """
        return self._listen(self._backward_pre_hooks, hook, prepend)

    def _listen(
        self, to: Hooks, hook: Hook, prepend: bool, kwargs: bool = False, always: bool = False
    ) -> RemovableHandle:
        """Add a hook, and look for hooks at each call from now on."""
        self._listened_to = True
        return hooks.add(to, hook, prepend, kwargs, always)

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """The old name of `register_full_backward_hook`."""
        return self.register_full_backward_hook(hook)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Nothing but a warning: there is no compiler, and the module runs as it is."""
        warnings.warn(
            "Module.compile: there is no compiler in tinygrad_lite, the model runs as it is",
            stacklevel=user_level(),
        )

    def train(self, mode: bool = True) -> Self:
        """Put this module and all below it into training mode, or out of it.

        Dropout drops, and batch normalisation uses the batch's statistics, in training mode only.

        Args:
            mode: False for evaluation mode.

        Raises:
            ValueError: mode is not a bool.
        """
        if not isinstance(mode, bool):
            raise ValueError(f"training mode is expected to be boolean, but got {mode!r}")
        self.training = mode
        for module in self.children():
            module.train(mode)  # which may be its own: a backbone whose norms stay as they are
        return self

    def eval(self) -> Self:
        """Put this module and all below it into evaluation mode.

        Example:
            >>> model = nn.Sequential(nn.Dropout(0.9))
            >>> model.eval()(torch.ones(2))
            tensor([1., 1.])
        """
        return self.train(False)

    def apply(self, fn: Callable[[Module], object]) -> Self:
        """Call a function with every module below this one, children first, and with this one last.

        Example:
            >>> def start(module):
            ...     if isinstance(module, nn.Linear):
            ...         nn.init.zeros_(module.bias)
            >>> model = nn.Sequential(nn.Linear(3, 2)).apply(start)
            >>> model[0].bias.detach()
            tensor([0., 0.])
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def extra_repr(self) -> str:
        """What `repr` shows of this module's settings; a subclass says it."""
        return ""

    def _get_name(self) -> str:
        """The class's name, which `repr` begins with; a subclass may give another."""
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        children = [f"({name}): {indented(repr(m))}" for name, m in self._modules.items()]
        return layout(self._get_name(), extra.split("\n") if extra else [], children)
