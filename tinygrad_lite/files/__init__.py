"""Reading files that nobody vouches for: nothing in them is believed before it is bounded.

What the readers of this room have in common:

- Sizes, counts, depths and shapes are compared with what the file really has, or with a limit,
  before memory is taken for them.
- Nothing that a file names is called or imported. Its parts are told apart by a few tables of
  what is admitted; all else is refused.
- What has a checksum is read to its end and compared. Contents that could be told apart only by
  guessing (two entries of one name, bytes that nothing names) are refused.
- Whatever is wrong, the caller gets one exception, `FileError`, which names the file and says
  what is wrong with it. Only what the operating system refuses stays an `OSError`.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import Any

__all__ = ["FileError", "Malformed", "StrPath", "about", "read_bytes", "reading"]

StrPath = str | os.PathLike[str]


class FileError(ValueError):
    """A file is damaged, refused, or not what it should be; the message names it and says how."""


class Malformed(ValueError):
    """What a reader found wrong with some content; `reading` adds the file's name to it."""


@contextlib.contextmanager
def reading(path: StrPath, what: str) -> Iterator[None]:
    """Make whatever goes wrong with the content of a file in this block a `FileError`.

    Args:
        path: the file.
        what: what it is not, such as "a whole checkpoint".

    Raises:
        FileError: in place of anything but an `OSError`, which is the operating system's.
    """
    try:
        yield
    except (OSError, FileError):
        raise
    except Malformed as error:
        raise FileError(f"{os.fspath(path)} is not {what}: {error}") from None
    except Exception as error:  # such as MemoryError, RecursionError, UnicodeError
        kind = type(error).__name__
        raise FileError(f"{os.fspath(path)} is not {what}: {kind}: {about(str(error))}") from error


def read_bytes(path: StrPath, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes.

    Raises:
        FileError: it is larger, or no regular file (a device may have no end).
        OSError: it cannot be opened or read.
    """
    with open(path, "rb", buffering=0) as file:
        size = regular_size(file, path)
        if size > limit:
            raise FileError(f"{os.fspath(path)}: has {size:,} bytes, {limit:,} at most expected")
        parts = []
        while part := file.read(min(size + 1, 1 << 30)):  # takes memory for all it may read
            parts.append(part)
            limit -= len(part)
            if limit < 0:
                raise FileError(f"{os.fspath(path)}: grows while it is read")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def regular_size(file: Any, path: StrPath) -> int:
    """How many bytes an open file has.

    Raises:
        FileError: it is no regular file.
    """
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise FileError(f"{os.fspath(path)}: is not a regular file")
    return status.st_size


def about(value: Any, most: int = 60) -> str:
    """A value from a file in a few words: never long, never following what it contains."""
    if value is None or isinstance(value, bool | float):
        return repr(value)
    if isinstance(value, int):
        return (
            repr(value) if value.bit_length() <= 128 else f"an int of {value.bit_length():,} bits"
        )
    if isinstance(value, str | bytes):
        more = f"… ({len(value):,} in all)" if len(value) > most else ""
        return f"{value[:most]!r}{more}"
    length = f" of {len(value):,}" if isinstance(value, list | tuple | dict) else ""
    return f"{type(value).__name__}{length}"
