"""Muon takes the steps of its formula, and about those of PyTorch, which rounds to bfloat16."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import optim

RNG = np.random.default_rng(0)
START, GRADS = RNG.normal(size=(4, 3)), RNG.normal(size=(5, 4, 3))
OPTIONS: list[dict[str, Any]] = [
    {"lr": 0.1},
    {"lr": 0.1, "nesterov": False, "momentum": 0.5, "weight_decay": 0.0},
    {"lr": 0.02, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3},
]


def run(library: Any, options: dict[str, Any], turned: bool, device: str = "cpu") -> Any:
    turn = (lambda a: a.T.copy()) if turned else (lambda a: a.copy())
    w = library.tensor(turn(START), device=device).requires_grad_()
    optimizer = library.optim.Muon([w], **options)
    for grad in GRADS:
        w.grad = library.tensor(turn(grad), device=device)
        optimizer.step()
    return w.detach().cpu().numpy()


def by_hand(
    turned: bool,
    lr: float,
    nesterov: bool = True,
    momentum: float = 0.95,
    weight_decay: float = 0.1,
    adjust_lr_fn: str = "",
    ns_steps: int = 5,
) -> Any:
    turn = np.transpose if turned else np.asarray
    w, b = turn(START), 0.0
    for g in map(turn, GRADS):
        b = momentum * b + (1 - momentum) * g
        x = momentum * b + (1 - momentum) * g if nesterov else b
        x = x / np.linalg.norm(x)
        for _ in range(ns_steps):
            a = x @ x.T  # the same polynomial of the singular values, on either side
            x = 3.4445 * x - 4.775 * a @ x + 2.0315 * a @ a @ x
        rows, columns = w.shape
        scale = 0.2 * max(rows, columns) ** 0.5 if adjust_lr_fn else max(1, rows / columns) ** 0.5
        w = w * (1 - lr * weight_decay) - lr * scale * x
    return w


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("options", OPTIONS)
def test_steps(options: dict[str, Any], turned: bool, device: str) -> None:
    found = run(tg, options, turned, device)
    np.testing.assert_allclose(found, by_hand(turned, **options), rtol=1e-9)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("options", OPTIONS)
def test_beside_pytorch(options: dict[str, Any], turned: bool) -> None:
    torch = pytest.importorskip("torch")
    found, expected = run(tg, options, turned), run(torch, options, turned)
    np.testing.assert_allclose(found, expected, atol=0.03 * np.abs(expected - START.mean()).max())


def test_what_is_refused_and_kept() -> None:
    with pytest.raises(ValueError, match="Muon only supports 2D parameters"):
        optim.Muon([tg.zeros(3, requires_grad=True)])
    w = tg.zeros(2, 2, requires_grad=True)
    for word, value in (("lr", -1), ("momentum", -1), ("adjust_lr_fn", "other"), ("ns_steps", 100)):
        with pytest.raises(ValueError, match="but is"):
            optim.Muon([w], **{word: value})  # type: ignore[arg-type]
    optimizer = optim.Muon([w])
    w.grad = tg.ones(2, 2)
    optimizer.step()
    again = optim.Muon([w])
    again.load_state_dict(optimizer.state_dict())
    assert tg.equal(again.state[w]["momentum_buffer"], optimizer.state[w]["momentum_buffer"])
