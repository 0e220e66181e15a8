"""Shapes and broadcasts for the tests of normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import tinygrad_lite as tg
from tests.op_table import leaves
from tests.strategies import Array, Draw


def axes(x: Array) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def column(a: Array, x: Array) -> Array:
    """An array (C) that broadcasts against (N, C, …)."""
    return a.reshape(1, -1, *(1,) * (x.ndim - 2))


@st.composite
def batches(draw: Draw) -> tuple[int, ...]:
    """A shape (N, C, …) of 2 to 4 dimensions with at least two values a channel."""
    rest = draw(st.lists(st.integers(1, 5), max_size=2))
    n = draw(st.integers(1, 4))
    least = 2 if n * int(np.prod(rest)) < 2 else n
    return (least, draw(st.integers(1, 4)), *rest)


def tensors(device: str, dtype: Any, *arrays: Array) -> list[tg.Tensor]:
    return leaves(tuple(arrays), device, dtype)
