"""Rows of orthogonal polynomials, incomplete gamma functions, windows, FFT's helpers and ranges."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Call, Given
from .draw import ALL, Draw, broadcastable, several_dims, shapes, tensors
from .draw_layers import pick, some
from .row import Row

WIDE = ("float32", "float64")

POLYNOMIALS = """chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v
chebyshev_polynomial_w shifted_chebyshev_polynomial_t shifted_chebyshev_polynomial_u
shifted_chebyshev_polynomial_v shifted_chebyshev_polynomial_w hermite_polynomial_h
hermite_polynomial_he laguerre_polynomial_l legendre_polynomial_p""".split()


@st.composite
def polynomial(draw: Draw, name: str) -> Call:
    """Of degrees −1 to 12 at places within ±1, at its ends and beyond."""
    shape = draw(shapes(0, 3))
    dtype = pick(draw, "float64", "float64", "float32", "int64")
    x = draw(tensors(shape, (dtype,), special=False, grad=False, low=-1.5, high=1.5))
    if x.values.dtype.kind == "f" and draw(st.booleans()):
        ends = np.random.default_rng(1).choice([-1.0, 1.0, 0.0, 0.5], shape)
        x = Given(np.asarray(ends).astype(dtype), x.layout)
    degrees = np.random.default_rng(draw(st.integers(0, 99)))
    n: Any = Given(np.asarray(degrees.integers(-1, 12, draw(broadcastable(shape)))))
    n = pick(draw, n, n, Given(n.values.astype("float64")), pick(draw, 0, 1, 2, 3, 5, 8, -1, 2.0))
    if draw(st.integers(0, 5)) == 0:
        x = pick(draw, -1, 1.0, 2)
    return Call(f"special.{name}", (x, n))


@st.composite
def gamma(draw: Draw, name: str) -> Call:
    """Incomplete gamma functions, of which PyTorch differentiates by x alone."""
    shape = draw(shapes(0, 3))
    dtype = (pick(draw, *WIDE),)
    a = draw(tensors(shape, dtype, special=False, grad=False, low=0.1, high=5))
    other = broadcastable(shape) if name[-1] != "_" else st.just(shape)
    x = draw(tensors(draw(other), dtype, special=False, low=0, high=8))
    if name[-1] == "_":
        x = Given(x.values, x.layout)
    return Call(("." if name[-1] == "_" else "") + name, (a, x))


@st.composite
def orders(draw: Draw) -> Call:
    """polygamma in place."""
    given = draw(tensors(dtypes=("float32",), special=False, grad=False, low=0.3, high=4))
    return Call(".polygamma_", (given, draw(st.integers(-1, 4))))


BESSEL = """airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 modified_bessel_i0 modified_bessel_i1
modified_bessel_k0 modified_bessel_k1 scaled_modified_bessel_k0 scaled_modified_bessel_k1
spherical_bessel_j0""".split()


@st.composite
def bessel(draw: Draw, name: str) -> Call:
    """Near zero and far from it, at zero itself, at infinities; none has a gradient there."""
    low, high = pick(draw, (-3, 3), (0.1, 9), (-30, 60))
    dtype = (pick(draw, "float64", "float32", "int64", "bool"),)
    x = draw(tensors(shapes(0, 3), dtype, special=False, grad=False, low=low, high=high))
    if x.values.dtype.kind == "f" and not draw(st.integers(0, 4)):
        edges = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-6, 1.0]
        array = np.random.default_rng(1).choice(edges, x.values.shape)
        x = Given(np.asarray(array).astype(x.values.dtype), x.layout)
    return Call(f"special.{name}", (x,))


# Of each window the settings it has, and their values.
WINDOWS: dict[str, dict[str, tuple[Any, ...]]] = {
    "bartlett": {},
    "blackman": {},
    "cosine": {},
    "exponential": {"center": (None, 0.0, 1.5), "tau": (1.0, 0.5, 0, -1.0)},
    "gaussian": {"std": (1.0, 0.4, 0, -1.0)},
    "general_cosine": {},
    "general_hamming": {"alpha": (0.54, 0.3, 1)},
    "hamming": {},
    "hann": {},
    "kaiser": {"beta": (12.0, 0, 1.5, -1.0)},
    "nuttall": {},
}


@st.composite
def window(draw: Draw, name: str) -> Call:
    """Windows of −1 to 9 places."""
    words = some(draw, sym=(True, False), **WINDOWS[name])
    if name == "blackman" or draw(st.booleans()):  # whose ends are noise where they should be 0
        words["dtype"] = np.dtype(pick(draw, *WIDE, "float16", "int64"))
    words |= some(draw, requires_grad=(True, False))
    if name == "general_cosine":
        words["a"] = pick(draw, [0.46, 0.23, 0.31], (0.5,), [], [1, 2], 0.5)
    return Call(f"signal.windows.{name}", (pick(draw, 0, 1, 2, 3, 5, 8, 9, -1),), words)


GAMMAS = ("igamma", "igammac", ".igamma_", ".igammac_")
OLDER = ("bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window")


@st.composite
def older(draw: Draw, name: str) -> Call:
    """The windows at the top, which are periodic unless they are asked to be symmetric."""
    args: tuple[Any, ...] = (pick(draw, 0, 1, 3, 4, 5, 8, -1, 2.0),)
    if draw(st.booleans()):
        args += (pick(draw, True, False),)
        if name == "hamming_window" and draw(st.booleans()):
            args += pick(draw, (0.5,), (0.5, 0.4), (1,))
        if name == "kaiser_window" and draw(st.booleans()):
            args += (pick(draw, 12.0, 0.0, 3),)
    words = some(draw, requires_grad=(True, False))
    if draw(st.booleans()):
        words["dtype"] = np.dtype(pick(draw, *WIDE, "float16", "int64"))
    return Call(name, args, words)


@st.composite
def frequencies(draw: Draw, name: str) -> Call:
    """The frequencies of a transform's bins."""
    words = some(draw, requires_grad=(True, False))
    if draw(st.booleans()):
        words["dtype"] = np.dtype(pick(draw, *WIDE, "float16", "int64"))
    n = pick(draw, 0, 1, 2, 3, 6, 7, -1, np.int64(4), 2.0)
    args = (n, pick(draw, 1.0, 0.1, 2, 0)) if draw(st.booleans()) else (n,)
    return Call(f"fft.{name}", args, words)


@st.composite
def shifted(draw: Draw, name: str) -> Call:
    """Half a turn of some dims."""
    given = draw(tensors(dtypes=ALL))
    if draw(st.booleans()):
        return Call(f"fft.{name}", (given,))
    dim = draw(several_dims(given.values.ndim))
    words = {"dim": dim}
    return (
        Call(f"fft.{name}", (given, dim))
        if draw(st.booleans())
        else Call(f"fft.{name}", (given,), words)
    )


@st.composite
def ranges(draw: Draw) -> Call:
    """`range`, whose end is included."""
    args = draw(st.lists(st.sampled_from([0, 1, 5, -3, 0.1, 2.5, -0.5, 7]), min_size=1, max_size=3))
    words: dict[str, Any] = {}
    if draw(st.booleans()):
        words["dtype"] = np.dtype(pick(draw, *ALL))
    if 0 < abs(args[-1]) < 1:  # of an integer dtype nothing is left of it, and PyTorch crashes
        words.pop("dtype", None)
    return Call("range", tuple(args), words)


def rows() -> list[Row]:
    """All rows of this file."""
    return [
        *(Row(f"special.{name}", polynomial(name)) for name in POLYNOMIALS),
        *(Row(name, gamma(name.removeprefix("."))) for name in GAMMAS),
        Row(".polygamma_", orders()),
        *(Row(f"special.{name}", bessel(name)) for name in BESSEL),
        *(Row(f"signal.windows.{name}", window(name)) for name in WINDOWS),
        *(Row(name, older(name)) for name in OLDER),
        *(Row(f"fft.{name}", frequencies(name)) for name in ("fftfreq", "rfftfreq")),
        *(Row(f"fft.{name}", shifted(name)) for name in ("fftshift", "ifftshift")),
        Row("range", ranges()),
    ]
