"""What checkpoints hold, compared; and files that no save would write."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_lite as torch


def same(a: Any, b: Any) -> bool:
    """Equal in value, type and, for tensors, dtype and memory order."""
    if isinstance(a, torch.Tensor):
        x, y = a.numpy(), b.numpy()
        laid = x.size == 0 or x.strides == y.strides
        return laid and x.dtype == y.dtype and np.array_equal(x, y)
    if isinstance(a, np.ndarray):
        return type(b) is np.ndarray and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def crafted(path: Path, content: str, entries: Any = (), **options: Any) -> Path:
    """A file with a structure of our own making."""
    structure = f'{{"format": "tinygrad_lite 1", "content": {content}}}'
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, array in {"structure": np.array(structure), **dict(entries)}.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, np.asanyarray(array))
    return path
