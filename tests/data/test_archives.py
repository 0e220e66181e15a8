"""Archives that want out of their folder, are damaged or never end are refused."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from tests.data.server import FILES, PAYLOAD, Server, load, tar_of
from tinygrad_lite.data import Archive
from tinygrad_lite.data.download import BINARY_FILES, STAGING
from tinygrad_lite.data.formats import md5
from tinygrad_lite.files.tar import extract


def special(name: str, kind: bytes, target: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        tar.addfile(info)
        for wanted, content in FILES:
            plain = tarfile.TarInfo(wanted)
            plain.size = len(content)
            tar.addfile(plain, io.BytesIO(content))
    return buffer.getvalue()


EVIL = "data_batch_1.bin"
OTHERS = [file for file in FILES if not file[0].endswith(EVIL)]
ESCAPES, LINKS = "leads out of the folder", "is not a regular file"
HOSTILE = {
    "parent": (tar_of([(f"../{EVIL}", b"evil"), *OTHERS]), ESCAPES),
    "inner-parent": (tar_of([(f"a/../../{EVIL}", b"evil"), *OTHERS]), ESCAPES),
    "backslash": (tar_of([(f"..\\{EVIL}", b"evil"), *OTHERS]), ESCAPES),
    "absolute": (tar_of([(f"/tmp/{EVIL}", b"evil"), *OTHERS]), ESCAPES),
    "drive": (tar_of([(f"C:{EVIL}", b"evil"), *OTHERS]), ESCAPES),
    "symlink": (special(f"x/{EVIL}", tarfile.SYMTYPE, "../../outside"), LINKS),
    "symlinked-folder": (special("cifar-10-batches-bin", tarfile.SYMTYPE, "../outside"), LINKS),
    "hardlink": (special(f"x/{EVIL}", tarfile.LNKTYPE, "../outside"), LINKS),
    "fifo": (special(f"x/{EVIL}", tarfile.FIFOTYPE), LINKS),
    "twice": (tar_of([*FILES, FILES[0]]), "is there twice"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused(tmp_path: Path, server: Server, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    server.payload, reason = HOSTILE[kind]
    with pytest.raises(FileNotFoundError, match=f"refused: .*{reason}"):
        load(tmp_path / "root", Archive(server.url, md5(server.payload)))
    assert list(outside.iterdir()) == []
    stray = [path for path in tmp_path.rglob(f"*{EVIL}") if STAGING not in path.parts]
    assert stray == []
    assert not Path("/tmp", EVIL).exists()


def test_only_what_is_wanted_is_extracted(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(PAYLOAD)
    (tmp_path / "out").mkdir()
    extract(tmp_path / "a.tar.gz", tmp_path / "out", {"test_batch.bin": 10**6})
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["test_batch.bin"]
    with pytest.raises(ValueError, match=r"has no b\.bin"):
        extract(tmp_path / "a.tar.gz", tmp_path / "out", {"b.bin": 10})


@pytest.mark.parametrize(
    "content", [b"no gzip", gzip.compress(b"no tar", mtime=0), PAYLOAD[:40_000]]
)
def test_a_damaged_archive_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(ValueError, match="damaged archive"):
        extract(tmp_path / "a.tar.gz", tmp_path, dict.fromkeys(BINARY_FILES, 10**6))


def test_thousands_of_headers_end_at_the_sample(
    tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's tarfile followed them into a RecursionError in place of the sample."""
    block = tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT)
    for kind in (b"x", b"L", b"K", b"g"):
        header = bytearray(block)
        header[156:157], header[148:156] = kind, b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        server.payload = gzip.compress(bytes(header) * 3000 + b"\0" * 1024)
        source = Archive(server.url, md5(server.payload))
        assert load(tmp_path, source, sample=True).source == "sample"
        assert "refused" in capsys.readouterr().err or kind == b"g"


def test_an_endless_download_ends(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinygrad_lite.data.archive.LARGEST", 100_000)
    with pytest.raises(FileNotFoundError, match="sends more than 100,000 bytes"):
        load(tmp_path, server.source())
