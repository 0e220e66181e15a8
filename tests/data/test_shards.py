"""Data sets in files: what was written comes back, in blocks, in little memory, or not at all."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as torch
from tests.data.shards import N, T, X, written
from tinygrad_lite.data import FileError, NpyDataset, ShardDataset, ShardWriter
from tinygrad_lite.utils.data import DataLoader

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
