"""Memory that processes share, and the name torch in processes that a program spawns."""

from __future__ import annotations

import pickle
import subprocess
import sys
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import tinygrad_lite as tg
from tinygrad_lite import multiprocessing, nn
from tinygrad_lite.backend import shared

PROGRAM = """
import torch
import torch.multiprocessing as mp

def train(model, queue):
    with torch.no_grad():
        model.weight.fill_(5.0)
    queue.put(torch.ones(2) * model.weight.sum())

if __name__ == "__main__":
    mp.set_start_method("spawn")
    model = torch.nn.Linear(2, 1)
    model.share_memory()
    queue = mp.Queue()
    process = mp.Process(target=train, args=(model, queue))
    process.start()
    print(queue.get(timeout=60).tolist())
    process.join()
    print(process.exitcode, model.weight.tolist(), torch.__name__)
"""


def test_a_spawned_process_trains_the_same_model(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "tinygrad_lite", "run", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[10.0, 10.0]", "0 [[5.0, 5.0]] tinygrad_lite"]


def test_what_is_shared_and_goes_away() -> None:
    module = nn.Linear(3, 2)  # its weight lies transposed
    before = module.weight.tolist()
    assert module.share_memory() is module
    assert module.weight.is_shared()
    assert module.weight.tolist() == before
    assert not tg.ones(1).is_shared()
    path = Path(shared.place_of(module.weight.array)[0])  # type: ignore[index]
    assert path.exists()
    same = pickle.loads(bytes(ForkingPickler.dumps(module.weight)))
    assert isinstance(same, nn.Parameter)
    assert same.requires_grad
    with tg.no_grad():
        same[0, 1] = 7.0
    assert module.weight[0, 1].item() == 7
    assert same.is_shared()
    array = module.weight.array
    assert module.weight.share_memory_().array is array  # it is there already
    del module, same, array
    assert not path.exists()


def test_others_are_copied() -> None:
    x = tg.ones(2)
    copy = pickle.loads(bytes(ForkingPickler.dumps(x)))
    copy.add_(1)
    assert x.tolist() == [1, 1]
    assert multiprocessing.get_sharing_strategy() in multiprocessing.get_all_sharing_strategies()
    assert tg.ones(0).share_memory_().shape == (0,)
