"""Rows made of other rows: second names of one function, in-place forms, linalg's and special's.

An in-place form draws what its function draws. It changes a tensor of the caller's or, where that
requires a gradient, one that was computed from it, so that values, gradients and errors of both
ways are compared; the result has to be the tensor itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .call import Call, Given, exists
from .row import Row

SAME = {
    "absolute": "abs",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "bitwise_left_shift": "operator.lshift",
    "bitwise_right_shift": "operator.rshift",
    "clamp_max": "minimum",
    "clamp_min": "maximum",
    "concatenate": "cat",
    "conj": "positive",
    "conj_physical": "abs",
    "det": "linalg.det",
    "divide": "div",
    "erfinv": "special.erfinv",
    "fix": "trunc",
    "ger": "outer",
    "greater": "gt",
    "greater_equal": "ge",
    "less": "lt",
    "less_equal": "le",
    "multiply": "mul",
    "nanmean": "mean",
    "negative": "neg",
    "not_equal": "ne",
    "i0": "special.i0",
    "isneginf": "isinf",
    "isposinf": "isinf",
    "isreal": "isinf",
    "matrix_power": "linalg.matrix_power",
    "pinverse": "linalg.pinv",
    "rad2deg": "deg2rad",
    "row_stack": "vstack",
    "subtract": "sub",
    "true_divide": "div",
    "vdot": "dot",
    "xlogy": "atan2",
    "permute_copy": "permute",
    "select_copy": "select",
    "squeeze_copy": "squeeze",
    "t_copy": "t",
    "transpose_copy": "transpose",
    "unbind_copy": "unbind",
    "unfold_copy": "unfold",
    "unsqueeze_copy": "unsqueeze",
    "unsafe_chunk": "chunk",
    "special.xlogy": "atan2",
    "special.xlog1py": "atan2",
    "special.erf": "erf",
    "special.logit": "logit",
    "special.round": "round",
    "special.logsumexp": "logsumexp",
    "special.softmax": "softmax",
    "special.log_softmax": "log_softmax",
    "linalg.matmul": "matmul",
    "linalg.diagonal": "diagonal",
}


def renamed(name: str) -> Callable[[Call], Call]:
    """The same call of another name, as a function or as a method where that is there."""
    bare = name.rpartition(".")[2]

    def turn(call: Call) -> Call:
        method = call.name.startswith(".") and exists("torch", "." + bare) and "." not in name
        both = exists("torch", name)
        words = {k: v for k, v in call.kwargs.items() if k != "rounding_mode"}
        if name.startswith("clamp_"):
            words = {name[-3:]: v for v in words.values()}
        return Call("." + bare if method or not both else name, call.args, words)

    return turn


def in_place(name: str) -> Callable[[Call, bool], Call]:
    """The in-place form of a call, a method or a function where there is one."""
    both = exists("torch", name) and exists("ours", name)

    def method(module: Any, x: Any, *args: Any, **words: Any) -> Any:
        given = x * 1 if x.requires_grad else x
        out = getattr(given, name)(*args, **words)
        return out, out is given

    def function(module: Any, x: Any, *args: Any, **words: Any) -> Any:
        given = x * 1 if x.requires_grad else x
        out = getattr(module, name)(given, *args, **words)
        return out, out is given

    def turn(call: Call, other: bool) -> Call:
        run = function if other and both else method
        # The first that is a tensor: an operator may have a number there.
        if call.args and isinstance(call.args[0], Given):
            return replace(call, name=f"{name} in place", function=run)
        other = Given(np.zeros((2,), "float32"))
        return Call(f"{name} in place", (other, *call.args[1:]), call.kwargs, run)

    return turn


def rows(others: list[Row]) -> list[Row]:
    """A row for each second name, and for each in-place method whose function has a row."""
    made = {row.name.removeprefix("."): row.calls for row in reversed(others)}
    for name, of in SAME.items():
        if name not in made:
            made[name] = made[of].map(renamed(name))
    there = {row.name.removeprefix(".") for row in others}
    out = [Row(name, made[name]) for name in SAME if name not in there]
    for name in sorted(made):
        method = name + "_"
        if name in ("bernoulli", "normal", "polygamma"):  # draws, and another order of arguments
            continue
        if method not in there and exists("torch", "." + method) and exists("ours", "." + method):
            calls = st.builds(in_place(method), made[name], st.booleans())
            out.append(Row(f".{method}", calls))
    return out
