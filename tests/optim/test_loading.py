"""What is wrong with an optimizer's state is said, and what PyTorch writes is taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import tinygrad_lite as torch
from tests.states import copied, frozen, params
from tinygrad_lite import optim


def adam() -> tuple[optim.Adam, list[torch.Tensor]]:
    ps = params()
    made = optim.Adam(ps, lr=0.1)
    for p in ps:
        p.grad = torch.ones(p.shape)
    made.step()
    return made, ps


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (
            lambda s: s["state"][0].pop("exp_avg"),
            KeyError,
            r"state\[0\]: the state lacks 'exp_avg'",
        ),
        (
            lambda s: s["state"][1].update(exp_avg=torch.ones(4)),
            ValueError,
            r"has shape \(4,\), but",
        ),
        (
            lambda s: s["state"][1].update(exp_avg=torch.ones(3).long()),
            TypeError,
            r"is torch\.int64",
        ),
        (lambda s: s["state"][1].update(exp_avg=[1.0]), TypeError, "tensor, but is list"),
        (lambda s: s["state"][0].update(other=torch.ones(2, 3)), ValueError, "has 'other'"),
        (lambda s: s["state"][0].update(step=math.inf), ValueError, "step must be from 0"),
        (
            lambda s: s["state"][0].update(step=torch.tensor(-1.0)),
            ValueError,
            "step must be from 0",
        ),
        (
            lambda s: s["state"][0].update(step=1.5),
            ValueError,
            "must be a whole number",
        ),
        (lambda s: s["state"].update({7: {}}), ValueError, "parameter 7, which is in no group"),
        (lambda s: s["param_groups"][0].update(params=[0, 0]), ValueError, "0 for two parameters"),
        (lambda s: s["param_groups"][0].update(params=["0", "1"]), TypeError, "but is str"),
        (lambda s: s["param_groups"][0].update(lr="fast"), TypeError, "lr must be a number"),
        (lambda s: s["param_groups"][0].update(lr=-1.0), ValueError, "Invalid learning rate: -1.0"),
        (lambda s: s["param_groups"][0].update(lr=math.nan), ValueError, "must be finite"),
        (lambda s: s["param_groups"][0].update(betas=(0.9, 1.0)), ValueError, "at index 1: 1.0"),
        (lambda s: s["param_groups"][0].update(betas=(0.9,)), TypeError, "betas must be 2 values"),
        (lambda s: s["param_groups"][0].update(amsgrad=1), TypeError, "must be True or False"),
        (lambda s: s["param_groups"][0].update(amsgrad=True), KeyError, "lacks 'max_exp_avg_sq'"),
        (lambda s: s["param_groups"][0].update(initial_lr="x"), TypeError, "initial_lr must be"),
        (lambda s: s["param_groups"][0].pop("params"), KeyError, r"groups\[0\]: the state lacks"),
        (lambda s: s.update(param_groups={}), TypeError, "param_groups must be a list"),
        (lambda s: s.update(state=[]), TypeError, "state must be a dict"),
        (lambda s: s.pop("state"), KeyError, "lacks 'state'"),
    ],
)
def test_an_optimizer_says_what_is_wrong(
    change: Callable[[Any], Any], error: type[Exception], match: str
) -> None:
    made, ps = adam()
    state = copied(made.state_dict())
    change(state)
    before = frozen(made.state_dict())
    with pytest.raises(error, match=match):
        made.load_state_dict(state)
    assert frozen(made.state_dict()) == before
    made.step()
    assert all(p.isfinite().all() for p in ps)


def test_an_optimizer_takes_what_pytorch_writes() -> None:
    """Options of its own, a missing buffer as None, a rate in a tensor, a step as an integer."""
    made, _ = adam()
    state = copied(made.state_dict())
    state["param_groups"][0] |= {"foreach": None, "capturable": False, "lr": torch.tensor(0.25)}
    state["state"][0]["step"] = 3
    made.load_state_dict(state)
    assert made.param_groups[0]["capturable"] is False
    assert float(made.param_groups[0]["lr"]) == 0.25
    ps = params()
    sgd = optim.SGD(ps, momentum=0.9)
    state = sgd.state_dict()
    sgd.load_state_dict({**state, "state": {0: {"momentum_buffer": None}}})
    for p in ps:
        p.grad = torch.ones(p.shape)
    sgd.step()
    assert ps[0].tolist() == [[0.999] * 3] * 2 or sgd.state[ps[0]]["momentum_buffer"].sum() == 6


def test_a_parameter_that_is_given_twice_keeps_its_state() -> None:
    w, v = params()
    with pytest.warns(UserWarning, match="duplicate"):
        made = optim.SGD([w, v, w], momentum=0.9)
    w.grad = torch.ones(2, 3)
    made.step()
    saved = copied(made.state_dict())
    made.load_state_dict(saved)
    assert frozen(made.state_dict()) == frozen(saved)
    saved["param_groups"][0]["params"] = [0, 1, 2]
    with pytest.raises(ValueError, match="two numbers for one parameter"):
        made.load_state_dict(saved)
