"""`torch.functional`: some of the functions that are at the top as well."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from . import absent
from .backend.listing import listing as _listing

_NAMES = frozenset(
    "atleast_1d atleast_2d atleast_3d block_diag broadcast_shapes broadcast_tensors "
    "cartesian_prod cdist chain_matmul einsum istft lu meshgrid norm pca_lowrank split stft "
    "svd_lowrank tensordot unique unique_consecutive unravel_index".split()
)


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module(__package__), name)
    return absent.lookup(__name__, name, lambda: _NAMES)


def __dir__() -> list[str]:
    return _listing({}, *_NAMES)
