"""`torch.cuda`'s names for which GPU is meant, for seeds, and for marks in profiles."""

from __future__ import annotations

from typing import Any

from ..backend import Device, namespace_for
from ..backend.random import default_generator

__all__ = ["device", "get_arch_list", "initial_seed", "seed", "seed_all"]


class device:
    """A `with` block for a GPU, as `torch.cuda.device`: it checks that this one exists.

    Only the first GPU is used here, so the block changes nothing.

    Args:
        device: the GPU; None or −1 for a block that does nothing.

    Raises:
        RuntimeError: when it is entered: there is no such GPU.
    """

    def __init__(self, device: Any) -> None:
        self.idx = -1 if device in (None, -1) else Device(_named(device)).index or 0

    def __enter__(self) -> None:
        if self.idx >= 0:
            namespace_for(Device(self.idx))  # which says if it is not there

    def __exit__(self, *_: object) -> None:
        pass


def _named(device: Any) -> Any:
    return "cuda" if device is None else device


def initial_seed() -> int:
    """The seed of the default generator, which all devices share."""
    return default_generator.initial_seed()


def seed() -> None:
    """Start the default generator, which all devices share, from a seed of the system's."""
    default_generator.seed()


seed_all = seed


def get_arch_list() -> list[str]:
    """An empty list: kernels are compiled at their first use, for the GPU that is there."""
    return []
