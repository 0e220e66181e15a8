"""Ties, zeros and special values: what PyTorch 2.13 gives, written out.

Each case is a row of docs/conventions.md. Gradients are of the sum of the result.
"""

from __future__ import annotations

import math
import pathlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_lite as tg

inf, nan = math.inf, math.nan


class Case(NamedTuple):
    """A function of float32 inputs, its value, and each input's gradient."""

    name: str
    function: Callable[..., Any]
    inputs: tuple[Any, ...]
    value: Any
    grads: tuple[Any, ...]


CASES = [
    Case("relu", tg.relu, ([-1, 0, 1, nan],), [0, 0, 1, nan], ([0, 0, 1, 1],)),
    Case("abs at 0", tg.abs, ([-2, 0, 2],), [2, 0, 2], ([-1, 0, 1],)),
    Case("maximum ties and NaN", tg.maximum, ([1, 2, nan, 0], [1, 1, 0, nan]),
         [1, 2, nan, nan], ([0.5, 1, 1, 1], [0.5, 0, 1, 1])),
    Case("minimum ties and NaN", tg.minimum, ([1, 2, nan, 0], [1, 1, 0, nan]),
         [1, 1, nan, nan], ([0.5, 0, 1, 1], [0.5, 1, 1, 1])),
    Case("amax shares ties", lambda x: x.amax(1), ([[3, 1, 3], [2, 2, 2]],), [3, 2],
         ([[0.5, 0, 0.5], [1 / 3, 1 / 3, 1 / 3]],)),
    Case("amin shares ties", lambda x: x.amin(1), ([[1, 3, 1], [2, 2, 2]],), [1, 2],
         ([[0.5, 0, 0.5], [1 / 3, 1 / 3, 1 / 3]],)),
    Case("amax of NaN", tg.amax, ([nan, 1],), nan, ([nan, nan],)),
    Case("max() shares ties", lambda x: x.max(), ([3, 1, 3],), 3, ([0.5, 0, 0.5],)),
    Case("max(dim) takes the first", lambda x: x.max(0).values, ([3, 1, 3],), 3, ([1, 0, 0],)),
    Case("min(dim) takes the first", lambda x: x.min(0).values, ([1, 3, 1],), 1, ([1, 0, 0],)),
    Case("max(dim) takes the first NaN", lambda x: x.max(0).values, ([1, nan, 3, nan],), nan,
         ([0, 1, 0, 0],)),
    Case("clamp at its bounds", lambda x: x.clamp(-1, 1), ([-2, -1, 0, 1, 2, nan],),
         [-1, -1, 0, 1, 1, nan], ([0, 1, 1, 1, 0, 0],)),
    Case("clamp to crossed bounds", lambda x: x.clamp(2, 1), ([0, 1, 1.5, 2, 3],), [1] * 5,
         ([0] * 5,)),
    Case("clamp between tensors", lambda x, a, b: x.clamp(a, b),
         ([-2, -1, 0, 1, 2], [-1] * 5, [1] * 5), [-1, -1, 0, 1, 1],
         ([0, 1, 1, 1, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1])),
    Case("clamp between crossed tensors", lambda x, a, b: x.clamp(a, b),
         ([0, 1.5, 3], [2] * 3, [1] * 3), [1] * 3, ([0] * 3, [0] * 3, [1] * 3)),
    Case("norm at 0", tg.norm, ([0, 0],), 0, ([0, 0],)),
    Case("1-norm at 0", lambda x: x.norm(1), ([0, -1],), 1, ([0, -1],)),
    Case("3-norm at 0", lambda x: x.norm(3), ([0, 0],), 0, ([0, 0],)),
    Case("1.5-norm beside 0", lambda x: x.norm(1.5), ([0, 2],), 2, ([0, 1],)),
    Case("inf-norm shares ties", lambda x: x.norm(inf), ([2, -2, 1],), 2, ([0.5, -0.5, 0],)),
    Case("norm of nothing", tg.norm, ([],), 0, ([],)),
    Case("std at 0", lambda x: x.std(), ([2, 2],), 0, ([0, 0],)),
    Case("std of one element", lambda x: x.std(), ([2],), nan, ([nan],)),
    Case("var of one element", lambda x: x.var(), ([2],), nan, ([nan],)),
    Case("var of too few", lambda x: x.var(correction=2), ([2, 1],), inf, ([inf, inf],)),
    Case("var of too few in a row", lambda x: x.var(0, correction=2), ([2, 1],), inf,
         ([inf, -inf],)),
    Case("var of far too few in a row", lambda x: x.var(0, correction=5), ([1, 2, 3],), inf,
         ([1, 0, -1],)),
    Case("var of nothing", lambda x: x.var(), ([],), nan, ([],)),
    Case("sqrt", tg.sqrt, ([0, -1, 4],), [0, nan, 2], ([inf, nan, 0.25],)),
    Case("rsqrt", tg.rsqrt, ([0, -1, 4],), [inf, nan, 0.5], ([-inf, nan, -0.0625],)),
    Case("log", tg.log, ([0, -1, 1],), [-inf, nan, 0], ([inf, -1, 1],)),
    Case("log1p", tg.log1p, ([-1, -2],), [-inf, nan], ([inf, -1],)),
    Case("reciprocal of 0", tg.reciprocal, ([0],), [inf], ([-inf],)),
    Case("division by 0", tg.div, ([1, 0, -1], [0, 0, 0]), [inf, nan, -inf],
         ([inf] * 3, [-inf, nan, inf])),
    Case("x ** 0", lambda x: x**0, ([0, -2, nan, inf],), [1] * 4, ([0] * 4,)),
    Case("x ** 1", lambda x: x**1, ([0, -2],), [0, -2], ([1, 1],)),
    Case("x ** 2", lambda x: x**2, ([0, -2],), [0, 4], ([0, -4],)),
    Case("x ** 3", lambda x: x**3, ([0, -2],), [0, -8], ([0, 12],)),
    Case("x ** -1", lambda x: x**-1, ([0, -2],), [inf, -0.5], ([-inf, -0.25],)),
    Case("x ** 0.5", lambda x: x**0.5, ([0, -2, 4],), [0, nan, 2], ([inf, nan, 0.25],)),
    Case("x ** 2.5", lambda x: x**2.5, ([0, -2, 4],), [0, nan, 32], ([0, nan, 20],)),
    Case("pow of tensors", tg.pow, ([0, 0, 0, -2, -2, 2, -2, 0], [0, 1, 2, 2, 3, 0, 0.5, -1]),
         [1, 0, 0, 4, -8, 1, nan, inf],
         ([0, 1, 0, -4, 12, 0, nan, -inf], [0, 0, 0, nan, nan, math.log(2), nan, -inf])),
    Case("0 ** x", lambda x: 0**x, ([0, 1, 2, -1],), [1, 0, 0, inf], ([0, 0, 0, -inf],)),
    Case("(-2) ** x", lambda x: (-2) ** x, ([2, 3],), [4, -8], ([nan, nan],)),
    Case("logsumexp of large numbers", lambda x: x.logsumexp(1), ([[1e4, 1e4], [-1e4, -1e4]],),
         [1e4 + math.log(2), -1e4 + math.log(2)], ([[0.4998939] * 2, [0.4998939] * 2],)),
    Case("logsumexp of infinities", lambda x: x.logsumexp(1), ([[-inf, 1], [inf, 1]],),
         [1, inf], ([[0, 1], [nan, 0]],)),
    Case("logsumexp of -inf alone", lambda x: x.logsumexp(0), ([-inf, -inf],), -inf, ([0, 0],)),
    Case("logsumexp of nothing", lambda x: x.logsumexp(0), ([],), -inf, ([],)),
    Case("softmax of large numbers", lambda x: x.softmax(1)[:, 0],
         ([[1e4, 0], [-1e4, -1e4], [-inf, 1]],), [1, 0.5, 0], ([[0, 0], [0.25, -0.25], [0, 0]],)),
    Case("softmax of -inf alone", lambda x: x.softmax(0), ([-inf, -inf],), [nan, nan],
         ([nan, nan],)),
    Case("log_softmax of large numbers", lambda x: x.log_softmax(1)[:, 0],
         ([[1e4, 0], [-1e4, -1e4], [0, -inf]],), [0, -math.log(2), 0],
         ([[0, 0], [0.5, -0.5], [0, 0]],)),
    Case("log_softmax of -inf alone", lambda x: x.log_softmax(0), ([-inf, -inf],), [nan, nan],
         ([nan, nan],)),
    Case("sigmoid of large numbers", tg.sigmoid, ([-1e4, 0, 1e4, nan],), [0, 0.5, 1, nan],
         ([0, 0.25, 0, nan],)),
    Case("sigmoid's tail", tg.sigmoid, ([-20, -40],), [2.0611537e-09, 4.248354e-18],
         ([2.0611537e-09, 4.248354e-18],)),
    Case("remainder", lambda a, b: a % b, ([3, -3, 5], [2, 2, -3]), [1, 1, -1],
         ([1, 1, 1], [-1, 2, 2])),
    Case("tanh of large numbers", tg.tanh, ([-1e4, 1e4],), [-1, 1], ([0, 0],)),
    Case("exp overflows to inf", tg.exp, ([1000, -1000],), [inf, 0], ([inf, 0],)),
    Case("prod with a zero", tg.prod, ([0, 2, 3],), 0, ([6, 0, 0],)),
    Case("prod with two zeros", tg.prod, ([0, 2, 0],), 0, ([0, 0, 0],)),
    Case("prod of nothing", tg.prod, ([],), 1, ([],)),
    Case("sum of nothing", tg.sum, ([],), 0, ([],)),
    Case("mean of nothing", tg.mean, ([],), nan, ([],)),
    Case("cumsum carries NaN", lambda x: x.cumsum(0), ([1, nan, 2],), [1, nan, nan], ([3, 2, 1],)),
    Case("where's unused NaN", lambda x: tg.where(x > 0, x.log(), x * 0), ([0, 1],), [0, 0],
         ([nan, 1],)),
    Case("masked_fill hides NaN", lambda x: x.masked_fill(tg.tensor([True, False]), 0), ([nan, 1],),
         [0, 1], ([0, 1],)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_convention(case: Case) -> None:
    tensors = [tg.tensor(x, dtype="float32", requires_grad=True) for x in case.inputs]
    result = case.function(*tensors)
    result.sum().backward()
    close = {"rtol": 1e-6, "atol": 0}
    np.testing.assert_allclose(result.detach().numpy(), np.float32(case.value), **close)
    for tensor, grad in zip(tensors, case.grads, strict=True):
        np.testing.assert_allclose(tensor.grad.numpy(), np.float32(grad), **close)


b, i, i8, u8 = [True, False], [1, 2], np.int8([1]), np.uint8([200])
h, f, d = np.float16([1, 2]), [1.0, 2.0], np.float64([1])
z, z32 = np.array(2.0), np.float32(1)
PROMOTIONS = [  # expression, dtype, value
    ("i / i", "float32", [1, 1]), ("i / 2", "float32", [0.5, 1]), ("b / b", "float32", [1, nan]),
    ("1 / i", "float32", [1, 0.5]), ("i / i8", "float32", [1, 2]), ("i + 1", "int64", [2, 3]),
    ("i + 1.5", "float32", [2.5, 3.5]), ("i + True", "int64", [2, 3]),
    ("i * 2.0", "float32", [2, 4]), ("b + b", "bool", [True, False]),
    ("b * b", "bool", [True, False]), ("b + i", "int64", [2, 2]),
    ("b + True", "bool", [True, True]), ("b + 1", "int64", [2, 1]),
    ("b + 1.5", "float32", [2.5, 1.5]), ("b * 2.5", "float32", [2.5, 0]), ("i8 + i8", "int8", [2]),
    ("i8 + u8", "int16", [201]), ("i8 + 1", "int8", [2]), ("u8 + 100", "uint8", [44]),
    ("b[:1] * i8", "int8", [1]), ("f + z", "float32", [3, 4]), ("z + f", "float32", [3, 4]),
    ("f + d", "float64", [2, 3]), ("f + i", "float32", [2, 4]), ("f * 2.5", "float32", [2.5, 5]),
    ("f + True", "float32", [2, 3]), ("h * 2.5", "float16", [2.5, 5]), ("h + f", "float32", [2, 4]),
    ("h + z32", "float16", [2, 3]), ("d + z32", "float64", [2]), ("i + z32", "float32", [2, 3]),
    ("i + z", "float64", [3, 4]), ("z + z32", "float64", 3), ("2 * u8", "uint8", [144]),
    ("1 - f", "float32", [0, -1]), ("f.maximum(z)", "float32", [2, 2]), ("i**2", "int64", [1, 4]),
    ("i**0.5", "float32", [1, math.sqrt(2)]), ("2**i", "int64", [2, 4]),
    ("2.0**i", "float32", [2, 4]), ("i.pow(i)", "int64", [1, 4]), ("f.pow(i)", "float32", [1, 4]),
    ("i.pow(f)", "float32", [1, 4]), ("i.square()", "int64", [1, 4]),
    ("b.square()", "int64", [1, 0]), ("-u8", "uint8", [56]), ("~i", "int64", [-2, -3]),
    ("i & i", "int64", [1, 2]), ("b ^ b", "bool", [False, False]), ("i % 2", "int64", [1, 0]),
    ("-i // 2", "int64", [-1, -1]), ("-i % 3", "int64", [2, 1]), ("f % 2", "float32", [1, 0]),
    ("i > 1.5", "bool", [False, True]), ("i == 1.0", "bool", [True, False]),
    ("i.sum()", "int64", 3), ("b.sum()", "int64", 1), ("i8.sum()", "int64", 1),
    ("i8.prod()", "int64", 1), ("b.prod()", "int64", 0), ("i8.cumsum(0)", "int64", [1]),
    ("i8.amax()", "int8", 1), ("b.amax()", "bool", True), ("i.argmax()", "int64", 1),
    ("f.sum(dtype=tg.float64)", "float64", 3), ("i.mean(dtype=tg.float32)", "float32", 1.5),
    ("i.exp()", "float32", [math.e, math.e**2]), ("b.exp()", "float32", [math.e, 1]),
    ("i.sigmoid()", "float32", [0.7310586, 0.880797]), ("i.abs()", "int64", [1, 2]),
    ("i.relu()", "int64", [1, 2]), ("i.sign()", "int64", [1, 1]), ("i.floor()", "int64", [1, 2]),
    ("i.clamp(0, 1)", "int64", [1, 1]), ("i.clamp(1.5)", "float32", [1.5, 2]),
    ("i.logsumexp(0)", "float32", 2.3132617), ("i.masked_fill(b, 1.5)", "int64", [1, 2]),
    ("tg.where(b, i, f)", "float32", [1, 2]), ("tg.where(b, 1, 0)", "int64", [1, 0]),
    ("tg.where(b, 1.0, 0.0)", "float32", [1, 0]), ("tg.where(b, i, 0.5)", "float32", [1, 0.5]),
    ("tg.cat([i, f])", "float32", [1, 2, 1, 2]), ("tg.stack([h, f])", "float32", [[1, 2], [1, 2]]),
    ("tg.outer(i, f)", "float32", [[1, 2], [2, 4]]), ("f.round()", "float32", [1, 2]),
    ("(f - 0.5).round()", "float32", [0, 2]),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "dtype", "value"), PROMOTIONS, ids=lambda p: str(p))
def test_promotion(expression: str, dtype: str, value: Any) -> None:
    names: dict[str, Any] = {"b": b, "i": i, "i8": i8, "u8": u8, "h": h, "f": f, "d": d}
    tensors = {name: tg.tensor(x) for name, x in names.items()}
    tensors |= {"z": tg.tensor(z), "z32": tg.tensor(z32), "tg": tg}
    found = eval(expression, tensors)
    assert found.dtype == dtype
    np.testing.assert_allclose(found.numpy(), value, rtol=1e-6)


@pytest.mark.parametrize("expression", ["b - b", "-b", "b - 1", "1 - b", "i - b", "i - True"])
def test_no_minus_for_booleans(expression: str) -> None:
    with pytest.raises(RuntimeError, match="bool"):
        eval(expression, {"b": tg.tensor(b), "i": tg.tensor(i)})


def test_the_page_lists_every_case() -> None:
    page = pathlib.Path(__file__).parents[2] / "docs" / "conventions.md"
    listed = re.findall(r"`test_convention\[(.*?)\]`", page.read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(case.name for case in CASES)
