"""Gzipped tar archives, member by member: only regular files, and of these only what is wanted.

Python's `tarfile` follows chains of headers by recursion, takes memory for a name as long as the
archive says, and knows links, devices and sparse files. This reader goes from block to block,
takes for each header what one block holds, and refuses what it has no use for.

Format: POSIX.1-1988 (ustar) with the extended headers of POSIX.1-2001 (pax).
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from . import Malformed, about, reading

__all__ = ["extract"]

BLOCK = 512
MOST_MEMBERS = 10_000
MOST_UNWANTED = 1 << 26  # bytes of members that nobody asked for
_LONGEST_EXTENDED = 1 << 14
_TAIL = 1 << 20  # zeros after the end
_FILES, _FOLDER, _EXTENDED = (b"0", b"\0"), b"5", (b"x", b"g")


def extract(archive: Path, folder: Path, wanted: Mapping[str, int]) -> None:
    """Write the regular files called `wanted` of a gzipped tar into `folder`, flat.

    Nothing else is written. An archive with a link, a device or a path that leads out of it is
    refused as a whole, since the real one has none. It is read to its end, so its CRC-32 counts.

    Args:
        archive: the gzipped tar.
        folder: where to.
        wanted: the names, and how many bytes each may have at most.

    Raises:
        FileError: refused, damaged, or one of the wanted files is absent, there twice or too
            large.
    """
    left = set(wanted)
    with reading(archive, "an archive that can be used"), gzip.open(archive, "rb") as stream:
        source = _Source(stream)
        for name, kind, size in _members(source):
            path = PurePosixPath(name.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts or ":" in name:
                raise Malformed(f"refused: {about(name)} leads out of the folder")
            if kind == _FOLDER and size == 0:
                continue
            if kind not in _FILES:
                raise Malformed(f"refused: {about(name)} is not a regular file")
            if path.name not in wanted:
                source.skip(size)
                continue
            if path.name not in left:
                raise Malformed(f"refused: {path.name!r} is there twice")
            if size > wanted[path.name]:
                raise Malformed(
                    f"refused: {path.name!r} has {size:,} bytes, {wanted[path.name]:,} at most "
                    "expected"
                )
            with open(folder / path.name, "xb") as target:
                for part in source.parts(size):
                    target.write(part)
            source.take(-size % BLOCK)
            left.discard(path.name)
        if left:
            raise Malformed(f"has no {', '.join(sorted(left))}")


class _Source:
    """The unpacked stream, read in pieces whose sizes the caller has bounded."""

    def __init__(self, stream: gzip.GzipFile | BinaryIO) -> None:
        self._stream = stream
        self._unwanted = 0

    def take(self, count: int, end: bool = False) -> bytes:
        """The next `count` bytes; with `end`, none if the stream ends here."""
        try:
            content = self._stream.read(count)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise Malformed(f"damaged archive: {error}") from None
        if len(content) != count and not (end and not content):
            raise Malformed("damaged archive: it ends within a member")
        return content

    def parts(self, count: int) -> Iterator[bytes]:
        while count:
            part = self.take(min(count, 1 << 20))
            count -= len(part)
            yield part

    def skip(self, count: int) -> None:
        """Pass over a member, and what fills its last block."""
        self._unwanted += count
        if self._unwanted > MOST_UNWANTED:
            raise Malformed(f"refused: more than {MOST_UNWANTED:,} bytes that are not needed")
        for _ in self.parts(count + -count % BLOCK):
            pass


def _members(source: _Source) -> Iterator[tuple[str, bytes, int]]:
    """Name, kind and size of each member. The caller takes its blocks before the next one."""
    longer: str | None = None
    for _ in range(MOST_MEMBERS):
        block = source.take(BLOCK, end=True)
        if not block.strip(b"\0"):
            if not block:
                raise Malformed("damaged archive: it has no end mark")
            for _ in range(0, _TAIL, BLOCK):
                if not (block := source.take(BLOCK, end=True)):
                    return
                if block.strip(b"\0"):
                    raise Malformed("damaged archive: something follows its end")
            raise Malformed("refused: too much follows its end")
        name, kind, size = _header(block)
        if kind not in _EXTENDED:
            yield longer or name, kind, size
            longer = None
        elif longer is not None or size > _LONGEST_EXTENDED:
            raise Malformed("refused: a chain of extended headers")
        else:
            found = _extended(source.take(size + -size % BLOCK)[:size])
            longer = found if kind == b"x" else None
    raise Malformed(f"refused: more than {MOST_MEMBERS:,} members")


def _header(block: bytes) -> tuple[str, bytes, int]:
    total = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    if _octal(block[148:156]) != total:
        raise Malformed("damaged archive: a header has another checksum than it should")
    name, prefix = (field.split(b"\0", 1)[0] for field in (block[:100], block[345:500]))
    if prefix and block[257:263] == b"ustar\0":
        name = prefix + b"/" + name
    return name.decode("utf-8", "surrogateescape"), block[156:157], _octal(block[124:136])


def _octal(field: bytes) -> int:
    found = re.fullmatch(rb" *([0-7]{1,12})[ \0]*", field)
    if found is None:
        raise Malformed(f"damaged archive: {about(field)} is no octal number")
    return int(found[1], 8)


def _extended(content: bytes) -> str:
    """The path that an extended header gives the next member, or "".

    Its records are "LENGTH KEY=VALUE" with a line end. What would change a member's size is
    refused; times and owners do not matter.
    """
    path = ""
    while content:
        found = re.match(rb"(\d{1,6}) ([^=\n]+)=", content)
        length = int(found[1]) if found else 0
        if found is None or not found.end() < length <= len(content):
            raise Malformed("damaged archive: an extended header is damaged")
        key, value = found[2], content[found.end() : length - 1]
        if key == b"path":
            path = value.decode("utf-8", "surrogateescape")
        elif key in (b"size", b"linkpath") or key.startswith(b"GNU.sparse"):
            raise Malformed(f"refused: an extended header sets {about(key)}")
        content = content[length:]
    return path
