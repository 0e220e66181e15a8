"""CUDA's cross entropy, run on the host, and how captured steps check classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests import cuda_host
from tests.cuda_host.device import emulated
from tests.strict import forbid_sync
from tinygrad_lite.backend import capture, namespace_for, to_host
from tinygrad_lite.backend.cuda import loss
from tinygrad_lite.backend.plain import loss as plain

pytestmark = pytest.mark.skipif(cuda_host.COMPILER is None, reason="needs g++")

CPU = namespace_for("cpu")
NEAR = {"float16": 2e-2, "float32": 1e-5, "float64": 1e-12}


@pytest.fixture
def xp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(loss._Mark, "array", None)
    monkeypatch.setattr(loss._Mark, "in_use", False)
    with emulated() as space:
        yield space


def same(found: Any, expected: Any, dtype: str) -> None:
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a.get(), b, rtol=NEAR[dtype], atol=NEAR[dtype])
        assert a.dtype == b.dtype == dtype


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("shape", [(1, 1), (5, 10), (3, 33), (2, 700), (0, 4)])
@pytest.mark.parametrize("integers", ["int64", "int32", "uint8"])
def test_classes(xp: Any, shape: tuple[int, int], dtype: str, integers: str) -> None:
    rng = np.random.default_rng(0)
    x = (rng.standard_normal(shape) * 5 + 80).astype(dtype)
    t = rng.integers(0, min(shape[1], 200), shape[:1]).astype(integers)
    dx, dt = xp.asarray(x), xp.asarray(t)
    cuda_host.launched()
    losses, p = loss.softmax_cross_entropy(xp, dx, dt)
    assert cuda_host.launched() == (["cross_entropy"] if shape[0] else [])
    slow = plain.softmax_cross_entropy(CPU, x.astype("float64"), t)
    same((losses, p), [a.astype(dtype) for a in slow], dtype)
    for g in (rng.standard_normal(shape[:1]), np.asarray(0.5)):
        found = loss.softmax_cross_entropy_gradient(xp, xp.asarray(g.astype(dtype)), p, dt)
        expected = plain.softmax_cross_entropy_gradient(CPU, g, slow[1], t)
        same((found,), [expected.astype(dtype)], dtype)


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("shape", [(1, 1), (5, 10), (2, 300, 3), (3, 4, 2, 2), (0, 4)])
def test_probabilities(xp: Any, shape: tuple[int, ...], dtype: str) -> None:
    rng = np.random.default_rng(0)
    x, q = rng.standard_normal(shape).astype(dtype), rng.random(shape).astype(dtype)
    dx, dq = xp.asarray(x), xp.asarray(q)
    cuda_host.launched()
    losses, p = loss.softmax_cross_entropy_probabilities(xp, dx, dq)
    assert cuda_host.launched() == (["cross_entropy_probabilities"] if shape[0] else [])
    wide = [a.astype("float64") for a in (x, q)]
    slow = plain.softmax_cross_entropy_probabilities(CPU, *wide)
    if dtype == "float16":
        slow = [a.astype(dtype) for a in slow]
        np.testing.assert_allclose(losses.get(), slow[0], rtol=1e-2)
        same((p,), slow[1:], dtype)
    else:
        same((losses, p), [a.astype(dtype) for a in slow], dtype)
    for g in (rng.standard_normal(slow[0].shape), np.asarray(0.5)):
        found = loss.softmax_cross_entropy_probabilities_gradient(
            xp, xp.asarray(g.astype(dtype)), p, dq
        )
        expected = plain.softmax_cross_entropy_probabilities_gradient(CPU, g, slow[1], wide[1])
        assert found.dtype == dtype
        tolerance = 5 * NEAR[dtype]
        np.testing.assert_allclose(found.get(), expected, rtol=tolerance, atol=tolerance * 10)


def test_rows_in_any_memory_order(xp: Any) -> None:
    x = np.random.default_rng(0).standard_normal((4, 6))
    t, g = np.array([3, 0, 5, 5]), np.array([1.0])
    turned = xp.asarray(np.ascontiguousarray(x.T)).T
    losses, p = loss.softmax_cross_entropy(xp, turned, xp.asarray(np.repeat(t, 2))[::2])
    expected = plain.softmax_cross_entropy(CPU, x, t)
    same((losses, p), expected, "float64")
    spread = xp.broadcast_to(xp.asarray(g), (4,))
    found = loss.softmax_cross_entropy_gradient(xp, spread, p, xp.asarray(t))
    slow = plain.softmax_cross_entropy_gradient(CPU, np.repeat(g, 4), expected[1], t)
    same((found,), [slow], "float64")


def test_nan_and_infinity_are_seen(xp: Any) -> None:
    x = np.zeros((4, 40), "float32")
    x[0, 35], x[1, 3], x[2, 2] = np.nan, np.inf, -np.inf
    losses, p = loss.softmax_cross_entropy(xp, xp.asarray(x), xp.asarray(np.zeros(4, int)))
    with np.errstate(invalid="ignore"):
        expected = plain.softmax_cross_entropy(CPU, x, np.zeros(4, int))
    same((losses, p), expected, "float32")
    assert np.isnan(losses.get()).tolist() == [True, True, False, False]


@pytest.mark.parametrize("place", [0, 40, 255, 299])
def test_large_logits_anywhere_in_a_row(xp: Any, place: int) -> None:
    x = np.zeros((1, 300), "float32")
    x[0, place] = 1000
    t = xp.asarray(np.array([1]))
    losses, p = loss.softmax_cross_entropy(xp, xp.asarray(x), t)
    assert losses.get().tolist() == [1000]
    assert p.get()[0, place] == p.get().sum() == 1


@pytest.mark.parametrize("bad", [-1, 3, 2**40, -(2**40)])
def test_a_class_out_of_range_is_not_looked_up(xp: Any, bad: int) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3))
    t = xp.asarray(np.array([1, bad]))
    losses, p = loss.softmax_cross_entropy(xp, xp.asarray(x), t)
    assert np.isnan(losses.get()).tolist() == [False, True]
    g = xp.asarray(np.ones(2))
    dx = loss.softmax_cross_entropy_gradient(xp, g, p, t)
    np.testing.assert_allclose(dx.get()[1], p.get()[1])
    first = xp.asarray(np.array([bad, 1]))  # what lies behind the row is the next one
    assert np.isnan(loss.softmax_cross_entropy(xp, xp.asarray(x), first)[0].get()).tolist() == [
        True, False,
    ]  # fmt: skip


def test_the_gradient_of_a_mean(xp: Any) -> None:
    x, t = np.random.default_rng(0).standard_normal((4, 3)), np.array([0, 2, 1, 1])
    p = loss.softmax_cross_entropy(xp, xp.asarray(x), xp.asarray(t))[1]
    g = np.asarray(2.0)
    found = loss.softmax_cross_entropy_gradient(xp, xp.asarray(g), p, xp.asarray(t), 0.25)
    slow = plain.softmax_cross_entropy_gradient(CPU, g, p.get(), t, 0.25)
    same((found,), [slow], "float64")


@pytest.mark.parametrize("outside", [3, -1])
def test_a_captured_check_waits_for_the_next_copy(
    xp: Any, monkeypatch: pytest.MonkeyPatch, outside: int
) -> None:
    good, bad = (xp.asarray(np.array(t)) for t in ([0, 2], [0, outside]))
    assert loss.all_below(xp, good, 3)
    assert not loss.all_below(xp, bad, 3)
    with monkeypatch.context() as patch, forbid_sync():
        patch.setattr(capture, "capturing", lambda: True)
        assert loss.all_below(xp, good, 3)
    assert to_host(good).tolist() == [0, 2]
    with monkeypatch.context() as patch, forbid_sync():
        patch.setattr(capture, "capturing", lambda: True)
        assert loss.all_below(xp, bad, 3)
        assert loss.all_below(xp, good, 3)  # takes no mark away
    with pytest.raises(IndexError, match="captured step had a target out of bounds"):
        to_host(good)
    assert to_host(bad).tolist() == [0, outside]  # told once


def test_the_loss_leaves_the_mark_in_a_captured_step(
    xp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One launch for both; a check of its own stays where nothing looks the classes up."""
    x = xp.asarray(np.zeros((2, 3), "f4"))
    good, bad = (xp.asarray(np.array(t)) for t in ([0, 2], [3, 0]))
    assert loss.all_below(xp, good, 3)
    for target, complains in ((good, False), (bad, True)):
        cuda_host.launched()
        with monkeypatch.context() as patch, forbid_sync():
            patch.setattr(capture, "capturing", lambda: True)
            assert loss.all_below(xp, target, 3, looked_up=True)
            loss.softmax_cross_entropy(xp, x, target)
        assert cuda_host.launched() == ["cross_entropy"]
        if complains:
            with pytest.raises(IndexError, match="captured step had a target out of bounds"):
                to_host(good)
        else:
            assert to_host(good).tolist() == [0, 2]
    assert to_host(bad).tolist() == [3, 0]
