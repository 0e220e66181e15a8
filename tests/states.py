"""Everything that has a state, with one that is not its first, and what compares states."""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_lite as torch
from tinygrad_lite import nn, optim
from tinygrad_lite.amp import GradScaler
from tinygrad_lite.data import BlockSampler, DistributedSampler, ImageDataset
from tinygrad_lite.optim import lr_scheduler as schedules


class Case:
    """Something with a state that is not its first one, and how it goes on."""

    def __init__(self, made: Any, go_on: Callable[[], Any], load: Any = None, read: Any = None):
        self.made = made
        self.go_on = go_on
        self.load = load or made.load_state_dict
        self.read = read or made.state_dict


def params() -> list[torch.Tensor]:
    return [torch.ones(2, 3, requires_grad=True), torch.zeros(3, requires_grad=True)]


def optimizer_case(make: Callable[..., Any]) -> Callable[[], Case]:
    def case() -> Case:
        ps = params()
        optimizer = make([{"params": ps[:1]}, {"params": ps[1:], "lr": 0.5}])

        def go_on() -> None:
            for p in ps:
                p.grad = torch.full(p.shape, 0.5)
            optimizer.step()

        go_on()
        go_on()
        return Case(optimizer, go_on)

    return case


class Power:
    """A callable object, whose attributes are part of the state."""

    def __init__(self) -> None:
        self.base = 0.5

    def __call__(self, t: int) -> float:
        return self.base**t


def schedule_case(make: Callable[[Any], Any]) -> Callable[[], Case]:
    def case() -> Case:
        optimizer = optim.SGD(params(), lr=0.1)
        scheduler = make(optimizer)

        def go_on() -> None:
            optimizer.step()
            plateau = isinstance(scheduler, schedules.ReduceLROnPlateau)
            scheduler.step(*([1.0] if plateau else []))
            assert all(math.isfinite(rate) for rate in scheduler.get_last_lr())

        go_on()
        go_on()
        return Case(scheduler, go_on)

    return case


def sequence(optimizer: Any) -> Any:
    first = schedules.LinearLR(optimizer, total_iters=2)
    second = schedules.MultiStepLR(optimizer, [1, 1, 3])
    third = schedules.LambdaLR(optimizer, Power())
    return schedules.SequentialLR(optimizer, [first, second, third], [3, 5])


def module_case() -> Case:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    x = torch.ones(4, 3)
    model(x)
    return Case(model, lambda: model(x))


def scaler_case(used: bool) -> Callable[[], Case]:
    def case() -> Case:
        scaler = GradScaler("cpu", growth_interval=3)
        w = torch.ones(2, requires_grad=True)
        optimizer = optim.SGD([w])

        def go_on() -> None:
            optimizer.zero_grad()
            scaler.scale(w.sum()).backward()
            scaler.step(optimizer)
            scaler.update()

        if used:
            go_on()
        return Case(scaler, go_on)

    return case


def generator_case() -> Case:
    made = torch.Generator(3)
    go_on = lambda: made.numpy.integers(0, 9, 3, dtype=np.int32)  # noqa: E731
    go_on()
    return Case(made, go_on, made.set_state, lambda: made.state)


def images_case() -> Case:
    pixels = np.zeros((7, 3, 32, 32), np.uint8)
    mean = np.zeros((3, 32, 32), np.float32)
    made = ImageDataset(pixels, np.arange(7), mean, seed=1)
    for _ in range(4):
        made.next_batch(3)
    return Case(made, lambda: made.next_batch(3))


def loader_case() -> Case:
    made = torch.utils.data.DataLoader(range(7), 3, shuffle=True, seed=2)
    walk = iter(made)
    next(walk)
    return Case(made, lambda: [batch.tolist() for batch in made])


def sampler_case(made: Any) -> Callable[[], Case]:
    def case() -> Case:
        sampler = made()

        def go_on() -> list[int]:
            sampler.set_epoch(sampler.epoch + 1)
            return list(sampler)

        go_on()
        return Case(sampler, go_on)

    return case


def follower_case() -> Case:
    sampler = BlockSampler(range(7), 2, 2, seed=3)
    made = torch.utils.data.DataLoader(range(7), 3, sampler=sampler)
    next(iter(made))
    return Case(made, lambda: list(made))


CASES: dict[str, Callable[[], Case]] = {
    "SGD": optimizer_case(lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9)),
    "Adam": optimizer_case(lambda ps: optim.Adam(ps, lr=0.1, amsgrad=True)),
    "AdamW": optimizer_case(lambda ps: optim.AdamW(ps, lr=0.1)),
    "RMSprop": optimizer_case(lambda ps: optim.RMSprop(ps, lr=0.1, momentum=0.5, centered=True)),
    "Adagrad": optimizer_case(lambda ps: optim.Adagrad(ps, lr=0.1)),
    "NAdam": optimizer_case(lambda ps: optim.NAdam(ps, lr=0.1)),
    "RAdam": optimizer_case(lambda ps: optim.RAdam(ps, lr=0.1)),
    "Adamax": optimizer_case(lambda ps: optim.Adamax(ps, lr=0.1)),
    "Adadelta": optimizer_case(optim.Adadelta),
    "Rprop": optimizer_case(optim.Rprop),
    "ASGD": optimizer_case(optim.ASGD),
    "Adafactor": optimizer_case(lambda ps: optim.Adafactor(ps, eps=(1e-8, 1e-3))),
    "StepLR": schedule_case(lambda o: schedules.StepLR(o, 2)),
    "MultiStepLR": schedule_case(lambda o: schedules.MultiStepLR(o, [1, 1, 3])),
    "ConstantLR": schedule_case(schedules.ConstantLR),
    "LinearLR": schedule_case(schedules.LinearLR),
    "ExponentialLR": schedule_case(lambda o: schedules.ExponentialLR(o, 0.9)),
    "CosineAnnealingLR": schedule_case(lambda o: schedules.CosineAnnealingLR(o, 5)),
    "PolynomialLR": schedule_case(schedules.PolynomialLR),
    "MultiplicativeLR": schedule_case(lambda o: schedules.MultiplicativeLR(o, Power())),
    "CosineAnnealingWarmRestarts": schedule_case(
        lambda o: schedules.CosineAnnealingWarmRestarts(o, 2, 2)
    ),
    "CyclicLR": schedule_case(lambda o: schedules.CyclicLR(o, 0.1, 0.2, 3)),
    "CyclicLR-object": schedule_case(
        lambda o: schedules.CyclicLR(o, 0.1, 0.2, 3, scale_fn=Power(), cycle_momentum=False)
    ),
    "OneCycleLR": schedule_case(lambda o: schedules.OneCycleLR(o, 0.2, 200, three_phase=True)),
    "SWALR": schedule_case(lambda o: optim.swa_utils.SWALR(o, 0.05)),
    "ChainedScheduler": schedule_case(
        lambda o: schedules.ChainedScheduler(
            [schedules.StepLR(o, 2), schedules.ExponentialLR(o, 0.9)]
        )
    ),
    "LambdaLR": schedule_case(lambda o: schedules.LambdaLR(o, Power())),
    "LambdaLR-function": schedule_case(lambda o: schedules.LambdaLR(o, lambda t: 1.0)),
    "ReduceLROnPlateau": schedule_case(lambda o: schedules.ReduceLROnPlateau(o, patience=1)),
    "SequentialLR": schedule_case(sequence),
    "GradScaler": scaler_case(True),
    "GradScaler-new": scaler_case(False),
    "Generator": generator_case,
    "ImageDataset": images_case,
    "DataLoader": loader_case,
    "DataLoader-sampler": follower_case,
    "BlockSampler": sampler_case(lambda: BlockSampler(range(9), 2, 2, num_replicas=2, rank=1)),
    "DistributedSampler": sampler_case(lambda: DistributedSampler(range(9), 2, 1)),
    "Module": module_case,
}


def frozen(value: Any) -> Any:
    """A state as something that can be compared, bit for bit and kind for kind."""
    if isinstance(value, torch.Tensor):
        return "tensor", value.dtype.name, tuple(value.shape), value.detach().numpy().tobytes()
    if isinstance(value, np.ndarray):
        return "array", value.dtype.name, value.tobytes()
    if isinstance(value, dict):
        return [(repr(k), frozen(v)) for k, v in value.items()]
    if isinstance(value, list | tuple):
        return [frozen(v) for v in value]
    return repr(value)


def copied(value: Any) -> Any:
    """A copy with its tensors apart from what they were tensors of."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, Counter):
        return Counter(value)
    if isinstance(value, dict):
        return {k: copied(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(copied(v) for v in value)
    return copy.deepcopy(value)
