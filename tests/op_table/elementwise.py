"""Rows of the elementwise operations."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from hypothesis import strategies as st

import tinygrad_lite as tg
from tests import strategies as some
from tests.op_table._row import Row
from tests.strategies import Draw, between, distinct, nonzero, positive, real, truth, values, whole


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _steps(rng: Any, shape: tuple[int, ...]) -> Any:
    """Divisors that leave `distinct` away from their multiples."""
    return rng.choice([0.5, -0.5, 0.25], shape)


UNARY = [
    Row("neg", values(real), np.negative),
    Row("abs", values(nonzero), np.abs),
    Row("exp", values(real), np.exp),
    Row("expm1", values(real), np.expm1),
    Row("log", values(positive), np.log),
    Row("log2", values(positive), np.log2, rule="log"),
    Row("log10", values(positive), np.log10, rule="log"),
    Row("log1p", values(positive), np.log1p),
    Row("sqrt", values(positive), np.sqrt),
    Row("rsqrt", values(positive), lambda x: x**-0.5, rule="sqrt"),
    Row("square", values(real), np.square, rule="power"),
    Row("reciprocal", values(nonzero), np.reciprocal, rule="div"),
    Row("sin", values(real), np.sin),
    Row("cos", values(real), np.cos),
    Row("tanh", values(real), np.tanh),
    Row("sigmoid", values(real), _sigmoid),
    Row("relu", values(nonzero), lambda x: np.maximum(x, 0)),
    Row("clone", values(real), np.copy),
    Row("__neg__", values(real), np.negative, rule="neg"),
    Row("__pos__", values(real), np.positive),
    Row("__abs__", values(nonzero), np.abs, rule="abs"),
]

_SIGNATURES = {  # the domains of both operands
    "add": (real, real),
    "sub": (real, real),
    "mul": (real, real),
    "div": (real, nonzero),
    "pow": (positive, real),
}
_NUMPY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "truediv": np.divide,
}
BINARY = [Row(name, values(*sides), _NUMPY[name]) for name, sides in _SIGNATURES.items()]
BINARY += [
    Row(f"__{name}__", values(*sides), _NUMPY[name], call=getattr(operator, name), rule=rule)
    for name, rule, sides in [
        ("add", "add", (real, real)),
        ("sub", "sub", (real, real)),
        ("mul", "mul", (real, real)),
        ("truediv", "div", (real, nonzero)),
        ("pow", "pow", (positive, real)),
    ]
]


BINARY += [
    Row("__mod__", values(distinct, _steps), np.remainder, operator.mod, "remainder"),
    Row("remainder", values(distinct, _steps), np.remainder),
]


def _with_number(domain: some.Domain, numbers: list[float]) -> Any:
    def keywords(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
        return {"number": draw(st.sampled_from(numbers))}

    return some.shaped(domain, keywords)


def _number_rows() -> list[Row]:
    """An operator with a Python number on its right and, reflected, on its left."""
    rows = []
    for name, rule, right, left in [
        ("add", "add", real, real),
        ("sub", "sub", real, real),
        ("mul", "mul", real, real),
        ("truediv", "div", real, nonzero),
        ("pow", "power", positive, real),
    ]:
        op, numbers = getattr(operator, name), [2, -3, 0.5, -1.5, True]
        rows.append(
            Row(
                f"__{name}__[number]",
                _with_number(right, numbers),
                lambda x, number, f=_NUMPY[name]: f(x, float(number)),
                call=lambda x, number, op=op: op(x, number),
                rule=rule,
            )
        )
        rows.append(
            Row(
                f"__r{name}__",
                _with_number(left, [2, 0.5, 1.5, True] if name == "pow" else numbers),
                lambda x, number, f=_NUMPY[name]: f(float(number), x),
                call=lambda x, number, op=op: op(number, x),
                rule="pow" if name == "pow" else rule,
            )
        )
    rows.append(
        Row(
            "pow[integer]",
            _with_number(nonzero, [0, 1, 2, 3, -1, -2]),
            lambda x, number: x ** float(number),
            call=lambda x, number: x.pow(number),
            rule="power",
        )
    )
    return rows + [
        Row(
            f"{name}[alpha]",
            values(real, real),
            lambda a, b, f=_NUMPY[name]: f(a, -2.5 * b),
            call=lambda a, b, name=name: getattr(a, name)(b, alpha=-2.5),
        )
        for name in ("add", "sub")
    ]


def _clamped(x: Any, min: Any = None, max: Any = None) -> Any:
    return np.clip(x, -np.inf if min is None else min, np.inf if max is None else max)


def _bounds(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    # `distinct` has no multiples of 0.25.
    both = st.sampled_from([(-0.5, 0.5), (None, 0.25), (-0.25, None), (0, 1), (0.5, -0.5)])
    return dict(zip(("min", "max"), draw(both), strict=True))


CHOICE = [
    Row("maximum", values(distinct, between), np.maximum),
    Row("minimum", values(distinct, between), np.minimum),
    Row("max[tensor]", values(distinct, between), np.maximum, rule="maximum"),
    Row("min[tensor]", values(distinct, between), np.minimum, rule="minimum"),
    Row("clamp", some.shaped(distinct, _bounds), _clamped, rule="clamp"),
    Row("clip", some.shaped(distinct, _bounds), _clamped, rule="clamp"),
    Row(
        "clamp[tensors]",
        values(distinct, between, lambda rng, shape: between(rng, shape) + 0.29),
        lambda x, low, high: np.minimum(np.maximum(x, low), high),
        rule="where",
    ),
    Row(
        "where",
        values(truth, real, real),
        np.where,
        call=lambda c, a, b: tg.where(c, a, b),
        rule="where",
    ),
    Row(
        "where[method]",
        values(real, truth, real),
        lambda a, c, b: np.where(c, a, b),
        call=lambda a, c, b: a.where(c, b),
    ),
    Row(
        "where[number]",
        values(truth, real),
        lambda c, a: (np.where(c, a, 2.5), np.where(c, -1.0, a)),
        call=lambda c, a: (tg.where(c, a, 2.5), tg.where(c, -1, a)),
    ),
    Row(
        "masked_fill",
        values(real, truth),
        lambda x, mask: np.where(mask, 2.5, x),
        call=lambda x, mask: x.masked_fill(mask, 2.5),
        rule="where",
    ),
]

_TESTS = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}
_LOGIC = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}


def _plain(name: str, domain: some.Domain, reference: Any, call: Any = None, count: int = 1) -> Row:
    return Row(name, values(*[domain] * count), reference, call, differentiable=False)


PLAIN = [
    *(_plain(name, whole, f, count=2) for name, f in _TESTS.items()),
    *(
        _plain(f"__{name}__", whole, f, getattr(operator, name), count=2)
        for name, f in _TESTS.items()
    ),
    *(
        _plain(f"__{name}__", truth, f, getattr(operator, f"{name}_"), count=2)
        for name, f in _LOGIC.items()
        if name != "xor"
    ),
    _plain("__xor__", truth, np.logical_xor, operator.xor, count=2),
    _plain("__invert__", truth, np.logical_not, operator.invert),
    _plain("logical_and", whole, np.logical_and, count=2),
    _plain("logical_or", whole, np.logical_or, count=2),
    _plain("logical_not", whole, np.logical_not),
    _plain("sign", whole, np.sign),
    _plain("floor", real, np.floor),
    _plain("ceil", real, np.ceil),
    _plain("round", lambda rng, shape: whole(rng, shape) / 2, np.round),
    *(
        _plain(name, lambda rng, shape: rng.choice([0.0, np.nan, np.inf, -np.inf], shape), f)
        for name, f in [("isnan", np.isnan), ("isinf", np.isinf), ("isfinite", np.isfinite)]
    ),
    *(_plain(f"bitwise_{name}", truth, f, count=2) for name, f in _LOGIC.items()),
    _plain("bitwise_not", truth, np.logical_not),
    Row("floor_divide", values(real, nonzero), np.floor_divide, differentiable=False),
    Row(
        "__floordiv__",
        values(real, nonzero),
        np.floor_divide,
        operator.floordiv,
        differentiable=False,
    ),
]

ROWS = [*UNARY, *BINARY, *_number_rows(), *CHOICE, *PLAIN]
