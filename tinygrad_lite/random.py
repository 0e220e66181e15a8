"""`torch.random`: the default generator, and a block that leaves it as it was."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .absent import explain as _explain
from .backend.random import (
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)

__all__ = [
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]


@contextlib.contextmanager
def fork_rng(
    devices: Any = None, enabled: bool = True, device_type: str = "cuda", **_: Any
) -> Iterator[None]:
    """A block after which the default generator goes on as if nothing was drawn in it.

    Args:
        devices, device_type: without effect: all devices share the generator.
        enabled: False for a block that changes nothing.
    """
    state = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(state)


_explain(__name__)
