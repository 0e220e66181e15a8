"""A small data set in files, and what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_lite.data import ShardWriter

N = 50
X = np.arange(N * 6, dtype=np.float32).reshape(N, 2, 3)
T = np.arange(N) * 7


def written(folder: Path, *arrays: Any, at_once: int = 8, **words: int) -> Path:
    """A set of shards, which was written in small pieces."""
    with ShardWriter(folder, **words) as writer:
        for i in range(0, len(arrays[0]), at_once):
            writer.write(*(a[i : i + at_once] for a in arrays))
    return folder
