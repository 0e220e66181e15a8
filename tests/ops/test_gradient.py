"""Every row that differentiates: first and second derivatives against central differences."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as tg
from tests.op_table import DIFFERENTIABLE, Row, each_example, leaves, to_numpy
from tests.ops.test_table import FAMILIES, family
from tests.strategies import examples
from tinygrad_lite.autograd import gradcheck, gradgradcheck
from tinygrad_lite.ops import RULES
from tinygrad_lite.tensor import apply
from tinygrad_lite.tensor.space import space

every_row = pytest.mark.parametrize("row", DIFFERENTIABLE, ids=repr)
FUSED = [
    row
    for row in DIFFERENTIABLE
    if getattr(RULES.get(row.target.removeprefix("rule:")), "composition", None)
    and row.target not in ("cumprod", "softmax")  # whose rules have an axis for the row's dim
]


@every_row
@each_example(0.28, seed=range(99))
def test_gradcheck(row: Row, device: str, arrays: Any, words: Any, seed: int) -> None:
    assert gradcheck(functools.partial(row, **words), leaves(arrays, device), seed=seed)


@every_row
@each_example(0.16, seed=range(99))
def test_gradgradcheck(row: Row, device: str, arrays: Any, words: Any, seed: int) -> None:
    assert gradgradcheck(_differentiable(row, words), leaves(arrays, device), seed=seed)


def _differentiable(row: Row, words: dict[str, Any]) -> Any:
    """The row without its outputs that have no gradient, such as the indices of `max`."""
    return lambda *tensors: [out for out in row(*tensors, **words) if out.dtype.kind == "f"]


@pytest.mark.parametrize("row", FUSED, ids=repr)
@examples(1)
@given(data=st.data(), dtype=st.sampled_from([np.float32, np.float64]))
def test_fused_rule_equals_its_composition(row: Row, device: str, data: Any, dtype: Any) -> None:
    rule = RULES[row.target.removeprefix("rule:")]
    arrays, words = data.draw(row.draw)
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
