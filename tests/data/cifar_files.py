"""CIFAR-10's files, small, in both of its layouts."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_lite.data import Edition
from tinygrad_lite.data.formats import BATCHES, RECORD, md5

RECORDS = 20


def batches() -> dict[str, np.ndarray]:
    """Six small files' records, uint8 (RECORDS, 3073), the same ones every time."""
    rng = np.random.default_rng(5)
    made = {}
    for batch in BATCHES:
        records = rng.integers(0, 256, (RECORDS, RECORD), dtype=np.uint8)
        records[:, 0] = rng.integers(0, 10, RECORDS)
        made[batch] = records
    return made


BATCH = batches()

EDITION = Edition(RECORDS, {f"{name}.bin": md5(rows.tobytes()) for name, rows in BATCH.items()})


def write_binary(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in BATCH.items():
        (folder / f"{name}.bin").write_bytes(rows.tobytes())
    return folder


def python2_pickle(rows: np.ndarray) -> bytes:
    """A batch as Python 2's cPickle and NumPy 1 wrote the official files, opcode by opcode."""

    def text(value: str) -> bytes:
        return b"U" + bytes([len(value)]) + value.encode()

    pixels = rows[:, 1:].tobytes()
    out = b"\x80\x02}q\x01(" + text("batch_label") + text("training batch 1 of 5")
    out += text("labels") + b"](" + b"".join(b"K" + bytes([i]) for i in rows[:, 0]) + b"e"
    out += text("data") + b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
    out += text("b") + b"\x87R(K\x01" + b"".join(b"J" + struct.pack("<i", n) for n in (20, 3072))
    out += b"\x86cnumpy\ndtype\n" + text("u1") + b"K\x00K\x01\x87R(K\x03" + text("|")
    out += b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
    out += b"T" + struct.pack("<i", len(pixels)) + pixels + b"tb"
    return out + text("filenames") + b"](" + text("a_s_000004.png") * len(rows) + b"eu."


def python3_pickle(rows: np.ndarray, protocol: int, key: Any = str) -> bytes:
    made = {"data": rows[:, 1:].copy(), "labels": rows[:, 0].tolist(), "filenames": ["a.png"]}
    return pickle.dumps({key(name): value for name, value in made.items()}, protocol)


def old_core(content: bytes) -> bytes:
    assert b"numpy._core" in content
    return content.replace(b"numpy._core", b"numpy.core")


PICKLES = {
    "python2": python2_pickle,
    "protocol0": lambda rows: python3_pickle(rows, 0),
    "protocol2": lambda rows: python3_pickle(rows, 2),
    "protocol2-numpy1": lambda rows: old_core(python3_pickle(rows, 2)),
    "protocol4": lambda rows: python3_pickle(rows, 4),
    "protocol5": lambda rows: python3_pickle(rows, 5),
    "bytes-keys": lambda rows: python3_pickle(rows, 4, str.encode),
}


def write_python(folder: Path, kind: str = "python2") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in BATCH.items():
        (folder / name).write_bytes(PICKLES[kind](rows))
    return folder


def assert_whole(data: Any) -> None:
    rows = np.concatenate([BATCH[name] for name in BATCHES])
    for dataset, part in ((data.train, rows[:100]), (data.test, rows[100:])):
        np.testing.assert_array_equal(dataset.pixels, part[:, 1:].reshape(-1, 3, 32, 32))
        np.testing.assert_array_equal(dataset.labels, part[:, 0])
        assert dataset.pixels.dtype == np.uint8
        assert dataset.labels.dtype == np.int64
    assert data.source == "cifar10"
