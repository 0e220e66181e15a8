"""What can be wrong with CIFAR-10's files is found, and named."""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.cifar_files import EDITION, RECORDS, assert_whole, write_binary, write_python
from tinygrad_lite.data import Edition, cifar10, formats
from tinygrad_lite.data.formats import RECORD
from tinygrad_lite.files import FileError


def test_missing_files_are_named(tmp_path: Path) -> None:
    write_binary(tmp_path)
    (tmp_path / "data_batch_2.bin").unlink()
    (tmp_path / "test_batch.bin").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"missing data_batch_2\.bin, test_batch\.bin \(2 of 6"
    ):
        cifar10(tmp_path, edition=EDITION)


@pytest.mark.parametrize(
    ("name", "match"), [("none", "no such folder"), ("", "has no CIFAR-10 files")]
)
def test_a_root_without_files_is_an_error(tmp_path: Path, name: str, match: str) -> None:
    with pytest.raises(FileNotFoundError, match=match):
        cifar10(tmp_path / name, edition=EDITION)


def test_a_root_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        cifar10(tmp_path / "file")


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    path = write_binary(tmp_path) / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ValueError, match=r"data_batch_3\.bin: expected 61,460 bytes .* has 61,453"):
        cifar10(tmp_path, edition=EDITION)


def test_a_wrong_label_is_named(tmp_path: Path) -> None:
    path = write_binary(tmp_path) / "test_batch.bin"
    content = bytearray(path.read_bytes())
    content[7 * RECORD] = 10
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"test_batch\.bin: record 7 has label 10"):
        cifar10(tmp_path, edition=EDITION, verify=False)


def test_a_changed_pixel_is_noticed(tmp_path: Path) -> None:
    path = write_binary(tmp_path) / "data_batch_1.bin"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    expected = EDITION.md5["data_batch_1.bin"]
    with pytest.raises(ValueError, match=rf"data_batch_1\.bin: MD5 is \w+, expected {expected}"):
        cifar10(tmp_path, edition=EDITION)
    assert cifar10(tmp_path, edition=EDITION, verify=False).source == "cifar10"


def test_a_python_file_is_checked_by_its_own_sum_or_by_its_records(tmp_path: Path) -> None:
    write_python(tmp_path)
    sums = {**EDITION.md5, "data_batch_1": "0" * 32}
    assert_whole(cifar10(tmp_path, edition=Edition(RECORDS, sums)))
    sums["data_batch_1.bin"] = "1" * 32
    with pytest.raises(ValueError, match=r"data_batch_1: MD5 is"):
        cifar10(tmp_path, edition=Edition(RECORDS, sums))


def test_a_broken_variable_folder_is_an_error_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (write_binary(tmp_path) / "data_batch_5.bin").write_bytes(b"x")
    monkeypatch.setenv("TINYGRAD_LITE_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="data_batch_5"):
        cifar10(edition=EDITION)


class Call:
    """Pickles as the call of a function."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("function", [os.system, eval, getattr, np.load, pickle.loads, os.unlink])
def test_a_pickle_that_calls_anything_else_is_refused(
    tmp_path: Path, function: Any, protocol: int
) -> None:
    witness = tmp_path / "witness"
    root = write_python(tmp_path / "root")
    evil = {"data": Call(function, f"touch {witness}"), "labels": []}
    (root / "data_batch_2").write_bytes(pickle.dumps(evil, protocol, fix_imports=False))
    name = pickle.whichmodule(function, function.__name__).replace(".", r"\.")
    with pytest.raises(ValueError, match=rf"data_batch_2 .*: refused {name}\.{function.__name__}"):
        cifar10(root, edition=EDITION)
    assert not witness.exists()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "data_batch_1 is not a CIFAR-10 batch: the pickle has no end"),
        (b"not a pickle", "data_batch_1 is not a CIFAR-10 batch: refused the instruction 0x6e"),
        (pickle.dumps([1]), "expected a dict"),
        (pickle.dumps({}), "expected data of uint8"),
        (pickle.dumps({"data": np.zeros((20, 3072))}), r"but it is float64 \(20, 3072\)"),
        (pickle.dumps({"data": np.zeros((20, 3072), np.uint8)}), "expected a list of 20 labels"),
        (
            pickle.dumps({"data": np.zeros((20, 3072), np.uint8), "labels": [0] * 19 + [11]}),
            "record 19 has label 11",
        ),
        (
            pickle.dumps({"data": np.zeros((20, 3072), np.uint8), "labels": [0] * 19 + [300]}),
            "record 19 has label 300",
        ),
    ],
)
def test_a_wrong_pickle_is_named(tmp_path: Path, content: bytes, match: str) -> None:
    (write_python(tmp_path) / "data_batch_1").write_bytes(content)
    with pytest.raises(ValueError, match=match):
        cifar10(tmp_path, edition=EDITION)


def labelled(labels: list[Any]) -> bytes:
    return pickle.dumps({"data": np.zeros((20, 3072), np.uint8), "labels": labels}, 2)


def nested_label() -> bytes:
    """12 KB whose label, written out, would have 2¹²⁰⁰ characters."""
    label = b"K\x00q\x000" + b"h\x00h\x00\x86q\x000" * 1200 + b"h\x00"
    data = pickle.dumps(np.zeros((20, 3072), np.uint8), 2)[2:-1]
    return b"}(U\x04data" + data + b"U\x06labels](" + b"K\x00" * 19 + label + b"eu."


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (nested_label(), "record 19 has label tuple of 2, but labels"),
        (
            pickle.dumps({"data": np.zeros((20, 3072), np.uint8), "labels": [10**50] * 20}, 2),
            "label an int",
        ),
        (
            pickle.dumps({"data": np.zeros((20, 3072), np.uint8), "labels": [True] * 20}),
            "label True",
        ),
        (b"Nr\xff\xff\xff\x7f.", "expected a dict, but the pickle has None"),
        (b"\x96" + b"\xff" * 7 + b"\x7f.", "bytes are due at byte 9"),
        (b"(" * 500_000, "no end"),
        (b"N" + b"\x85" * 400_000 + b".", "the pickle has tuple of 1"),
        (b"x" * (8 * 20 * RECORD + (1 << 20) + 1), "bytes, 1,540,256 at most expected"),
    ],
    ids=["nested", "huge", "bool", "memo", "bytearray", "marks", "depth", "size"],
)
def test_a_crafted_pickle_is_named_at_once(tmp_path: Path, content: bytes, match: str) -> None:
    (write_python(tmp_path) / "data_batch_1").write_bytes(content)
    began = time.process_time()  # that of a busy machine's other programs does not count
    with pytest.raises(FileError, match=rf"data_batch_1\W.*{match}") as caught:
        cifar10(tmp_path, edition=EDITION)
    assert time.process_time() - began < 5
    assert len(str(caught.value)) < len(str(tmp_path)) + 300


def test_bytes_of_a_file_are_no_pointers(tmp_path: Path) -> None:
    """An array of objects over bytes of the file, as a label: printing it would follow them."""
    pointers = b"cnumpy\nndarray\n(K\x01\x85cnumpy\ndtype\nU\x01O\x85RC\x08AAAAAAAAtR"
    for label in (pointers, b"](" + pointers * 20 + b"e"):
        data = pickle.dumps(np.zeros((20, 3072), np.uint8), 2)[2:-1]
        content = b"}(U\x04data" + data + b"U\x06labels" + label + b"u."
        (write_python(tmp_path) / "data_batch_1").write_bytes(content)
        with pytest.raises(FileError, match=r"list of 20 labels, but it is Call|label Call"):
            cifar10(tmp_path, edition=EDITION)


@pytest.mark.parametrize("layout", [write_binary, write_python])
def test_a_sum_that_is_known_comes_before_the_content(
    tmp_path: Path, layout: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = max(layout(tmp_path).iterdir())
    wrong = {path.name: "0" * 32}
    read = []
    monkeypatch.setattr(formats, "unpickle", lambda *_: read.append("pickle"))
    monkeypatch.setattr(formats, "reading", lambda *_: read.append("content"))
    with pytest.raises(FileError, match="MD5 is"):
        formats.read_file(path, Edition(RECORDS, wrong))
    assert read == []


def test_a_damaged_sample_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tinygrad_lite.data import cifar10_sample
    from tinygrad_lite.data.cifar10 import resources

    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    (tmp_path / "sample.npz").write_bytes(b"another")
    with pytest.raises(FileError, match=r"sample\.npz: is not the sample"):
        cifar10_sample()
