"""Windows: weights w(t) for the samples of a signal, highest in the middle and falling to its ends.

Sample i of n lies at t = i / (n − 1), from 0 to 1, in a symmetric window, and at t = i / n in a
periodic one, the default, which goes on into itself, as Fourier transforms assume.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..backend import numpy
from .base import new
from .create import Place
from .dims import whole
from .modes import default_or

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


def _window(
    name: str,
    weight: Callable[[Any], Any],
    length: int,
    periodic: bool,
    dtype: Any,
    device: Place,
    requires_grad: bool,
) -> Tensor:
    """A window of an equation.

    Args:
        name: the function that the user called, for errors.
        weight: the equation: an array of t in [0, 1], float64, to the weights.
        length, periodic, dtype, device, requires_grad: as `hann_window` takes them.

    Raises:
        RuntimeError: a negative length, or a dtype that is not floating point.
        TypeError: the length is no integer.
    """
    length = whole(name, "window_length", length)
    if length < 0:
        raise RuntimeError(f"{name}: expected a window length of 0 or more, but got {length}")
    made = default_or(dtype)
    if made.kind in "iub":
        raise RuntimeError(f"{name}: expected a floating-point dtype, but got {made}")
    if length <= 1:
        weights = numpy.ones(length, made)
    else:
        t = numpy.arange(length) / (length if periodic else length - 1)
        weights = weight(t).astype(made)
    return new(weights).to(device=device).requires_grad_(requires_grad)


def _cosines(*amplitudes: float) -> Callable[[Any], Any]:
    """The equation w(t) = a₀ − a₁ cos 2πt + a₂ cos 4πt − …"""

    def weight(t: Any) -> Any:
        return sum((-1) ** k * a * numpy.cos(2 * math.pi * k * t) for k, a in enumerate(amplitudes))

    return weight


def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """w(t) = ½ − ½ cos 2πt, for t from 0 to 1.

    Args:
        window_length: n, the number of samples; of one sample the weight is 1.
        periodic: the last sample is one step before t = 1 (where w would be as at t = 0); False:
            it is at t = 1, and the window is symmetric.
        dtype: floating point; the default dtype if None.
        device: where the window lies.
        requires_grad: whether gradients are gathered for it.

    Returns:
        (n) weights.

    Raises:
        RuntimeError: a negative length, or a dtype that is not floating point.

    Example:
        >>> torch.hann_window(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
        >>> torch.hann_window(3, periodic=False)
        tensor([0., 1., 0.])
    """
    hann = _cosines(0.5, 0.5)
    return _window("hann_window", hann, window_length, periodic, dtype, device, requires_grad)


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
    """w(t) = α − β cos 2πt, for t from 0 to 1; the rest is as for `hann_window`."""
    hamming = _cosines(alpha, beta)
    return _window("hamming_window", hamming, window_length, periodic, dtype, device, requires_grad)


def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """w(t) = 0.42 − 0.5 cos 2πt + 0.08 cos 4πt, for t from 0 to 1.

    The rest is as for `hann_window`.
    """
    blackman = _cosines(0.42, 0.5, 0.08)
    return _window(
        "blackman_window", blackman, window_length, periodic, dtype, device, requires_grad
    )


def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """w(t) = 1 − |2t − 1|, a triangle, for t from 0 to 1; the rest is as for `hann_window`."""

    def triangle(t: Any) -> Any:
        return 1 - numpy.abs(2 * t - 1)

    return _window(
        "bartlett_window", triangle, window_length, periodic, dtype, device, requires_grad
    )


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """w(t) = I₀(β √(1 − (2t − 1)²)) / I₀(β), for t from 0 to 1; the rest is as for `hann_window`.

    I₀ is the modified Bessel function (`i0`); a greater β makes the window narrower.
    """

    def kaiser(t: Any) -> Any:
        inside = numpy.maximum(1 - (2 * t - 1) ** 2, 0)  # rounding may leave it below 0
        return numpy.i0(beta * numpy.sqrt(inside)) / numpy.i0(beta)

    return _window("kaiser_window", kaiser, window_length, periodic, dtype, device, requires_grad)
