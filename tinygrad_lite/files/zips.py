"""Zip files whose entries are stored, not compressed: what `save` writes, and nothing beside it.

A zip file says most things twice, in front of each entry and in a directory at its end, and most
readers believe one of the two. Here both must agree, the entries must fill the file from its
first byte to the directory, each under a name of its own, and an entry that is read is read to
its end and has its CRC-32. So a file means one thing, takes no more memory than its size, and no
changed bit that matters goes unnoticed.

Format: PKWARE's APPNOTE.TXT 6.3, sections 4.3 and 4.5.3 (Zip64).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from tinygrad_lite.backend import numpy as np

from . import Malformed, about
from .npy import LONGEST_HEAD, read_head

__all__ = ["StoredZip"]

_END = struct.Struct("<4s4H2LH")  # signature, disks, counts, size and place of the directory
_LOCATOR = struct.Struct("<4sLQL")  # signature, disk, place of the long end, disks
_LONG_END = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")  # in the directory
_LOCAL = struct.Struct("<4s5H3L2H")  # in front of an entry
_UTF8 = 0x800  # the one flag that is admitted
_STREAMED = 8  # and of files that were written in one go: sizes and sum come behind the content
_DESCRIPTORS = (struct.Struct("<4s3L"), struct.Struct("<4sL2Q"))
_CHUNK = 1 << 20


class Entry(NamedTuple):
    """One entry: its name, where its record in front begins, its size and its CRC-32."""

    name: bytes
    flags: int
    start: int
    size: int
    crc: int


class StoredZip:
    """The entries of an open zip file.

    Args:
        file: open for reading, with `seek`.
        size: of the file, in bytes.
        most: how many entries are admitted; each takes 64 bytes and its name in the directory.
        streamed: admit what PyTorch writes: sizes behind entries, and long records at the end.

    Attributes:
        names: of the entries, in the order of the file.

    Raises:
        Malformed: no zip file, or one that `save` would not write.
    """

    def __init__(
        self, file: BinaryIO, size: int, most: int = 100_000, *, streamed: bool = False
    ) -> None:
        self._file = file
        self._flags = _UTF8 | (_STREAMED if streamed else 0)
        count, start, end = self._directory(size)
        if count > most or end - start > 1000 * most:
            raise Malformed(f"{count:,} entries, {most:,} at most expected")
        entries = sorted(self._entries(self._bytes(start, end - start), count), key=_by_start)
        self._found: dict[str, tuple[int, Entry]] = {}
        at = 0
        for entry in entries:
            if entry.start != at:
                raise Malformed(f"{entry.start - at:,} bytes at {at:,} belong to no entry")
            at = self._content(entry)
            name = str(entry.name, "utf-8" if entry.flags & _UTF8 else "ascii")
            if name in self._found:
                raise Malformed(f"two entries have the name {about(name)}")
            self._found[name] = at, entry
            at += entry.size
            if entry.flags & _STREAMED:
                at += self._descriptor(at, entry)
            if at > start:
                raise Malformed(f"the entry {about(name)} is longer than the file")
        if at != start:
            raise Malformed(f"{start - at:,} bytes at {at:,} belong to no entry")

    @property
    def names(self) -> list[str]:
        """The names of the entries."""
        return list(self._found)

    def read(self, name: str, most: int) -> bytes:
        """The bytes of an entry of at most `most`.

        Raises:
            Malformed: no such entry, a longer one, or another checksum.
        """
        at, entry = self._look_up(name)
        if entry.size > most:
            raise Malformed(f"{about(name)} has {entry.size:,} bytes, {most:,} at most expected")
        content = self._bytes(at, entry.size)
        if zlib.crc32(content) != entry.crc:
            raise Malformed(f"{about(name)} has another checksum than it should")
        return content

    def raw(self, name: str) -> np.ndarray[Any, Any]:
        """The bytes of an entry as an array that can be written to.

        Raises:
            Malformed: no such entry, or another checksum.
        """
        at, entry = self._look_up(name)
        memory = np.empty(entry.size, np.uint8)
        self._fill(memory, at, 0, entry, name)
        return memory

    def array(self, name: str) -> np.ndarray[Any, Any]:
        """The array of an entry in NumPy's format, in the byte order of this machine.

        Raises:
            Malformed: no such entry, no array of plain numbers, or another checksum.
        """
        at, entry = self._look_up(name)
        start = self._bytes(at, min(entry.size, LONGEST_HEAD))
        head = read_head(start)
        array = head.empty(entry.size)
        crc = zlib.crc32(start[: head.size])
        memory = array.reshape(-1, order="F" if head.fortran else "C").view(np.uint8)
        self._fill(memory, at + head.size, crc, entry, name)
        return array.astype(array.dtype.newbyteorder("="), copy=False)

    def _fill(
        self, memory: np.ndarray[Any, Any], at: int, crc: int, entry: Entry, name: str
    ) -> None:
        """Read the rest of an entry from a place on into memory; `crc` is of what came before."""
        self._file.seek(at)
        for i in range(0, memory.size, _CHUNK):
            part = memory[i : i + _CHUNK].data
            if self._file.readinto(part) != len(part):  # type: ignore[attr-defined]
                raise Malformed(f"the file ends within {about(name)}")
            crc = zlib.crc32(part, crc)
        if crc != entry.crc:
            raise Malformed(f"{about(name)} has another checksum than it should")

    def _look_up(self, name: str) -> tuple[int, Entry]:
        try:
            return self._found[name]
        except KeyError:
            raise Malformed(f"there is no entry {about(name)}") from None

    def _bytes(self, start: int, count: int) -> bytes:
        """The bytes there.

        `start` may be any number of the file's; `count` was compared with the file's size before.
        """
        self._file.seek(start)
        content = self._file.read(count)
        if len(content) != count:
            raise Malformed(f"{count:,} bytes are due at byte {start:,}, but the file is shorter")
        return content

    def _directory(self, size: int) -> tuple[int, int, int]:
        """How many entries the directory has, where it starts and where it ends."""
        end = size - _END.size
        if end < 0:
            raise Malformed(f"{size:,} bytes are too few")
        record = _END.unpack(self._bytes(end, _END.size))
        if record[0] != b"PK\5\6" or record[7] != 0:
            raise Malformed("it does not end as a zip file does: truncated, or something else")
        disks, (here, count, length, start) = record[1:3], record[3:7]
        short = record[3:7]
        extra = self._flags & _STREAMED and start + length == end - _LONG_END.size - _LOCATOR.size
        if 0xFFFF in (here, count) or 0xFFFFFFFF in (length, start) or extra:
            end -= _LOCATOR.size + _LONG_END.size
            if end < 0:
                raise Malformed("it has no room for a directory")
            long = _LONG_END.unpack(self._bytes(end, _LONG_END.size))
            locator = _LOCATOR.unpack(self._bytes(end + _LONG_END.size, _LOCATOR.size))
            if long[:2] != (b"PK\6\6", _LONG_END.size - 12) or locator != (b"PK\6\7", 0, end, 1):
                raise Malformed("the records at the end disagree")
            disks, (here, count, length, start) = long[4:6], long[6:10]
            if extra and short != long[6:10]:
                raise Malformed("the records at the end disagree")
        if disks != (0, 0) or here != count or start + length != end:
            raise Malformed("the record at the end disagrees with the size of the file")
        return count, start, end

    def _entries(self, directory: bytes, count: int) -> Iterator[Entry]:
        at = 0
        for _ in range(count):
            if len(directory) - at < _ENTRY.size:
                raise Malformed("the directory is shorter than it should be")
            record = _ENTRY.unpack_from(directory, at)
            signature, _, _, flags, method, _, _, crc, packed, size = record[:10]
            name_length, extra_length, comment_length, disk, _, _, start = record[10:]
            at += _ENTRY.size
            name = directory[at : at + name_length]
            extra = directory[at + name_length : at + name_length + extra_length]
            at += name_length + extra_length
            if signature != b"PK\1\2" or at > len(directory) or comment_length or disk:
                raise Malformed("the directory is damaged")
            size, packed, start = _long(extra, size, packed, start)
            self._check(name, flags, method, packed, size)
            yield Entry(name, flags, start, size, crc)
        if at != len(directory):
            raise Malformed("the directory is longer than it should be")

    def _content(self, entry: Entry) -> int:
        """Where an entry's content begins, if the record in front agrees with the directory."""
        record = _LOCAL.unpack(self._bytes(entry.start, _LOCAL.size))
        signature, _, flags, method, _, _, crc, packed, size, name_length, extra_length = record
        rest = self._bytes(entry.start + _LOCAL.size, name_length + extra_length)
        size, packed, _ = _long(rest[name_length:], size, packed, 0)
        if flags & _STREAMED and (crc, packed, size) == (0, 0, 0):  # said behind the content
            crc, packed, size = entry.crc, entry.size, entry.size
        self._check(rest[:name_length], flags, method, packed, size)
        found = Entry(rest[:name_length], flags, entry.start, size, crc)
        if signature != b"PK\3\4" or found != entry:
            raise Malformed(
                f"the directory and the record in front of {about(entry.name)} disagree"
            )
        return entry.start + _LOCAL.size + len(rest)

    def _descriptor(self, at: int, entry: Entry) -> int:
        """How long the record behind a content is, if it agrees with the directory."""
        for form in _DESCRIPTORS:
            found = form.unpack(self._bytes(at, form.size))
            if found == (b"PK\7\x08", entry.crc, entry.size, entry.size):
                return form.size
        raise Malformed(f"the directory and the record behind {about(entry.name)} disagree")

    def _check(self, name: bytes, flags: int, method: int, packed: int, size: int) -> None:
        if method != 0 or packed != size:
            raise Malformed(f"the entry {about(name)} is compressed, which `save` never does")
        if flags & ~self._flags:
            raise Malformed(f"the entry {about(name)} has the flags {flags:#x}")


def _by_start(entry: Entry) -> int:
    return entry.start


def _long(extra: bytes, *fields: int) -> tuple[int, ...]:
    """The fields of a record, those of 0xFFFFFFFF from the Zip64 part of its extra bytes."""
    values = list(fields)
    while extra:
        if len(extra) < 4 or len(extra) < 4 + int.from_bytes(extra[2:4], "little"):
            raise Malformed("extra bytes of a record are damaged")
        size = int.from_bytes(extra[2:4], "little")
        part, kind, extra = extra[4 : 4 + size], extra[:2], extra[4 + size :]
        if kind != b"\1\0":
            continue
        for i, value in enumerate(values):
            if value == 0xFFFFFFFF:
                if len(part) < 8:
                    raise Malformed("a long size is missing")
                values[i], part = int.from_bytes(part[:8], "little"), part[8:]
    return tuple(values)
