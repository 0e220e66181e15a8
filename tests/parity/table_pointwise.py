"""Rows of elementwise operations and operators."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Call, Given
from .draw import ALL, FLOATS, Draw, broadcastable, finite, numbers, pairs, shapes, tensors
from .row import Row

UNARY = [
    "abs",
    "neg",
    "exp",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "square",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "relu",
    "erf",
    "sign",
    "ceil",
    "floor",
    "round",
    "isnan",
    "isinf",
    "isfinite",
    "logical_not",
    "clone",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "trunc",
    "frac",
    "exp2",
    "erfc",
    "sgn",
    "positive",
    "bitwise_not",
    "deg2rad",
    "asinh",
    "acosh",
    "atanh",
    "nan_to_num",
    "digamma",
    "lgamma",
    "absolute",
    "negative",
    "arcsin",
    "arccos",
    "arctan",
    "signbit",
    "logit",
    "sinc",
    "softmax",
]
UNARY.remove("softmax")
UNARY_IN_PLACE = [
    "abs_",
    "neg_",
    "exp_",
    "sqrt_",
    "relu_",
    "zero_",
    "log_",
    "sigmoid_",
    "tanh_",
    "sin_",
    "cos_",
    "floor_",
    "ceil_",
    "round_",
    "rsqrt_",
    "reciprocal_",
    "square_",
    "trunc_",
    "erf_",
    "expm1_",
    "log1p_",
    "sign_",
]
BINARY = [
    "add",
    "sub",
    "mul",
    "div",
    "pow",
    "remainder",
    "floor_divide",
    "fmod",
    "maximum",
    "minimum",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "logical_and",
    "logical_or",
    "logical_xor",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "atan2",
    "true_divide",
    "multiply",
    "subtract",
    "fmax",
    "fmin",
    "hypot",
    "logaddexp",
    "copysign",
    "float_power",
    "greater",
    "less",
    "not_equal",
    "divide",
]
BINARY_IN_PLACE = [
    "add_",
    "sub_",
    "mul_",
    "div_",
    "pow_",
    "remainder_",
    "floor_divide_",
    "fmod_",
    "logical_and_",
    "eq_",
    "lt_",
    "bitwise_and_",
    "bitwise_or_",
    "bitwise_xor_",
    "copy_",
]
OPERATORS = [
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "and_",
    "or_",
    "xor",
    "lshift",
    "rshift",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
]
HALVES = ("float16", "float32", "int64")
IN_PLACE = """iadd isub imul itruediv ifloordiv imod ipow iand ior ixor ilshift
irshift""".split()
ACTIVATIONS = [
    "relu",
    "sigmoid",
    "tanh",
    "elu",
    "gelu",
    "silu",
    "softplus",
    "hardtanh",
    "relu6",
    "leaky_relu",
    "logsigmoid",
    "selu",
    "celu",
    "mish",
    "hardswish",
    "hardsigmoid",
    "hardshrink",
    "softshrink",
    "softsign",
    "tanhshrink",
]


@st.composite
def unary(draw: Draw, name: str) -> Call:
    dot = "" if name.endswith("_") else draw(st.sampled_from(["", "."]))
    given = draw(tensors(grad=False if name.endswith("_") else None))
    return Call(f".{name}" if name.endswith("_") else dot + name, (given,))


@st.composite
def binary(draw: Draw, name: str) -> Call:
    first, second = _powers(name, *draw(pairs()))
    in_place = name.endswith("_")
    if in_place:
        first, second = _changed(first), _perhaps_empty(first, second)
    dot = "." if in_place else draw(st.sampled_from(["", "."]))
    if not dot and draw(st.integers(0, 5)) == 0:
        first, second = second, first
    kwargs: dict[str, Any] = {}
    if name.rstrip("_") in ("add", "sub") and draw(st.integers(0, 4)) == 0:
        kwargs["alpha"] = draw(st.sampled_from([2, -1, 0.5]))
    if name.rstrip("_") in ("div", "divide") and draw(st.integers(0, 2)) == 0:
        kwargs["rounding_mode"] = draw(st.sampled_from(["floor", "trunc", None]))
    if draw(st.integers(0, 5)) == 0:
        return Call(
            dot + name, (first,), {"other" if name != "pow" else "exponent": second} | kwargs
        )
    return Call(dot + name, (first, second), kwargs)


def _powers(name: str, first: Any, second: Any) -> tuple[Any, Any]:
    """No (−∞)ˣ: PyTorch's vector and scalar loops differ there; nor x^False, of NaN's gradient."""
    if not name.rstrip("_").endswith("pow"):
        return first, second
    second = 0 if second is False else second
    return _without_infinity(first), _without_infinity(second)


def _without_infinity(value: Any) -> Any:
    if not isinstance(value, Given) or value.values.dtype.kind != "f":
        return value
    calm = np.where(value.values == -np.inf, value.values.dtype.type(-2), value.values)
    return Given(calm, value.layout, value.requires_grad)


def _changed(given: Given) -> Given:
    """A tensor that may be changed in place."""
    return Given(given.values, given.layout)


def _perhaps_empty(first: Given, second: Any) -> Any:
    """Where nothing is changed PyTorch forgets that an operation has no derivative."""
    return _changed(second) if isinstance(second, Given) and not first.values.size else second


@st.composite
def operators(draw: Draw, name: str) -> Call:
    first, second = _powers(name, *draw(pairs()))
    if draw(st.booleans()):
        first, second = second, first
    function = getattr(operator, name)
    return Call(f"operator.{name}", (first, second), function=lambda _, a, b: function(a, b))


@st.composite
def in_place(draw: Draw, name: str) -> Call:
    first, second = _powers(name, *draw(pairs()))
    first, second = _changed(first), _perhaps_empty(first, second)
    function = getattr(operator, name)

    def run(_: Any, a: Any, b: Any) -> Any:
        before = a
        a = function(a, b)
        return a, a is before

    return Call(f"operator.{name}", (first, second), function=run)


@st.composite
def activation(draw: Draw, name: str) -> Call:
    # PyTorch's own constant is off by 1e-8 in float64.
    given = draw(tensors(dtypes=HALVES if name == "hardsigmoid" else (*FLOATS, "int64")))
    if given.requires_grad:  # its vector and its scalar loops differ in the gradient at NaN
        given = finite(given) if np.isnan(given.values).any() else given
    kwargs: dict[str, Any] = {}
    if name == "leaky_relu" and draw(st.booleans()):
        kwargs["negative_slope"] = draw(st.sampled_from([0.2, 0.0, -0.1]))
    if name in ("elu", "celu") and draw(st.booleans()):
        kwargs["alpha"] = draw(st.sampled_from([0.5, 2.0]))
    if name == "gelu" and draw(st.booleans()):
        kwargs["approximate"] = draw(st.sampled_from(["none", "tanh"]))
    if name == "softplus" and draw(st.booleans()):
        kwargs |= {"beta": 2.0, "threshold": 10}
    return Call(f"nn.functional.{name}", (given,), kwargs)


@st.composite
def clamp(draw: Draw, name: str) -> Call:
    given = draw(tensors(grad=False if name.endswith("_") else None))
    bound = st.one_of(st.none(), numbers, tensors(broadcastable(given.values.shape), grad=None))
    low, high = draw(bound), draw(bound)
    if draw(st.booleans()):
        return Call("." + name, (given, low, high))
    kwargs = {k: v for k, v in (("min", low), ("max", high)) if v is not None}
    return Call("." + name, (given,), kwargs)


@st.composite
def where(draw: Draw, name: str) -> Call:
    shape = draw(shapes())
    condition = draw(tensors(shape, ("bool", "bool", "bool", "uint8")))
    side = st.one_of(tensors(broadcastable(shape)), numbers)
    if draw(st.integers(0, 6)) == 0:
        return Call("where", (condition,))
    return Call("where", (condition, draw(side), draw(side)))


@st.composite
def masked(draw: Draw, name: str) -> Call:
    given = draw(tensors(grad=False if name.endswith("_") else None))
    mask = draw(tensors(broadcastable(given.values.shape), ("bool", "bool", "bool", "uint8")))
    if name == "masked_select":
        return Call(draw(st.sampled_from(["", "."])) + name, (given, mask))
    return Call("." + name, (given, mask, draw(numbers)))


@st.composite
def ternary(draw: Draw, name: str) -> Call:
    given = draw(tensors(dtypes=ALL))
    others = [draw(tensors(broadcastable(given.values.shape))) for _ in range(2)]
    if name == "lerp" and draw(st.booleans()):
        others[1] = draw(numbers)
    kwargs = {"value": draw(st.sampled_from([1, 2, 0.5]))} if name.startswith("addc") else {}
    return Call(draw(st.sampled_from(["", "."])) + name, (given, *others), kwargs)


@st.composite
def casting(draw: Draw, name: str) -> Call:
    given = draw(tensors())
    if name in ("to", "type"):
        return Call("." + name, (given, np.dtype(draw(st.sampled_from(ALL)))))
    if name in ("type_as", "to_other"):
        return Call(".type_as" if name == "type_as" else ".to", (given, draw(tensors(()))))
    return Call("." + name, (given,))


@st.composite
def numpy_side(draw: Draw, name: str) -> Call:
    """NumPy's arrays and functions met with tensors."""
    given = draw(tensors(special=False, grad=False))
    array = np.asarray(draw(tensors(given.values.shape, special=False)).values)
    function = getattr(operator, draw(st.sampled_from(["add", "mul", "sub", "truediv"])))
    return Call("tensor op ndarray", (given,), function=lambda _, a: function(a, array))


def rows() -> list[Row]:
    """All rows of this file."""
    out = [Row(name, unary(name)) for name in UNARY + UNARY_IN_PLACE]
    out += [Row(name, binary(name)) for name in BINARY + BINARY_IN_PLACE]
    out += [Row(f"operator.{name}", operators(name)) for name in OPERATORS]
    out += [Row(f"operator.{name}", in_place(name)) for name in IN_PLACE]
    out += [Row(f"nn.functional.{name}", activation(name)) for name in ACTIVATIONS]
    out += [Row(name, clamp(name)) for name in ("clamp", "clamp_", "clip")]
    out += [Row("where", where("where"))]
    out += [Row(name, masked(name)) for name in ("masked_fill", "masked_fill_", "masked_select")]
    out += [Row(name, ternary(name)) for name in ("addcmul", "addcdiv", "lerp")]
    casts = [
        "to",
        "type",
        "type_as",
        "to_other",
        "float",
        "double",
        "half",
        "long",
        "int",
        "bool",
        "short",
        "byte",
        "char",
    ]
    out += [Row("." + name.replace("to_other", "to"), casting(name), label=name) for name in casts]
    return [*out, Row("tensor op ndarray", numpy_side(""))]
