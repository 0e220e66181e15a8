"""Schedules: resuming, closed forms, warnings and errors. Their numbers: test_optim_recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.optim.test_recorded import CASES, METRICS, build
from tinygrad_lite import optim
from tinygrad_lite.optim import SGD, Adam
from tinygrad_lite.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiplicativeLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

SCHEDULED = [name for name, case in CASES.items() if case["schedulers"]]
CLOSED: dict[str, Any] = {
    "StepLR": lambda o: StepLR(o, 3, gamma=0.5),
    "MultiStepLR": lambda o: MultiStepLR(o, [2, 2, 5]),
    "ConstantLR": lambda o: ConstantLR(o, factor=0.4, total_iters=4),
    "LinearLR": lambda o: LinearLR(o, total_iters=6),
    "ExponentialLR": lambda o: ExponentialLR(o, 0.9),
    "CosineAnnealingLR": lambda o: CosineAnnealingLR(o, 7, eta_min=0.01),
    "LambdaLR": lambda o: LambdaLR(o, lambda t: 1 / (t + 1)),
    "PolynomialLR": lambda o: PolynomialLR(o, 6, power=2.0),
}


def make_params() -> list[tg.Tensor]:
    return [tg.ones(2, requires_grad=True), tg.ones(3, requires_grad=True)]


def make_optimizer(lr: float = 0.1) -> SGD:
    first, second = make_params()
    return SGD([{"params": first}, {"params": second, "lr": 0.3}], lr=lr)


def rates(optimizer: Any, schedulers: list[Any], start: int, stop: int) -> list[Any]:
    found = []
    for t in range(start, stop):
        optimizer.step()
        for scheduler in schedulers:
            plateau = isinstance(scheduler, ReduceLROnPlateau)
            scheduler.step(METRICS[t]) if plateau else scheduler.step()
            assert scheduler.get_last_lr() == [g["lr"] for g in optimizer.param_groups]
        found.append([group["lr"] for group in optimizer.param_groups])
    return found


@pytest.mark.parametrize("through_file", [False, True])
@pytest.mark.parametrize("name", SCHEDULED)
def test_resuming_gives_the_same_rates(name: str, through_file: bool, tmp_path: Any) -> None:
    expected = rates(*build(optim, make_params(), CASES[name]), 0, 12)
    for middle in (1, 3, 6):
        optimizer, schedulers = build(optim, make_params(), CASES[name])
        found = rates(optimizer, schedulers, 0, middle)
        saved = {"o": optimizer.state_dict(), "s": [s.state_dict() for s in schedulers]}
        if through_file:
            tg.save(saved, tmp_path / "state.npz")
            saved = tg.load(tmp_path / "state.npz")
        optimizer, schedulers = build(optim, make_params(), CASES[name])
        for scheduler, state in zip(schedulers, saved["s"], strict=True):
            scheduler.load_state_dict(state)
        optimizer.load_state_dict(saved["o"])
        assert found + rates(optimizer, schedulers, middle, 12) == expected


@pytest.mark.parametrize("name", CLOSED)
def test_recursive_form_is_the_closed_form(name: str) -> None:
    optimizer, other = make_optimizer(), make_optimizer()
    recursive, closed = CLOSED[name](optimizer), CLOSED[name](other)
    for epoch in range(1, 30):
        optimizer.step()
        recursive.step()
        other.step()
        with pytest.warns(UserWarning, match="epoch parameter"):
            closed.step(epoch)
        np.testing.assert_allclose(recursive.get_last_lr(), closed.get_last_lr(), atol=1e-15)
        assert closed.last_epoch == recursive.last_epoch == epoch


def test_first_rates_are_kept_in_the_groups() -> None:
    optimizer = make_optimizer()
    scheduler = LinearLR(optimizer, start_factor=0.5)
    assert scheduler.base_lrs == [0.1, 0.3]
    assert [group["initial_lr"] for group in optimizer.param_groups] == [0.1, 0.3]
    assert scheduler.get_last_lr() == [0.05, 0.15]
    assert scheduler.last_epoch == 0
    second = ExponentialLR(optimizer, 0.5)
    assert second.base_lrs == [0.1, 0.3]


def test_warns_of_the_wrong_order() -> None:
    scheduler = StepLR(make_optimizer(), 1)
    with pytest.warns(UserWarning, match=r"Detected call of `lr_scheduler.step\(\)` before"):
        scheduler.step()
    scheduler.step()  # once only: warnings are errors in these tests


def test_warns_of_a_step_that_was_replaced() -> None:
    optimizer = make_optimizer()
    scheduler = StepLR(optimizer, 1)
    optimizer.step = lambda: None  # type: ignore[method-assign, assignment, misc]
    with pytest.warns(UserWarning, match=r"`optimizer.step\(\)` has been overridden"):
        scheduler.step()


def test_the_right_order_is_silent_also_with_a_closure() -> None:
    optimizer = make_optimizer()
    first, second = StepLR(optimizer, 1), ExponentialLR(optimizer, 0.5)
    assert optimizer.step(lambda: 3) == 3
    first.step()
    second.step()


def test_state_of_callable_objects_is_saved() -> None:
    class Power:
        def __init__(self, base: float) -> None:
            self.base = base

        def __call__(self, t: int) -> float:
            return self.base**t

    saved = LambdaLR(make_optimizer(), [Power(0.5), lambda t: 1.0]).state_dict()
    assert saved["lr_lambdas"] == [{"base": 0.5}, None]
    other = LambdaLR(make_optimizer(), [Power(0.9), lambda t: 1.0])
    other.load_state_dict(saved)
    assert other.lr_lambdas[0].base == 0.5
    assert other.lr_lambdas[1](7) == 1.0
    assert saved["lr_lambdas"] == [{"base": 0.5}, None]


def test_state_dicts_hold_no_optimizer() -> None:
    optimizer = make_optimizer()
    for make in CLOSED.values():
        saved = make(optimizer).state_dict()
        assert "optimizer" not in saved
        assert saved["last_epoch"] == 0
        assert {"base_lrs", "_last_lr", "_step_count"} <= saved.keys()


def test_plateau_takes_tensors_and_groups_that_were_added() -> None:
    optimizer = make_optimizer()
    scheduler = ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
    optimizer.add_param_group({"params": tg.ones(1), "lr": 0.8})
    scheduler.step(tg.tensor(1.0))
    scheduler.step(tg.tensor(1.0))
    assert scheduler.get_last_lr() == [0.05, 0.15, 0.4]
    listed = ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.0, 0.0, 0.0])
    optimizer.add_param_group({"params": tg.ones(1)})
    listed.step(1.0)
    with pytest.raises(RuntimeError, match=r"The number of param groups .* \(4\) differs"):
        listed.step(1.0)
    with pytest.warns(UserWarning, match="epoch parameter"):
        scheduler.step(0.5, epoch=9)
    assert scheduler.last_epoch == 9


def test_errors() -> None:
    optimizer, other = make_optimizer(), make_optimizer()
    for make in (lambda o: StepLR(o, 1), ReduceLROnPlateau):
        with pytest.raises(TypeError, match="list is not an Optimizer"):
            make([])  # type: ignore[arg-type]
    with pytest.raises(KeyError, match=r"'initial_lr' is not specified in param_groups\[0\]"):
        StepLR(optimizer, 1, last_epoch=3)
    with pytest.raises(ValueError, match="Expected 2 lr_lambdas, but got 1"):
        LambdaLR(optimizer, [lambda t: 1.0])
    for factor in (-0.1, 1.1):
        with pytest.raises(ValueError, match="Constant multiplicative factor"):
            ConstantLR(optimizer, factor=factor)
        with pytest.raises(ValueError, match="Starting multiplicative factor"):
            LinearLR(optimizer, start_factor=factor)
        with pytest.raises(ValueError, match="Ending multiplicative factor"):
            LinearLR(optimizer, end_factor=factor)
    with pytest.raises(ValueError, match=r"Factor should be < 1.0"):
        ReduceLROnPlateau(optimizer, factor=1.0)
    with pytest.raises(ValueError, match="mode best is unknown"):
        ReduceLROnPlateau(optimizer, mode="best")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="threshold mode best is unknown"):
        ReduceLROnPlateau(optimizer, threshold_mode="best")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected 2 min_lrs, got 1"):
        ReduceLROnPlateau(optimizer, min_lr=[0.1])
    with pytest.raises(ValueError, match="expects at least one scheduler"):
        SequentialLR(optimizer, [], [])
    with pytest.raises(ValueError, match=r"does not support `ReduceLROnPlateau`.* at index 0"):
        SequentialLR(optimizer, [ReduceLROnPlateau(optimizer)], [])
    with pytest.raises(ValueError, match="StepLR at index 0 has another one"):
        SequentialLR(optimizer, [StepLR(other, 1)], [])
    with pytest.raises(ValueError, match="1 schedulers and 1 milestones"):
        SequentialLR(optimizer, [StepLR(optimizer, 1)], [3])
    with pytest.raises(TypeError, match="takes no epoch"):
        SequentialLR(optimizer, [StepLR(optimizer, 1)], []).step(3)
    with pytest.raises(NotImplementedError):
        LRScheduler(optimizer)


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step:UserWarning")
def test_a_chain_may_begin_a_sequence() -> None:
    """As PyTorch 2.13, which warns there too: the chain's schedulers step before the optimizer."""
    optimizer = SGD(make_params(), lr=1.0)
    chain = ChainedScheduler([ConstantLR(optimizer, 0.5, 2), ExponentialLR(optimizer, 0.9)])
    scheduler = SequentialLR(optimizer, [chain, ExponentialLR(optimizer, 0.5)], [2])
    rates = []
    for _ in range(5):
        rates += [round(lr, 6) for lr in scheduler.get_last_lr()]
        optimizer.step()
        scheduler.step()
    assert rates == [0.45, 0.405, 1.0, 0.5, 0.25]


def test_restarts_go_to_any_epoch() -> None:
    """As PyTorch 2.13: epochs may have parts, and go back."""
    scheduler = CosineAnnealingWarmRestarts(make_optimizer(), 2, 2)
    found = []
    for epoch in (0.5, 1.75, 2, 5.5, 6, 13.9, 14, 0.5):
        scheduler.step(epoch)
        found.append((scheduler.T_cur, scheduler.T_i, round(scheduler.get_last_lr()[0], 6)))
    assert found == [
        (0.5, 2, 0.085355),
        (1.75, 2, 0.003806),
        (0.0, 4, 0.1),
        (3.5, 4, 0.003806),
        (0.0, 8, 0.1),
        (7.9, 8, 3.9e-05),
        (0.0, 16, 0.1),
        (0.5, 2, 0.085355),
    ]
    with pytest.raises(ValueError, match="Expected non-negative epoch, but got -1"):
        scheduler.step(-1)


def test_cycles_take_the_users_function_and_name_the_momentum_as_the_optimizer_does() -> None:
    optimizer = Adam(make_params())
    scheduler = CyclicLR(optimizer, 0.1, 0.5, 2, scale_fn=lambda n: 1 / n, base_momentum=0.5)
    for _ in range(6):
        optimizer.step()
        scheduler.step()
    assert scheduler.get_last_lr() == pytest.approx([0.3])  # the top of the second cycle
    assert optimizer.param_groups[0]["betas"] == pytest.approx((0.7, 0.999))
    assert scheduler.state_dict()["_scale_fn_custom"] is None


def test_errors_of_cycles() -> None:
    optimizer = make_optimizer()
    plain = optim.Adagrad(make_params())
    one: Any = OneCycleLR
    for options, message in (
        ({}, "You must define either total_steps OR"),
        ({"epochs": 3}, "You must define either total_steps OR"),
        ({"total_steps": 0}, "Expected positive integer total_steps, but got 0"),
        ({"total_steps": 2.5}, "Expected positive integer total_steps, but got 2.5"),
        ({"epochs": 2, "steps_per_epoch": -1}, "Expected positive integer steps_per_epoch"),
        ({"total_steps": 9, "pct_start": 1}, "Expected float between 0 and 1 pct_start, but got 1"),
        ({"total_steps": 9, "anneal_strategy": "exp"}, "must be one of 'cos' or 'linear'"),
        ({"total_steps": 9, "max_momentum": [0.9]}, "max_momentum must have the same length"),
    ):
        with pytest.raises(ValueError, match=message):
            one(optimizer, 0.1, **options)
    with pytest.raises(ValueError, match="max_lr must have the same length"):
        one(optimizer, [0.1], 9)
    cyclic: Any = CyclicLR
    for make in (lambda: one(plain, 0.1, 9), lambda: cyclic(plain, 0.1, 0.2)):
        with pytest.raises(ValueError, match="optimizer must support momentum or beta1"):
            make()
    with pytest.raises(ValueError, match="mode is invalid and scale_fn is None"):
        cyclic(optimizer, 0.1, 0.2, mode="square")
    for make in (lambda: one([], 0.1, 9), lambda: cyclic([], 0.1, 0.2)):
        with pytest.raises(TypeError, match="list is not an Optimizer"):
            make()
    short = one(make_optimizer(), 0.1, 2, cycle_momentum=False)
    short.optimizer.step()
    short.step()
    short.step()
    with pytest.raises(ValueError, match="Tried to step 3 times"):
        short.step()
    for options, message in (
        ({"T_0": 0}, "Expected positive integer T_0, but got 0"),
        ({"T_0": 2, "T_mult": 0.5}, "Expected integer T_mult >= 1, but got 0.5"),
        ({"T_0": 2, "eta_min": "low"}, "Expected float or int eta_min, but got low"),
    ):
        with pytest.raises(ValueError, match=message):
            CosineAnnealingWarmRestarts(optimizer, **options)
    with pytest.raises(ValueError, match="got no scheduler"):
        ChainedScheduler([])
    with pytest.raises(ValueError, match="StepLR at index 1 has another one"):
        ChainedScheduler([StepLR(optimizer, 1), StepLR(make_optimizer(), 1)])
    with pytest.raises(TypeError, match="index 0 should have `optimizer`"):
        ChainedScheduler([3])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="lr_lambda should be a function, but got int"):
        MultiplicativeLR(optimizer, 3)  # type: ignore[arg-type]
    assert issubclass(optim.lr_scheduler._LRScheduler, LRScheduler)
