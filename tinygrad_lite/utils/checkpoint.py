"""`torch.utils.checkpoint`: functions whose inside PyTorch computes anew in the backward pass.

Here they are called as they are: values and gradients are the same, and what the backward pass
needs is kept, as of any other function.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from ..absent import explain as _explain
from ..tensor import Tensor
from ..tensor.source_line import user_level

__all__ = [
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "detach_variable",
    "get_device_states",
    "noop_context_fn",
    "set_checkpoint_early_stop",
    "set_device_states",
]


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Any = None,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """What the function returns for these arguments.

    Args:
        function, args, kwargs: what is called, and with what.
        context_fn: gives two `with` blocks; the function is called in the first.
        use_reentrant, determinism_check, debug, early_stop, preserve_rng_state: without effect, as
            the function is called once.
    """
    around = nullcontext() if context_fn is None else context_fn()[0]
    with around:
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
) -> Any:
    """What functions (a Sequential, or a list) make of the input one after another.

    Args:
        functions, input: as said.
        segments, use_reentrant, preserve_rng_state: without effect.
    """
    steps: Sequence[Callable[[Any], Any]] = list(functions)
    for step in steps:
        input = step(input)
    return input


def get_device_states(*args: Any) -> tuple[list[int], list[Any]]:
    """No devices and no states: all draws are the host's, which `get_rng_state` gives.

    Reversible networks ask before they compute a block again with the draws of the first time.
    """
    return [], []


def set_device_states(
    devices: Sequence[int], states: Sequence[Any], *, device_type: str | None = None
) -> None:
    """Put back what `get_device_states` gave, which is nothing."""


def noop_context_fn() -> tuple[Any, Any]:
    """Two blocks that do nothing: the default of `context_fn`."""
    return nullcontext(), nullcontext()


def set_checkpoint_early_stop(enable: bool) -> Any:
    """A block without effect: nothing is computed again, so nothing stops early."""
    return nullcontext()


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Tensors outside of the graph, which require gradients as the given ones do.

    Raises:
        RuntimeError: no tuple.
    """
    if not isinstance(inputs, tuple):
        raise RuntimeError(f"Only tuple of tensors is supported. Got: {type(inputs).__name__}")
    return tuple(
        x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x for x in inputs
    )


def check_backward_validity(inputs: Any) -> None:
    """Warn if none of the inputs requires a gradient."""
    if not any(isinstance(x, Tensor) and x.requires_grad for x in inputs):
        warnings.warn(
            "None of the inputs have requires_grad=True. Gradients will be None",
            stacklevel=user_level(),
        )


_explain(__name__)
