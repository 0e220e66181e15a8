"""PyTorch's files from before 1.6: pickles, and then the memory of tensors."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

import tinygrad_lite as torch
from tests.test_torch_files import FILES, as_plain
from tests.torch_files import make

# What PyTorch 2.13 wrote of {"a": [x, (x[1:], 7)], "b": torch.tensor([True, False])} in this
# format, for x = torch.arange(3.0); the keys of the storages are shorter here.
_HEAD = (
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}q\x00(X\x10\x00\x00\x00"
    b"protocol_versionq\x01M\xe9\x03X\r\x00\x00\x00little_endianq\x02\x88u."
)
_TAIL = b"\x89ccollections\nOrderedDict\n)RtR"


def _tensor(kind: bytes, key: bytes, count: bytes, begin: bytes, size: bytes) -> bytes:
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\n" + kind
        + b"Storage\nX\x01\x00\x00\x00" + key + b"X\x03\x00\x00\x00cpuK" + count + b"NtQK"
        + begin + b"K" + size + b"\x85K\x01\x85" + _TAIL
    )  # fmt: skip


_VALUE = (
    b"\x80\x02}(X\x01\x00\x00\x00a]("
    + _tensor(b"Float", b"0", b"\x03", b"\x00", b"\x03")
    + _tensor(b"Float", b"0", b"\x03", b"\x01", b"\x02")
    + b"K\x07\x86eX\x01\x00\x00\x00b"
    + _tensor(b"Bool", b"1", b"\x02", b"\x00", b"\x02")
    + b"u."
)
_KEYS = b"\x80\x02](X\x01\x00\x00\x001X\x01\x00\x00\x000e."
_BOOLEANS = b"\x02\0\0\0\0\0\0\0\x01\0"
_NUMBERS = b"\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\x80?\0\0\0@"
WHOLE = _HEAD + _VALUE + _KEYS + _BOOLEANS + _NUMBERS


@pytest.mark.parametrize("opened", [False, True])
def test_a_file_as_pytorch_wrote_it(opened: bool, tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    path.write_bytes(WHOLE)
    found = torch.load(io.BytesIO(WHOLE) if opened else path)
    (x, (part, seven)), flags = found["a"], found["b"]
    assert (x.tolist(), part.tolist(), seven) == ([0, 1, 2], [1, 2], 7)
    assert (flags.dtype, flags.tolist()) == (torch.bool, [True, False])
    x[2] = 5
    assert part.tolist() == [1, 5], "one storage"


def test_a_tensor_alone() -> None:
    value = b"\x80\x02" + _tensor(b"Float", b"0", b"\x03", b"\x00", b"\x03") + b"."
    alone = _HEAD + value + b"\x80\x02]X\x01\x00\x00\x000a." + _NUMBERS
    assert torch.load(io.BytesIO(alone)).tolist() == [0, 1, 2]
    seen = []
    torch.load(io.BytesIO(alone), map_location=lambda storage, place: seen.append(place))
    assert seen == ["cpu"]


def test_what_pytorch_writes_in_it() -> None:
    theirs = pytest.importorskip("torch")
    for name in FILES:
        value, memory = make.values()[name], io.BytesIO()
        theirs.save(value, memory, _use_new_zipfile_serialization=False)
        memory.seek(0)
        assert as_plain(torch.load(memory)) == as_plain(value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"M\xe9\x03.", b"M\xe8\x03.", "version 1000 of PyTorch's format from before 1.6"),
        (b"endianq\x02\x88", b"endianq\x02\x89", "big-endian"),
        (b"cpuK\x03Nt", b"cpuJ\0\0\0\x7fNt", "more bytes than the file"),
        (b"cpuK\x03Nt", b"cpuK\x03K\x01t", "a persistent id is tuple"),
        (b"cpuK\x02Nt", b"cpuK\x03Nt", "a storage of 3 elements has 2"),
        (_KEYS, b"\x80\x02]X\x01\x00\x00\x000a.", "lists other storages"),
        (_KEYS, _KEYS.replace(b"e.", b"X\x01\0\0\x000e."), "lists other storages|are left"),
        (_BOOLEANS, _BOOLEANS[:-2] + b"\x01\x02", "other bytes than 0 and 1"),
        (_NUMBERS, _NUMBERS[:-1], "ends within a storage"),
        (_NUMBERS, _NUMBERS[:3], "ends within a storage"),
        (_NUMBERS, _NUMBERS + b"\0", "more behind"),
        (b"_rebuild_tensor_v2", b"_rebuild_other", "refused torch._utils._rebuild_other"),
    ],
)
def test_what_is_damaged_is_refused(old: bytes, new: bytes, said: str) -> None:
    assert old in WHOLE
    with pytest.raises(torch.FileError, match=said):
        torch.load(io.BytesIO(WHOLE.replace(old, new, 1)))


def test_any_change_is_read_or_refused() -> None:
    for i in range(len(WHOLE)):
        data: Any = bytearray(WHOLE)
        data[i] ^= 1 << i % 8
        for content in (data, WHOLE[:i]):
            try:
                torch.load(io.BytesIO(content))
            except torch.FileError:
                continue
            assert content is data, "a part of it"
