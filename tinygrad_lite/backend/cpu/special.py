"""Special functions on NumPy, block by block in the cache and on several threads.

Those of float32 are one or two polynomials or a rational in float64, so that no more than half a
unit of float32's last digit (0.55 at most) is lost, in rounding; float64 gets the plain form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..flat import Array
from ..kernel import kernel
from ..plain import elementwise, special
from ..plain.elementwise import polynomial
from .elementwise import in_blocks

__all__ = ["erf", "erfc", "erfinv"]

# erf(x) = x P(x²) / Q(x²) up to 3.92, behind which it rounds to 1, to 2e-9 (weighted least squares
# whose largest error is least, by Lawson's algorithm; so is the next one). Highest power first.
P = (6.57191919028e-06, 0.000405287514868, 0.00419191999793, 0.0555687030642, 0.192424456453,
     1.12837916956)  # fmt: skip
Q = (2.48049048662e-07, 7.099193586e-05, 0.00140641567912, 0.0162064470451, 0.117200964032,
     0.503865154863, 1.0)  # fmt: skip
ONE = 3.92

# erfc(x) = exp(−x²) (c₁s + … + c₁₀s¹⁰) with s = 1 / (x + 3), Hastings's form as for GELU, to 2e-9
# of its value for 0 ≤ x ≤ 10.2; from 10.06 on it rounds to 0. Highest power first, and 0.
TAIL = (3278.6138274014, -5729.4727903081, 3498.3883927126, -957.43333770881, 292.07801646806,
        -0.090028826497996, 15.519829274008, 4.6316119075937, 1.6980508680955, 0.56410934031667,
        0.0)  # fmt: skip
SHIFT = 3.0

# erf⁻¹(x) / x as polynomials (Giles 2010) of w = −ln(1 − x²) up to 6.25, and of √w behind, up to
# the last float32 below 1; with the centres and halves of the ranges. They are least squares at
# Chebyshev's points of what erf gives, to 6e-10 and 2e-9: a hundredth of float32's last digit.
NEAR = (-1.1537802939e-05, 1.4909321453e-06, 9.3958749606e-05, -0.00013483924998,
        -0.00026553602013, 0.0012424480636, -0.0012708974138, -0.0041400745502, 0.017808140066,
        -0.022604115455, -0.058922545775, 0.7504943086, 1.6536545624)  # fmt: skip
FAR = (6.4012205467e-06, -3.731904227e-06, -4.886798808e-05, 0.00017485746102, -0.00039982417295,
       0.00078649003762, -0.0015827297518, 0.0030213633433, 0.75394423839,
       3.0838856061)  # fmt: skip
END = 6.25
TINY = 1e-7  # less than 1 − x² of any float32 between −1 and 1


@kernel("cpu")
def erf(xp: Any, x: Array) -> Array:
    """See `plain.elementwise.erf`."""
    return _short(_erf, elementwise.erf, xp, x)


def _erf(x: Array) -> Array:
    y: Array = np.maximum(np.minimum(x, ONE), -ONE, dtype=np.float64)
    square = y * y
    y *= polynomial(square, P)
    y /= polynomial(square, Q)
    return y.astype(np.float32)


@kernel("cpu")
def erfc(xp: Any, x: Array) -> Array:
    """See `plain.special.erfc`; float32 keeps its digits down to the smallest numbers."""
    return _short(_erfc, special.erfc, xp, x)


def _erfc(x: Array) -> Array:
    wide = x.astype(np.float64)
    s = np.abs(wide)
    s += SHIFT
    np.divide(1, s, out=s)
    y: Array = polynomial(s, TAIL)
    np.multiply(wide, wide, out=s)
    np.negative(s, out=s)
    y *= np.exp(s, out=s)
    y -= 2.0 * (x < 0)  # erfc(−x) = 2 − erfc(x)
    return np.abs(y, out=y).astype(np.float32)


@kernel("cpu")
def erfinv(xp: Any, x: Array) -> Array:
    """See `plain.special.erfinv`, whose value float32 gets without its steps."""
    return _short(_erfinv, special.erfinv, xp, x)


def _erfinv(x: Array) -> Array:
    wide = x.astype(np.float64)
    rest = np.multiply(1 - wide, 1 + wide)  # 1 − x² with all of its digits
    w = np.log(np.maximum(rest, TINY))
    np.negative(w, out=w)
    y: Array = polynomial(w * (2 / END) - 1, NEAR)
    far = w > END
    if far.any():
        y[far] = polynomial((np.sqrt(w[far]) - 3.25) / 0.75, FAR)
    np.multiply(y, wide, out=y)
    if not rest.min() > 0:  # or NaN
        y[rest == 0] = np.copysign(np.inf, wide[rest == 0])
        y[rest < 0] = np.nan
    return y.astype(np.float32)


def _short(form: Callable[[Array], Array], plain: Callable[..., Array], xp: Any, x: Array) -> Array:
    """`form` of a float32 array, or else the `plain` form, by blocks."""
    short = x.dtype == np.float32 and x.ndim and x.size
    return in_blocks(form if short else lambda x: plain(xp, x), x)
