"""A saved state is taken whole or not at all, by everything that has one.

Each state is damaged in every place and in many ways. Whoever loads it either says no, and has
then changed nothing, or says yes, and can then go on and save a state of the same form.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests.states import CASES, copied, frozen, params
from tinygrad_lite import nn, optim
from tinygrad_lite.amp import GradScaler
from tinygrad_lite.backend.states import number
from tinygrad_lite.optim import lr_scheduler as schedules

REFUSALS = (TypeError, KeyError, ValueError, RuntimeError)


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
