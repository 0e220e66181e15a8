"""Optimizers and schedules that programs derive, whose methods are copies of PyTorch's."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import nn, optim
from tinygrad_lite.optim.adam import adam, adamw
from tinygrad_lite.optim.sgd import sgd


class OwnSGD(optim.SGD):
    """Its step is a copy of PyTorch's."""

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            params: list[Any] = []
            grads: list[Any] = []
            buffers: list[Any] = []
            sparse = self._init_group(group, params, grads, buffers)
            words = {k: v for k, v in group.items() if k not in ("params", "differentiable")}
            sgd(params, grads, buffers, has_sparse_grad=sparse, **words)
            for p, buffer in zip(params, buffers, strict=bool(group["momentum"])):
                self.state[p]["momentum_buffer"] = buffer


class OwnAdam(optim.AdamW):
    """Likewise."""

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        self._cuda_graph_capture_health_check()
        for group in self.param_groups:
            lists: list[list[Any]] = [[] for _ in range(6)]
            has_complex = self._init_group(group, *lists)
            words = {k: v for k, v in group.items() if k not in ("params", "betas")}
            words["beta1"], words["beta2"] = group["betas"]
            if group["amsgrad"]:
                adam(*lists, has_complex=has_complex, **words)
            else:
                words.pop("decoupled_weight_decay")
                adamw(*lists, **words)


def _trained(make: Any) -> list[float]:
    w, u = nn.Parameter(torch.tensor([1.0, -2.0])), nn.Parameter(torch.tensor([[3.0]]))
    optimizer = make([w, u])
    for _ in range(4):
        optimizer.zero_grad()
        ((w * w).sum() + (u * w).sum()).backward()
        optimizer.step()
    return [*w.tolist(), u.item()]


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (
            lambda p: OwnSGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
            [-2.58048, -1.54034, 4.93433],
        ),
        (lambda p: OwnSGD(p, 0.1), [-0.543, -1.7718, 3.618]),
        (lambda p: OwnAdam(p, 0.1, amsgrad=True), [0.59714, -1.62324, 3.38745]),
        (lambda p: OwnAdam(p, 0.05), [0.79828, -1.8, 3.19385]),
    ],
)
def test_a_copied_step(make: Any, values: list[float]) -> None:
    np.testing.assert_allclose(_trained(make), values, atol=2e-5)


def test_complex_numbers_are_updated_as_their_parts() -> None:
    p, g = torch.tensor([1 + 2j, -1j, 0.5 + 0j]), torch.tensor([0.1 + 0.3j, -1j, 2 + 1j])
    m, v, largest = (torch.zeros_like(p) for _ in range(3))
    words: dict[str, Any] = {"amsgrad": True, "beta1": 0.9, "beta2": 0.99, "maximize": False}
    words |= {"lr": 0.1, "weight_decay": 0.1, "eps": 1e-8, "has_complex": True}
    steps = [torch.tensor(0.0)]
    for _ in range(2):
        adam([p], [g], [m], [v], [largest], steps, **words)
    found = [p.tolist(), v.tolist(), largest.tolist(), steps[0].item()]
    wanted = [0.8002 + 1.8001j, -0.8j, 0.3 - 0.2j]
    squares = [0.0008 + 0.0049j, 0.0239j, 0.0832 + 0.0197j]
    for mine, its in zip(found, (wanted, squares, squares, 2), strict=True):
        np.testing.assert_allclose(mine, its, atol=1e-4)


def test_the_first_velocity_is_the_gradient() -> None:
    words: dict[str, Any] = {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}
    found = _trained(lambda p: OwnSGD(p, **words))
    assert found == _trained(lambda p: optim.SGD(p, **words))


def test_a_step_is_a_change_in_place() -> None:
    w = nn.Parameter(torch.ones(2))
    y = (w * w).sum()
    w.grad = torch.ones(2)
    OwnSGD([w], 0.1).step()
    with pytest.raises(RuntimeError, match="modified by an in-place"):
        y.backward()


@pytest.mark.parametrize(("kind", "pieces", "answer"), [("SGD", 1, False), ("Adam", 4, True)])
def test_lists_say_whether_numbers_are_complex(kind: str, pieces: int, answer: bool) -> None:
    w = nn.Parameter(torch.tensor([1j]))
    w.grad = torch.tensor([1j])
    optimizer = getattr(optim, kind)([w], 0.1)
    lists: list[list[Any]] = [[] for _ in range(2 + pieces)]
    assert optimizer._init_group(optimizer.param_groups[0], *lists) is answer


def test_flat_views_follow() -> None:
    weight = nn.Linear(3, 2, bias=False).weight
    weight.grad, before = torch.ones_like(weight), weight.tolist()
    flat = weight.data.view(-1)
    optimizer = OwnSGD([weight], 1.0, momentum=0.5)
    for _ in range(2):
        optimizer.step()
    np.testing.assert_allclose(flat.tolist(), np.array(before).ravel() - 2.5, rtol=1e-6)
    assert flat.tolist() == weight.flatten().tolist()
    second = OwnAdam([weight], 1.0, betas=(0.5, 0.5))
    second.step()
    kept = second.state[weight]["exp_avg"].view(-1)
    second.step()
    assert kept.tolist() == [0.75] * 6


def test_a_step_without_state_keeps_none() -> None:
    w = nn.Parameter(torch.ones(2))
    w.grad = torch.ones(2)
    optimizer = OwnSGD([w], 0.5)
    optimizer.step()
    assert (w.tolist(), dict(optimizer.state[w])) == ([0.5, 0.5], {})


@pytest.mark.parametrize(
    ("name", "pieces", "found", "answer"),
    [
        ("Adagrad", 2, [1, 1], (False, False)),
        ("Adadelta", 3, [1] * 3, False),
        ("RMSprop", 4, [1, 0, 0, 1], False),
        ("NAdam", 4, [1] * 4, False),
        ("RAdam", 3, [1] * 3, False),
        ("ASGD", 4, [1] * 4, False),
        ("Rprop", 3, [1] * 3, False),
        ("Adamax", 3, [1] * 3, False),
    ],
)
def test_lists_of_a_group(name: str, pieces: int, found: list[int], answer: Any) -> None:
    w, still = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))
    w.grad = torch.ones(2)
    optimizer = getattr(optim, name)([w, still])
    lists: list[list[Any]] = [[] for _ in range(2 + pieces)]
    assert optimizer._init_group(optimizer.param_groups[0], *lists) == answer
    assert (lists[0][0] is w, lists[1][0] is w.grad) == (True, True)
    assert [len(part) for part in lists] == [1, 1, *found]
    assert lists[-1][0].item() == 0  # steps


def test_an_optimizer_of_ones_own_has_no_lists() -> None:
    class Own(optim.Optimizer):
        pass

    optimizer = Own([nn.Parameter(torch.ones(1))], {})
    with pytest.raises(AttributeError, match="_init_group"):
        optimizer._init_group(optimizer.param_groups[0], [], [])


def test_a_plateau_of_ones_own_reduces_by_its_method() -> None:
    asked = []

    class Own(optim.lr_scheduler.ReduceLROnPlateau):
        def _reduce_lr(self, epoch: int) -> None:
            asked.append(epoch)
            super()._reduce_lr(epoch)

    optimizer = optim.SGD([nn.Parameter(torch.ones(1))], 1.0)
    scheduler = Own(optimizer, patience=0, factor=0.5)
    for metric in (1.0, 2.0):
        scheduler.step(metric)
    assert (asked, optimizer.param_groups[0]["lr"], scheduler.best) == ([2], 0.5, 1.0)
    scheduler._init_is_better("max", 0.1, "abs")
    scheduler._reset()
    assert (scheduler.best, scheduler._is_better(1.2, 1.0)) == (-float("inf"), True)
    with pytest.raises(ValueError, match="mode no is unknown!"):
        scheduler._init_is_better("no", 0.1, "abs")


def test_one_cycle_on_a_way_of_ones_own() -> None:
    class Own(optim.lr_scheduler.OneCycleLR):
        def _anneal_func(self, start: float, end: float, pct: float) -> float:
            return start if pct < 1 else end

    assert Own._annealing_cos(2.0, 0.0, 0.5) == pytest.approx(1.0)
    assert Own._annealing_linear(2.0, 0.0, 0.25) == 1.5
    optimizer = optim.SGD([nn.Parameter(torch.ones(1))], 1.0, momentum=0.9)
    scheduler = Own(optimizer, max_lr=1.0, total_steps=10)
    assert scheduler.get_last_lr() == [1 / 25]


class Older(optim.Optimizer):
    """Of whose groups an option came later, as in many optimizers that are published."""

    def __init__(self, params: Any, lr: float = 0.25) -> None:
        super().__init__(params, {"lr": lr})

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("nesterov", False)

    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                p.data.add_(p.grad, alpha=-group["lr"])
                self.state[p]["steps"] = self.state[p].get("steps", 0) + 1


@pytest.mark.parametrize("how", ["load", "deepcopy", "pickle"])
def test_a_state_passes_through_setstate(how: str) -> None:
    w = nn.Parameter(torch.ones(2))
    optimizer = Older([w])
    w.grad = torch.ones(2)
    optimizer.step()
    assert "nesterov" not in optimizer.param_groups[0]
    if how == "load":
        made = optimizer
        made.load_state_dict(optimizer.state_dict())
    else:
        made = (
            copy.deepcopy(optimizer) if how == "deepcopy" else pickle.loads(pickle.dumps(optimizer))
        )
    assert made.param_groups[0]["nesterov"] is False
    (p,) = made.param_groups[0]["params"]
    assert (p.tolist(), made.state[p]) == ([0.75, 0.75], {"steps": 1})
    p.grad = torch.ones(2)
    made.step()
    assert (p.tolist(), made.state[p]) == ([0.5, 0.5], {"steps": 2})
