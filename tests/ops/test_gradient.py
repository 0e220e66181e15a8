"""Every row that differentiates: first and second derivatives against central differences."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.op_table import DIFFERENTIABLE, Row, each_example, leaves, to_numpy
from tests.ops.test_table import FAMILIES, family
from tinygrad_lite.autograd import gradcheck, gradgradcheck
from tinygrad_lite.ops import RULES
from tinygrad_lite.tensor import apply
from tinygrad_lite.tensor.space import space

FUSED = [
    row
    for row in DIFFERENTIABLE
    if getattr(RULES.get(row.target.removeprefix("rule:")), "composition", None)
    and row.target not in ("cumprod", "softmax")  # whose rules have an axis for the row's dim
]

_OF_RULES = {"dim": "axis", "keepdim": "keepdims"}  # what rules call some arguments


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=repr)
def test_derivatives(row: Row, device: str) -> None:
    """Of first and of second order, and for a fused rule those of its composition."""
    first_derivatives(row=row, device=device)
    second_derivatives(row=row, device=device)
    if row in FUSED:
        fused_rule_equals_its_composition(row=row, device=device)


@each_example(0.16, 0.08, seed=range(99))
def first_derivatives(row: Row, device: str, arrays: Any, words: Any, seed: int) -> None:
    assert gradcheck(functools.partial(row, **words), leaves(arrays, device), seed=seed)


@each_example(0.12, 0.04, seed=range(99))
def second_derivatives(row: Row, device: str, arrays: Any, words: Any, seed: int) -> None:
    assert gradgradcheck(_differentiable(row, words), leaves(arrays, device), seed=seed)


def _differentiable(row: Row, words: dict[str, Any]) -> Any:
    """The row without its outputs that have no gradient, such as the indices of `max`."""
    return lambda *tensors: [out for out in row(*tensors, **words) if out.dtype.kind == "f"]


@each_example(0.16, dtype=[np.float32, np.float64])
def fused_rule_equals_its_composition(
    row: Row, device: str, arrays: Any, words: Any, dtype: Any
) -> None:
    rule = RULES[row.target.removeprefix("rule:")]
    words = {_OF_RULES.get(word, word): value for word, value in words.items()}
    if "axis" in words and not arrays[0].size * arrays[0].ndim:
        return  # which no rule is asked for
    one, two = leaves(arrays, device, dtype), leaves(arrays, device, dtype)
    fused = apply(rule, *one, **words)
    assert rule.composition is not None
    composed = rule.composition(space, *two, **words)
    close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5)
    close(to_numpy(fused), to_numpy(composed))
    assert fused.dtype == composed.dtype == dtype
    gradient = tg.randn(fused.shape, dtype=dtype, device=device)
    fused.backward(gradient)
    composed.backward(gradient)
    for a, b in zip(one, two, strict=True):
        if a.requires_grad:
            close(to_numpy(a.grad), to_numpy(b.grad))


def test_every_fused_rule_has_a_row() -> None:
    named = {RULES[row.target.removeprefix("rule:")] for row in FUSED}
    fused = {r for r in RULES.values() if r.composition and family(r) in FAMILIES}
    assert len(fused) > 5
    assert fused <= named
