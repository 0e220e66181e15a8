"""Rows of the activations and of erf."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests import strategies as some
from tests.op_table._row import Row
from tests.strategies import Draw, nonzero, real, values
from tinygrad_lite.nn import functional as F

erf = np.vectorize(math.erf, otypes=[np.float64])


def _wide(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """All branches of a function with a bend at 0 and tails."""
    return nonzero(rng, shape) * 3


def _one_of(name: str, numbers: list[float]) -> Any:
    def keywords(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
        return {name: draw(st.sampled_from(numbers))}

    return keywords


def _sharpness(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"beta": draw(st.sampled_from([0.5, 1.0, 2.5])), "threshold": 5.0}


def _limits(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    low, high = draw(st.sampled_from([(-1.0, 1.0), (-0.1, 2.0), (2.0, 2.0), (0.05, 9.5)]))
    return {"min_val": low, "max_val": high}


def _softplus(x: Any, beta: float, threshold: float) -> Any:
    return np.where(x * beta > threshold, x, np.log1p(np.exp(x * beta)) / beta)


def _gelu_tanh(x: Any) -> Any:
    return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


ROWS = [
    Row("erf", values(_wide), erf),
    Row("hardshrink", values(nonzero), lambda x: np.where(abs(x) > 0.2, x, 0),
        lambda x: x.hardshrink(0.2)),
    Row("prelu", values(nonzero), lambda x: np.where(x > 0, x, x / 4),
        lambda x: x.prelu(x.new_full((1,), 0.25))),
    Row("leaky_relu", some.shaped(_wide, _one_of("negative_slope", [0.01, 0.3, 0, -2.0])),
        lambda x, negative_slope: np.where(x > 0, x, x * negative_slope), F.leaky_relu),
    Row("elu", some.shaped(_wide, _one_of("alpha", [1.0, 0.3, 2, -1.5])),
        lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(x)), F.elu),
    Row("gelu", values(_wide), lambda x: x * (1 + erf(x / math.sqrt(2))) / 2, F.gelu),
    Row("gelu_tanh", values(_wide), _gelu_tanh, lambda x: F.gelu(x, approximate="tanh")),
    Row("silu", values(_wide), lambda x: x / (1 + np.exp(-x)), F.silu),
    Row("softplus", some.shaped(real, _sharpness), _softplus, F.softplus),
    Row("softplus[linear]", some.shaped(lambda rng, s: 20 + real(rng, s), _sharpness), _softplus,
        F.softplus),
    Row("log_sigmoid", values(_wide), lambda x: -np.log1p(np.exp(-x)), F.logsigmoid),
    Row("hardtanh", some.shaped(lambda rng, s: some.distinct(rng, s) + 0.01, _limits),
        lambda x, min_val, max_val: np.clip(x, min_val, max_val), F.hardtanh),
    Row("hardswish", values(lambda rng, s: _wide(rng, s) + 0.01),
        lambda x: x * np.clip(x + 3, 0, 6) / 6, F.hardswish),
    Row("hardsigmoid", values(lambda rng, s: _wide(rng, s) + 0.01),
        lambda x: np.clip(x + 3, 0, 6) / 6, F.hardsigmoid),
    Row("hardtanh[relu6]", values(_wide), lambda x: np.clip(x, 0, 6), F.relu6),
]  # fmt: skip
