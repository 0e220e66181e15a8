"""Bessel's functions and Airy's: against sums in 60 digits, their equations, and their edges."""

from __future__ import annotations

import math
from decimal import Decimal, getcontext

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import special

NAMES = (
    "airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 modified_bessel_i0 modified_bessel_i1 "
    "modified_bessel_k0 modified_bessel_k1 scaled_modified_bessel_k0 scaled_modified_bessel_k1 "
    "spherical_bessel_j0"
).split()


def value(name: str, x: float) -> float:
    found = getattr(special, name)(tg.tensor(x, dtype=tg.float64)).item()
    assert isinstance(found, float)
    return found


def exact(x: float, order: int, sign: int) -> float:
    """J (sign −1) or I (sign 1) by its power series, whose terms are large, in 80 digits."""
    getcontext().prec = 80
    half = Decimal(x) / 2
    term = total = half**order / math.factorial(order)
    for k in range(1, 200):
        term *= sign * half * half / (k * (k + order))
        total += term
    return float(total)


def airy(x: float) -> float:
    """Ai by its power series, in 80 digits."""
    getcontext().prec = 80
    cube, f, g = Decimal(x) ** 3, Decimal(1), Decimal(1)
    first, second = f, g
    for k in range(1, 300):
        f *= cube / (3 * k * (3 * k - 1))
        g *= cube / (3 * k * (3 * k + 1))
        first, second = first + f, second + g
    zero = Decimal("0.355028053887817239260063186004183176397979174199177")
    slope = Decimal("0.258819403792806798405183560189203963479091138354934")
    return float(zero * first - slope * Decimal(x) * second)


def test_values() -> None:
    for x in (1e-8, 0.3, 1.0, 2.4999, 2.5001, 5.0, 9.3, 20.0, 40.0):
        for order in (0, 1):
            assert abs(value(f"bessel_j{order}", x) - exact(x, order, -1)) < 4e-16, x
            modified = exact(x, order, 1)
            assert abs(value(f"modified_bessel_i{order}", x) / modified - 1) < 2e-14, x
    for x in (-9.5, -5.0, -2.338, -2.001, -1.999, -1.0, 0.0, 0.999, 1.001, 3.0, 8.0):
        assert abs(value("airy_ai", x) - airy(x)) < 5e-16 * max(1.0, abs(x)), x
        assert abs(value("airy_ai", x) - airy(x)) < 1e-11 * abs(airy(x)), x


def test_second_kinds_by_their_equations() -> None:
    # Wronskians: J₁ Y₀ − J₀ Y₁ = 2/πx and I₀ K₁ + I₁ K₀ = 1/x; and known values of Y₀, K₀.
    x = tg.tensor(np.concatenate([np.geomspace(1e-3, 700, 300), [0.999, 1.001, 2.499, 2.501]]))
    j0, j1, y0, y1 = (getattr(special, f"bessel_{n}")(x) for n in ("j0", "j1", "y0", "y1"))
    assert ((j1 * y0 - j0 * y1) * x * (math.pi / 2) - 1).abs().max() < 1e-13
    i0, i1, k0, k1 = (getattr(special, f"modified_bessel_{n}")(x) for n in ("i0", "i1", "k0", "k1"))
    assert ((i0 * k1 + i1 * k0) * x - 1).abs().max() < 4e-14
    for n, k in (("0", k0), ("1", k1)):
        scaled = getattr(special, f"scaled_modified_bessel_k{n}")(x)
        assert (scaled * (-x).exp() / k - 1).abs().max() < 1e-15
    assert abs(value("bessel_y0", 1.0) - 0.088256964215676957983) < 4e-16
    assert abs(value("bessel_y1", 10.0) - 0.24901542420695388392) < 4e-16
    assert abs(value("modified_bessel_k0", 1.0) - 0.42102443824070833334) < 4e-16
    assert abs(value("modified_bessel_k1", 0.5) - 1.6564411200033008937) < 1e-15


def test_edges_are_pytorchs() -> None:
    nan, inf = math.nan, math.inf
    edges = {
        "airy_ai": (0.35502805388781724, nan, nan),
        "bessel_j0": (1.0, nan, nan),
        "bessel_j1": (0.0, nan, nan),
        "bessel_y0": (-inf, nan, nan),
        "bessel_y1": (-inf, nan, nan),
        "modified_bessel_k0": (inf, 0.0, nan),
        "modified_bessel_k1": (inf, 0.0, nan),
        "scaled_modified_bessel_k0": (inf, 0.0, nan),
        "spherical_bessel_j0": (1.0, 0.0, 0.0),
    }
    for name, expected in edges.items():
        found = [value(name, x) for x in (0.0, inf, -inf)]
        np.testing.assert_equal(found, expected, name)
        assert math.isnan(value(name, nan)), name
    assert math.isnan(value("bessel_y0", -1.0))
    assert value("bessel_j1", -1.0) == -value("bessel_j1", 1.0)
    assert special.bessel_j0(tg.tensor([1, 2])).dtype is tg.float32
    for name in NAMES:
        function = getattr(special, name)
        assert not function(tg.ones(1, requires_grad=True)).requires_grad
        assert function(tg.ones(0, 2)).shape == (0, 2)
        with pytest.raises(NotImplementedError, match=name):
            function(tg.ones(1, dtype=tg.float16))
