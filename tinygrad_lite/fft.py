"""`torch.fft`: discrete Fourier transforms, their frequencies, and the order of spectra.

The transforms are the array library's own, with gradients (`ops/fourier.py`); spectra are complex
tensors, of which there is what stands around a spectrum (`tensor/complex.py`).
"""

from __future__ import annotations

from typing import Any

from .absent import explain as _explain
from .backend import numpy as _numpy
from .backend.dtypes import FLOATING as _FLOATING
from .tensor import Tensor
from .tensor.arguments import explain as _understand
from .tensor.base import new as _new
from .tensor.dims import whole as _whole
from .tensor.fourier import (
    fft,
    fft2,
    fftn,
    hfft,
    hfft2,
    hfftn,
    ifft,
    ifft2,
    ifftn,
    ihfft,
    ihfft2,
    ihfftn,
    irfft,
    irfft2,
    irfftn,
    rfft,
    rfft2,
    rfftn,
)
from .tensor.modes import default_or as _default_or

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "hfft2",
    "hfftn",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "ihfft2",
    "ihfftn",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]


def _frequencies(
    name: str, places: Any, n: int, d: float, dtype: Any, device: Any, requires_grad: bool
) -> Tensor:
    """Places over n d, infinite where that is 0."""
    made = _default_or(dtype)
    if made.kind not in _FLOATING:
        raise RuntimeError(f"{name}: expected a floating-point dtype, but got {made}")
    width = n * float(d)
    values = places * (1 / width if width else _numpy.inf)
    return _new(values.astype(made)).to(device=device).requires_grad_(requires_grad)


def fftfreq(
    n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The frequencies of a transform of n samples that are d apart: 0, 1, …, −2, −1 over n d.

    Raises:
        RuntimeError: a negative n, or a dtype that is not floating point.
        TypeError: n is no integer.
    """
    n = _whole("fftfreq", "n", n)
    if n < 0:
        raise RuntimeError(f"fftfreq: n must not be negative, but is {n}")
    places = _numpy.arange(n)
    places[(n + 1) // 2 :] -= n
    return _frequencies("fftfreq", places, n, d, dtype, device, requires_grad)


def rfftfreq(
    n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The frequencies of a transform of n real samples, d apart: 0, 1, …, ⌊n/2⌋ over n d.

    Errors as `fftfreq`.
    """
    n = _whole("rfftfreq", "n", n)
    if n < 0:
        raise RuntimeError(f"rfftfreq: n must not be negative, but is {n}")
    places = _numpy.arange(n // 2 + 1)
    return _frequencies("rfftfreq", places, n, d, dtype, device, requires_grad)


def _moved(input: Tensor, dim: Any, half: Any) -> Tensor:
    dims = range(input.ndim) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    return input.roll([half(input.shape[d]) for d in dims], list(dims))


def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Roll frequency 0 to the middle of some dimensions, or of all: x of size n by ⌊n/2⌋."""
    return _moved(input, dim, lambda n: n // 2)


def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Undo `fftshift`: roll frequency 0 back to the beginning."""
    return _moved(input, dim, lambda n: -(n // 2))


_understand(globals(), "fft")
_explain(__name__)
