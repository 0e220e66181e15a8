"""`torch.autograd.graph`: the nodes of a graph, and hooks of what they keep and send."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

from ..absent import explain as _explain
from ..graph import GradientEdge, Node, mode, named
from ..tensor import Tensor, twins
from ..tensor.apply import node_of
from ..tensor.hooks import JointHook
from ..tensor.saving import Hooks

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The place that a tensor's gradient comes from.

    Raises:
        RuntimeError: no gradient flows to it.
    """
    node = node_of(tensor)
    if node is None:
        raise RuntimeError("get_gradient_edge: expected a tensor that requires a gradient")
    return GradientEdge(named(node), 0)


class _Refused(threading.local):
    """Why a thread's programs may not use hooks of saved tensors, or None."""

    why: str | None = None


_refused = _Refused()


class saved_tensors_hooks:
    """A `with` block whose operations give what they keep for the backward pass to `pack_hook`.

    Within it `pack_hook(tensor)` is called for each array that an operation keeps; whatever it
    returns is kept instead, and `unpack_hook` must make of that a tensor with the same elements
    when a backward pass needs them. Changes in place are not noticed then. Of blocks in one
    another the innermost counts. Which arrays these are is this library's choice: often the ones
    that PyTorch keeps, not always. A pass with `create_graph=True` computes from the graph's
    inputs, without them.

    Args:
        pack_hook: takes a tensor.
        unpack_hook: takes what `pack_hook` returned, and gives a tensor.

    Raises:
        RuntimeError: hooks are disabled here; a `pack_hook` changed the tensor in place.
        TypeError: later, if `unpack_hook` gives no tensor.

    Example:
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> with torch.autograd.graph.saved_tensors_hooks(lambda t: t.numpy(), torch.from_numpy):
        ...     y = x.exp()
        >>> y.sum().backward()
        >>> x.grad
        tensor([2.7183, 7.3891])
    """

    def __init__(
        self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]
    ) -> None:
        self._hooks = Hooks(pack_hook, unpack_hook)
        self._before: list[Any] = []

    def __enter__(self) -> None:
        if _refused.why is not None:
            raise RuntimeError(_refused.why)
        self._before.append(mode.saving)
        mode.saving = self._hooks

    def __exit__(self, *_: object) -> None:
        mode.saving = self._before.pop()


class save_on_cpu(saved_tensors_hooks):
    """A `with` block whose operations keep what the backward pass needs in the host's memory.

    Args:
        pin_memory, device_type: accepted for PyTorch's sake; without effect.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(
            lambda tensor: (tensor.device, tensor.detach().cpu()),
            lambda kept: kept[1].to(kept[0]),
        )


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """A `with` block, or a decorator, in which `saved_tensors_hooks` raises.

    Args:
        error_message: what it says.

    Raises:
        RuntimeError: hooks are in use already.
    """
    if mode.saving is not None:
        raise RuntimeError(error_message)
    before, _refused.why = _refused.why, error_message
    try:
        yield
    finally:
        _refused.why = before


class allow_mutation_on_saved_tensors(saved_tensors_hooks):
    """A `with` block after whose operations their inputs and results may be changed in place.

    What they keep is copied at once (PyTorch copies when it is changed).

    Example:
        >>> x = torch.tensor([2.0], requires_grad=True)
        >>> y = x * 1
        >>> with torch.autograd.graph.allow_mutation_on_saved_tensors():
        ...     z = y**2
        ...     _ = y.zero_()
        >>> z.backward()
        >>> x.grad
        tensor([4.])
    """

    def __init__(self) -> None:
        super().__init__(lambda tensor: tensor.detach().clone(), lambda kept: kept)


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Count a change in place that the library has not seen, such as one through `.numpy()`."""
    for one in (tensor,) if isinstance(tensor, Tensor) else tensor:
        one._storage.version += 1
        twins.changed(one.array)


class _Handles:
    """Removes several hooks.

    Args:
        handles: of the hooks.
        joint: what they tell.
    """

    def __init__(self, handles: list[Any], joint: JointHook) -> None:
        self._handles, self._joint = handles, joint

    def remove(self) -> None:
        """Take the hooks away; a second time does nothing."""
        for handle in self._handles:
            handle.remove()

    def __enter__(self) -> _Handles:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def register_multi_grad_hook(
    tensors: Sequence[Tensor],
    fn: Callable[[Any], None],
    *,
    mode: Literal["all", "any"] = "all",
) -> _Handles:
    """Call a function in each backward pass when the gradients of several tensors are known.

    Args:
        tensors: which require gradients.
        fn: with "all" called once all gradients have come that the pass computes, with a list of
            them in the tensors' order, None where there is none; with "any" with the first of them.
        mode: "all" or "any".

    Returns:
        A handle, whose `remove()` takes the hook away.

    Raises:
        ValueError: another mode.
        RuntimeError: a tensor that requires no gradient.

    Example:
        >>> a, b = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
        >>> handle = torch.autograd.graph.register_multi_grad_hook([a, b], print)
        >>> (2 * a + 3 * b).backward()
        [tensor([2.]), tensor([3.])]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    nodes = [node_of(tensor) for tensor in tensors]
    if None in nodes:
        raise RuntimeError(
            f"register_multi_grad_hook: tensor {nodes.index(None)} does not require a gradient"
        )
    joint = JointHook([n for n in nodes if n is not None], fn if mode == "all" else None, fn)
    handles = [
        tensor.register_hook(partial(joint.took, position))
        for position, tensor in enumerate(tensors)
    ]
    return _Handles(handles, joint)


_explain(__name__)
