"""The matrices of Winograd's F(2×2, 3×3) and F(4×4, 3×3) (Lavin & Gray 2016, section 4)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Transform(NamedTuple):
    """The matrices of F(m×m, 3×3), each the Kronecker product of its 1-D form with itself."""

    m: int
    input: Any  # Bᵀ ⊗ Bᵀ, (a², a²)
    kernel: Any  # G ⊗ G, (a², 9)
    output: Any  # Aᵀ ⊗ Aᵀ, (m², a²)


def _transform(m: int, bt: list[list[int]], g: list[list[float]], at: list[list[int]]) -> Transform:
    return Transform(m, *(np.kron(x, x).astype(np.float64) for x in map(np.array, (bt, g, at))))


TRANSFORMS = {
    2: _transform(
        2,
        [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
        [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]],
        [[1, 1, 1, 0], [0, 1, -1, -1]],
    ),
    4: _transform(
        4,
        [
            [4, 0, -5, 0, 1, 0],
            [0, -4, -4, 1, 1, 0],
            [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0],
            [0, 2, -1, -2, 1, 0],
            [0, 4, 0, -5, 0, 1],
        ],
        [
            [1 / 4, 0, 0],
            [-1 / 6, -1 / 6, -1 / 6],
            [-1 / 6, 1 / 6, -1 / 6],
            [1 / 24, 1 / 12, 1 / 6],
            [1 / 24, -1 / 12, 1 / 6],
            [0, 0, 1],
        ],
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    ),
}
