"""CIFAR-10 from folders: both layouts, what is wrong with them, the walk and the sample."""

from __future__ import annotations

import os
import pickle
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygrad_lite.data import Edition, ImageDataset, cifar10, classes, formats
from tinygrad_lite.data._make_sample import draw, first_per_class
from tinygrad_lite.data.formats import BATCHES, OFFICIAL, RECORD, md5
from tinygrad_lite.files import FileError

REAL = os.environ.get("TINYGRAD_LITE_DATA")
RECORDS = 20
real_files = pytest.mark.skipif(REAL is None, reason="needs the files in $TINYGRAD_LITE_DATA")


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the user's own data."""
    monkeypatch.delenv("TINYGRAD_LITE_DATA", raising=False)
    monkeypatch.delenv("TINYGRAD_LITE_OFFLINE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    for home in ("HOME", "USERPROFILE"):  # even if the code should forget the line above
        monkeypatch.setenv(home, str(tmp_path / "home"))


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


@pytest.mark.parametrize("inner", ["", "cifar-10-batches-bin"])
def test_binary_layout(tmp_path: Path, inner: str) -> None:
    folder = write_binary(tmp_path / inner)
    data = cifar10(tmp_path, edition=EDITION)
    assert_whole(data)
    assert data.folder == folder


@pytest.mark.parametrize("kind", PICKLES)
@pytest.mark.parametrize("inner", ["", "cifar-10-batches-py"])
def test_python_layout(tmp_path: Path, inner: str, kind: str) -> None:
    write_python(tmp_path / inner, kind)
    assert_whole(cifar10(str(tmp_path), edition=EDITION))


def test_a_complete_layout_wins_over_an_incomplete_one(tmp_path: Path) -> None:
    write_binary(tmp_path)
    (tmp_path / "data_batch_4.bin").unlink()
    write_python(tmp_path / "cifar-10-batches-py")
    assert_whole(cifar10(tmp_path, edition=EDITION))


@pytest.mark.parametrize("place", ["variable", "cache"])
def test_found_without_a_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    if place == "variable":
        monkeypatch.setenv("TINYGRAD_LITE_DATA", str(write_binary(tmp_path / "data")))
    else:
        write_binary(tmp_path / "xdg" / "tinygrad_lite" / "cifar-10-batches-bin")
    assert_whole(cifar10(edition=EDITION, download=False, sample=False))


def test_the_variable_comes_before_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_binary(tmp_path / "xdg" / "tinygrad_lite")
    named = write_binary(tmp_path / "data")
    monkeypatch.setenv("TINYGRAD_LITE_DATA", str(named))
    assert cifar10(edition=EDITION).folder == named


# --- what can be wrong with the files of an explicit root ---


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
    began = time.perf_counter()
    with pytest.raises(FileError, match=rf"data_batch_1\W.*{match}") as caught:
        cifar10(tmp_path, edition=EDITION)
    assert time.perf_counter() - began < 5
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


# --- what the data set offers ---


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Any]:
    write_binary(tmp_path)
    return cifar10(tmp_path, edition=EDITION, seed=3)


def test_preprocessing_is_the_courses(data: Any) -> None:
    train = data.train.pixels.astype(np.float64)
    np.testing.assert_array_equal(data.mean_image, train.mean(axis=0).astype(np.float32))
    assert data.mean_image.dtype == np.float32
    for part in (data.train, data.test):
        wanted = part.pixels.astype(np.float32) - data.mean_image
        assert part.images.dtype == np.float32
        np.testing.assert_array_equal(part.images, wanted)
        assert part.one_hot.dtype == np.float32
        np.testing.assert_array_equal(part.one_hot, np.eye(10)[part.labels])
    assert len(data.train) == data.train.num_examples == 100
    assert data["test"] is data.test
    assert data.classes == classes
    assert (classes[0], classes[9]) == ("airplane", "truck")
    image, label = data.test[4]
    np.testing.assert_array_equal(image, data.test.images[4])
    assert label == data.test.labels[4]


def test_the_mean_is_exact_beyond_sixteen_bits() -> None:
    from tinygrad_lite.data.images import mean_of

    pixels = np.full((600, 3, 32, 32), 255, np.uint8)  # a column's sum is above 65,535
    pixels[0] = 0
    assert mean_of(pixels) == pytest.approx(255 * 599 / 600, rel=1e-7)


def course_walk(images: Any, labels: Any, seed: int, batch: int, steps: int) -> Iterator[Any]:
    """The course's own next_batch, which permutes the arrays themselves."""
    rng = np.random.Generator(np.random.PCG64(seed))
    index = epochs = 0
    for _ in range(steps):
        start = index
        index += batch
        if index > len(images):
            epochs += 1
            order = np.arange(len(images))
            rng.shuffle(order)
            images, labels = images[order], labels[order]
            start, index = 0, batch
        yield images[start:index], labels[start:index], epochs


@pytest.mark.parametrize("batch", [1, 30, 50, 100])
def test_next_batch_walks_as_the_course_does(data: Any, batch: int) -> None:
    steps = 350 // batch + 2
    walk = course_walk(data.train.images, data.train.labels, 3, batch, steps)
    for step, (images, labels, epochs) in enumerate(walk):
        ours, targets = data.train.next_batch(batch, one_hot=step % 2 == 1)
        np.testing.assert_array_equal(ours, images)
        assert ours.dtype == np.float32
        assert ours.shape == (batch, 3, 32, 32)
        if step % 2:
            np.testing.assert_array_equal(targets, np.eye(10, dtype=np.float32)[labels])
            assert targets.dtype == np.float32
        else:
            np.testing.assert_array_equal(targets, labels)
            assert targets.dtype == np.int64
        assert data.train.epochs_completed == epochs
    assert data.train.epochs_completed >= 3


def test_a_batch_is_the_callers_to_keep_and_to_change(data: Any) -> None:
    first, labels = data.train.next_batch(10)
    kept = first.copy()
    data.train.next_batch(10)
    np.testing.assert_array_equal(first, kept)
    first[:] = 0
    labels[:] = -1
    assert data.train.labels.min() >= 0
    np.testing.assert_array_equal(data.train.gather(np.arange(10))[0], kept)


@pytest.mark.parametrize("size", [0, -1, 101])
def test_next_batch_rejects_a_size(data: Any, size: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 100, but got"):
        data.train.next_batch(size)
    np.testing.assert_array_equal(data.train.next_batch(1)[1], data.train.labels[:1])


def test_batches_goes_through_once_in_order(data: Any) -> None:
    data.test.next_batch(7)
    parts = list(data.test.batches(8))
    assert [len(images) for images, _ in parts] == [8, 8, 4]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in parts]), data.test.images)
    np.testing.assert_array_equal(np.concatenate([y for _, y in parts]), data.test.labels)
    _, one_hot = next(data.test.batches(20, one_hot=True))
    np.testing.assert_array_equal(one_hot, data.test.one_hot)
    np.testing.assert_array_equal(data.test.next_batch(7)[1], data.test.labels[7:14])
    with pytest.raises(ValueError, match="at least 1"):
        data.test.batches(0)


def test_the_seed_makes_the_order(tmp_path: Path) -> None:
    write_binary(tmp_path)

    def labels(seed: int | None) -> list[int]:
        train = cifar10(tmp_path, edition=EDITION, seed=seed).train
        return [*train.next_batch(100)[1], *train.next_batch(100)[1]]

    assert labels(1) == labels(1)
    assert labels(1)[:100] == labels(2)[:100]  # the first walk is in file order
    assert labels(1)[100:] != labels(2)[100:]


@pytest.mark.parametrize("seed", [0, 3, -7])
def test_the_test_set_has_an_order_of_its_own(tmp_path: Path, seed: int) -> None:
    """Its seed is the next one, so it is neither the training set's nor always the same."""
    write_binary(tmp_path)
    data = cifar10(tmp_path, edition=EDITION, seed=seed, limit=20)
    assert data.train.generator.initial_seed() == seed
    assert data.test.generator.initial_seed() == seed + 1
    orders = []
    for part in (data.train, data.test):
        part.next_indices(20)
        orders.append(part.next_indices(20).tolist())
    assert orders[0] != orders[1]
    for order, own in zip(orders, (seed, seed + 1), strict=True):
        wanted = np.arange(20)
        np.random.Generator(np.random.PCG64(own % 2**64)).shuffle(wanted)
        assert order == wanted.tolist()


def test_without_a_seed_manual_seed_decides(tmp_path: Path) -> None:
    from tinygrad_lite.backend.random import manual_seed

    write_binary(tmp_path)

    def state(seed: int) -> Any:
        manual_seed(seed)
        return cifar10(tmp_path, edition=EDITION).train.state_dict()["generator"]

    assert state(1) == state(1)
    assert state(1) != state(2)


@pytest.mark.parametrize("steps", [0, 2, 4, 9])
def test_a_saved_walk_goes_on_bit_for_bit(tmp_path: Path, steps: int) -> None:
    write_binary(tmp_path)
    train = cifar10(tmp_path, edition=EDITION, seed=3).train
    for _ in range(steps):
        train.next_batch(30)
    state = pickle.loads(pickle.dumps(train.state_dict()))
    wanted = [train.next_batch(30) for _ in range(9)]
    other = cifar10(tmp_path, edition=EDITION, seed=99).train
    other.next_batch(70)
    other.load_state_dict(state)
    for images, labels in wanted:
        ours, targets = other.next_batch(30)
        np.testing.assert_array_equal(ours, images)
        np.testing.assert_array_equal(targets, labels)
    assert other.epochs_completed == train.epochs_completed


def test_a_state_is_a_copy(data: Any) -> None:
    state = data.train.state_dict()
    for _ in range(5):
        data.train.next_batch(60)
    np.testing.assert_array_equal(state["permutation"], np.arange(100))
    data.train.load_state_dict(state)
    for _ in range(5):
        data.train.next_batch(60)
    np.testing.assert_array_equal(state["permutation"], np.arange(100))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"permutation": np.arange(99)}, "for 99 samples, but there are 100"),
        ({"permutation": np.zeros(100, np.int64)}, "not a permutation"),
        ({"index": 101}, "index 101 is outside"),
    ],
)
def test_a_wrong_state_is_rejected(data: Any, change: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        data.train.load_state_dict({**data.train.state_dict(), **change})


def test_limit_keeps_the_whole_sets_mean(tmp_path: Path) -> None:
    write_binary(tmp_path)
    whole, part = (cifar10(tmp_path, edition=EDITION, limit=n) for n in (None, 8))
    assert (len(part.train), len(part.test)) == (8, 8)
    np.testing.assert_array_equal(part.mean_image, whole.mean_image)
    np.testing.assert_array_equal(part.train.pixels, whole.train.pixels[:8])
    with pytest.raises(ValueError, match="limit must be at least 1"):
        cifar10(tmp_path, edition=EDITION, limit=0)


def test_images_and_labels_must_agree_in_number() -> None:
    pixels = np.zeros((3, 3, 32, 32), np.uint8)
    with pytest.raises(ValueError, match="3 images but 2 labels"):
        ImageDataset(pixels, np.zeros(2, np.int64), np.zeros((3, 32, 32), np.float32))


def test_root_and_download_root_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="either root or download_root"):
        cifar10(tmp_path, download_root=tmp_path)


# --- the sample ---


def test_the_sample_is_balanced_small_and_loud(capsys: pytest.CaptureFixture[str]) -> None:
    data = cifar10(download=False)
    assert data.source == "sample"
    assert data.folder is None
    np.testing.assert_array_equal(np.bincount(data.train.labels), [100] * 10)
    np.testing.assert_array_equal(np.bincount(data.test.labels), [25] * 10)
    assert data.train.pixels.shape == (1000, 3, 32, 32)
    assert 20 < data.train.images.std() < 100  # pixels of photographs, in 0…255
    assert len(set(data.train.labels[:100])) == 10  # a walk in order meets all classes
    warning = capsys.readouterr().err
    assert "!! WARNING: this is NOT the CIFAR-10 data set." in warning
    assert "Accuracies are NOT comparable" in warning
    import tinygrad_lite.data as room

    assert room.__file__ is not None
    assert Path(room.__file__).with_name("sample.npz").stat().st_size <= 4_000_000


def test_without_the_sample_the_error_lists_where_we_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYGRAD_LITE_DATA", str(tmp_path / "named"))
    with pytest.raises(FileNotFoundError) as caught:
        cifar10(download=False, sample=False)
    assert str(tmp_path / "named") in str(caught.value)
    assert str(tmp_path / "xdg" / "tinygrad_lite") in str(caught.value)


def test_first_per_class_keeps_the_order() -> None:
    labels = np.array([1, 0, 1, *range(2, 10), 1, 0, 0])
    assert first_per_class(labels, 2).tolist() == [0, 1, 2, *range(3, 11), 12]


@real_files
def test_the_real_files() -> None:
    data = cifar10(REAL)
    assert (len(data.train), len(data.test)) == (50_000, 10_000)
    np.testing.assert_array_equal(np.bincount(data.train.labels), [5000] * 10)
    total = data.train.pixels.sum(axis=0, dtype=np.int64)
    np.testing.assert_array_equal(data.mean_image, (total / 50_000).astype(np.float32))
    assert OFFICIAL.records == 10_000


@real_files
def test_the_sample_was_drawn_from_the_real_files() -> None:
    assert REAL is not None
    sample = cifar10(download=False)
    arrays = draw(REAL)
    np.testing.assert_array_equal(sample.train.pixels, arrays["train_images"])
    np.testing.assert_array_equal(sample.train.labels, arrays["train_labels"])
    np.testing.assert_array_equal(sample.test.pixels, arrays["test_images"])
    np.testing.assert_array_equal(sample.test.labels, arrays["test_labels"])


def test_offline_means_no_source_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Source:
        name = "a source"

        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"the source was asked for {name}")

    monkeypatch.setenv("TINYGRAD_LITE_OFFLINE", "1")
    assert cifar10(sources=(Source(),)).source == "sample"  # type: ignore[arg-type]
    assert "TINYGRAD_LITE_OFFLINE" in capsys.readouterr().err


def test_indices_that_were_handed_out_stay_as_they_were() -> None:
    """Also when the set is shuffled, in place, for the next epoch."""
    data = ImageDataset(
        np.zeros((8, 3, 32, 32), np.uint8), np.arange(8), np.zeros((3, 32, 32), np.float32), seed=0
    )
    first = data.next_indices(5)
    before = first.tolist()
    second = data.next_indices(5)
    assert first.tolist() == before == [0, 1, 2, 3, 4]
    assert second.tolist() != before


def test_labels_of_an_evaluation_are_the_callers_to_change() -> None:
    data = ImageDataset(
        np.zeros((8, 3, 32, 32), np.uint8), np.arange(8), np.zeros((3, 32, 32), np.float32), seed=0
    )
    for images, labels in data.batches(3):
        images[:] = labels[:] = -1
    assert data.labels.tolist() == list(range(8))
