"""Pruning: masks as PyTorch's, once and again, and back to plain parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn.utils import prune

SCORES = [[3.0, 1.0, 0.2], [0.1, 5.0, 4.0], [2.0, 0.3, 0.4], [0.5, 6.0, 0.6]]
MASK = [[1, 0, 1], [1, 1, 1], [0, 1, 1], [1, 1, 0]]
CASES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "l1": lambda p, m, t: p.l1_unstructured(m, "weight", 5),
    "l1 part": lambda p, m, t: p.l1_unstructured(m, "weight", 0.3),
    "l1 scores": lambda p, m, t: p.l1_unstructured(m, "weight", 5, t(SCORES)),
    "l1 twice": lambda p, m, t: p.l1_unstructured(p.l1_unstructured(m, "weight", 0.3), "weight", 4),
    "rows": lambda p, m, t: p.ln_structured(m, "weight", 0.5, 2, 0),
    "columns": lambda p, m, t: p.ln_structured(m, "weight", 1, 1, -1),
    "rows twice": lambda p, m, t: p.ln_structured(
        p.ln_structured(m, "weight", 1, 2, 0), "weight", 1, 2, 0
    ),
    "rows, then elements": lambda p, m, t: p.l1_unstructured(
        p.ln_structured(m, "weight", 1, 2, 0), "weight", 3
    ),
    "mask": lambda p, m, t: p.custom_from_mask(m, "weight", t(MASK)),
    "mask, then columns": lambda p, m, t: p.ln_structured(
        p.custom_from_mask(m, "weight", t(MASK)), "weight", 1, float("inf"), 1
    ),
    "nothing": lambda p, m, t: p.identity(m, "bias"),
    "none": lambda p, m, t: p.l1_unstructured(m, "weight", 0),
}


def layer(m: Any) -> Any:
    made = m.nn.Linear(3, 4)
    rng = np.random.default_rng(3)
    with m.no_grad():
        for p in made.parameters():
            p.copy_(m.tensor(rng.standard_normal(tuple(p.shape)), dtype=m.float32))
    return made


def state(module: Any) -> dict[str, Any]:
    return {name: t.tolist() for name, t in module.state_dict().items()}


@pytest.mark.parametrize("name", CASES)
def test_as_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    import torch.nn.utils.prune as theirs

    ours, other = layer(tg), layer(torch)
    CASES[name](prune, ours, tg.tensor)
    CASES[name](theirs, other, torch.tensor)
    assert state(ours) == state(other)
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in other.named_parameters()]
    x = [[1.0, -2.0, 0.5]]
    for m, made in ((tg, ours), (torch, other)):
        made(m.tensor(x)).sum().backward()
    for a, b in zip(ours.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-6)
    which = "bias" if name == "nothing" else "weight"
    prune.remove(ours, which)
    theirs.remove(other, which)
    assert state(ours) == state(other)
    assert not prune.is_pruned(ours)


def test_several_as_one() -> None:
    torch = pytest.importorskip("torch")
    import torch.nn.utils.prune as theirs

    for p, m in ((prune, tg), (theirs, torch)):
        first, second = layer(m), layer(m)
        p.l1_unstructured(first, "weight", 2)
        pairs = [(first, "weight"), (second, "bias")]
        p.global_unstructured(pairs, p.L1Unstructured, amount=6)
        found = first.weight_mask.tolist(), second.bias_mask.tolist()
        if m is tg:
            ours = found
    assert ours == found


def test_the_smallest_go() -> None:
    made = layer(tg)
    before = made.weight.detach().numpy().copy()
    prune.l1_unstructured(made, "weight", 5)
    kept = np.abs(before) > np.sort(np.abs(before).ravel())[4]
    np.testing.assert_array_equal(made.weight.detach().numpy(), before * kept)
    assert prune.is_pruned(nn.Sequential(made))
    assert list(made.state_dict()) == ["bias", "weight_orig", "weight_mask"]
    with tg.no_grad():
        made.weight_orig.fill_(2.0)
    assert (made(tg.ones(1, 3)) == 2.0 * tg.tensor(kept.sum(1)) + made.bias).all()


@pytest.mark.parametrize("structured", [False, True])
def test_at_random(structured: bool) -> None:
    made = nn.Linear(10, 20)
    if structured:
        prune.random_structured(made, "weight", 0.25, dim=0)
        rows = (made.weight_mask.sum(1) == 0).sum()
        assert rows == 5
        assert made.weight_mask.sum() == 150
    else:
        prune.random_unstructured(made, "weight", 0.25)
        prune.random_unstructured(made, "weight", 50)
        assert made.weight_mask.sum() == 100


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: prune.l1_unstructured(m, "weight", "few"), TypeError, "Must be int or float"),
        (lambda m: prune.l1_unstructured(m, "weight", 1.5), ValueError, "a float in the range"),
        (lambda m: prune.l1_unstructured(m, "weight", 13), ValueError, "should be smaller than"),
        (lambda m: prune.random_structured(m, "bias", 1, 0), ValueError, "multidimensional"),
        (lambda m: prune.random_structured(m, "weight", 1, 2), IndexError, "Invalid index 2"),
        (lambda m: prune.custom_from_mask(m, "weight", tg.ones(2)), AssertionError, "must match"),
        (lambda m: prune.l1_unstructured(m, "bias", 1, tg.ones(2)), AssertionError, "same shape"),
        (lambda m: prune.remove(m, "weight"), ValueError, "has to be pruned before"),
        (
            lambda m: prune.global_unstructured([(m, "weight")], prune.LnStructured, amount=1, n=2),
            TypeError,
            'Only "unstructured"',
        ),
    ],
)
def test_errors_leave_the_module_as_it_was(call: Any, error: Any, message: str) -> None:
    made = layer(tg)
    with pytest.raises(error, match=message):
        call(made)
    assert state(made) == state(layer(tg))
    assert not prune.is_pruned(made)
