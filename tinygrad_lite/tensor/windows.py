"""Windows of signals: rows of weights that fall to their ends.

A periodic window, the default, is the symmetric one of one more sample without its last.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..backend import numpy
from .base import new
from .create import Place
from .modes import default_or

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


def _sampled(
    name: str, length: int, periodic: bool, dtype: Any, device: Place, shape: Any
) -> Tensor:
    """A window: `shape` of the samples' places between 0 and 1.

    Raises:
        RuntimeError: a negative length, or a dtype that is not floating point.
    """
    if length < 0:
        raise RuntimeError(f"{name}: expected a window length of 0 or more, but got {length}")
    made = default_or(dtype)
    if made.kind in "iub":
        raise RuntimeError(f"{name}: expected a floating-point dtype, but got {made}")
    if length <= 1:
        return new(numpy.ones(length, made)).to(device=device)
    places = numpy.arange(length) / (length if periodic else length - 1)
    return new(shape(places).astype(made)).to(device=device)


def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """w = ½ − ½ cos 2πt for t from 0 to 1.

    Example:
        >>> torch.hann_window(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    made = _cosines("hann_window", (0.5, 0.5), window_length, periodic, dtype, device)
    return made.requires_grad_(requires_grad)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """w = α − β cos 2πt for t from 0 to 1."""
    made = _cosines("hamming_window", (alpha, beta), window_length, periodic, dtype, device)
    return made.requires_grad_(requires_grad)


def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """w = 0.42 − 0.5 cos 2πt + 0.08 cos 4πt for t from 0 to 1."""
    parts = (0.42, 0.5, 0.08)
    made = _cosines("blackman_window", parts, window_length, periodic, dtype, device)
    return made.requires_grad_(requires_grad)


def _cosines(
    name: str, parts: tuple[float, ...], length: int, periodic: bool, dtype: Any, device: Place
) -> Tensor:
    """a₀ − a₁ cos 2πt + a₂ cos 4πt …"""

    def shape(t: Any) -> Any:
        return sum((-1) ** k * a * numpy.cos(2 * math.pi * k * t) for k, a in enumerate(parts))

    return _sampled(name, length, periodic, dtype, device, shape)


def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """w = 1 − |2t − 1|, a triangle, for t from 0 to 1."""
    made = _sampled(
        "bartlett_window",
        window_length,
        periodic,
        dtype,
        device,
        lambda t: 1 - numpy.abs(2 * t - 1),
    )
    return made.requires_grad_(requires_grad)


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """w = I₀(β √(1 − (2t − 1)²)) / I₀(β) for t from 0 to 1, I₀ Bessel's."""
    made = _sampled(
        "kaiser_window",
        window_length,
        periodic,
        dtype,
        device,
        lambda t: (
            numpy.i0(beta * numpy.sqrt(numpy.maximum(1 - (2 * t - 1) ** 2, 0))) / numpy.i0(beta)
        ),
    )
    return made.requires_grad_(requires_grad)
