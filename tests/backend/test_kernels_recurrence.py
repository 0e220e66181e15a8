"""The CPU's recurrent layers against their plain form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.backend.test_kernels_norm import same
from tinygrad_lite.backend import namespace_for
from tinygrad_lite.backend.cpu import blas, sequences
from tinygrad_lite.backend.cpu import gru as cpu_gru
from tinygrad_lite.backend.cpu import lstm as cpu_lstm
from tinygrad_lite.backend.cpu import recurrence as cpu
from tinygrad_lite.backend.cpu.blas import short_product
from tinygrad_lite.backend.plain import recurrence as plain

XP = namespace_for("cpu")
NAMES: dict[str, Any] = {"lstm": cpu_lstm, "gru": cpu_gru}
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=7).map(
    lambda sizes: tuple(sorted(sizes, reverse=True))
)
DTYPES = st.sampled_from([np.float32, np.float64])


@pytest.fixture(params=["one part", "two parts, one step at a time"], autouse=True)
def parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "two" in request.param:
        monkeypatch.setattr(sequences, "SHARED", 1)
        monkeypatch.setattr(sequences, "FEWEST", 1)
        monkeypatch.setattr(sequences, "BLOCK", 1)
        monkeypatch.setattr(cpu, "BLOCK", 1)


def operands(gates: int, sizes: tuple[int, ...], size: int, dtype: Any) -> tuple[Any, ...]:
    """The input (B, 3), two states (N, H), two weights, two biases, and an output's gradient."""
    rng = np.random.default_rng(len(sizes))
    rows, n, width = sum(sizes), sizes[0], gates * size
    shapes = [(rows, 3), (n, size), (n, size), (width, 3), (width, size), (width,), (width,)]
    return tuple(rng.standard_normal(s).astype(dtype) for s in (*shapes, (rows + 2 * n, size)))


def both(name: str, made: tuple[Any, ...], words: Any, g: Any, dtype: Any, wanted: bool) -> None:
    """Compare a layer and its gradient; `made` is the input, states, weights and biases."""
    copies = [None if a is None else a.copy() for a in made]
    y, kept = getattr(NAMES[name], name)(XP, *made, *words)
    want, keeps = getattr(plain, name)(XP, *made, *words)
    same(y, want, dtype)
    g, gradient = g[: len(y)], f"{name}_gradient"
    weights = [a for a in made[2:] if a is not None and a.ndim == 2][-2:]
    given = made[0], *weights, *words, wanted
    found = getattr(NAMES[name], gradient)(XP, g, kept, *given)
    others = getattr(plain, gradient)(XP, g, keeps, *given)
    assert (found[0] is None) == (others[0] is None) == (not wanted)
    same(found[not wanted :], others[not wanted :], dtype)
    for a, b in zip(made, copies, strict=True):
        np.testing.assert_array_equal(a, b)


@given(SIZES, st.integers(1, 5), DTYPES, st.booleans(), st.booleans())
def test_rnn(sizes: Any, size: int, dtype: Any, reverse: bool, relu: bool) -> None:
    rng = np.random.default_rng(size)
    x, g = rng.standard_normal((2, sum(sizes) + sizes[0], size)).astype(dtype)
    h, w, x = x[: sizes[0]], g[:size].copy(), x[sizes[0] :]
    w = np.resize(w, (size, size))
    words = sizes, reverse, relu
    (y, kept), (want, keeps) = cpu.rnn(XP, x, h, w, *words), plain.rnn(XP, x, h, w, *words)
    same(y, want, dtype)
    same(kept, keeps, dtype)
    found = cpu.rnn_gradient(XP, g, kept, w, *words)
    same(found, plain.rnn_gradient(XP, g, keeps, w, *words), dtype)


LONGER = SIZES.filter(lambda sizes: len(sizes) >= sequences.FEW)


@given(LONGER, st.integers(1, 5), DTYPES, st.booleans(), st.booleans(), st.booleans())
def test_lstm(sizes: Any, size: int, dtype: Any, reverse: bool, biased: bool, wanted: bool) -> None:
    x, h, c, v, w, b, _, g = operands(4, sizes, size, dtype)
    both("lstm", (x, h, c, v, w, b if biased else None), (sizes, reverse), g, dtype, wanted)


@given(LONGER, st.integers(1, 5), DTYPES, st.booleans(), st.booleans(), st.booleans())
def test_gru(sizes: Any, size: int, dtype: Any, reverse: bool, biased: bool, wanted: bool) -> None:
    x, h, _, v, w, a, b, g = operands(3, sizes, size, dtype)
    biases = (a, b) if biased else (None, None)
    both("gru", (x, h, v, w, *biases), (sizes, reverse), g, dtype, wanted)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_the_order_in_memory_of_the_operands(name: str) -> None:
    sizes = (6, 6, 2, 2, 1)
    x, h, c, v, w, a, b, g = map(
        np.asfortranarray, operands(4 if name == "lstm" else 3, sizes, 3, np.float32)
    )
    made = (x, h, c, v, w, a) if name == "lstm" else (x, h, v, w, a, b)
    both(name, made, (sizes, False), g, np.float32, True)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_weights_too_large_for_short_products(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "SMALL", 1)
    blas._group.cache_clear()
    sizes = (9, 9, 4, 4, 4, 2)
    x, h, c, v, w, a, b, g = operands(4 if name == "lstm" else 3, sizes, 5, np.float64)
    made = (x, h, c, v, w, a) if name == "lstm" else (x, h, v, w, a, b)
    for reverse in (False, True):
        both(name, made, (sizes, reverse), g, np.float64, True)
    blas._group.cache_clear()


def test_few_rows_two_dtypes_and_no_sequences_go_the_plain_way() -> None:
    sizes = (2, 1, 1, 1)
    x, h, c, v, w, b, _, _ = operands(4, sizes, 3, np.float32)
    y = cpu_lstm.lstm(XP, x.astype(np.float64), h, c, v, w, b, sizes, False)[0]
    assert y.dtype == np.float64
    assert isinstance(cpu_lstm.lstm(XP, x[:2], h, c, v, w, b, (2,), False)[1][0], np.ndarray)
    assert not isinstance(cpu_lstm.lstm(XP, x, h, c, v, w, b, sizes, False)[1][0], np.ndarray)
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
