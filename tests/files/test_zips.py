"""Stored zip files and their arrays: every byte counts, and nothing is believed before it fits."""

from __future__ import annotations

import io
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lite.files import Malformed
from tinygrad_lite.files.npy import DTYPES, read_head, text
from tinygrad_lite.files.zips import StoredZip


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), version=(1, 0))
    return file.getvalue()


def zipped(entries: dict[str, bytes], zip64: bool = True, **options: Any) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, content in entries.items():
            with archive.open(name, "w", force_zip64=zip64) as member:
                member.write(content)
    return file.getvalue()


def opened(content: bytes, most: int = 10) -> StoredZip:
    return StoredZip(io.BytesIO(content), len(content), most)


arrays = st.sampled_from(sorted(DTYPES)).flatmap(
    lambda descr: st.lists(st.integers(0, 4), max_size=3).map(
        lambda shape: np.arange(np.prod(shape, dtype=int)).astype(descr).reshape(shape)
    )
)


@given(arrays, st.booleans(), st.booleans())
def test_what_numpy_wrote_comes_back(array: Any, fortran: bool, zip64: bool) -> None:
    array = np.asarray(array, order="F" if fortran else "C")
    archive = opened(zipped({"ü.npy": npy(array), "b": b"xyz"}, zip64))
    assert archive.names == ["ü.npy", "b"]
    found = archive.array("ü.npy")
    np.testing.assert_array_equal(found, array)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.strides == array.strides or array.size == 0
    assert found.flags.writeable
    assert archive.read("b", 3) == b"xyz"


def test_any_changed_bit_that_matters_is_noticed() -> None:
    array = np.arange(6, dtype="float32").reshape(2, 3)
    whole = zipped({"a.npy": npy(array), "b.npy": npy(np.arange(3))})
    harmless = 0
    for i in range(len(whole)):
        for bit in range(8):
            data = bytearray(whole)
            data[i] ^= 1 << bit
            try:
                archive = opened(bytes(data))
                found = [archive.array(name) for name in ("a.npy", "b.npy")]
            except (Malformed, UnicodeDecodeError):
                continue
            harmless += 1
            np.testing.assert_array_equal(found[0], array)
            np.testing.assert_array_equal(found[1], np.arange(3))
    assert 0 < harmless < 1000  # dates, attributes and versions


def test_any_cut_is_noticed() -> None:
    whole = zipped({"a.npy": npy(np.ones(3))})
    for size in range(len(whole)):
        with pytest.raises(Malformed):
            opened(whole[:size])


def test_large_members_are_read_to_their_end() -> None:
    array = np.zeros(700_000, "float32")  # several pieces
    whole = bytearray(zipped({"a.npy": npy(array)}))
    opened(bytes(whole)).array("a.npy")
    for at in (200, 1_500_000, len(whole) - 300):
        data = bytearray(whole)
        data[at] ^= 1
        with pytest.raises(Malformed, match="another checksum"):
            opened(bytes(data)).array("a.npy")


def test_a_head_that_shifts_the_elements_is_refused() -> None:
    """A CRC that is right does not help where the head disagrees with the size."""
    content = npy(np.arange(8, dtype="int64"))
    for old, new in ((b"(8,)", b"(7,)"), (b"<i8", b"<i4"), (b"(8,)", b"(9,)")):
        with pytest.raises(Malformed, match="cannot have 64 bytes"):
            opened(zipped({"a": content.replace(old, new)})).array("a")
    with pytest.raises(Malformed, match="cannot have 65 bytes"):
        opened(zipped({"a": content + b"!"})).array("a")


@pytest.mark.parametrize("descr", [">f4", "|O", "<M8[s]", "<U3", "|S2", "|V8", "<f16", "=f4", "f4"])
def test_dtypes_that_are_not_admitted(descr: str) -> None:
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': (2,), }}"
    padded = head + " " * (117 - len(head)) + "\n"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded.encode() + b"\0" * 8
    with pytest.raises(Malformed, match="not admitted"):
        opened(zipped({"a": content})).array("a")


@pytest.mark.parametrize(
    "head",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (10**12,), }\n",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }\n",
        b"{'descr': '<f4', 'fortran_order': 1, 'shape': (2,), }\n",
        b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }\n",
        b"{'fortran_order': False, 'descr': '<f4', 'shape': (2,), }\n",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"1, " * 40 + b"2), }\n",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"9" * 30 + b",), }\n",
        b"(" * 500 + b"\n",
    ],
)
def test_a_head_that_numpy_would_not_write(head: bytes) -> None:
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + b"\0" * 8
    with pytest.raises(Malformed, match=r"has the head|dimensions|cannot have"):
        opened(zipped({"a": content})).array("a")
    with pytest.raises(Malformed, match="not as version 1"):
        read_head(b"\x93NUMPY\x02" + content[7:])


def test_a_shape_takes_no_memory_before_it_fits() -> None:
    tracemalloc.start()
    try:
        content = npy(np.zeros(2)).replace(b"(2,), }" + b" " * 12, b"(999999999999,), }" + b" ")
        with pytest.raises(Malformed, match="cannot have 16 bytes"):
            opened(zipped({"a": content})).array("a")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_string() -> None:
    assert text(npy(np.array("häuser\n"))) == "häuser\n"
    assert text(npy(np.array(""))) == ""
    for other in (np.array(["a", "b"]), np.array(b"a"), np.ones(2)):
        with pytest.raises(Malformed, match="expected one string"):
            text(npy(other))
    wrong = npy(np.array("ab"))[:-4] + b"\xff\xff\xff\xff"
    with pytest.raises(UnicodeDecodeError):
        text(wrong)


CONTENT = npy(np.arange(4.0))


def two_names() -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a", b"1")
            archive.writestr("a", b"2")
        return file.getvalue()


def in_between() -> bytes:
    """Bytes between two entries that no entry has, with the directory put right."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", b"1")
        file.write(b"hidden")
        archive.start_dir = file.tell()
        archive.writestr("b", b"2")
    return file.getvalue()


def overlapping() -> bytes:
    """A directory that names one content many times over."""
    whole = zipped({"a": b"x" * 1000}, zip64=False)
    end = whole.rindex(b"PK\5\6")
    start = whole.index(b"PK\1\2")
    entry = whole[start:end]
    directory = b"".join(entry.replace(b"a", bytes([98 + i])) for i in range(9))
    record = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, len(directory), start, 0)
    return whole[:start] + directory + record


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (zipped({"a": CONTENT}, compression=zipfile.ZIP_DEFLATED), "compressed|flags"),
        (zipped({"a": b"0" * 10**6}, compression=zipfile.ZIP_BZIP2), "compressed|flags"),
        (two_names(), "two entries have the name 'a'"),
        (in_between(), "belong to no entry"),
        (b"junk" + zipped({"a": CONTENT}), "disagrees with the size"),
        (zipped({"a": CONTENT}) + b"junk", "does not end as a zip file"),
        (zipped({str(i): b"" for i in range(11)}), "11 entries, 10 at most"),
        (overlapping(), "disagree|belong to no entry"),
        (b"", "too few"),
        (b"PK\5\6" + b"\xff" * 16 + b"\0\0", "no room"),
    ],
)
def test_what_save_would_not_write(content: bytes, match: str) -> None:
    with pytest.raises(Malformed, match=match):
        opened(content)


def test_a_comment_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = b"hello"
    with pytest.raises(Malformed, match="does not end"):
        opened(file.getvalue())


def test_an_encrypted_entry_is_refused() -> None:
    whole = bytearray(zipped({"a": b"x"}, zip64=False))
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        whole[whole.index(signature) + at] |= 1
    with pytest.raises(Malformed, match="flags 0x1"):
        opened(bytes(whole))


def test_the_record_in_front_must_agree() -> None:
    whole = bytearray(zipped({"a": b"xyz"}, zip64=False))
    whole[14:18] = struct.pack("<L", zlib.crc32(b"abc"))
    with pytest.raises(Malformed, match="disagree"):
        opened(bytes(whole))


def test_limits_on_what_is_read() -> None:
    archive = opened(zipped({"a": b"x" * 100}))
    with pytest.raises(Malformed, match="has 100 bytes, 99 at most"):
        archive.read("a", 99)
    with pytest.raises(Malformed, match="no entry 'b'"):
        archive.read("b", 99)
