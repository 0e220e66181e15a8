"""Discrete Fourier transforms, by the array library's own: see `ops/fourier.py` for what they are.

NumPy calculates in the precision of its input, and cuFFT does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from ..kernel import kernel


def _quiet(transform: Callable[..., Any], x: Any, **words: Any) -> Any:
    """A transform, without the warnings of infinities that NumPy's own lines raise."""
    with numpy.errstate(all="ignore"):
        return transform(x, **words)


@kernel("plain")
def fourier(xp: Any, x: Any, axes: tuple[int, ...], forward: bool, norm: str) -> Any:
    """The transform of complex numbers along some axes, in one direction or the other."""
    if not axes:
        return xp.copy(x)
    transform = xp.library.fft.fftn if forward else xp.library.fft.ifftn
    return _quiet(transform, x, axes=axes, norm=norm).astype(x.dtype, copy=False)


def _inner(n: int, axis: int) -> Any:
    """The index of the frequencies strictly between 0 and n/2."""
    return (*(slice(None),) * axis, slice(1, (n + 1) // 2))


@kernel("plain")
def fourier_of_real(xp: Any, x: Any, axis: int, norm: str, inner: float = 1.0) -> Any:
    """The n // 2 + 1 first frequencies of real numbers; those between 0 and n/2 times `inner`."""
    y = _quiet(xp.library.fft.rfft, x, axis=axis, norm=norm)
    y = y.astype("complex128" if x.dtype == "float64" else "complex64", copy=False)
    if inner != 1:
        y[_inner(x.shape[axis], axis)] *= inner
    return y


@kernel("plain")
def fourier_to_real(xp: Any, z: Any, n: int, axis: int, norm: str, inner: float = 1.0) -> Any:
    """n real numbers of n // 2 + 1 frequencies; those between 0 and n/2 times `inner` before."""
    if inner != 1:
        z = xp.copy(z)
        z[_inner(n, axis)] *= inner
    y = _quiet(xp.library.fft.irfft, z, n=n, axis=axis, norm=norm)
    return y.astype("float64" if z.dtype == "complex128" else "float32", copy=False)
