"""The CPU's attention against its plain form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.backend.test_kernels_norm import same
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import attention as cpu
from tinygrad_lite.backend.plain import attention as plain
from tinygrad_lite.backend.plain.attention import Attention

XP = namespace_for("cpu")
LEADS = st.sampled_from([(), (3,), (2, 3), (2, 1, 2)])
DTYPES = st.sampled_from([np.float32, np.float64])
MASKS = st.sampled_from(["none", "look", "add", "row", "column", "of each head"])


@pytest.fixture(params=["in blocks", "whole"], autouse=True)
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "blocks" in request.param:
        monkeypatch.setattr(cpu, "BLOCK", 1)
        monkeypatch.setattr(cpu, "FEWEST", 2)
        monkeypatch.setattr(cpu, "SHARED", 1)


def mask_of(kind: str, shape: tuple[int, ...], dtype: Any) -> Any:
    look = np.random.default_rng(1).random(shape[-2:]) > 0.3
    look[0] = False
    add = np.where(look, np.random.default_rng(2).standard_normal(look.shape), -np.inf)
    return {
        "none": None,
        "look": look,
        "add": add.astype(dtype),
        "row": look[1:2] if len(look) > 1 else look,
        "column": look[:, :1],
        "of each head": np.broadcast_to(add, shape).astype(dtype),
    }[kind]


@given(
    LEADS,
    st.tuples(*[st.integers(1, 6)] * 4),
    DTYPES,
    MASKS,
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.3, 100.0]),
)
def test_attention(
    lead: tuple[int, ...],
    sizes: tuple[int, ...],
    dtype: Any,
    kind: str,
    causal: bool,
    drops: bool,
    scale: float,
) -> None:
    rng, (rows, columns, inner, outer) = np.random.default_rng(0), sizes
    q, k, v, g = (
        rng.standard_normal((*lead, *shape)).astype(dtype)
        for shape in ((rows, inner), (columns, inner), (columns, outer), (rows, outer))
    )
    mask = mask_of("none" if causal else kind, (*lead, rows, columns), dtype)
    kept = rng.random((*lead, rows, columns)) > 0.4 if drops else None
    how = Attention(scale, causal, 2, 0.4 if drops else 0.0)
    found = cpu.attention(XP, q, k, v, mask, kept, how)
    expected = plain.attention(XP, q, k, v, mask, kept, how)
    same(found, expected, dtype)
    inputs = (g, q, k, v, mask, kept)
    if scale < 1:  # where it is large p is nearly 0 or 1, and float32 has no digits left of ds
        gradients = cpu.attention_gradient(XP, *inputs, *found, how)
        same(gradients, plain.attention_gradient(XP, *inputs, *expected, how), dtype)


def test_gradients_are_written_where_they_are_wanted() -> None:
    rng = np.random.default_rng(0)
    x, dx, want = rng.standard_normal((3, 2, 5, 3, 4, 6))
    q, k, v = (x[:, :, i].transpose(0, 2, 1, 3) for i in range(3))
    how, g = Attention(0.4, False, 8), rng.standard_normal((2, 4, 5, 6))
    y, normal = cpu.attention(XP, q, k, v, None, None, how)
    assert y.transpose(0, 2, 1, 3).flags.c_contiguous
    for form, target in ((cpu, dx), (plain, want)):
        into = tuple(target[:, :, i].transpose(0, 2, 1, 3) for i in range(3))
        form.attention_gradient(XP, g, q, k, v, None, None, y, normal, how, into)
    np.testing.assert_allclose(dx, want, atol=1e-12)


def test_numbers_that_are_none() -> None:
    q = np.array([[np.nan], [1.0]])
    k = v = np.ones((2, 1))
    y = cpu.attention(XP, q, k, v, None, None, Attention(1.0, False, 8))[0]
    np.testing.assert_equal(y, [[np.nan], [1.0]])
