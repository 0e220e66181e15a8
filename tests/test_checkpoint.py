"""save_checkpoint and load_checkpoint: all of a run, or nothing of it."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite import nn, optim
from tinygrad_lite.amp import GradScaler
from tinygrad_lite.data import DataLoader, TensorDataset
from tinygrad_lite.nn import functional as F


class Training:
    """Everything that has a state: dropout, momentum, a schedule, a scaler, two generators."""

    def __init__(self) -> None:
        self.model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5),
                                   nn.Linear(6, 3))  # fmt: skip
        self.optimizer = optim.Adam(self.model.parameters(), lr=0.01)
        self.schedule = optim.lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=9)
        self.scaler = GradScaler("cpu", init_scale=64.0, growth_interval=3)
        self.noise = torch.Generator(5)
        x = torch.from_numpy(np.random.default_rng(0).standard_normal((22, 4)).astype(np.float32))
        labels = torch.from_numpy(np.arange(22) % 3)
        self.loader = DataLoader(TensorDataset(x, labels), batch_size=4, shuffle=True, seed=1)
        self.losses: list[float] = []

    def parts(self) -> dict[str, Any]:
        named = {k: v for k, v in vars(self).items() if k != "losses"}
        return {**named, "losses": self.losses}

    def steps(self, count: int, path: Path | None = None, at: int = -1) -> None:
        """Train over several epochs of 6 batches; save after step `at`."""
        while True:
            for x, t in self.loader:
                x = x + 0.1 * torch.randn(x.shape, generator=self.noise)
                self.optimizer.zero_grad()
                loss = F.cross_entropy(self.model(x), t)
                self.scaler.scale(loss).backward()
                self.scaler.step(self.optimizer)
                self.scaler.update()
                self.schedule.step()
                self.losses.append(loss.item())
                if len(self.losses) == at and path is not None:
                    torch.save_checkpoint(path, self.parts())
                if len(self.losses) == count:
                    return


@pytest.mark.parametrize("at", [1, 4, 6, 11, 12])
def test_a_resumed_run_is_the_run(tmp_path: Path, at: int) -> None:
    """In the middle of an epoch, at its end, and after a second one."""
    whole = Training()
    whole.steps(20, tmp_path / "c.npz", at)
    torch.manual_seed(77)
    part = Training()
    for parameter in part.model.parameters():
        parameter.data.fill_(3.0)
    found = torch.load_checkpoint(tmp_path / "c.npz", part.parts())
    assert found == {"losses": whole.losses[:at], "threads": torch.get_num_threads()}
    part.losses = found["losses"]
    part.steps(20)
    assert part.losses == whole.losses
    for name, value in whole.model.state_dict().items():
        assert value.numpy().tobytes() == part.model.state_dict()[name].numpy().tobytes()
    assert part.noise.state == whole.noise.state


def test_the_one_before_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "run.v1.npz"
    before = torch.previous_checkpoint(path)
    assert before == tmp_path / "run.v1-previous.npz"
    for step in range(3):
        torch.save_checkpoint(path, {"step": step})
        assert torch.load_checkpoint(path)["step"] == step
        assert before.exists() == (step > 0)
        assert step == 0 or torch.load(before)["step"] == step - 1
    torch.save_checkpoint(path, {"step": 9}, keep_previous=False)
    assert torch.load(before)["step"] == 1
    assert sorted(tmp_path.iterdir()) == [before, path]


def test_what_killed_writers_left_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    for name in (".run.npz.abc", ".run.npz.previous", ".other.npz.abc"):
        (tmp_path / name).write_bytes(b"half")
    torch.save_checkpoint(path, {"step": 1})
    assert sorted(p.name for p in tmp_path.iterdir()) == [".other.npz.abc", "run.npz"]


@pytest.mark.parametrize("damage", ["model", "optimizer", "schedule", "scaler", "noise", "loader",
                                    "random"])  # fmt: skip
def test_nothing_is_half_loaded(tmp_path: Path, damage: str) -> None:
    """Whichever part refuses its state, all are as they were."""
    saved = Training()
    saved.steps(5)
    torch.save_checkpoint(tmp_path / "c.npz", saved.parts())
    state = torch.load(tmp_path / "c.npz")
    state[damage] = None if damage == "schedule" else {}
    torch.save(state, tmp_path / "c.npz")

    run = Training()
    run.steps(2)
    parts = run.parts()
    torch.save_checkpoint(tmp_path / "before.npz", parts)
    message = rf"c\.npz does not fit '{damage}'"
    with pytest.raises(ValueError, match=message):
        torch.load_checkpoint(tmp_path / "c.npz", parts)
    torch.save_checkpoint(tmp_path / "after.npz", parts)
    before, after = (tmp_path / f"{name}.npz" for name in ("before", "after"))
    assert before.read_bytes() == after.read_bytes()


def test_refusals(tmp_path: Path) -> None:
    path, model = tmp_path / "c.npz", nn.Linear(2, 2)
    with pytest.raises(ValueError, match="'random' is an entry of ours"):
        torch.save_checkpoint(path, {"random": 1})
    torch.save(model.state_dict(), path)
    with pytest.raises(ValueError, match=r"c\.npz was not written by save_checkpoint"):
        torch.load_checkpoint(path, {"model": model})
    torch.save_checkpoint(path, {"step": 1})
    with pytest.raises(ValueError, match=r"c\.npz has no 'model'; it has step, random, threads"):
        torch.load_checkpoint(path, {"model": model})
    with pytest.raises(FileNotFoundError):
        torch.load_checkpoint(tmp_path / "none.npz")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"c\.npz is not a whole checkpoint"):
        torch.load_checkpoint(path)


def test_another_number_of_threads_is_told(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.save_checkpoint(tmp_path / "c.npz", {"step": 1})
    try:
        torch.set_num_threads(threads + 1)
        told = re.escape(f"was saved at {threads} threads, and now there are {threads + 1}")
        with pytest.warns(UserWarning, match=told):
            torch.load_checkpoint(tmp_path / "c.npz")
    finally:
        torch.set_num_threads(threads)


FILL = """
import resource, sys
import tinygrad_lite as torch
path, small = sys.argv[1], {"w": torch.zeros(10)}
torch.save_checkpoint(path, small | {"step": 1})
torch.save_checkpoint(path, small | {"step": 2})
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # as a full disk: writes fail
try:
    torch.save_checkpoint(path, {"w": torch.zeros(100_000), "step": 3})
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on files here")
def test_a_write_that_fails_leaves_both(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    words = [sys.executable, "-c", FILL, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=os.environ)
    assert "large" in done.stdout
    assert torch.load(path)["step"] == 2
    assert torch.load(torch.previous_checkpoint(path))["step"] == 1
    assert len(list(tmp_path.iterdir())) == 2


def test_a_part_that_draws_and_then_refuses_leaves_the_generator_as_it_was(tmp_path: Path) -> None:
    class Part:
        refuses = False

        def state_dict(self) -> dict[str, int]:
            return {"a": 1}

        def load_state_dict(self, state: dict[str, int]) -> None:
            torch.rand(3)
            if self.refuses:
                self.refuses = False  # it takes its own state back
                raise ValueError("no")

    part = Part()
    torch.save_checkpoint(tmp_path / "run.npz", {"part": part})
    torch.manual_seed(5)
    expected = torch.rand(2).tolist()
    torch.manual_seed(5)
    part.refuses = True
    with pytest.raises(ValueError, match="does not fit 'part': no"):
        torch.load_checkpoint(tmp_path / "run.npz", {"part": part})
    assert torch.rand(2).tolist() == expected
