"""Loaders over data sets in files: they go on inside a pass, and train as from memory."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests.data.shards import T, X
from tests.examples.test_mlp import ROOT
from tinygrad_lite.data import BlockSampler, DistributedSampler, ShardDataset, ShardWriter
from tinygrad_lite.utils.data import DataLoader, TensorDataset


def loader(folder: Path, **words: Any) -> DataLoader:
    data = ShardDataset(folder, cached_blocks=4)
    return DataLoader(data, 6, sampler=BlockSampler(data, buffer_blocks=3, seed=5), **words)


def as_lists(batches: Any) -> list[Any]:
    return [[part.tolist() for part in batch] for batch in batches]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("given_", [0, 3, 9])
def test_goes_on_inside_a_pass(folder: Path, workers: int, given_: int) -> None:
    """In the second of three passes, after some batches of nine."""
    whole = loader(folder, num_workers=workers)
    first = as_lists(whole)
    walk = iter(whole)
    for _ in range(given_):
        next(walk)
    state = pickle.loads(pickle.dumps(whole.state_dict()))
    wanted = as_lists(walk), as_lists(whole), as_lists(whole)
    assert first != wanted[1] != wanted[2]

    other = loader(folder, num_workers=workers)
    next(iter(other))
    other.load_state_dict(state)
    assert other.state_dict() == state
    assert (as_lists(other), as_lists(other), as_lists(other)) == wanted
    assert len(wanted[0]) == 9 - given_
    assert sorted(t for batch in wanted[1] for t in batch[1]) == T.tolist()


def test_between_passes(folder: Path) -> None:
    whole = loader(folder)
    as_lists(whole)
    state = whole.state_dict()
    assert state == {"sampler": whole.sampler.state_dict(), "given": 0}  # type: ignore[union-attr]
    wanted = as_lists(whole)
    other = loader(folder)
    other.load_state_dict(state)
    assert as_lists(other) == wanted


def test_states_of_something_else_change_nothing(folder: Path) -> None:
    whole = loader(folder)
    next(iter(whole))
    before = whole.state_dict()
    sampler = before["sampler"]
    for state in (
        {"given": 0},
        before | {"given": 10},
        before | {"given": None},
        before | {"sampler": None},
        *(before | {"sampler": sampler | {key: 1}} for key in
          ("samples", "block_size", "buffer_blocks", "unknown")),
        *(before | {"sampler": sampler | {key: "1"}} for key in sampler),
        before | {"sampler": sampler | {"epoch": -1}},
        before | {"sampler": sampler | {"num_replicas": 2}},
    ):  # fmt: skip
        with pytest.raises((TypeError, KeyError, ValueError)):
            whole.load_state_dict(state)
        assert whole.state_dict() == before


def test_a_distributed_sampler_has_a_place_as_well(folder: Path) -> None:
    def made(rank: int, seed: int) -> DataLoader:
        data = ShardDataset(folder)
        sampler = DistributedSampler(data, num_replicas=2, rank=rank, seed=seed)
        return DataLoader(data, 4, sampler=sampler)

    whole = made(0, 3)
    whole.sampler.set_epoch(2)  # type: ignore[union-attr]
    walk = iter(whole)
    next(walk), next(walk)
    state = whole.state_dict()
    wanted = as_lists(walk)
    other = made(0, 9)
    other.load_state_dict(state)
    assert as_lists(other) == wanted
    assert len(wanted) == 5
    second = made(1, 9)  # the first rank's state, as of a checkpoint
    second.load_state_dict(state)
    theirs = as_lists(second)
    assert not {str(b) for b in theirs} & {str(b) for b in wanted}
    with pytest.raises(ValueError, match="num_replicas=3, but here it is 2"):
        other.load_state_dict(state | {"sampler": state["sampler"] | {"num_replicas": 3}})


def test_trains_to_the_bit_as_from_memory(folder: Path) -> None:
    def trained(data: Any) -> list[Any]:
        torch.manual_seed(0)
        model = torch.nn.Linear(6, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
        sampler = BlockSampler(data, 4, 2, seed=1)
        for _ in range(3):
            for x, t in DataLoader(data, 8, sampler=sampler):
                loss = ((model(x.flatten(1))[:, 0] - t.float()) ** 2).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return [p.tolist() for p in model.parameters()]

    memory = TensorDataset(torch.from_numpy(X), torch.from_numpy(T))
    assert trained(ShardDataset(folder, cached_blocks=3)) == trained(memory)


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
import tinygrad_lite as torch
from tinygrad_lite import data
from tinygrad_lite.utils.data import DataLoader

model = torch.nn.Linear(3072, 10)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)

def step(x, t):
    loss = torch.nn.functional.cross_entropy(model(x.flatten(1).float() / 255), t)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()

step(torch.zeros(128, 3072), torch.zeros(128, dtype=torch.int64))  # threads and workspaces
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
most = used + (40 << 20)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
if sys.argv[2] == "memory":
    np.concatenate([np.load(p) for p in sorted(Path(sys.argv[1]).glob("*.0.npy"))])
shards = data.ShardDataset(sys.argv[1], cached_blocks=16)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sampler = data.BlockSampler(shards, buffer_blocks=8)
losses = [step(x, t) for x, t in DataLoader(shards, 128, sampler=sampler)]
print(len(losses), losses[0], np.mean(losses[-50:]))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory is not limited so")
def test_a_set_larger_than_memory_trains(tmp_path: Path) -> None:
    """123 MB of samples, 40 MB for the process beside what Python and NumPy take."""
    rng = np.random.default_rng(0)
    shades = rng.integers(0, 200, (10, 3, 32, 32), np.uint8)
    with ShardWriter(tmp_path / "set") as writer:
        for _ in range(20):
            labels = rng.integers(0, 10, 2000)
            writer.write(shades[labels] + rng.integers(0, 50, (2000, 3, 32, 32), np.uint8), labels)

    def run(how: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", LIMITED, str(tmp_path / "set"), how],
            env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
            timeout=120,
        )  # fmt: skip

    done = run("files")
    assert done.returncode == 0, done.stderr
    line, megabytes = done.stdout.splitlines()
    steps, first, last = line.split()
    assert steps == "313"
    assert float(last) < 0.5 * float(first)
    assert int(megabytes) < 40
    in_memory = run("memory")
    assert "MemoryError" in in_memory.stderr, "the limit holds"
