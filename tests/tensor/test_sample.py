"""Draws: from seeds, and in proportion to weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg


def host(tensor: tg.Tensor) -> Any:
    return tensor.cpu().numpy()


WEIGHTS = [0.0, 1.0, 0.0, 3.0, 4.0, 0.0]


@pytest.mark.parametrize("rows", [None, 3])
def test_multinomial_with_replacement_draws_in_proportion(rows: int | None, device: str) -> None:
    weights = tg.tensor(WEIGHTS if rows is None else [WEIGHTS] * rows, device=device)
    drawn = tg.multinomial(weights, 4000, replacement=True)
    assert drawn.dtype == tg.int64
    assert drawn.shape == ((4000,) if rows is None else (rows, 4000))
    for row in np.atleast_2d(host(drawn)):
        share = np.bincount(row, minlength=6) / 4000
        np.testing.assert_allclose(share, np.array(WEIGHTS) / 8, atol=0.03)
        assert not share[[0, 2, 5]].any()


def test_multinomial_without_replacement_draws_each_once(device: str) -> None:
    weights = tg.tensor([WEIGHTS] * 2000, device=device, dtype=tg.float64)
    drawn = host(weights.multinomial(3))
    np.testing.assert_array_equal(np.sort(drawn, axis=1), [[1, 3, 4]] * 2000)
    # The first of three as with replacement, the second from what is left.
    np.testing.assert_allclose(
        np.bincount(drawn[:, 0], minlength=5) / 2000 * 8, WEIGHTS[:5], atol=0.3
    )
    second = drawn[drawn[:, 0] == 4, 1]
    assert abs((second == 3).mean() - 0.75) < 0.05


def test_multinomial_follows_the_generator() -> None:
    weights = tg.rand(20)
    first = weights.multinomial(10, True, generator=tg.Generator().manual_seed(3))
    again = weights.multinomial(10, True, generator=tg.Generator().manual_seed(3))
    assert first.tolist() == again.tolist()
    assert first.tolist() != weights.multinomial(10, True).tolist()


def test_a_draw_that_rounding_puts_at_the_end_falls_into_the_last_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tinygrad_lite.backend import random

    monkeypatch.setattr(random, "uniform", lambda shape, dtype, generator: np.ones(shape))
    assert tg.tensor(WEIGHTS).multinomial(2, True).tolist() == [4, 4]


@pytest.mark.parametrize(
    ("weights", "n", "replacement", "message"),
    [
        ([[[1.0]]], 1, True, "expects .K. or .N, K. weights"),
        ([], 1, True, "expects .K. or .N, K. weights"),
        ([1, 2], 1, True, "floating-point"),
        ([1.0], 0, True, "cannot draw 0"),
        ([1.0, 2.0], 3, False, "cannot draw 3 of 2"),
        ([1.0, -2.0], 1, True, "element < 0"),
        ([1.0, float("nan")], 1, False, "`nan`"),
        ([1.0, float("inf")], 1, False, "`inf`"),
        ([[0.0, 0.0], [1.0, 0.0]], 1, True, "no weight above 0"),
    ],
)
def test_multinomial_refuses(weights: object, n: int, replacement: bool, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        tg.multinomial(tg.tensor(weights), n, replacement)


def test_bernoulli_is_a_method_too() -> None:
    assert tg.tensor([0.0, 1.0]).bernoulli().tolist() == [0.0, 1.0]
    assert 300 < tg.zeros(1000).bernoulli(0.4).sum().item() < 500


def draws(seed: int) -> list[int]:
    return tg.Generator(seed).numpy.integers(0, 2**60, 3).tolist()  # type: ignore[no-any-return]


def test_negative_seeds_count_from_the_top() -> None:
    assert draws(-1) == draws(2**64 - 1)
    assert draws(-5) == draws(2**64 - 5)
    assert len({tuple(draws(seed)) for seed in (-2, -1, 0, 1, 2, 5, -5)}) == 7
    tg.manual_seed(-3)
    ours = tg.rand(2).tolist()
    tg.manual_seed(2**64 - 3)
    assert tg.rand(2).tolist() == ours
    assert tg.manual_seed(7).initial_seed() == tg.initial_seed() == 7
