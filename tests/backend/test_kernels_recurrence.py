"""The CPU's recurrent layers against their plain form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.backend.test_kernels_norm import same
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import lstm as cpu_lstm
from tinygrad_lite.backend.cpu import recurrence as cpu
from tinygrad_lite.backend.cpu import sequences
from tinygrad_lite.backend.cpu.blas import short_product
from tinygrad_lite.backend.plain import recurrence as plain

XP = namespace_for("cpu")
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=6).map(
    lambda sizes: tuple(sorted(sizes, reverse=True))
)
DTYPES = st.sampled_from([np.float32, np.float64])


@pytest.fixture(params=["one part", "two parts, one step at a time"], autouse=True)
def parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "two" in request.param:
        monkeypatch.setattr(cpu, "SHARED", 1)
        monkeypatch.setattr(cpu, "FEWEST", 1)
        monkeypatch.setattr(cpu, "BLOCK", 1)


def operands(gates: int, sizes: tuple[int, ...], size: int, dtype: Any) -> tuple[Any, ...]:
    """Gates (B, gates · H), two states (N, H), a weight and a bias, and an output's gradient."""
    rng = np.random.default_rng(len(sizes))
    rows, n = sum(sizes), sizes[0]
    shapes = [(rows, gates * size), (n, size), (n, size), (gates * size, size), (gates * size,)]
    return tuple(rng.standard_normal(s).astype(dtype) for s in (*shapes, (rows + 2 * n, size)))


def both(name: str, made: tuple[Any, ...], words: Any, g: Any, weight: Any, dtype: Any) -> None:
    """Compare a layer and its gradient."""
    y, kept = getattr(cpu, name)(XP, *made, *words)
    want, keeps = getattr(plain, name)(XP, *made, *words)
    same(y, want, dtype)
    same(kept, keeps, dtype)
    g = g[: len(y)]
    gradient = f"{name}_gradient"
    found = getattr(cpu, gradient)(XP, g, kept, weight, *words)
    same(found, getattr(plain, gradient)(XP, g, keeps, weight, *words), dtype)


@given(SIZES, st.integers(1, 5), DTYPES, st.booleans(), st.booleans())
def test_rnn(sizes: Any, size: int, dtype: Any, reverse: bool, relu: bool) -> None:
    x, h, _, w, _, g = operands(1, sizes, size, dtype)
    both("rnn", (x, h, w), (sizes, reverse, relu), g, w, dtype)


@given(SIZES, st.integers(1, 5), DTYPES, st.booleans())
def test_lstm(sizes: Any, size: int, dtype: Any, reverse: bool) -> None:
    x, h, c, w, _, g = operands(4, sizes, size, dtype)
    both("lstm", (x, h, c, w), (sizes, reverse), g, w, dtype)


@given(SIZES, st.integers(1, 5), DTYPES, st.booleans(), st.booleans())
def test_gru(sizes: Any, size: int, dtype: Any, reverse: bool, biased: bool) -> None:
    x, h, _, w, b, g = operands(3, sizes, size, dtype)
    both("gru", (x, h, w, b if biased else None), (sizes, reverse), g, w, dtype)


def test_the_order_in_memory_of_the_operands() -> None:
    x, h, c, w, _, g = operands(4, (6, 6, 2), 3, np.float32)
    made = [np.asfortranarray(a) for a in (x, h, c, w)]
    both("lstm", tuple(made), ((6, 6, 2), False), np.asfortranarray(g), made[-1], np.float32)


def test_operands_of_two_dtypes_and_no_sequences_go_the_plain_way() -> None:
    x, h, c, w, _, _ = operands(4, (2, 1), 3, np.float32)
    y = cpu.lstm(XP, x.astype(np.float64), h, c, w, (2, 1), False)[0]
    assert y.dtype == np.float64
    none, weight = np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32)
    assert cpu.rnn(XP, none, none, weight, (0,), False, False)[0].shape == (0, 0)


@pytest.mark.parametrize("rows", [1, 7, 8, 13, 32])
@pytest.mark.parametrize("shape", [(128, 512), (3, 5)])
def test_a_product_of_few_rows(rows: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((rows, shape[0])), rng.standard_normal(shape)
    out = np.empty((rows, shape[1]))
    short_product(a, b, out)
    np.testing.assert_allclose(out, a @ b)
