"""`torch.autograd.graph`: what can be done to a recorded graph from outside.

What a backward pass needs is held by the VJPs themselves, not in a list that hooks could watch: so
`save_on_cpu` leaves it where it is, and `saved_tensors_hooks` is missing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from .. import absent
from ..graph import Node
from ..tensor import Tensor
from ..tensor.apply import node_of
from ..tensor.hooks import RemovableHandle

__all__ = [
    "GradientEdge",
    "Node",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]

saved_tensors_hooks = absent.stand_in(
    "autograd.graph.saved_tensors_hooks",
    "VJPs hold what they need; autograd.Function saves what one wants",
)


class GradientEdge(NamedTuple):
    """A place in the graph: a node, and which of its outputs."""

    node: Any
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The place that a tensor's gradient comes from.

    Raises:
        RuntimeError: no gradient flows to it.
    """
    node = node_of(tensor)
    if node is None:
        raise RuntimeError("get_gradient_edge: expected a tensor that requires a gradient")
    return GradientEdge(node, 0)


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Count a change of a tensor's memory that the library does not know of, or of several."""
    for each in [tensor] if isinstance(tensor, Tensor) else tensor:
        each._storage.version += 1


def disable_saved_tensors_hooks(error_message: str) -> contextlib.AbstractContextManager[None]:
    """A block without effect, as there are no such hooks."""
    return contextlib.nullcontext()


def save_on_cpu(
    pin_memory: bool = False, device_type: str = "cuda"
) -> contextlib.AbstractContextManager[None]:
    """A block without effect: values and gradients are the same, and what is saved stays."""
    return contextlib.nullcontext()


class _Handles:
    """What removes several hooks; as a `with` block it does so at the end."""

    def __init__(self, handles: Sequence[RemovableHandle]) -> None:
        self._handles = handles

    def remove(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()

    def __enter__(self) -> _Handles:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def register_multi_grad_hook(
    tensors: Sequence[Tensor],
    fn: Callable[..., None],
    *,
    mode: Literal["all", "any"] = "all",
) -> _Handles:
    """Call a function in a backward pass when the gradients of several tensors are known.

    Args:
        tensors: whose.
        fn: with "all", takes the list of gradients as soon as there are all; with "any", takes the
            first one.
        mode: "all" or "any". A tensor that the pass does not reach keeps "all" from being called,
            where PyTorch gives None for it.

    Raises:
        ValueError: another mode.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"register_multi_grad_hook: mode must be 'all' or 'any', not {mode!r}")
    found: dict[int, Tensor] = {}

    def watch(place: int) -> Callable[[Tensor], None]:
        def call(gradient: Tensor) -> None:
            if place in found:  # a gradient of the next pass
                found.clear()
            found[place] = gradient
            if mode == "any" and len(found) == 1:
                fn(gradient)
            elif mode == "all" and len(found) == len(tensors):
                fn([found.pop(i) for i in range(len(tensors))])

        return call

    return _Handles([t.register_hook(watch(i)) for i, t in enumerate(tensors)])
