"""Loaders with worker processes: the same batches, errors with tracebacks, no process left."""

from __future__ import annotations

import multiprocessing
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info


class Squares(Dataset[tuple[torch.Tensor, int]]):
    """Samples (i, i²) with a float tensor; what goes wrong, if anything, is the kind's."""

    def __init__(self, wrong: str = "") -> None:
        self.wrong = wrong

    def __len__(self) -> int:
        return 23

    def __getitem__(self, index: int) -> Any:
        if index == 13 and self.wrong == "raise":
            raise KeyError("thirteen")
        if index == 13 and self.wrong == "own":
            raise Own(1, 2)
        if index == 13 and self.wrong == "die":
            os._exit(7)
        if self.wrong == "sleep":
            time.sleep(60)
        if self.wrong == "lambda":
            return lambda: 1
        if self.wrong == "info":
            info = get_worker_info()
            assert info is not None
            return [info.id, info.num_workers, info.seed % 10**9, random.random()]
        return torch.full((3,), float(index)), index**2


class Own(Exception):
    """An exception that a text alone does not make."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__(a, b)


def keep(samples: list[Any]) -> list[Any]:
    return samples


def mark(number: int) -> None:
    random.seed(100 + number)


def fail(number: int) -> None:
    raise OSError(f"worker {number} cannot begin")


def as_lists(loader: DataLoader) -> list[Any]:
    return [[part.tolist() for part in batch] for batch in loader]


def no_children() -> bool:
    return multiprocessing.active_children() == []


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("shuffle", [False, True])
def test_the_same_batches_in_the_same_order(workers: int, shuffle: bool) -> None:
    options: dict[str, Any] = {"shuffle": shuffle}
    wanted = as_lists(DataLoader(Squares(), 4, generator=torch.Generator(2), **options))
    options |= {"num_workers": workers, "generator": torch.Generator(2)}
    assert as_lists(DataLoader(Squares(), 4, **options)) == wanted
    assert no_children()
    options["prefetch_factor"] = 1
    again = DataLoader(Squares(), 4, drop_last=True, **options | {"generator": torch.Generator(2)})
    assert as_lists(again) == wanted[:5]


def test_workers_that_stay() -> None:
    loader = DataLoader(Squares(), 4, num_workers=2, persistent_workers=True)
    wanted = as_lists(loader)
    children = {p.pid for p in multiprocessing.active_children()}
    assert len(children) == 2
    for i, _ in enumerate(loader):
        if i == 1:
            break  # what was made ahead for this pass is passed over
    assert as_lists(loader) == wanted
    assert {p.pid for p in multiprocessing.active_children()} == children
    del loader
    assert no_children()


def test_a_pass_that_is_left_ends_its_workers() -> None:
    walk = iter(DataLoader(Squares(), 4, num_workers=2))
    next(walk)
    assert len(multiprocessing.active_children()) == 2
    del walk
    assert no_children()


def test_errors_come_with_their_traceback() -> None:
    with pytest.raises(KeyError) as caught:
        as_lists(DataLoader(Squares("raise"), 4, num_workers=2))
    text = str(caught.value)
    assert text.startswith("Caught KeyError in DataLoader worker process 1.\nOriginal Traceback")
    assert 'raise KeyError("thirteen")' in text
    with pytest.raises(RuntimeError, match=r"Caught Own in DataLoader (.|\n)*Own\(1, 2\)"):
        as_lists(DataLoader(Squares("own"), 4, num_workers=2))
    with pytest.raises(Exception, match=r"when it sent a batch(.|\n)*lambda"):
        list(DataLoader(Squares("lambda"), 4, num_workers=1, collate_fn=keep))
    with pytest.raises(OSError, match="worker 0 cannot begin"):
        list(DataLoader(Squares(), 4, num_workers=2, worker_init_fn=fail))
    assert no_children()


def test_a_worker_that_dies_or_sleeps() -> None:
    with pytest.raises(RuntimeError, match=r"worker \(pid \d+\) exited unexpectedly .*7"):
        as_lists(DataLoader(Squares("die"), 4, num_workers=2))
    with pytest.raises(RuntimeError, match=r"timed out after 0\.2 seconds"):
        as_lists(DataLoader(Squares("sleep"), 4, num_workers=1, timeout=0.2))
    assert no_children()


def test_what_workers_know_of_themselves() -> None:
    assert get_worker_info() is None

    def draw(**options: Any) -> list[Any]:
        torch.manual_seed(5)
        loader = DataLoader(Squares("info"), 4, num_workers=2, collate_fn=keep, **options)
        return [sample for batch in loader for sample in batch]

    found = draw()
    assert [(worker, count) for worker, count, *_ in found[:8]] == [(0, 2)] * 4 + [(1, 2)] * 4
    assert found[4][2] == found[0][2] + 1
    assert found[0][3] != found[4][3]
    assert draw() == found
    marked = draw(worker_init_fn=mark)
    assert marked[0][3] == random.Random(100).random()
    assert marked[4][3] == random.Random(101).random()


class Share(IterableDataset[int]):
    """10 numbers, of which every worker gives its own; the last has more."""

    def __iter__(self) -> Iterator[int]:
        info = get_worker_info()
        if info is None:
            return iter(range(10))
        return iter(range(3 * info.id, 3 * info.id + 3 if info.id < 2 else 10))


def test_streams_in_workers() -> None:
    found = [x.tolist() for x in DataLoader(Share(), 2, num_workers=3)]
    assert found == [[0, 1], [3, 4], [6, 7], [2], [5], [8, 9]]
    singles = sorted(DataLoader(Share(), None, num_workers=3))
    assert singles == list(range(10))
    dropped = [x.tolist() for x in DataLoader(Share(), 2, num_workers=3, drop_last=True)]
    assert dropped == [[0, 1], [3, 4], [6, 7], [8, 9]]


def test_a_pass_is_resumed_with_workers() -> None:
    loader = DataLoader(Squares(), 4, shuffle=True, seed=3, num_workers=2)
    walk = iter(loader)
    next(walk), next(walk)
    state = loader.state_dict()
    assert state["given"] == 2  # not what was made ahead
    wanted = [[part.tolist() for part in batch] for batch in walk]
    other = DataLoader(Squares(), 4, shuffle=True, seed=4, num_workers=1)
    other.load_state_dict(state)
    assert as_lists(other) == wanted


ENDLESS = """
import multiprocessing, os, signal
from tests.data.test_workers import Squares
from tinygrad_lite.utils.data import DataLoader
walk = iter(DataLoader(Squares(), 2, num_workers=2))
next(walk)
print(*(process.pid for process in multiprocessing.active_children()), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX")
def test_workers_end_when_the_process_that_asks_is_killed() -> None:
    command = [sys.executable, "-c", ENDLESS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    workers = [int(word) for word in done.stdout.split()]
    assert len(workers) == 2
    end = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(alive, workers))


def alive(process: int) -> bool:
    """Whether a process runs; one that nobody waited for does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(") ")[2][0] != "Z"


@pytest.mark.skipif("spawn" not in multiprocessing.get_all_start_methods(), reason="no spawn")
def test_processes_that_begin_anew() -> None:
    loader = DataLoader(Squares(), 10, num_workers=1, multiprocessing_context="spawn")
    assert as_lists(loader) == as_lists(DataLoader(Squares(), 10))


class Rows(Dataset[torch.Tensor]):
    """Views of 8 MB."""

    def __init__(self) -> None:
        self.x = torch.zeros(1000, 2000)

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.x[index]


def test_views_do_not_bring_all_their_memory() -> None:
    for batch in DataLoader(Rows(), 5, num_workers=1, collate_fn=keep):
        assert [row.untyped_storage().nbytes() for row in batch] == [8000] * 5


def test_large_batches_and_dtypes_come_whole() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 3, 32, 32), dtype=np.uint8)
    data = list(zip(pixels, range(40), strict=True))
    found = list(DataLoader(data, 20, num_workers=2))
    assert found[0][0].dtype == torch.uint8
    np.testing.assert_array_equal(np.concatenate([x.numpy() for x, _ in found]), pixels)
