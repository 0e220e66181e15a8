"""L-BFGS goes PyTorch's way: the same losses from the same number of evaluations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg

RECORDED: dict[str, Any] = {  # losses before each step, evaluations: PyTorch 2.13
    "plain": (
        [
            33.72744717441944,
            9.583718745569582,
            9.208085441131717,
            7.622466240975468,
            5.580890548390421,
        ],
        [100, 100, 100],
    ),
    "short-memory": (
        [
            33.72744717441944,
            22.507144773856268,
            12.568962736272647,
            11.210699937294656,
            11.116296564534478,
        ],
        [100, 100, 100],
    ),
    "few": (
        [
            33.72744717441944,
            14.560589275059419,
            11.52705316743578,
            10.320036466613091,
            9.812141252578774,
        ],
        [25, 20, 25],
    ),
    "wolfe": (
        [
            33.72744717441944,
            3.495906530341271,
            3.0182040571145894,
            3.0102817554147046,
            3.010272217684193,
        ],
        [77, 64, 77],
    ),
    "wolfe-small": (
        [
            33.72744717441944,
            10.319947728162077,
            6.658294718942879,
            4.841463907691261,
            3.5953062168490173,
        ],
        [127, 47, 127],
    ),
    "wolfe-few": (
        [
            33.72744717441944,
            12.041646375946671,
            10.013930305223031,
            8.806389807194595,
            6.416242733193937,
        ],
        [44, 26, 44],
    ),
    "wolfe-large": (
        [
            33.72744717441944,
            3.7369579304218172,
            3.11715762211695,
            3.0106676136519153,
            3.010272217644178,
        ],
        [90, 52, 90],
    ),
}
CASES: dict[str, dict[str, Any]] = {
    "plain": {"lr": 0.1},
    "short-memory": {"lr": 0.01, "history_size": 3},
    "few": {"lr": 0.1, "max_iter": 7, "max_eval": 5},
    "wolfe": {"line_search_fn": "strong_wolfe"},
    "wolfe-small": {"line_search_fn": "strong_wolfe", "lr": 0.01, "history_size": 3},
    "wolfe-few": {"line_search_fn": "strong_wolfe", "lr": 0.1, "max_iter": 7, "max_eval": 9},
    "wolfe-large": {"line_search_fn": "strong_wolfe", "lr": 3.0},
}


def run(module: Any, options: dict[str, Any], device: str = "cpu") -> tuple[list[float], list[int]]:
    """Rosenbrock's function beside a fit, of two parameters: losses, and what was counted."""
    make = lambda x, **kw: module.tensor(x, dtype=module.float64, device=device, **kw)  # noqa: E731
    rows = make([[0.1 * i - 0.3 * j + 0.05 * i * j for j in range(2)] for i in range(6)])
    target = make([0.5, -1.0, 0.3, 1.2, 0.0, -0.4])
    first = make([[0.3, -1.2], [0.8, 0.1]], requires_grad=True)
    second = make([-1.0, 1.5], requires_grad=True)
    optimizer = module.optim.LBFGS([first, second], **options)
    calls = 0

    def closure() -> Any:
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        valley = 100 * (second[1] - second[0] ** 2) ** 2 + (1 - second[0]) ** 2
        fit = ((rows @ (first[0] * first[1]).exp() - target) ** 2).sum()
        loss = valley + fit + (first**2).sum() * 0.01
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(5)]
    state = optimizer.state[first]
    return losses, [calls, state["n_iter"], state["func_evals"]]


@pytest.mark.parametrize("name", CASES)
def test_as_recorded(name: str, device: str) -> None:
    losses, counts = run(tg, CASES[name], device)
    expected, counted = RECORDED[name]
    assert counts == counted
    np.testing.assert_allclose(losses, expected, rtol=1e-4)  # rounding grows along the way


@pytest.mark.parametrize("name", CASES)
def test_as_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    expected = run(torch, CASES[name])
    losses, counts = run(tg, CASES[name])
    assert counts == expected[1]
    np.testing.assert_allclose(losses, expected[0], rtol=1e-4)  # rounding grows along the way


def square(weight: tg.Tensor, optimizer: Any) -> Any:
    def closure() -> tg.Tensor:
        optimizer.zero_grad()
        loss = ((weight - 3) ** 2 * tg.tensor([1.0, 10.0])).sum()
        loss.backward()
        return loss

    return closure


def test_resuming_changes_no_bit() -> None:
    def trained(resume: bool) -> Any:
        weight = tg.tensor([0.0, 1.0], requires_grad=True)
        optimizer = tg.optim.LBFGS([weight], lr=0.1, max_iter=3)
        for step in range(4):
            optimizer.step(square(weight, optimizer))
            if resume and step == 1:
                saved = optimizer.state_dict()
                optimizer = tg.optim.LBFGS([weight], lr=0.1, max_iter=3)
                optimizer.load_state_dict(saved)
        return weight.tolist()

    assert trained(True) == trained(False)


def test_the_state_is_kept_as_pytorch_keeps_it() -> None:
    """Which writes into `al` after loading, at as many places as pairs may be remembered."""
    weight = tg.tensor([0.0, 1.0], requires_grad=True)
    optimizer = tg.optim.LBFGS([weight], lr=0.1, max_iter=3, history_size=4)
    optimizer.step(square(weight, optimizer))
    state = optimizer.state_dict()["state"][0]
    kept = len(state["ro"])
    assert 0 < kept < 4
    assert [tuple(r.shape) for r in state["ro"]] == [()] * kept
    assert [getattr(a, "shape", None) for a in state["al"]] == [()] * kept + [None] * (4 - kept)
    assert state["H_diag"].shape == ()
    assert state["H_diag"].dtype == weight.dtype
    assert sorted(state) == sorted(
        "al d t old_dirs old_stps ro H_diag prev_flat_grad prev_loss func_evals n_iter".split()
    )


def test_stops_where_the_gradient_vanishes() -> None:
    weight = tg.tensor([3.0, 3.0], requires_grad=True)
    optimizer = tg.optim.LBFGS([weight])
    assert optimizer.step(square(weight, optimizer)) == 0
    assert optimizer.state[weight] == {"func_evals": 1, "n_iter": 0}
    assert optimizer.state[optimizer._params[0]] is optimizer.state[weight]


def test_errors() -> None:
    weight = tg.tensor([0.0, 1.0], requires_grad=True)
    with pytest.raises(ValueError, match="per-parameter options"):
        tg.optim.LBFGS([{"params": [weight]}, {"params": [tg.ones(1)]}])
    with pytest.raises(TypeError, match="closure"):
        tg.optim.LBFGS([weight]).step()
    optimizer = tg.optim.LBFGS([weight], line_search_fn="weak")
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        optimizer.step(square(weight, optimizer))
