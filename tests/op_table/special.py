"""Rows of special functions; the references are Python's own, series, or bisections."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import tinygrad_lite as tg
from tests.op_table._row import Row
from tests.strategies import nonzero, positive, real, values


def _each(function: Any) -> Any:
    return np.vectorize(function, otypes=[float])


def _inside(rng: Any, shape: tuple[int, ...]) -> Any:
    """Between −0.9 and 0.9."""
    return np.tanh(real(rng, shape)) * 0.9


def _digamma(x: float) -> float:
    z = x + 40
    shifted = math.log(z) - 1 / (2 * z) - 1 / (12 * z**2) + 1 / (120 * z**4)
    return shifted - sum(1 / (x + k) for k in range(40))


def _trigamma(x: float) -> float:
    z = x + 40
    shifted = 1 / z + 1 / (2 * z**2) + 1 / (6 * z**3) - 1 / (30 * z**5)
    return shifted + sum((x + k) ** -2 for k in range(40))


def _bessel(order: int) -> Any:
    def value(x: float) -> float:
        factors = (math.factorial(k) * math.factorial(k + order) for k in range(30))
        return sum((x / 2) ** (2 * k + order) / f for k, f in enumerate(factors))

    return _each(value)


def _erfinv(x: float) -> float:
    low, high = -6.0, 6.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle) < x else (low, middle)
    return low


def _function(name: str, *args: Any) -> Any:
    return lambda x: getattr(tg.special, name)(x, *args)


SPECIAL = [
    Row("erfc", values(real), _each(math.erfc)),
    Row("erfinv", values(_inside), _each(_erfinv)),
    Row("lgamma", values(positive), _each(math.lgamma)),
    Row("digamma", values(positive), _each(_digamma)),
    Row("polygamma", values(positive), _each(_trigamma), lambda x: x.polygamma(1)),
    Row("rule:zeta", values(positive), _each(lambda q: _trigamma(q)),
        lambda q: tg.special.zeta(2.0, q), "zeta"),
    Row("igamma", values(positive), lambda x: 1 - np.exp(-x) * (1 + x),
        lambda x: (x.detach() * 0 + 2).igamma(x), "gammainc"),
    Row("igammac", values(positive), lambda x: np.exp(-x) * (1 + x),
        lambda x: (x.detach() * 0 + 2).igammac(x), "gammaincc"),
    Row("i0", values(real), _bessel(0)),
    Row("sinc", values(nonzero), np.sinc),
    Row("mvlgamma", values(lambda rng, shape: positive(rng, shape) + 1),
        _each(lambda x: 0.5 * math.log(math.pi) + math.lgamma(x) + math.lgamma(x - 0.5)),
        lambda x: x.mvlgamma(2), "lgamma"),
    Row("rule:i1", values(nonzero), _bessel(1), _function("i1"), "i1"),
    Row("rule:i0e", values(nonzero), lambda x: _bessel(0)(x) * np.exp(-abs(x)),
        _function("i0e"), "i0e"),
    Row("rule:i1e", values(nonzero), lambda x: _bessel(1)(x) * np.exp(-abs(x)),
        _function("i1e"), "i1e"),
    Row("rule:erfcx", values(real), _each(lambda x: math.exp(x * x) * math.erfc(x)),
        _function("erfcx"), "erfcx"),
    Row("rule:entr", values(positive), lambda x: -x * np.log(x), _function("entr"), "entr"),
    Row("rule:xlog1py", values(real, positive), lambda a, b: a * np.log1p(b),
        lambda a, b: tg.special.xlog1py(a, b), "xlog1py"),
    Row("ldexp", values(real, real), lambda a, b: a * 2**b),
    Row("logaddexp2", values(real, real), np.logaddexp2, rule="logaddexp"),
    Row("frexp", values(nonzero), lambda x: (np.frexp(x)[0], np.frexp(x)[1].astype("int32")),
        rule="mul"),
]  # fmt: skip

ROWS = SPECIAL
ONE_OPERAND = [
    row for row in SPECIAL if row.call is None and row.name not in ("ldexp", "logaddexp2")
]
