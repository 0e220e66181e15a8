"""A group's step once more: as the last one, with other gradients.

From step to step the parameters and their state stay the arrays that they were, and only gradients
and a few numbers are new. Where a device can go over a whole group in one call
(`xp.updates_again`), what was settled at the first step is kept, and each step looks whether it
still holds: a few comparisons a parameter in place of an update each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend import Array, namespace
from ..tensor import Tensor

if TYPE_CHECKING:
    from .optimizer import Optimizer

MOST_TRIES = 8  # plans of a group whose arrays keep changing


class Again:
    """A group's updates, ready to be made again.

    Args:
        optimizer: it; `_kernel` names its kernel and `_operands` the state that this takes.
        params: the group's, each with a gradient.
        run: from `xp.updates_again`.
    """

    def __init__(self, optimizer: Optimizer, params: list[Tensor], run: Any) -> None:
        self._run = run
        self._params = tuple(params)
        self._states = optimizer.state, [*map(id, optimizer.state.values())]
        self._arrays: list[tuple[Any, ...]] = []
        for param in params:
            own = optimizer.state.get(param, {})
            held = [(own, word, own[word], own[word].array) for word in _words(optimizer, own)]
            self._arrays.append((param, param.array, param.array.strides, held))
        owners = [optimizer.state.get(param, {}) for param in params]
        self._counts = [own["step"] for own in owners if "step" in own]

    def _gradients(self, optimizer: Optimizer, params: list[Tensor]) -> list[Array] | None:
        """The gradients' arrays; None if anything else is not as it was."""
        state, states = self._states
        if (
            optimizer.state is not state
            or [*map(id, state.values())] != states
            or tuple(map(id, params)) != tuple(map(id, self._params))
        ):
            return None
        found = []
        for param, array, strides, held in self._arrays:
            grad = param._grad
            if grad is None or param.array is not array or grad.array.strides != strides:
                return None
            for own, word, tensor, content in held:
                if own.get(word) is not tensor or tensor.array is not content:
                    return None
            found.append(grad.array)
        return found

    def __call__(self, optimizer: Optimizer, group: dict[str, Any]) -> bool:
        """Make the step, unless something has changed that asks for a new plan."""
        grads = self._gradients(optimizer, group["params"])
        if grads is None:
            return False
        options = optimizer._options(group)
        if self._counts:
            steps = {float(count.array) for count in self._counts}
            if len(steps) > 1:
                return False
            for count in self._counts:
                array = count.array
                array += 1
            options["step"] = steps.pop() + 1
        self._run(grads, options)
        for param in self._params:
            param._storage.version += 1
        return True


def _words(optimizer: Optimizer, own: dict[str, Any]) -> list[str]:
    """The pieces of a parameter's state that are tensors."""
    return [word for word in (*optimizer._operands, "step") if own.get(word) is not None]


def plan(optimizer: Optimizer, group: dict[str, Any]) -> Again | None:
    """What makes a group's step again, after one was made; None if the device has no such way."""
    params: list[Tensor] = group["params"]
    kind: Any = type(optimizer)
    owner = next(c for c in kind.__mro__ if "_kernel" in vars(c))
    if not optimizer._kernel or kind._update is not owner._update:
        return None
    grads = [param._grad for param in params if param._grad is not None]
    if len(grads) < len(params) or len({type(param.array) for param in params}) != 1:
        return None
    if any(param.array.dtype.kind == "c" for param in params):
        return None
    calls = []
    for param, grad in zip(params, grads, strict=True):
        own = optimizer.state.get(param, {})
        state = [own.get(word) for word in optimizer._operands]
        arrays = [None if tensor is None else tensor.array for tensor in state]
        calls.append((param.array, grad.array, *arrays))
    run = namespace(params[0].array).updates_again(optimizer._kernel, calls)
    return None if run is None else Again(optimizer, params, run)
