"""Checkpoints that are damaged, crafted or another's are refused, in little memory."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests.checkpoints import crafted, same


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_truncated_file_is_named(tmp_path: Path, keep: float) -> None:
    path = tmp_path / "c.npz"
    torch.save({"w": torch.randn(50, 50)}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if keep < 1 else int(keep)])
    with pytest.raises(ValueError, match=r"c\.npz is not a whole checkpoint"):
        torch.load(path)


def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    torch.save({"w": torch.randn(50, 50)}, path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"c\.npz"):
        torch.load(path)


def test_another_npz_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "c.npz", a=np.ones(2))
    with pytest.raises(ValueError, match=r"c\.npz"):
        torch.load(tmp_path / "c.npz")


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "c.npz", structure=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match=r"c\.npz"):
        torch.load(tmp_path / "c.npz")


def test_an_array_of_objects_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"array of objects \(at 'a'\)"):
        torch.save({"a": np.array([{}], dtype=object)}, tmp_path / "c.npz")


def test_any_flipped_bit_is_a_value_error_or_harmless(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    value = {"w": torch.arange(6.0).reshape(3, 2)}
    torch.save(value, path)
    whole = path.read_bytes()
    for i in range(len(whole)):
        for bit in (0, 3, 7):
            data = bytearray(whole)
            data[i] ^= 1 << bit
            path.write_bytes(data)
            message = "c.npz"
            try:
                found = torch.load(path)
            except ValueError as error:
                message = str(error)
            else:
                assert same(value, found)
            assert "c.npz" in message


ONE = {"a": np.ones(2)}


@pytest.mark.parametrize(
    ("content", "entries", "match"),
    [
        ("1", ONE, r"nothing names its entry 'a\.npy'"),
        ('{"tensor": "b"}', ONE, r"there is no entry 'b\.npy'"),
        ('{"tensor": 1}', ONE, "structure has 'tensor' of 1"),
        ('{"secret": "a"}', ONE, "structure has 'secret' of 'a'"),
        ('{"tensor": "a", "array": "a"}', ONE, "an object of another form"),
        ('{"dict": [["k", 1], ["k", 2]]}', {}, "a key that is given twice"),
        ('{"dict": [[1, 1], [1.0, 2]]}', {}, "a key that is given twice"),
        ('{"dict": [[1]]}', {}, "something else than pairs"),
        ('{"dict": {"list": []}}', {}, "structure has 'dict' of _Object"),
        ('{"dict": [[{"list": []}, 1]]}', {}, "a key that is 'list'"),
        ('{"dict": [[{"tensor": "a"}, 1]]}', ONE, "a key that is 'tensor'"),
        ('{"dict": [[[1], 1]]}', {}, "a list where a value is due"),
        ('{"dict": [[9007199254740993, 1]]}', {}, "structure has the key 9007199254740993"),
        ("[1]", {}, "a list where a value is due"),
        ("9" * 5000, {}, "JSON that cannot be read"),
        ('{"bfloat16": {"tensor": "a"}}', ONE, "is float64, which cannot be bfloat16"),
        ('{"bfloat16": "a"}', ONE, "structure has 'bfloat16' of 'a'"),
        ('{"bfloat16": {"bfloat16": {"tensor": "a"}}}', ONE, "structure has 'bfloat16'"),
        ('{"requires_grad": {"array": "a"}}', ONE, "a gradient for what can have none"),
        ('{"requires_grad": {"tensor": "a"}}', {"a": np.ones(2, "i8")}, "for what can have none"),
        ('{"requires_grad": {"requires_grad": {"tensor": "a"}}}', ONE, "'requires_grad' of _Obj"),
        ('{"parameter": {"array": "a"}}', ONE, "a parameter that is no tensor"),
        ('{"parameter": {"parameter": {"tensor": "a"}}}', ONE, "a parameter that is no tensor"),
        ('{"state": [[]]}', {}, "something else than pairs"),
        ('{"state": [[], [1]]}', {}, "a list where a value is due"),
        ('{"state": [[], {"list": []}]}', {}, "versions that are no dict"),
        ('{"ordered": [["k", 1], ["k", 2]]}', {}, "a key that is given twice"),
        ('{"size": [1, true]}', {}, "a size of something else than integers"),
        ('{"set": [{"list": []}]}', {}, "a key that is 'list'"),
        ('{"bytes": "a"}', ONE, "'a' is no row of bytes"),
        ('{"layout": "torch.sparse"}', {}, "structure has the layout 'torch.sparse'"),
        ('{"dtype": "float31"}', {}, "structure has the dtype 'float31'"),
        ('{"dtype": 1}', {}, "structure has the dtype 1"),
        ('{"device": "gpu"}', {}, "structure has the device 'gpu'"),
        ('{"device": "cuda:01"}', {}, "structure has the device 'cuda:01'"),
        ('{"device": "cuda:²"}', {}, "structure has the device 'cuda:²'"),
        ('{"device": []}', {}, "structure has the device"),
        ('{"requires_grad": 1}', ONE, "structure has '' of None"),
        ('{"view": ["a", 0, [2]]}', ONE, "structure has a view of"),
        ('{"view": ["a", 0, [2], [1, 1]]}', ONE, "structure has a view of"),
        ('{"view": ["a", -1, [1], [1]]}', ONE, "structure has a view of"),
        ('{"view": ["a", 0, [2], [-1]]}', ONE, "structure has a view of"),
        ('{"view": ["a", 0.0, [2], [1]]}', ONE, "structure has a view of"),
        ('{"view": ["a", true, [1], [1]]}', ONE, "structure has a view of"),
        ('{"view": ["a", 1, [2], [1]]}', ONE, "beyond its 2 elements"),
        ('{"view": ["a", 0, [2], [2]]}', ONE, "beyond its 2 elements"),
        ('{"view": ["a", 0, [9999999999], [0]]}', ONE, "beyond its 2 elements"),
        ('{"view": ["a", 0, [0], [1]]}', ONE, "beyond its 2 elements"),
        ('{"view": ["a", 0, [1], [1]]}', {"a": np.ones((2, 1))}, "beyond its 2 elements"),
        ('{"view": ["b", 0, [1], [1]]}', ONE, r"there is no entry 'b\.npy'"),
        ('{"tensor": "a"}', {"a": np.ones(2, "u4")}, "is uint32, which no tensor can be"),
        ('{"tensor": "a"}', {"a": np.ones(2, ">f4")}, "of dtype '>f4', which is not admitted"),
        ('{"tensor": "a"}', {"a": np.array("x")}, "of dtype '<U1', which is not admitted"),
    ],
)
def test_a_structure_that_save_does_not_write(
    tmp_path: Path, content: str, entries: dict[str, Any], match: str
) -> None:
    with pytest.raises(torch.FileError, match=rf"c\.npz is not a whole checkpoint: .*{match}"):
        torch.load(crafted(tmp_path / "c.npz", content, entries))


def test_another_format_is_refused(tmp_path: Path) -> None:
    for text, match in (
        ('{"format": "tinygrad_lite 2", "content": 1}', "format is 'tinygrad_lite 2', not"),
        ('{"format": ["x"], "content": 1}', "format is list of 1"),
        ('{"content": 1, "format": "tinygrad_lite 1"}', "not one of ours"),
        ("[]", "not one of ours"),
    ):
        np.savez(tmp_path / "c.npz", structure=np.array(text))
        with pytest.raises(torch.FileError, match=match):
            torch.load(tmp_path / "c.npz")


def test_what_expands_is_refused(tmp_path: Path) -> None:
    zeros = {"a": np.zeros(10**6)}
    path = crafted(tmp_path / "c.npz", '{"array": "a"}', zeros, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 20_000
    with pytest.raises(torch.FileError, match=r"compressed|flags"):
        torch.load(path)


def test_an_entry_that_is_named_often_is_read_once(tmp_path: Path) -> None:
    content = '{"list": [{"tensor": "a"}' + ', {"tensor": "a"}' * 9999 + "]}"
    found = torch.load(crafted(tmp_path / "c.npz", content, {"a": np.ones(10**6)}))
    assert len({tensor.array.ctypes.data for tensor in found}) == 1


def test_a_claimed_size_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    torch.save({"a": torch.ones(2)}, path)
    head = b"'shape': (2,), }" + b" " * 20
    whole = path.read_bytes()
    assert head in whole
    path.write_bytes(whole.replace(head, b"'shape': (99999999999,), }" + b" " * 10))
    tracemalloc.start()
    try:
        with pytest.raises(torch.FileError, match="cannot have 8 bytes"):
            torch.load(path)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
