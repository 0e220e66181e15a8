"""A saved state is taken whole or not at all, by everything that has one.

Each state is damaged in every place and in many ways. Whoever loads it either says no, and has
then changed nothing, or says yes, and can then go on and save a state of the same form.
"""

from __future__ import annotations

import copy
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import nn, optim
from tinygrad_lite.amp import GradScaler
from tinygrad_lite.backend.states import number
from tinygrad_lite.data import BlockSampler, DistributedSampler, ImageDataset
from tinygrad_lite.optim import lr_scheduler as schedules

REFUSALS = (TypeError, KeyError, ValueError, RuntimeError)


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
    return Case(made, go_on, made.set_state, made.get_state)


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


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of a state."""
    yield path
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list | tuple) else items
    for key, inner in items:
        yield from places(inner, (*path, key))


def changed(value: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    """A state with one part changed."""
    if not path:
        return change(value)
    parts = dict(value) if isinstance(value, dict) else list(value)
    parts[path[0]] = changed(parts[path[0]], path[1:], change)
    return tuple(parts) if isinstance(value, tuple) else parts


def without_first(value: Any) -> Any:
    if isinstance(value, dict):
        return dict(list(value.items())[1:])
    return value[1:] if isinstance(value, list | tuple) or getattr(value, "ndim", 0) else None


def with_one_more(value: Any) -> Any:
    if isinstance(value, dict):
        return {**value, "step": 5}
    return [*value, *value[:1]] if isinstance(value, list | tuple) and len(value) else "more"


ODD: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda _: None,
    "text": lambda _: "a text",
    "list": lambda _: [1, "a"],
    "dict": lambda _: {"step": 5},
    "keys": lambda _: {1: 2, (3,): 4},
    "true": lambda _: True,
    "nan": lambda _: math.nan,
    "infinity": lambda _: math.inf,
    "below": lambda _: -math.inf,
    "negative": lambda _: -3,
    "huge": lambda _: 10**400,
    "large": lambda _: 2**70,
    "half": lambda _: 0.5,
    "zero": lambda _: 0,
    "complex": lambda _: 1j,
    "function": lambda _: len,
    "array": lambda _: np.arange(3.0),
    "tensor": lambda _: torch.ones(5),
    "integers": lambda _: torch.tensor([[1, 2]]),
    "tensor-of-nan": lambda _: torch.tensor(math.nan),
    "shorter": without_first,
    "longer": with_one_more,
}


@pytest.mark.parametrize("name", CASES)
def test_a_damaged_state_is_refused_or_whole(name: str) -> None:
    case = CASES[name]()
    good = copied(case.read())
    taken = refused = 0
    for path in places(good):
        for kind, change in ODD.items():
            before = frozen(case.read())
            damaged = changed(copied(good), path, change)
            try:
                case.load(damaged)
            except REFUSALS:
                refused += 1
                assert frozen(case.read()) == before, (path, kind)
                continue
            except Exception as error:
                pytest.fail(f"{path}, {kind}: {error!r}")
            taken += 1
            case.go_on()
            assert shape_of(case.read()) == shape_of(good), (path, kind)
            case.load(copied(good))
    assert refused > 3 * taken, (refused, taken)


def shape_of(value: Any) -> Any:
    """The form of a state: its keys and the kinds of its numbers."""
    if isinstance(value, Counter):
        return "counter"
    if isinstance(value, dict):
        return {
            key: shape_of(v)
            for key, v in value.items()
            if key not in ("foreign", "step", "order", "foreach", "fused")
        }
    if isinstance(value, list | tuple):
        return [shape_of(v) for v in value]
    if isinstance(value, torch.Tensor):
        return value.dtype.name, tuple(value.shape)
    return "number" if isinstance(value, int | float) else type(value).__name__


@pytest.mark.parametrize("name", CASES)
def test_several_damages_at_once_leave_nothing_half_loaded(name: str) -> None:
    """As `test_a_damaged_state…`, where a later part is wrong and an earlier one is only other."""
    rng = random.Random(5)
    case = CASES[name]()
    early = copied(case.read())
    for _ in range(3):
        case.go_on()
    before = frozen(case.read())
    ways = [path for path in places(early) if path]
    for _ in range(150):
        damaged = copied(early)
        for path in rng.sample(ways, min(2, len(ways))):
            change = ODD[rng.choice(sorted(ODD))]
            try:
                damaged = changed(damaged, path, change)
            except (KeyError, IndexError, TypeError):
                continue  # the place is gone with what was changed before
        try:
            case.load(damaged)
        except REFUSALS:
            assert frozen(case.read()) == before
        else:
            case.go_on()
            case = CASES[name]()
            for _ in range(3):
                case.go_on()
            before = frozen(case.read())


@pytest.mark.parametrize("name", CASES)
def test_what_is_no_state_is_refused(name: str) -> None:
    for value in (None, [], "text", 3, {}, {"a": 1}, {1: 2}):
        case = CASES[name]()
        before = frozen(case.read())
        with pytest.raises(REFUSALS):
            case.load(value)
        assert frozen(case.read()) == before, value


@pytest.mark.parametrize("name", CASES)
def test_a_state_is_taken_again_and_is_a_copy(name: str) -> None:
    case, other = CASES[name](), CASES[name]()
    case.go_on()
    saved = copied(case.read())
    other.load(saved)
    assert frozen(other.read()) == frozen(saved)
    kept = frozen(saved)
    other.go_on()
    assert frozen(saved) == kept
    assert frozen(other.read()) != kept or name in ("ConstantLR", "Module")


# --- what the sweep above has no words for ---


def test_a_state_cannot_replace_a_method() -> None:
    scheduler = schedules.StepLR(optim.SGD(params(), lr=0.1), 2)
    for key in ("step", "get_lr", "optimizer", "anything"):
        with pytest.raises(ValueError, match=f"has '{key}', which is no part of it"):
            scheduler.load_state_dict({**scheduler.state_dict(), key: 5})
    with pytest.raises(KeyError, match="lacks 'step_size'"):
        scheduler.load_state_dict({"last_epoch": 5})
    assert callable(scheduler.step)


def test_pytorchs_own_entries_are_passed_over() -> None:
    scheduler = schedules.StepLR(optim.SGD(params(), lr=0.1), 2)
    foreign = {"verbose": False, "_get_lr_called_within_step": False}
    scheduler.load_state_dict({**scheduler.state_dict(), **foreign, "last_epoch": 7})
    assert scheduler.last_epoch == 7
    assert "verbose" not in scheduler.state_dict()


def test_a_truth_value_is_no_number() -> None:
    with pytest.raises(TypeError, match="SGD: lr must be a number"):
        number("SGD", "lr", True)


def test_numbers_of_another_kind_are_numbers() -> None:
    """An option that was an integer here may have been a fraction where the state was saved."""
    make = lambda low: schedules.CosineAnnealingLR(optim.SGD(params(), lr=1), 5, low)  # noqa: E731
    scheduler = make(0)
    scheduler.load_state_dict(make(0.01).state_dict())
    assert scheduler.eta_min == 0.01
    scaler = GradScaler("cpu")
    scaler.load_state_dict({**scaler.state_dict(), "scale": np.float32(8), "growth_factor": 3})
    assert (scaler.get_scale(), scaler.get_growth_factor()) == (8.0, 3)


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
        (lambda s: s["state"][1].update(exp_avg=torch.ones(3).long()), TypeError, "is torch.int64"),
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
        (lambda s: s["param_groups"][0].update(initial_lr="x"), TypeError, "initial_lr'] must be"),
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


def test_a_module_takes_no_infinite_counts() -> None:
    norm = nn.BatchNorm1d(2)
    for value in (math.nan, math.inf):
        state = {**norm.state_dict(), "num_batches_tracked": torch.tensor(value)}
        with pytest.raises(
            RuntimeError, match=r"num_batches_tracked is torch\.int64, but the value"
        ):
            norm.load_state_dict(state)
    norm.load_state_dict({**norm.state_dict(), "num_batches_tracked": torch.tensor(3.0)})
    assert norm.num_batches_tracked is not None
    assert norm.num_batches_tracked.item() == 3


def test_a_state_may_lack_num_batches_tracked_as_in_pytorch() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    model(torch.ones(3, 2))
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    other = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    found = other.load_state_dict(state)
    assert found.missing_keys == []
    assert other[1].running_mean.tolist() == model[1].running_mean.tolist()
    assert other[1].num_batches_tracked.item() == 0
    del state["1.running_mean"]
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "1.running_mean"\.'):
        other.load_state_dict(state)


def test_what_is_a_number_to_python_but_not_to_an_option() -> None:
    parameter = torch.zeros(2).requires_grad_()
    optimizer = torch.optim.SGD([parameter], lr=0.5)
    for value in (True, np.bool_(True), math.nan, math.inf):
        state = optimizer.state_dict()
        state["param_groups"][0]["lr"] = value
        with pytest.raises((TypeError, ValueError)):
            optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_an_order_has_every_sample_once() -> None:
    loader = torch.utils.data.DataLoader(list(range(4)), shuffle=True, seed=0)
    next(iter(loader))
    for order in ([0, 1, 2, 2], [0, 1, 2, 4], [-1, 0, 1, 2]):
        state = loader.state_dict()
        state["order"] = np.array(order)
        with pytest.raises(ValueError, match="order is not a permutation"):
            loader.load_state_dict(state)
