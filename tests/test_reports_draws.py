"""Kinds of faults in what is drawn: what has probability 0 came, and what has some did not.

Draws are not PyTorch's, so no comparison shows these. A draw of u = 0, of which there is one in 2²⁴
in float32, is put there by hand.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import distributions as D
from tinygrad_lite.backend import random
from tinygrad_lite.nn import functional as F


@pytest.fixture
def zeros_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """All uniform numbers that are drawn are 0."""

    def uniform(shape: Any, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        return np.zeros(shape, dtype)

    monkeypatch.setattr(random, "uniform", uniform)


@pytest.mark.usefixtures("zeros_drawn")
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_no_class_of_probability_0_is_drawn(dtype: str) -> None:
    probs = tg.tensor([0.0, 0.5, 0.0, 0.5], dtype=getattr(tg, dtype))
    assert D.Categorical(probs=probs).sample((3,)).tolist() == [1, 1, 1]
    assert D.Categorical(logits=probs.log()).sample().item() == 1
    assert D.OneHotCategorical(probs).sample().tolist() == [0, 1, 0, 0]
    rare = tg.tensor([1e-5, 1.0], dtype=getattr(tg, dtype))  # one of 2²⁴ draws is not its due
    assert D.Categorical(probs=rare).sample().item() == 1


@pytest.mark.usefixtures("zeros_drawn")
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_waiting_times_are_above_0(dtype: str) -> None:
    one = tg.tensor(1.0, dtype=getattr(tg, dtype))
    for drawn in (D.Exponential(one).sample(), D.Weibull(one, one).sample()):
        assert 0 < drawn.item() < 1e-3
        assert drawn.dtype == getattr(tg, dtype)
    assert tg.empty(3, dtype=getattr(tg, dtype)).exponential_().min().item() > 0


@pytest.mark.usefixtures("zeros_drawn")
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_gumbels_noise_has_an_end(dtype: str) -> None:
    logits = tg.tensor([0.0, -math.inf], dtype=getattr(tg, dtype))
    assert F.gumbel_softmax(logits).tolist() == [1.0, 0.0]
    logits = tg.tensor([0.0, 1.0, 2.0], dtype=getattr(tg, dtype), requires_grad=True)
    y = F.gumbel_softmax(logits)
    assert y.dtype == getattr(tg, dtype)
    np.testing.assert_allclose(y.detach().numpy(), [0.0900, 0.2447, 0.6652], atol=1e-3)
    y[0].backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(("dtype", "most"), [("float16", 17), ("float32", 17), ("float64", 37)])
def test_a_rare_draw_does_not_decide(
    dtype: str, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def uniform(shape: Any, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        return np.asarray([0.0, 0.5], dtype).reshape(shape)

    monkeypatch.setattr(random, "uniform", uniform)
    far = tg.tensor([0.0, most], dtype=getattr(tg, dtype))
    assert F.gumbel_softmax(far).argmax().item() == 1


def test_draws_of_float64_have_its_digits() -> None:
    """Of 2²⁴ different numbers, 40,000 draws would hit some twice; of 2⁵³ none."""
    tg.manual_seed(0)
    n = 40_000
    x = tg.empty(n, dtype=tg.float64)
    for drawn in (x.exponential_(), x.clone().cauchy_(), x.clone().log_normal_()):
        assert len(set(drawn.tolist())) == n
    for dtype in ("float64", np.float64, np.dtype("float64")):
        assert (random.uniform((n,), dtype) * 2**30 % 1 != 0).any()
        assert random.normal((n,), dtype).astype("float32").astype("float64").tolist() != (
            random.normal((n,), dtype).tolist()
        )


@pytest.mark.parametrize("concentration", [1e-3, 1e-2])
def test_parts_are_neither_0_nor_1(concentration: float) -> None:
    tg.manual_seed(0)
    alpha = tg.tensor([concentration] * 2, requires_grad=True)
    for parts in (D.Beta(*alpha).rsample((1000,)), D.Dirichlet(alpha).rsample((1000,))):
        assert parts.min().item() > 0
        assert parts.max().item() < 1
    D.Dirichlet(alpha).log_prob(D.Dirichlet(alpha.detach()).sample((1000,))).sum().backward()
    assert alpha.grad is not None
    assert alpha.grad.isfinite().all()


@pytest.mark.parametrize(
    ("dtype", "last"), [("uint8", 255), ("int8", 127), ("bool", 1), ("float16", 2048)]
)
def test_the_largest_integer_is_drawn(dtype: str, last: int) -> None:
    tg.manual_seed(0)
    x = tg.empty(100_000, dtype=getattr(tg, dtype))
    assert (x.random_().min().item(), x.random_().max().item()) == (0, last)
    if last > 1:
        assert (x.random_(5, None).min().item(), x.max().item()) == (5, last)
        assert (x.random_(5).min().item(), x.max().item()) == (0, 4)


@pytest.mark.parametrize(
    ("dtype", "most"), [("uint8", 256), ("int8", 128), ("float16", 2049), ("int16", 2**15)]
)
def test_a_permutation_has_each_number_once(dtype: str, most: int) -> None:
    order = tg.randperm(most, dtype=getattr(tg, dtype))
    assert sorted(order.tolist()) == list(range(most))
    with pytest.raises(RuntimeError, match="too large"):
        tg.randperm(most + 1, dtype=getattr(tg, dtype))
