"""Hooks around a module's backward pass: identities before and behind it watch the gradients."""

from __future__ import annotations

import warnings
from typing import Any

from ...autograd.function import Function, FunctionCtx
from ...backend import namespace
from ...graph import mode
from ...tensor import Tensor
from ...tensor.base import new
from ...tensor.source_line import user_level
from .hooks import Hooks

Grads = tuple[Tensor | None, ...]


class BackwardHookFunction(Function):  # PyTorch's name, which a `grad_fn` shows
    """The identity of some tensors; `seen(gradients)` gets theirs, and returns what goes on."""

    @staticmethod
    def forward(ctx: FunctionCtx, seen: Any, *tensors: Tensor) -> Any:
        """The tensors."""
        ctx.seen = seen
        ctx.set_materialize_grads(False)
        return tuple(tensor.view(tensor.shape) for tensor in tensors)

    @staticmethod
    def backward(ctx: FunctionCtx, *grads: Tensor | None) -> Any:
        """The gradients, or what replaces them."""
        return (None, *ctx.seen(grads))


class Watch:
    """The hooks of one call of a module.

    The call's arguments go through `inputs`, and its result through `output`: identities, whose
    backward passes call the hooks. First come the gradients of the output, for which the
    pre-hooks are called; then, when the pass has gone through the module, those of the inputs,
    for which the hooks are.

    Args:
        module: handed to the hooks.
        hooks: called with (module, grad_input, grad_output); what they return replaces
            grad_input.
        pre_hooks: called with (module, grad_output); what they return replaces it.
    """

    def __init__(self, module: Any, hooks: Hooks, pre_hooks: Hooks) -> None:
        self._module = module
        self._hooks = [*hooks.values()]
        self._pre_hooks = [*pre_hooks.values()]
        self._grad_output: Grads | None = None
        self._count = 0
        self._watched: list[int] = []
        self._still: dict[int, Any] = {}

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments; those that need gradients are watched."""
        self._count = len(args)
        if not self._hooks or not mode.grad:
            return args
        self._watched = [
            i for i, arg in enumerate(args) if isinstance(arg, Tensor) and arg.requires_grad
        ]
        if self._watched:  # beside these other tensors have zeros, as in PyTorch
            self._still = {
                i: (namespace(arg.array), arg.array.shape, arg.array.dtype)
                for i, arg in enumerate(args)
                if isinstance(arg, Tensor) and not arg.requires_grad
            }
        return _replaced(args, self._watched, self._input_grads)

    def output(self, output: Any) -> Any:
        """The output, a tensor or a tuple of them, watched.

        Of anything else there is no gradient to hand to hooks: they are not called, which warns.
        """
        if not isinstance(output, Tensor | tuple):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of "
                f"Tensors but received {type(output)}",
                stacklevel=user_level(),
            )
            return output
        if not mode.grad:
            return output
        whole = output if isinstance(output, tuple) else (output,)
        at = [i for i, out in enumerate(whole) if isinstance(out, Tensor) and out.requires_grad]
        size = len(whole)

        def seen(grads: Grads) -> Grads:
            full: list[Tensor | None] = [None] * size
            for i, grad in zip(at, grads, strict=True):
                full[i] = grad
            changed = self._output_grads(tuple(full))
            return tuple(changed[i] for i in at)

        found = _replaced(tuple(whole), at, seen)
        if not isinstance(output, tuple):
            return found[0]
        return found if type(output) is tuple else type(output)(*found)

    def _output_grads(self, grads: Grads) -> Grads:
        """The gradients of the output have come: what the pre-hooks make of them.

        Raises:
            RuntimeError: a pre-hook returns another number of them.
        """
        for hook in self._pre_hooks:
            changed = hook(self._module, grads)
            if changed is not None:
                grads = _as_many(changed, grads, "Backward pre hook", "grad_output")
        self._grad_output = grads
        if not self._watched:  # no input needs a gradient, so `_input_grads` is never called
            self._call((None,) * self._count)
        return grads

    def _input_grads(self, grads: Grads) -> Grads:
        """The gradients of the watched inputs have come: what the hooks make of them.

        They may have come by another way than the output's: then there is nothing to tell.
        """
        if self._grad_output is None:
            return grads
        full: list[Tensor | None] = [None] * self._count
        for i, grad in zip(self._watched, grads, strict=True):
            full[i] = grad
        for i, (xp, shape, dtype) in self._still.items():
            full[i] = new(xp.zeros(shape, dtype=dtype))
        found = self._call(tuple(full))
        return tuple(found[i] for i in self._watched)

    def _call(self, grad_input: Grads) -> Grads:
        """The gradients of all arguments as the hooks leave them.

        Raises:
            RuntimeError: a hook returns another number of them, or some where none is asked for.
        """
        grad_output, self._grad_output = self._grad_output, None
        for hook in self._hooks:
            changed = hook(self._module, grad_input, grad_output)
            if changed is None:
                continue
            if not self._watched and changed != (None,) * len(changed):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always "
                    "return None or None for all gradients."
                )
            grad_input = _as_many(changed, grad_input, "Backward hook", "grad_input")
        return grad_input


def _as_many(changed: Any, grads: Grads, who: str, what: str) -> Grads:
    """What a hook returned, as a tuple of as many gradients as it was given."""
    found = changed if isinstance(changed, tuple) else (changed,)
    if len(found) != len(grads):
        raise RuntimeError(
            f"{who} returned an invalid number of {what}, got {len(found)}, but expected "
            f"{len(grads)}"
        )
    return found


def _replaced(values: tuple[Any, ...], at: list[int], seen: Any) -> tuple[Any, ...]:
    """The values with those at some places put through an identity."""
    if not at:
        return values
    new = BackwardHookFunction.apply(seen, *(values[i] for i in at))
    out = list(values)
    for i, tensor in zip(at, new if isinstance(new, tuple) else (new,), strict=True):
        out[i] = tensor
    return tuple(out)
