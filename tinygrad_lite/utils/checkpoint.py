"""`torch.utils.checkpoint`: functions whose inside PyTorch computes anew in the backward pass.

Here they are called as they are: values and gradients are the same, and what the backward pass
needs is kept, as of any other function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from ..absent import explain as _explain

__all__ = ["checkpoint", "checkpoint_sequential", "get_device_states", "set_device_states"]


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


_explain(__name__)
