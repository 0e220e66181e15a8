"""Data sets in files: what was written comes back, in blocks, in little memory, or not at all."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as torch
from tests.examples.test_mlp import ROOT
from tinygrad_lite.data import (
    BlockSampler,
    DistributedSampler,
    FileError,
    NpyDataset,
    ShardDataset,
    ShardWriter,
)
from tinygrad_lite.utils.data import DataLoader, TensorDataset

N = 50
X = np.arange(N * 6, dtype=np.float32).reshape(N, 2, 3)
T = np.arange(N) * 7


def written(folder: Path, *arrays: Any, at_once: int = 8, **words: int) -> Path:
    """A set of shards, which was written in small pieces."""
    with ShardWriter(folder, **words) as writer:
        for i in range(0, len(arrays[0]), at_once):
            writer.write(*(a[i : i + at_once] for a in arrays))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """50 samples: blocks of 4, shards of 3 blocks."""
    return written(tmp_path / "set", X, torch.from_numpy(T), block_size=4, shard_blocks=3)


DTYPES = ["bool", "uint8", "int64", "float16", "float32", "float64", ">f4", "complex64"]


@given(data=st.data())
def test_what_was_written_comes_back(data: st.DataObject, tmp_path_factory: Any) -> None:
    """Any shapes, kinds and sizes; batches of any samples, in any order, some twice."""
    count = data.draw(st.integers(1, 40))
    rng = np.random.default_rng(count)
    arrays = []
    for _ in range(data.draw(st.integers(1, 3))):
        shape = (count, *data.draw(st.lists(st.integers(1, 3), max_size=3)))
        kind = data.draw(st.sampled_from(DTYPES))
        arrays.append(rng.integers(0, 100, shape).astype(kind))
    sizes = st.integers(1, 6)
    folder = written(
        tmp_path_factory.mktemp("sets") / "set", *arrays, at_once=data.draw(st.integers(1, 41)),
        block_size=data.draw(sizes), shard_blocks=data.draw(sizes),
    )  # fmt: skip
    found = ShardDataset(folder, cached_blocks=data.draw(sizes))
    assert len(found) == count
    for _ in range(3):
        indices = np.array(data.draw(st.lists(st.integers(0, count - 1), max_size=12)), np.int64)
        for part, array in zip(found.gather(indices), arrays, strict=True):
            np.testing.assert_array_equal(part, array[indices])
            assert part.dtype == array.dtype.newbyteorder("<")
    for field, array in enumerate(arrays):  # NumPy reads them as they are
        files = sorted(folder.glob(f"*.{field}.npy"))
        np.testing.assert_array_equal(np.concatenate([np.load(file) for file in files]), array)


def test_samples_and_their_blocks(folder: Path) -> None:
    data = ShardDataset(folder)
    assert (len(data), data.block_size, data.blocks) == (50, 4, 13)
    assert sorted(p.name for p in folder.iterdir())[-2:] == ["00004.1.npy", "index.json"]
    x, t = data[-1]
    assert (x.tolist(), t.item(), t.dtype) == (X[-1].tolist(), 343, torch.int64)
    x += 1  # a copy
    assert data[49][0].tolist() == X[-1].tolist()
    for index in (50, -51):
        with pytest.raises(IndexError, match=r"ShardDataset: indices from .* of 50 samples"):
            data[index]
    batch = next(iter(DataLoader(data, 3)))
    assert batch[0].shape == (3, 2, 3)
    assert batch[1].tolist() == [0, 7, 14]


def test_few_blocks_are_held_and_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = ShardDataset(folder, cached_blocks=3)
    read: list[int] = []
    plain = data._read
    monkeypatch.setattr(data, "_read", lambda block, slot: (read.append(block), plain(block, slot)))
    data.gather(np.array([0, 4, 1, 8, 5]))
    data.gather(np.array([0, 9]))
    data.gather(np.array([12]))  # block 1 was used longest ago
    data.gather(np.array([9, 0, 13]))
    assert read == [0, 1, 2, 3]
    assert data.gather(np.array([4]))[1].tolist() == [28]
    assert read[4:] == [1]
    assert [part.shape[0] for part in data._kept] == [12, 12]


def test_files_of_numpy(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "t.npy", T)
    data = NpyDataset(tmp_path / "x.npy", str(tmp_path / "t.npy"), block_size=7, cached_blocks=2)
    order = np.random.default_rng(0).permutation(N)
    x, t = data.gather(order)
    np.testing.assert_array_equal(x, X[order])
    np.testing.assert_array_equal(t, T[order])
    data.verify()  # nothing to compare with
    for size in (None, 10**12):  # memory for what there is
        data = NpyDataset(tmp_path / "x.npy", block_size=size)
        assert data.block_size == N
        assert data.gather(order)[0].nbytes == data._kept[0].nbytes
    np.save(tmp_path / "bytes.npy", np.zeros((3 << 20, 2), np.uint8))
    assert NpyDataset(tmp_path / "bytes.npy").block_size == 1 << 19
    np.save(tmp_path / "short.npy", T[:-1])
    np.save(tmp_path / "fortran.npy", np.asfortranarray(X))
    np.save(tmp_path / "none.npy", np.array(3.0))
    np.save(tmp_path / "empty.npy", np.zeros((3, 0)))
    for names, error, message in (
        (["x", "short"], ValueError, r"50 in .*x\.npy, 49 in .*short\.npy"),
        ([], ValueError, "at least one file"),
        (["fortran"], FileError, r"fortran\.npy .* \(50, 2, 3\) in Fortran order"),
        (["none"], FileError, r"none\.npy is not an array in rows"),
        (["empty"], FileError, r"empty\.npy .* has no rows of bytes"),
        (["missing"], FileNotFoundError, r"missing\.npy"),
    ):
        with pytest.raises(error, match=message):
            NpyDataset(*(tmp_path / f"{name}.npy" for name in names))
    with pytest.raises(ValueError, match="block_size should be a positive integer, but is 0"):
        NpyDataset(tmp_path / "x.npy", block_size=0)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    for words in ({"block_size": 0}, {"shard_blocks": True}):
        with pytest.raises(ValueError, match="should be a positive integer"):
            ShardWriter(tmp_path / "set", **words)
    writer = ShardWriter(tmp_path / "set")
    for arrays, error in (
        ((), ValueError),
        ((X, T[:3]), ValueError),
        ((np.array(1),), ValueError),
        ((np.zeros((3, 0)),), ValueError),
        ((np.array(["a"]),), TypeError),
        ((torch.zeros(3, dtype="bfloat16"),), TypeError),
    ):
        with pytest.raises(error, match="ShardWriter: "):
            writer.write(*arrays)
    writer.write(X)
    for other in (X[:, 0], X.astype("float64")):
        with pytest.raises(ValueError, match="expected rows"):
            writer.write(other)
    writer.discard()
    with pytest.raises(ValueError, match="nothing was written"), ShardWriter(tmp_path / "set"):
        pass
    assert os.listdir(tmp_path) == []
    with pytest.raises(FileExistsError, match="exists already"):
        ShardWriter(tmp_path)


def test_a_set_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def interrupted() -> None:
        with ShardWriter(tmp_path / "set") as writer:
            writer.write(X)
            assert not (tmp_path / "set").exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert os.listdir(tmp_path) == []
    writer = ShardWriter(tmp_path / "set")
    writer.write(X)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "file").touch()
    with pytest.raises(OSError, match="set"), writer:
        pass
    assert os.listdir(tmp_path) == ["set"]


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("index.json", Path.unlink, r"set is not a data set in shards: it has no index\.json"),
        ("00002.0.npy", Path.unlink, r"00002\.0\.npy: is missing from its data set"),
        ("00001.1.npy", lambda p: os.truncate(p, 200), r"00001\.1\.npy is not .* cannot have"),
        ("00001.1.npy", lambda p: os.truncate(p, 20), r"00001\.1\.npy is not an array in rows"),
        ("00001.1.npy", lambda p: flip(p, 20), r"00001\.1\.npy is not an array in rows"),
        ("00004.1.npy", lambda p: np.save(p, T[:3]), r"00004\.1\.npy: has rows .* but index"),
        ("00000.0.npy", lambda p: p.write_bytes(b""), r"00000\.0\.npy is not an array in rows"),
    ],
)
def test_a_set_that_is_not_whole_is_not_opened(
    name: str, damage: Callable[[Path], object], message: str, folder: Path
) -> None:
    damage(folder / name)
    with pytest.raises(FileError, match=message) as caught:
        ShardDataset(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"rows": 51}, {"rows": 0}, {"rows": True}, {"rows": 10**30}, {"rows": 2**47},
        {"block_size": 5}, {"block_size": 2.0}, {"shard_blocks": 10**9}, {"shard_blocks": None},
        {"format": "tinygrad_lite shards 2"}, {"fields": []}, {"fields": [["|u1", [2]]] * 2},
        {"fields": [["|O", []]]}, {"fields": [["<f4", [-1]]]}, {"fields": "<f4"},
        {"crc32": []}, {"crc32": [[[1]]]}, {"crc32": None}, {"more": 1},
    ],
)  # fmt: skip
def test_an_index_that_is_none(change: dict[str, Any], folder: Path) -> None:
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(index | change))
    with pytest.raises(FileError, match="set"):
        ShardDataset(folder)


@pytest.mark.parametrize("sums", [[1, 2], [1, 2, 3, 4], [1, 2, "3"], [1, 2, 2**32], [1, 2, -1]])
def test_checksums_that_are_none(sums: list[Any], folder: Path) -> None:
    index = json.loads((folder / "index.json").read_text())
    index["crc32"][1][0] = sums
    (folder / "index.json").write_text(json.dumps(index))
    with pytest.raises(FileError, match=r"index\.json is not .* of shard 1"):
        ShardDataset(folder)


def test_a_damaged_block_is_found_when_it_is_read(folder: Path) -> None:
    flip(folder / "00001.0.npy", -1)  # row 23, of block 5
    data = ShardDataset(folder, cached_blocks=3)
    data.gather(np.arange(20))
    for _ in range(2):
        with pytest.raises(FileError, match=r"00001\.0\.npy: is damaged: .* rows 8 to 11 is") as e:
            data.gather(np.array([3, 20]))
    assert "\n" not in str(e.value)
    assert data.gather(np.array([19]))[1].tolist() == [133]
    with pytest.raises(FileError, match="is damaged"):
        data.verify()
    flip(folder / "00001.0.npy", -1)
    data.verify()
    flip(folder / "00000.1.npy", -1)
    data.gather(np.arange(N))  # was compared already
    with pytest.raises(FileError, match=r"00000\.1\.npy: is damaged"):
        data.verify()


def test_a_file_that_is_cut_short_while_it_is_open(folder: Path) -> None:
    data = ShardDataset(folder)
    os.truncate(folder / "00003.0.npy", 300)
    with pytest.raises(FileError, match=r"00003\.0\.npy: was cut short since it was opened"):
        data.gather(np.arange(N))


def test_a_worker_gets_it_without_its_blocks(folder: Path) -> None:
    data = ShardDataset(folder)
    small = len(pickle.dumps(data))
    data.gather(np.arange(N))
    assert len(pickle.dumps(data)) <= small + 20
    again = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(again.gather(np.array([30, 2]))[0], X[[30, 2]])


# The order in blocks.


@given(
    count=st.integers(1, 60), block=st.integers(1, 9), buffer=st.integers(1, 5),
    ranks=st.integers(1, 4), drop=st.booleans(),
)  # fmt: skip
def test_each_sample_comes_once_and_near_its_block(
    count: int, block: int, buffer: int, ranks: int, drop: bool
) -> None:
    shares = []
    for rank in range(ranks):
        sampler = BlockSampler(
            range(count), block, buffer, seed=3, num_replicas=ranks, rank=rank, drop_last=drop
        )
        share = list(sampler)
        assert len(share) == len(sampler) == (count // ranks if drop else -(-count // ranks))
        shares.append(share)
    order = [index for share in shares for index in share]
    if drop:
        assert len({*order}) == len(order)
    else:
        assert {*order} == {*range(count)}
    assert len({len(share) for share in shares}) == 1
    alone = list(BlockSampler(range(count), block, buffer, num_replicas=1, rank=0))
    assert sorted(alone) == [*range(count)]
    for i in range(0, count - count % block, block):  # in whole blocks, buffer by buffer
        assert len({index // block for index in alone[i : i + block]}) <= buffer + 1


def test_the_first_ones_of_the_order_fill_the_last_share() -> None:
    words = {"block_size": 1, "buffer_blocks": 1, "seed": 4}
    alone = list(BlockSampler(range(7), num_replicas=1, rank=0, **words))
    shares = [list(BlockSampler(range(7), num_replicas=5, rank=r, **words)) for r in range(5)]
    assert [index for share in shares for index in share] == alone + alone[:3]


def test_orders_are_random_and_seeded() -> None:
    def order(seed: int, epoch: int) -> np.ndarray[Any, Any]:
        sampler = BlockSampler(range(4000), 50, 20, seed)
        sampler.set_epoch(epoch)
        return np.array(list(sampler))

    sampler = BlockSampler(range(4000), 50, 20, seed=1)
    first, second = np.array(list(sampler)), np.array(list(sampler))
    np.testing.assert_array_equal(first, order(1, 0))
    np.testing.assert_array_equal(second, order(1, 1))
    different = [first, second, order(2, 0), order(0, 1), order(-1, 0)]
    place = np.arange(4000)
    for i, one in enumerate(different):
        assert abs(np.corrcoef(place, one)[0, 1]) < 0.4  # of 80 blocks: 0.11 is usual
        # In a batch of 50 from 20 blocks of 80 about 18 of them are met; one alone would be sorted.
        blocks = [len({*(one[j : j + 50] // 50)}) for j in range(0, 4000, 50)]
        assert 16 < np.mean(blocks) <= 20
        within = one[:1000][one[:1000] // 50 == one[0] // 50]
        assert len(within) == 50
        assert np.mean(np.diff(within) > 0) < 0.75
        for other in different[:i]:
            assert np.mean(one == other) < 0.01


def test_the_source_is_told_of_blocks_ahead() -> None:
    class Source:
        block_size = 2

        def __init__(self) -> None:
            self.told: list[int] = []

        def __len__(self) -> int:
            return 12

        def will_need(self, block: int) -> None:
            self.told.append(block)

    source = Source()
    walk = iter(BlockSampler(source, buffer_blocks=2))
    first = [next(walk) for _ in range(4)]
    assert {index // 2 for index in first} == {*source.told[:2]}
    assert len(source.told) == 4, "those of the next buffer are on their way"
    rest = list(walk)
    assert len(source.told) == 6
    assert {index // 2 for index in rest[:4]} == {*source.told[2:4]}


def test_what_a_block_sampler_refuses() -> None:
    with pytest.raises(TypeError, match="range has no block_size"):
        BlockSampler(range(3))
    for words in ({"block_size": 0}, {"block_size": 2, "buffer_blocks": 1.5}):
        with pytest.raises(ValueError, match="should be a positive integer"):
            BlockSampler(range(3), **words)
    with pytest.raises(ValueError, match=r"Invalid rank 2, .* interval \[0, 1\]"):
        BlockSampler(range(3), 1, num_replicas=2, rank=2)


# Through the loader.


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


def test_a_sampler_goes_on_with_the_seed_of_its_state() -> None:
    one, other = (BlockSampler(range(40), 4, 2, seed=seed) for seed in (1, 2))
    list(one)
    state = one.state_dict()
    wanted = list(one)
    other.load_state_dict(state)
    assert list(other) == wanted
