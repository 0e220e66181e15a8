"""Special functions on NumPy, block by block in the cache and on several threads."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..flat import Array
from ..kernel import kernel
from ..plain import special as plain
from .elementwise import in_blocks

__all__ = ["erfinv"]

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
def erfinv(xp: Any, x: Array) -> Array:
    """See `plain.special.erfinv`, whose value float32 gets without its steps."""
    short = x.dtype == np.float32 and x.ndim and x.size
    return in_blocks(_erfinv if short else lambda x: plain.erfinv(xp, x), x)


def _erfinv(x: Array) -> Array:
    wide = x.astype(np.float64)
    rest = np.multiply(1 - wide, 1 + wide)  # 1 − x² with all of its digits
    w = np.log(np.maximum(rest, TINY))
    np.negative(w, out=w)
    y = _polynomial(NEAR, w * (2 / END) - 1)
    far = w > END
    if far.any():
        y[far] = _polynomial(FAR, (np.sqrt(w[far]) - 3.25) / 0.75)
    np.multiply(y, wide, out=y)
    if not rest.min() > 0:  # or NaN
        y[rest == 0] = np.copysign(np.inf, wide[rest == 0])
        y[rest < 0] = np.nan
    return y.astype(np.float32)


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    """By Horner's scheme, the highest power first."""
    y = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        np.multiply(y, x, out=y)
        np.add(y, c, out=y)
    return y
