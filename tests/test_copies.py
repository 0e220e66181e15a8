"""Copies, by `copy.deepcopy` and by pickle, of what trains: each steps what is its own."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

import tinygrad_lite as torch
from tests.states import CASES, Power, frozen, params
from tinygrad_lite import optim
from tinygrad_lite.amp import GradScaler
from tinygrad_lite.optim import lr_scheduler as schedules


@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
@pytest.mark.parametrize(
    "name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "ASGD", "Rprop", "Adafactor"]
)
def test_a_copy_of_a_scheduled_optimizer_steps_its_own_parameters(name: str, how: str) -> None:
    original = CASES[name]().made
    schedules.StepLR(original, 1)
    clone = copy.deepcopy(original) if how == "deepcopy" else pickle.loads(pickle.dumps(original))
    before, state = (
        [frozen(g["params"]) for g in original.param_groups],
        frozen(original.state_dict()),
    )
    for group in clone.param_groups:
        for p in group["params"]:
            p.grad = torch.ones(p.shape)
    clone.step()
    assert [frozen(g["params"]) for g in original.param_groups] == before
    assert frozen(original.state_dict()) == state
    assert [frozen(g["params"]) for g in clone.param_groups] != before
    assert set(clone.state) == {p for g in clone.param_groups for p in g["params"]}


@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_a_copied_schedule_sets_the_rates_of_its_copied_optimizer(how: str) -> None:
    optimizer = optim.SGD(params(), lr=1.0)
    inner = [schedules.StepLR(optimizer, 1, gamma=0.5), schedules.LambdaLR(optimizer, Power())]
    scheduler = schedules.SequentialLR(optimizer, inner, [5])
    pair = optimizer, scheduler
    mine, its = copy.deepcopy(pair) if how == "deepcopy" else pickle.loads(pickle.dumps(pair))
    assert its.optimizer is mine
    assert all(s.optimizer is mine for s in its._schedulers)
    mine.step()
    its.step()  # no warning: the copy's own step was called
    assert (optimizer.param_groups[0]["lr"], mine.param_groups[0]["lr"]) == (1.0, 0.5)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        scheduler.step()  # the original's was not


def test_an_optimizer_of_ones_own_is_watched_too() -> None:
    class Own(optim.Optimizer):
        def __init__(self, ps: Any) -> None:
            super().__init__(ps, {"lr": 1.0})

        def step(self, closure: Any = None) -> str:
            """Its own."""
            return "stepped"

    made = Own(params())
    scheduler = schedules.StepLR(made, 1)
    assert made.step() == "stepped"
    assert Own.step.__doc__ == "Its own."
    scheduler.step()  # no warning
    scheduler = schedules.StepLR(Own(params()), 1)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        scheduler.step()
    early = Own(params())
    early.step()  # before there was a schedule
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        schedules.StepLR(early, 1).step()


@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_a_scaler_is_copied_between_iterations_alone(how: str) -> None:
    scaler, w = GradScaler("cpu", init_scale=4.0), torch.ones(2, requires_grad=True)
    optimizer = optim.SGD([w])
    make = copy.deepcopy if how == "deepcopy" else lambda value: pickle.loads(pickle.dumps(value))
    scaler.scale(w.sum()).backward()
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match=r"after update\(\)"):
        make(scaler)
    scaler.step(optimizer)
    scaler.update(8.0)
    clone = make(scaler)
    clone.scale(torch.ones(1))
    scaler._scale.fill_(16.0)  # type: ignore[union-attr]
    assert (clone.get_scale(), scaler.get_scale()) == (8.0, 16.0)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "complex64"])
@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_views_of_one_memory_go_on_sharing_it(how: str, dtype: str, device: str) -> None:
    if how == "pickle" and device == "strict":
        pytest.skip("its arrays are not pickled")
    x = torch.arange(6.0).to(dtype).to(device)
    given = [x, x[2:4], x.view(2, 3).t(), x.real if dtype == "complex64" else x[::2]]
    make = copy.deepcopy if how == "deepcopy" else lambda value: pickle.loads(pickle.dumps(value))
    made, part, turned, other = make(given)
    assert [t.device for t in (made, part)] == [x.device] * 2
    made[2] = 50
    assert (part[0], turned[2, 0], other[2 if dtype == "complex64" else 1]) == (50, 50, 50)
    assert made._version == part._version == turned._version
    with torch.no_grad():
        turned += 1
    assert made.real.tolist() == [1, 2, 51, 4, 5, 6]
    assert x.real.tolist() == [0, 1, 2, 3, 4, 5]


def test_turned_memory_is_copied_as_it_lies(device: str) -> None:
    weight = torch.nn.Conv2d(2, 3, 3, device=device).weight
    given = [weight.detach(), weight.detach()[1:].transpose(2, 3)]
    whole, part = copy.deepcopy(given)
    assert whole.tolist() == given[0].tolist()
    assert part.tolist() == given[1].tolist()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_views_in_a_file(dtype: str, device: str, tmp_path: Path) -> None:
    x = torch.arange(6.0).to(dtype).to(device)
    torch.save([x, x[2:4], x.view(2, 3).t()], tmp_path / "views.npz")
    whole, part, turned = torch.load(tmp_path / "views.npz")
    assert (whole.tolist(), part.tolist()) == ([0, 1, 2, 3, 4, 5], [2, 3])
    assert (turned.tolist(), part.dtype) == ([[0, 3], [1, 4], [2, 5]], x.dtype)
    whole[2] = 50
    assert part[0].item() == (50 if dtype == "float32" else 2)
