"""Hooks around a module's backward pass: identities before and behind it watch the gradients."""

from __future__ import annotations

from typing import Any

from ...autograd.function import Function, FunctionCtx
from ...graph import mode
from ...tensor import Tensor
from .hooks import Hooks

Grads = tuple[Tensor | None, ...]


class _Identity(Function):
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
        self._grad_output: Grads = ()
        self._count = 0
        self._watched: list[int] = []

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments; those that need gradients are watched."""
        self._count = len(args)
        if not self._hooks or not mode.grad:
            return args
        self._watched = [
            i for i, arg in enumerate(args) if isinstance(arg, Tensor) and arg.requires_grad
        ]
        return _replaced(args, self._watched, self._input_grads)

    def output(self, output: Any) -> Any:
        """The output, a tensor or a tuple or list of them, watched."""
        if not mode.grad:
            return output
        whole = output if isinstance(output, tuple | list) else (output,)
        at = [i for i, out in enumerate(whole) if isinstance(out, Tensor) and out.requires_grad]
        size = len(whole)

        def seen(grads: Grads) -> Grads:
            full: list[Tensor | None] = [None] * size
            for i, grad in zip(at, grads, strict=True):
                full[i] = grad
            changed = self._output_grads(tuple(full))
            return tuple(changed[i] for i in at)

        found = _replaced(tuple(whole), at, seen)
        if isinstance(output, tuple | list):
            return type(output)(*found) if hasattr(output, "_fields") else type(output)(found)
        return found[0]

    def _output_grads(self, grads: Grads) -> Grads:
        """The gradients of the output have come: what the pre-hooks make of them."""
        for hook in self._pre_hooks:
            changed = hook(self._module, grads)
            if changed is not None:
                grads = changed if isinstance(changed, tuple) else (changed,)
        self._grad_output = grads
        if not self._watched:  # no input needs a gradient, so `_input_grads` is never called
            self._call((None,) * self._count)
        return grads

    def _input_grads(self, grads: Grads) -> Grads:
        """The gradients of the watched inputs have come: what the hooks make of them."""
        full: list[Tensor | None] = [None] * self._count
        for i, grad in zip(self._watched, grads, strict=True):
            full[i] = grad
        found = self._call(tuple(full))
        return tuple(found[i] for i in self._watched)

    def _call(self, grad_input: Grads) -> Grads:
        """The gradients of all arguments as the hooks leave them.

        Raises:
            RuntimeError: a hook returns another number of them.
        """
        for hook in self._hooks:
            changed = hook(self._module, grad_input, self._grad_output)
            if changed is not None:
                found = changed if isinstance(changed, tuple) else (changed,)
                if len(found) != len(grad_input):
                    raise RuntimeError(
                        f"Backward hook returned {len(found)} gradients, but the module has "
                        f"{len(grad_input)} inputs"
                    )
                grad_input = found
        return grad_input


def _replaced(values: tuple[Any, ...], at: list[int], seen: Any) -> tuple[Any, ...]:
    """The values with those at some places put through an identity."""
    if not at:
        return values
    new = _Identity.apply(seen, *(values[i] for i in at))
    out = list(values)
    for i, tensor in zip(at, new if isinstance(new, tuple) else (new,), strict=True):
        out[i] = tensor
    return tuple(out)
