"""Rules of discrete Fourier transforms, over given sizes: `tensor/fourier.py` cuts and pads.

With ω = exp(−2πi / n), y_k = Σ_j x_j ωʲᵏ, times 1, 1/√n or 1/n. The norm says where the 1/n is:
"backward" at the transform of the other direction, "forward" at the forward one, "ortho" its root
at both. The transpose of a transform is itself, so the conjugate transpose, which gradients take,
is the one of the other direction with the same factor.

A spectrum of a real signal is given by its first half, n // 2 + 1 frequencies. In the sums below
the frequencies strictly between 0 and n/2 stand for two, so their weight w_k is 2, else 1.
"""

from __future__ import annotations

from typing import Any

from .rule import rule

Out = tuple[Any, Any]

OTHER = {"backward": "forward", "forward": "backward", "ortho": "ortho"}
"""The norm under which the transform of the other direction has a transform's factor."""


@rule(complex="own", shown="fft")
def fourier(xp: Any, x: Any, *, axes: tuple[int, ...], forward: bool, norm: str) -> Out:
    """y_k = Σ_j x_j ω^±ʲᵏ along some axes of complex numbers: dL/dx_j = Σ_k g_k ω^∓ʲᵏ."""
    return xp.fourier(x, axes, forward, norm), (
        lambda g: xp.fourier(g, axes, not forward, OTHER[norm]),
    )


@rule(complex="own", shown="rfft")
def fourier_of_real(xp: Any, x: Any, *, axis: int, norm: str, inner: float = 1.0) -> Out:
    """y_k = Σ_j x_j ωʲᵏ for k = 0 … n // 2 of real x; of frequencies that stand for two, × inner.

    dL/dx_j = Σ_k re(g_k ω⁻ʲᵏ) = Σ_k w_k re(h_k ω⁻ʲᵏ) where h_k = g_k / w_k.
    """
    n = x.shape[axis]
    return xp.fourier_of_real(x, axis, norm, inner), (
        lambda g: xp.fourier_to_real(g, n, axis, OTHER[norm], inner / 2),
    )


@rule(complex="own", shown="irfft")
def fourier_to_real(xp: Any, z: Any, *, n: int, axis: int, norm: str, inner: float = 1.0) -> Out:
    """y_j = Σ_k w_k re(z_k ω⁻ʲᵏ) / n for n // 2 + 1 of z; those that stand for two, × inner.

    dL/dz_k = w_k Σ_j g_j ωʲᵏ / n.
    """
    return xp.fourier_to_real(z, n, axis, norm, inner), (
        lambda g: xp.fourier_of_real(g, axis, OTHER[norm], inner * 2),
    )
