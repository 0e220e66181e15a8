"""`torch.signal.windows`: weights for the M samples of a signal, symmetric unless told otherwise.

Sample i weighs w(i, n), where n is M − 1 in a symmetric window and M in a periodic one, which goes
on into itself as Fourier transforms assume (Harris 1978, "On the use of windows for harmonic
analysis with the discrete Fourier transform").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from ..absent import explain as _explain
from ..backend import numpy
from ..tensor import Tensor
from ..tensor.base import new
from ..tensor.info import strided
from ..tensor.modes import default_or

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]

Weight = Callable[[Any, int], Any]


def _window(name: str, weight: Weight, M: int, sym: bool, one: bool = True, **place: Any) -> Tensor:
    """A window of an equation.

    Args:
        name: the function that the user called, for errors.
        weight: w(i, n), for an array of i.
        M: how many samples.
        sym: whether it is symmetric.
        one: a single sample has the weight 1; else w says.
        place: dtype, layout, device and requires_grad.

    Raises:
        ValueError: a negative M, a dtype that is neither float32 nor float64, or a layout of
            sparse tensors.
    """
    if place["layout"] not in (None, strided):
        raise ValueError(f"{name} is implemented for strided tensors only, got: {place['layout']}")
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    dtype = default_or(place["dtype"])
    if dtype.name not in ("float32", "float64"):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    i = numpy.arange(M, dtype="float64")
    single = M == 0 or (M == 1 and one)
    weights = i + 1 if single else weight(i, M - 1 if sym or M == 1 else M)
    made: Tensor = new(weights.astype(dtype)).to(device=place["device"])
    return made.requires_grad_(place["requires_grad"])


def _cosines(a: Iterable[float]) -> Weight:
    """w(i, n) = Σₖ (−1)ᵏ aₖ cos(2π k i / n)."""
    signed = [(-1) ** k * amplitude for k, amplitude in enumerate(a)]
    return lambda i, n: sum(s * numpy.cos(2 * math.pi * k * i / n) for k, s in enumerate(signed))


def _plain(name: str, equation: str, weight: Weight, one: bool = True) -> Any:
    """A window without parameters."""

    def window(
        M: int,
        *,
        sym: bool = True,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
    ) -> Tensor:
        place = {"dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}
        return _window(name, weight, M, sym, one, **place)

    window.__name__ = window.__qualname__ = name
    window.__doc__ = f"{equation}: (M) weights."
    return window


bartlett = _plain("bartlett", "w = 1 − |2i/n − 1|", lambda i, n: 1 - numpy.abs(2 * i / n - 1))
blackman = _plain(
    "blackman", "w = 0.42 − 0.5 cos(2πi/n) + 0.08 cos(4πi/n)", _cosines((0.42, 0.5, 0.08))
)
cosine = _plain(
    "cosine",
    "w = sin(π (i + ½) / (n + 1))",
    lambda i, n: numpy.sin(math.pi * (i + 0.5) / (n + 1)),
    one=False,
)
hamming = _plain("hamming", "w = 0.54 − 0.46 cos(2πi/n)", _cosines((0.54, 0.46)))
hann = _plain("hann", "w = ½ − ½ cos(2πi/n)", _cosines((0.5, 0.5)))
nuttall = _plain(
    "nuttall",
    "A sum of four cosines (Nuttall 1981)",
    _cosines((0.3635819, 0.4891775, 0.1365995, 0.0106411)),
)


def exponential(
    M: int,
    *,
    center: float | None = None,
    tau: float = 1.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """w = e^(−|i − center| / τ): (M) weights.

    Raises:
        ValueError: tau is not positive, or a symmetric window is given a center.
    """
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    place = {"dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}

    def weight(i: Any, n: int) -> Any:
        return numpy.exp(-numpy.abs(i - (n / 2 if center is None else center)) / tau)

    return _window("exponential", weight, M, sym, False, **place)


def gaussian(
    M: int,
    *,
    std: float = 1.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """w = e^(−(i − n/2)² / (2 std²)): (M) weights.

    Raises:
        ValueError: std is not positive.
    """
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    place = {"dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}

    def weight(i: Any, n: int) -> Any:
        return numpy.exp(-(((i - n / 2) / std) ** 2) / 2)

    return _window("gaussian", weight, M, sym, False, **place)


def kaiser(
    M: int,
    *,
    beta: float = 12.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """w = I₀(β √(1 − (2i/n − 1)²)) / I₀(β): (M) weights.

    Raises:
        ValueError: beta is negative.
    """
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    place = {"dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}

    def weight(i: Any, n: int) -> Any:
        inside = numpy.maximum(1 - (2 * i / n - 1) ** 2, 0)  # rounding may leave it below 0
        return numpy.i0(beta * numpy.sqrt(inside)) / numpy.i0(beta)

    return _window("kaiser", weight, M, sym, **place)


def general_cosine(
    M: int,
    *,
    a: Iterable[float],
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """w = Σₖ (−1)ᵏ aₖ cos(2π k i / n): (M) weights.

    Raises:
        TypeError: `a` is no sequence.
        ValueError: it is empty.
    """
    place = {"dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}

    def weight(i: Any, n: int) -> Any:
        if not isinstance(a, Iterable):
            raise TypeError("Coefficients must be a list/tuple")
        if not a:
            raise ValueError("Coefficients cannot be empty")
        return _cosines(a)(i, n)

    return _window("general_cosine", weight, M, sym, **place)


def general_hamming(
    M: int,
    *,
    alpha: float = 0.54,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """w = α − (1 − α) cos(2πi/n): (M) weights."""
    place = {"dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}
    return _window("general_hamming", _cosines((alpha, 1 - alpha)), M, sym, **place)


_explain(__name__)
