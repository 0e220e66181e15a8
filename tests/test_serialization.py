"""Checkpoints: what goes in comes out, and a file is whole or not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import nn, optim


def same(a: Any, b: Any) -> bool:
    """Equal in value, type and, for tensors, dtype and memory order."""
    if isinstance(a, torch.Tensor):
        x, y = a.numpy(), b.numpy()
        laid = x.size == 0 or x.strides == y.strides
        return laid and x.dtype == y.dtype and np.array_equal(x, y)
    if isinstance(a, np.ndarray):
        return type(b) is np.ndarray and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def test_round_trip(tmp_path: Path) -> None:
    value = {
        "weight": torch.from_numpy(np.asfortranarray(np.arange(6.0).reshape(2, 3))),
        "label": torch.tensor([1, 2]),
        "mask": torch.tensor(True),
        "empty": torch.zeros(0, 3),
        "array": np.arange(3, dtype=np.uint8),
        "nested": [
            1,
            2.5,
            None,
            "text",
            (True, 2**100),
            {"a/b": torch.ones(1), 3: [torch.ones(2)]},
        ],
        "structure": torch.ones(1),
    }
    torch.save(value, tmp_path / "c.npz")
    assert same(value, torch.load(tmp_path / "c.npz"))


@pytest.mark.parametrize("value", [torch.tensor([1.5]), [], {}, 3, None, (torch.zeros(2),)])
def test_round_trip_of_small_things(tmp_path: Path, value: Any) -> None:
    torch.save(value, tmp_path / "c.npz")
    assert same(value, torch.load(tmp_path / "c.npz"))


def test_a_state_dict_is_readable_without_this_library(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 2))
    torch.save({"model": model.state_dict()}, tmp_path / "c.npz")
    with np.load(tmp_path / "c.npz") as archive:
        np.testing.assert_array_equal(archive["model/0.weight"], model[0].weight.detach().numpy())


def train(model: nn.Module, optimizer: optim.Optimizer, steps: range) -> None:
    for step in steps:
        x = torch.randn(8, 5, generator=torch.Generator(step))
        optimizer.zero_grad()
        (model(x) ** 2).mean().backward()
        optimizer.step()


def test_resumed_training_equals_uninterrupted_training_bit_for_bit(tmp_path: Path) -> None:
    def make() -> tuple[nn.Module, optim.Optimizer]:
        torch.manual_seed(3)
        model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Dropout(0.3), nn.Linear(7, 2))
        return model, optim.Adam(model.parameters(), lr=0.1)

    model, optimizer = make()
    train(model, optimizer, range(5))
    state = {"m": model.state_dict(), "o": optimizer.state_dict(), "r": torch.get_rng_state()}
    torch.save(state, tmp_path / "c.npz")
    train(model, optimizer, range(5, 9))

    other, other_optimizer = make()
    torch.manual_seed(99)
    state = torch.load(tmp_path / "c.npz")
    other.load_state_dict(state["m"])
    other_optimizer.load_state_dict(state["o"])
    torch.set_rng_state(state["r"])
    train(other, other_optimizer, range(5, 9))
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        assert np.array_equal(a.detach().numpy(), b.detach().numpy())


def test_an_unknown_type_is_named_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"can't store a set \(at 'a/1'\)"):
        torch.save({"a": [1, {2}]}, tmp_path / "c.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        torch.load(tmp_path / "none.npz")


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_truncated_file_is_named(tmp_path: Path, keep: float) -> None:
    path = tmp_path / "c.npz"
    torch.save({"w": torch.randn(50, 50)}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if keep < 1 else int(keep)])
    with pytest.raises(ValueError, match=r"c\.npz is not a whole checkpoint"):
        torch.load(path)


def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    torch.save({"w": torch.randn(50, 50)}, path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"c\.npz"):
        torch.load(path)


def test_another_npz_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "c.npz", a=np.ones(2))
    with pytest.raises(ValueError, match=r"c\.npz"):
        torch.load(tmp_path / "c.npz")


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "c.npz", structure=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match=r"c\.npz"):
        torch.load(tmp_path / "c.npz")


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    torch.save({"n": 1}, path)
    with pytest.raises(TypeError):
        torch.save({"n": object()}, path)
    assert torch.load(path) == {"n": 1}
    assert list(tmp_path.iterdir()) == [path]


SAVER = """
import sys
import tinygrad_lite as torch
w = torch.ones(1000, 1000)
print("go", flush=True)
while True:
    for n in (1.0, 2.0):
        torch.save({"w": w * n, "n": n}, sys.argv[1])
"""


def test_a_killed_process_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    for delay in (0.15, 0.21, 0.33):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVER, str(path)], stdout=subprocess.PIPE, env=dict(os.environ)
        )
        assert process.stdout is not None
        process.stdout.readline()
        while not path.exists():
            time.sleep(0.01)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        state = torch.load(path)
        assert (state["w"] == state["n"]).all()


NAMES = ["file", "allow_pickle", "a.npy", "structure", "nul\0", "new\nline", "ü", ".npy", "a/../b"]


def test_any_name_can_be_a_key(tmp_path: Path) -> None:
    value = {name: torch.full((2,), float(i)) for i, name in enumerate([*NAMES, "a"])}
    torch.save(value, tmp_path / "c.npz")
    assert same(value, torch.load(tmp_path / "c.npz"))


def test_an_array_of_objects_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"array of objects \(at 'a'\)"):
        torch.save({"a": np.array([{}], dtype=object)}, tmp_path / "c.npz")


def test_any_flipped_bit_is_a_value_error_or_harmless(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    value = {"w": torch.ones(3)}
    torch.save(value, path)
    whole = path.read_bytes()
    for i in range(len(whole)):
        for bit in (0, 3, 7):
            data = bytearray(whole)
            data[i] ^= 1 << bit
            path.write_bytes(data)
            message = "c.npz"
            try:
                found = torch.load(path)
            except ValueError as error:
                message = str(error)
            else:
                assert same(value, found)
            assert "c.npz" in message


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_permissions_are_those_of_any_new_file_or_of_the_old_one(tmp_path: Path) -> None:
    path, plain = tmp_path / "c.npz", tmp_path / "plain"
    plain.write_text("")
    torch.save({}, path)
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o640)
    torch.save({}, path)
    assert path.stat().st_mode & 0o777 == 0o640


def test_pytorchs_arguments(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(2)}, tmp_path / "c.npz")
    state = torch.load(tmp_path / "c.npz", map_location="cpu", weights_only=True)
    assert state["w"].tolist() == [1, 1]
