"""One exception for whatever is wrong with a file, and bounds on reading it whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tinygrad_lite.files import FileError, Malformed, read_bytes, reading
from tinygrad_lite.files.texts import parse


def test_a_file_error_names_the_file() -> None:
    for error in (
        Malformed("how"),
        MemoryError("how"),
        RecursionError("how"),
        KeyError("how"),
        OverflowError("how"),
    ):
        with (
            pytest.raises(FileError, match=r"x\.bin is not a thing: .*how"),
            reading("x.bin", "a thing"),
        ):
            raise error
    assert issubclass(FileError, ValueError)


def test_the_systems_errors_and_interrupts_pass() -> None:
    for error in (PermissionError("x"), KeyboardInterrupt(), FileError("x.bin: y")):
        with pytest.raises(type(error)), reading("x.bin", "a thing"):
            raise error


def test_read_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert read_bytes(path, 5) == b"12345"
    with pytest.raises(FileError, match="has 5 bytes, 4 at most"):
        read_bytes(path, 4)
    path.write_bytes(b"")
    assert read_bytes(path, 0) == b""
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "none", 4)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="POSIX devices")
def test_a_device_has_no_end() -> None:
    with pytest.raises(FileError, match="not a regular file"):
        read_bytes("/dev/zero", 1 << 30)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a": 1, "a": 2}', "given twice"),
        ("9" * 5000, "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        ("", "cannot be read: Expecting value"),
    ],
)
def test_json(content: str, match: str) -> None:
    with pytest.raises(Malformed, match=match):
        parse(content)
    assert parse('{"a": [1, 2.5]}') == {"a": [1, 2.5]}
