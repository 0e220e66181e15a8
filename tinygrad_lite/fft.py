"""`torch.fft`, as far as it is real: frequencies and the order of spectra.

The transforms themselves give complex numbers, which there are none of here: a spectrum as two real
tensors would not be what code written for PyTorch expects of `rfft(x).abs()` or of a product of
spectra. NumPy's and CuPy's transforms take `x.numpy()` and `x.array` where no gradient is needed.
"""

from __future__ import annotations

from typing import Any

from .absent import explain as _explain
from .backend import numpy as _numpy
from .tensor import Tensor
from .tensor.base import new as _new
from .tensor.modes import default_or as _default_or

__all__ = ["fftfreq", "fftshift", "ifftshift", "rfftfreq"]


def _frequencies(values: Any, dtype: Any, device: Any) -> Tensor:
    return _new(values.astype(_default_or(dtype))).to(device=device)


def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of a transform of n samples that are d apart: 0, 1, …, −2, −1 over n d."""
    return _frequencies(_numpy.fft.fftfreq(n, d), dtype, device)


def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of a transform of n real samples, d apart: 0, 1, …, ⌊n/2⌋ over n d."""
    return _frequencies(_numpy.fft.rfftfreq(n, d), dtype, device)


def _moved(input: Tensor, dim: Any, half: Any) -> Tensor:
    dims = range(input.ndim) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    return input.roll([half(input.shape[d]) for d in dims], list(dims))


def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Roll frequency 0 to the middle of some dimensions, or of all: x of size n by ⌊n/2⌋."""
    return _moved(input, dim, lambda n: n // 2)


def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Undo `fftshift`: roll frequency 0 back to the beginning."""
    return _moved(input, dim, lambda n: -(n // 2))


_explain(__name__)
