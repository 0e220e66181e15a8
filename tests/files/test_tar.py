"""Gzipped tars: bounded members, no chains, read to the end."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tinygrad_lite.files import FileError
from tinygrad_lite.files.tar import MOST_UNWANTED, extract

WANTED = {"a.bin": 1000, "b.bin": 1000}


def header(name: bytes, size: int, kind: bytes = b"0", octal: bytes = b"") -> bytes:
    """A header of our own making: sizes that no content follows, for example."""
    info = tarfile.TarInfo("x")
    block = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    block[:100] = name.ljust(100, b"\0")
    block[124:136] = octal or b"%011o\0" % size
    block[156:157] = kind
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def member(name: bytes, content: bytes, kind: bytes = b"0") -> bytes:
    return header(name, len(content), kind) + content + b"\0" * (-len(content) % 512)


def pax(key: bytes, value: bytes) -> bytes:
    record = b" " + key + b"=" + value + b"\n"
    size = len(record) + 2
    size += len(str(size)) - 2
    return member(b"pax", str(size).encode() + record, b"x")


END = b"\0" * 1024
GOOD = member(b"d/a.bin", b"A" * 700) + member(b"readme", b"?" * 99) + member(b"d/b.bin", b"B")


def run(tmp_path: Path, content: bytes, wanted: Any = None) -> dict[str, bytes]:
    archive, out = tmp_path / "x.tar.gz", tmp_path / "out"
    archive.write_bytes(content)
    out.mkdir()
    extract(archive, out, WANTED if wanted is None else wanted)
    return {path.name: path.read_bytes() for path in out.iterdir()}


def packed(content: bytes) -> bytes:
    return gzip.compress(content, 6)


@pytest.mark.parametrize("tail", [b"\0" * 512, END, b"\0" * 10240])
def test_what_is_wanted(tmp_path: Path, tail: bytes) -> None:
    assert run(tmp_path, packed(GOOD + tail)) == {"a.bin": b"A" * 700, "b.bin": b"B"}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT])
def test_what_pythons_tarfile_writes(tmp_path: Path, form: int) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", format=form) as tar:
        for name in ("folder/a.bin", "folder/" * 17 + "b.bin"):
            info = tarfile.TarInfo(name)
            info.size = 3
            if form == tarfile.PAX_FORMAT:
                info.mtime = 1.5  # an extended header
            tar.addfile(info, io.BytesIO(b"abc"))
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
    assert run(tmp_path, file.getvalue()) == {"a.bin": b"abc", "b.bin": b"abc"}


def damaged_end(content: bytes) -> bytes:
    """The last gzip member's CRC-32, one bit off."""
    data = bytearray(packed(content))
    data[-8] ^= 1
    return bytes(data)


TERABYTE = header(b"a.bin", 2**36 - 1)
CHAIN = member(b"x", b"17 mtime=1234567\n", b"x")
assert len(b"17 mtime=1234567\n") == 17


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (packed(TERABYTE + END), r"'a\.bin' has 68,719,476,735 bytes, 1,000 at most"),
        (packed(header(b"other", 2**36 - 1) + END), "refused: more than 67,108,864 bytes"),
        (packed(header(b"a.bin", 0, octal=b"\x80" + b"\xff" * 11) + END), "no octal number"),
        (packed(CHAIN * 3000 + GOOD + END), "a chain of extended headers"),
        (packed(member(b"x", b"longer\0", b"L") * 3000 + GOOD + END), "not a regular file"),
        (packed(header(b"x", 2**30, b"x") + END), "a chain of extended headers"),
        (packed(pax(b"size", b"9") + GOOD + END), "an extended header sets b'size'"),
        (packed(pax(b"GNU.sparse.size", b"9") + GOOD + END), "sets b'GNU.sparse.size'"),
        (packed(pax(b"path", b"../a.bin") + GOOD + END), "leads out"),
        (packed(member(b"x", b"99 mtime=1\n", b"x") + GOOD + END), "extended header is damaged"),
        (packed(member(b"x", b"rubbish", b"x") + GOOD + END), "extended header is damaged"),
        (packed(GOOD), "it has no end mark"),
        (packed(GOOD[:-200]), "ends within a member"),
        (packed(GOOD + END + b"!" * 512), "something follows its end"),
        (packed(GOOD + b"\0" * (3 << 20)), "too much follows"),
        (packed(member(b"", b"") * 10_001 + END), "more than 10,000 members"),
        (packed(bytes([GOOD[0] ^ 1]) + GOOD[1:] + END), "checksum"),
        (damaged_end(GOOD + END), "damaged archive: CRC check failed"),
        (packed(GOOD + END)[:-4], "damaged archive"),
        (packed(GOOD + END) + b"junk", "damaged archive: Not a gzipped file"),
        (packed(GOOD + member(b"a.bin", b"again") + END), "is there twice"),
        (packed(member(b"a.bin", b"A") + END), r"has no b\.bin"),
        (packed(member(b"dev", b"", b"3") + END), "not a regular file"),
        (packed(header(b"d", 512, b"5") + END), "not a regular file"),
        (b"", "damaged archive|no end mark"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # gzip's bytes hold the time
)
def test_what_is_refused(tmp_path: Path, content: bytes, match: str) -> None:
    with pytest.raises(FileError, match=rf"x\.tar\.gz is not .*{match}"):
        run(tmp_path, content)


def test_a_bomb_of_unwanted_members_ends(tmp_path: Path) -> None:
    piece = member(b"zeros", b"\0" * (MOST_UNWANTED // 4))
    with pytest.raises(FileError, match="that are not needed"):
        run(tmp_path, gzip.compress(piece * 5, 1))


def test_what_the_system_refuses_is_its_own_error(tmp_path: Path) -> None:
    archive = tmp_path / "x.tar.gz"
    archive.write_bytes(packed(GOOD + END))
    with pytest.raises(FileNotFoundError):
        extract(archive, tmp_path / "none", WANTED)
    with pytest.raises(FileNotFoundError):
        extract(tmp_path / "none.tar.gz", tmp_path, WANTED)
