"""Weights and data that are the same in every library: NumPy draws them."""

from __future__ import annotations

from typing import Any

import numpy as np


def fill(*modules: Any, seed: int = 0) -> None:
    """Draw all parameters of modules anew, in the order of `named_parameters`.

    Matrices and kernels are uniform in ±1/√fan_in as PyTorch's layers begin, biases in ±0.1, and
    the scales of normalisations near 1.
    """
    rng = np.random.default_rng(seed)
    for module in modules:
        for name, parameter in module.named_parameters():
            shape = tuple(parameter.shape)
            bound = 0.1 if len(shape) < 2 else float(np.prod(shape[1:])) ** -0.5
            middle = 1.0 if len(shape) < 2 and "bias" not in name else 0.0
            drawn = middle + rng.uniform(-bound, bound, shape)
            parameter.data.copy_(parameter.data.new_tensor(drawn.astype(np.float32)))


def normal(*shape: int, seed: int = 0) -> Any:
    """Standard normal float32 numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def pictures(count: int, size: int, seed: int = 0) -> tuple[Any, Any]:
    """Pictures (count, 1, size, size) of a bar at one of ten places on noise, and the place."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count)
    images = rng.normal(0.1, 0.1, (count, 1, size, size)).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        at = int(label) % 5 * size // 5
        rows, columns = (slice(at, at + 2), slice(None)) if label < 5 else (slice(None), at)
        image[0, rows, columns] += 1.0
    return images, labels.astype(np.int64)


TEXT = (
    """the sun was low and the wind was slow, the boat lay still in the bay below.
a gull went by with a long thin cry, and the clouds grew red in the evening sky.
"""
    * 4
)
