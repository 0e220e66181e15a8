"""The state of a generator is a tensor of bytes, as in PyTorch; dicts of older files load too."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

import tinygrad_lite as tg


def test_a_state_is_bytes_that_programs_keep_and_move(tmp_path: Path) -> None:
    tg.manual_seed(5)
    tg.rand(3)
    state = tg.get_rng_state()
    assert (state.dtype, state.device.type, state.shape) == (tg.uint8, "cpu", (56,))
    tg.save({"rng": state, "epoch": 3}, tmp_path / "run.npz")
    wanted = tg.rand(4).tolist()
    kept = tg.load(tmp_path / "run.npz")["rng"]
    for given in (state, kept, kept.cpu(), state.type(tg.ByteTensor), copy.deepcopy(state)):
        tg.manual_seed(99)
        tg.set_rng_state(given)
        assert (tg.rand(4).tolist(), tg.initial_seed()) == (wanted, 5)


def test_generators_take_each_others_states() -> None:
    first, second = tg.Generator(1), tg.Generator(2)
    tg.rand(3, generator=first, dtype=tg.float32)
    tg.randint(0, 9, (1,), generator=first)  # half of a draw is left over
    assert second.set_state(first.get_state()) is second
    assert second.initial_seed() == 1
    assert tg.randint(0, 9, (7,), generator=second).equal(tg.randint(0, 9, (7,), generator=first))


def test_a_dict_as_older_versions_kept_it() -> None:
    made = tg.Generator(3)
    state = made.state
    wanted = tg.rand(3, generator=made).tolist()
    assert isinstance(state, dict)
    assert tg.rand(3, generator=tg.Generator(8).set_state(state)).tolist() == wanted


@pytest.mark.parametrize(
    ("damaged", "error", "message"),
    [
        (lambda s: None, TypeError, "ByteTensor"),
        (lambda s: s.float(), TypeError, "ByteTensor"),
        (lambda s: s[:40], RuntimeError, "56 bytes"),
        (lambda s: tg.zeros(5056, dtype=tg.uint8), RuntimeError, "another generator"),
        (lambda s: s.reshape(7, 8), RuntimeError, "56 bytes"),
        (lambda s: s.index_fill(0, tg.tensor([32]), 2), RuntimeError, "inc must be odd"),
        (lambda s: s.index_fill(0, tg.tensor([48]), 2), RuntimeError, "has_uint32"),
        (lambda s: s.index_fill(0, tg.tensor([0]), 2), RuntimeError, "another generator"),
    ],
)
def test_what_is_no_state_changes_nothing(damaged: Any, error: Any, message: str) -> None:
    made = tg.Generator(3)
    before = made.get_state()
    with pytest.raises(error, match=message):
        made.set_state(damaged(before))
    assert made.get_state().equal(before)


@pytest.mark.parametrize("device", ["meta", "cuda", tg.device("meta")])
def test_a_generator_is_for_a_device_that_draws(device: object) -> None:
    if tg.device(device).type == "cuda" and tg.cuda.is_available():
        assert tg.Generator(device).device.type == "cuda"
        return
    with pytest.raises(RuntimeError):
        tg.Generator(device=device)
