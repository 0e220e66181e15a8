"""Optimizers and schedules do what PyTorch 2.13 did when `make_recorded.py` recorded it."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.several import several
from tinygrad_lite import optim

PATH = Path(__file__).with_name("recorded.json")
RECORDED: dict[str, Any] = (
    json.loads(PATH.read_text(encoding="utf-8"))
    if PATH.exists()
    else {"cases": {}, "signatures": {}}
)
CASES: dict[str, Any] = RECORDED["cases"]
KEPT = (0, 1, 2, 5, 11)  # the steps after which parameters are recorded
METRICS = (3.0, 2.0, 1.9, 1.95, 1.4, 1.41, 1.42, 1.43, 1.44, 1.0, 0.99, 0.98)
LAMBDAS = {"inverse": lambda t: 1 / (1 + t), "rise": lambda t: 1 + 0.1 * t}


def place(module: Any, name: str) -> Any:
    """The module of `optim` that has a scheduler of this name."""
    return module.swa_utils if name == "SWALR" else module.lr_scheduler


def schedule(module: Any, optimizer: Any, name: str, options: dict[str, Any]) -> Any:
    """A scheduler of PyTorch or of ours."""
    options = dict(options)
    if "lr_lambda" in options:
        names = options["lr_lambda"]
        options["lr_lambda"] = (
            LAMBDAS[names] if isinstance(names, str) else [LAMBDAS[n] for n in names]
        )
    if "schedulers" in options:
        options["schedulers"] = [schedule(module, optimizer, *s) for s in options["schedulers"]]
    if name == "ChainedScheduler":
        return module.lr_scheduler.ChainedScheduler(**options)
    return getattr(place(module, name), name)(optimizer, **options)


def build(module: Any, params: list[Any], case: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The optimizer and the schedulers of a case: one group for both parameters, or two."""
    split = [params] if len(case["groups"]) == 1 else [[p] for p in params]
    groups = [{"params": ps, **g} for ps, g in zip(split, case["groups"], strict=True)]
    optimizer = getattr(module, case["optimizer"])(groups, **case["options"])
    return optimizer, [schedule(module, optimizer, *s) for s in case["schedulers"]]


def run(optimizer: Any, schedulers: list[Any], params: list[Any], grads: list[Any]) -> Any:
    """Step through the gradients: the parameters after some steps, and the rates of each."""
    kept, rates = [], []
    for t, step in enumerate(grads):
        for param, grad in zip(params, step, strict=True):
            param.grad = grad
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        for scheduler in schedulers:
            plateau = type(scheduler).__name__ == "ReduceLROnPlateau"
            scheduler.step(METRICS[t]) if plateau else scheduler.step()
        if t in KEPT:
            kept.append([param.tolist() for param in params])
    return kept, rates


def flat(nested: Any) -> np.ndarray[Any, Any]:
    return np.concatenate([np.ravel(p) for step in nested for p in step])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_as_pytorch(dtype: str, device: str) -> None:
    with several() as case:
        for name in CASES:
            with case(name):
                check(name, dtype, device)


def check(name: str, dtype: str, device: str) -> None:
    case = CASES[name]
    make = lambda x: tg.tensor(np.asarray(x, dtype), device=device)  # noqa: E731
    params = [make(p).requires_grad_() for p in RECORDED["first"]]
    grads = [[make(g) for g in step] for step in RECORDED["gradients"]]
    kept, rates = run(*build(optim, params, case), params, grads)
    np.testing.assert_allclose(rates, case["rates"], rtol=1e-14, atol=1e-17)
    tolerance = 1e-12 if dtype == "float64" else 1e-6
    np.testing.assert_allclose(flat(kept), flat(case["params"]), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", RECORDED["signatures"])
def test_arguments_as_pytorch(name: str) -> None:
    """The same words with the same defaults, in the same positions."""
    ours = inspect.signature(getattr(optim, name, None) or getattr(place(optim, name), name))
    theirs, positional = {}, True
    for word, kind, default in RECORDED["signatures"][name]:
        positional = positional and kind == "POSITIONAL_OR_KEYWORD"
        theirs[word] = (default, positional)
    assert theirs.keys() == ours.parameters.keys()
    for word, parameter in ours.parameters.items():
        default = None if parameter.default is parameter.empty else parameter.default
        default = list(default) if isinstance(default, tuple) else default
        assert (default, parameter.kind is parameter.POSITIONAL_OR_KEYWORD) == theirs[word], word
    in_order = [word for word, (_, positional) in theirs.items() if positional]
    assert list(ours.parameters)[: len(in_order)] == in_order


def test_something_is_recorded() -> None:
    assert len(CASES) >= 50
    assert len(RECORDED["gradients"]) >= 12
    assert {len(case["params"]) for case in CASES.values()} == {len(KEPT)}
