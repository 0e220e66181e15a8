"""Rows of the elementwise operations."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

import tinygrad_lite as tg
from tests import strategies as some
from tests.op_table._row import Row
from tests.strategies import Draw, between, distinct, nonzero, positive, real, truth, values, whole
from tinygrad_lite.ops import RULES
from tinygrad_lite.tensor import apply


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _steps(rng: Any, shape: tuple[int, ...]) -> Any:
    """Divisors that leave `distinct` away from their multiples."""
    return rng.choice([0.5, -0.5, 0.25], shape)


def _inside(rng: Any, shape: tuple[int, ...]) -> Any:
    """Between −0.9 and 0.9."""
    return np.tanh(real(rng, shape)) * 0.9


UNARY = [
    Row("tan", values(_inside), np.tan),
    Row("asin", values(_inside), np.arcsin),
    Row("acos", values(_inside), np.arccos),
    Row("atan", values(real), np.arctan),
    Row("sinh", values(real), np.sinh),
    Row("cosh", values(real), np.cosh),
    Row("asinh", values(real), np.arcsinh),
    Row("acosh", values(lambda rng, shape: positive(rng, shape) + 1.1), np.arccosh),
    Row("atanh", values(_inside), np.arctanh),
    Row("exp2", values(real), np.exp2),
    Row(
        "logit",
        values(lambda rng, shape: _inside(rng, shape) / 2 + 0.5),
        lambda x: np.log(x / (1 - x)),
    ),
    Row("deg2rad", values(real), np.deg2rad, rule="mul"),
    Row("rad2deg", values(real), np.rad2deg, rule="mul"),
    Row("nan_to_num", values(real), np.nan_to_num),
    Row("positive", values(real), np.positive),
    Row("sign", values(nonzero), np.sign),
    Row("floor", values(distinct), np.floor),
    Row("ceil", values(distinct), np.ceil),
    Row("trunc", values(distinct), np.trunc),
    Row("frac", values(distinct), lambda x: x - np.trunc(x)),
    Row("round", values(distinct), np.round),
    Row("neg", values(real), np.negative),
    Row("abs", values(nonzero), np.abs),
    Row("exp", values(real), np.exp),
    Row("expm1", values(real), np.expm1),
    Row("log", values(positive), np.log),
    Row("log2", values(positive), np.log2),
    Row("log10", values(positive), np.log10),
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
    Row(
        "relu_of_kept",
        values(nonzero),
        lambda x: np.maximum(x, 0),
        lambda x: apply(RULES["relu_of_kept"], x),
    ),
    Row("clone", values(real), np.copy),
    Row("rule:hinge", values(real), np.copy, lambda x: apply(RULES["hinge"], x), "hinge"),
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
    Row("fmod", values(distinct, _steps), np.fmod),
    Row(
        "div[floor]",
        values(distinct, _steps),
        np.floor_divide,
        lambda a, b: a.div(b, rounding_mode="floor"),
        "div_floor",
    ),
    Row(
        "div[trunc]",
        values(distinct, _steps),
        lambda a, b: np.trunc(a / b),
        lambda a, b: a.div(b, rounding_mode="trunc"),
        "div_trunc",
    ),
    Row(
        "floor_divide[value]",
        values(real, nonzero),
        np.floor_divide,
        lambda a, b: a.detach().floor_divide(b.detach()),
        differentiable=False,
    ),
    Row("atan2", values(nonzero, nonzero), np.arctan2),
    Row("hypot", values(nonzero, nonzero), np.hypot),
    Row("logaddexp", values(real, real), np.logaddexp),
    Row("copysign", values(nonzero, nonzero), np.copysign),
    Row("xlogy", values(positive, positive), lambda a, b: a * np.log(b)),
    Row("fmax", values(distinct, between), np.fmax),
    Row("fmin", values(distinct, between), np.fmin),
    Row(
        "float_power",  # in float64
        values(positive, real),
        np.power,
        call=lambda a, b: a.float_power(b).to(a.dtype),
        rule="pow",
    ),
    Row("lerp", values(real, real, real), lambda a, b, w: a + w * (b - a)),
    Row(
        "lerp[number]",
        values(real, real),
        lambda a, b: a + 0.75 * (b - a),
        lambda a, b: a.lerp(b, 0.75),
    ),
    Row(
        "addcmul",
        values(real, real, real),
        lambda a, b, c: a + 2 * b * c,
        lambda a, b, c: a.addcmul(b, c, value=2),
        "mul",
    ),
    Row(
        "addcdiv",
        values(real, real, nonzero),
        lambda a, b, c: a + 2 * b / c,
        lambda a, b, c: a.addcdiv(b, c, value=2),
        "div",
    ),
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
        op, numbers = getattr(operator, name), [2, -3, 0.5, -1.5]
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
                _with_number(left, [2, 0.5, 1.5] if name == "pow" else numbers),
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
    Row("clamp[from a tensor]", values(distinct, between), np.maximum, rule="at_least"),
    Row("clamp_max[a tensor]", values(distinct, between), np.minimum, rule="at_most"),
    Row(
        "clamp[tensors]",
        values(distinct, between, lambda rng, shape: between(rng, shape) + 0.29),
        lambda x, low, high: np.minimum(np.maximum(x, low), high),
        rule="between",
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
    _plain("signbit", real, np.signbit),
    _plain("logical_xor", whole, np.logical_xor, count=2),
    *(
        _plain(name, lambda rng, shape: rng.choice([0.0, np.nan, np.inf, -np.inf], shape), f)
        for name, f in [("isnan", np.isnan), ("isinf", np.isinf), ("isfinite", np.isfinite)]
    ),
    *(_plain(f"bitwise_{name}", truth, f, count=2) for name, f in _LOGIC.items()),
    _plain("bitwise_not", truth, np.logical_not),
]

# Second names of operations.
ALIASES = {
    "absolute": "abs", "negative": "neg", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin",
    "arcsinh": "asinh", "arctan": "atan", "arctanh": "atanh", "arctan2": "atan2", "fix": "trunc",
    "sgn": "sign", "multiply": "mul", "subtract": "sub", "divide": "div", "true_divide": "div",
    "not_equal": "ne", "less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge",
}  # fmt: skip
_BY_NAME = {row.name: row for row in [*UNARY, *BINARY, *PLAIN]}
_SECOND = [
    replace(row, name=alias, call=None, rule=row.rule or (name if row.differentiable else None))
    for alias, name in ALIASES.items()
    for row in [_BY_NAME[name]]
]

ROWS = [*UNARY, *BINARY, *_number_rows(), *CHOICE, *PLAIN, *_SECOND]
