"""`torch.functional`: some of the functions that are at the top as well."""

from __future__ import annotations

from typing import Any

from .backend.listing import listing as _listing
from .tensor import arrange, compare, concatenate, create, linalg, order, reduce, shape

_FILES = (arrange, compare, concatenate, create, linalg, order, reduce, shape)
_NAMES = frozenset(
    "atleast_1d atleast_2d atleast_3d block_diag broadcast_shapes broadcast_tensors "
    "cartesian_prod cdist chain_matmul einsum meshgrid norm split tensordot unique "
    "unique_consecutive".split()
)


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        for file in _FILES:
            if hasattr(file, name):
                return getattr(file, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return _listing({}, *(n for n in _NAMES if any(hasattr(file, n) for file in _FILES)))
