"""NumPy's arrays and numbers in PyTorch's checkpoints: made here, and nothing is called."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tinygrad_lite.files import FileError


def saved(value: Any, content: bytes | None = None) -> io.BytesIO:
    """The file that PyTorch writes for a value without tensors."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps(value, 2) if content is None else content)
        archive.writestr("a/byteorder", "little")
        archive.writestr("a/version", "3\n")
    memory.seek(0)
    return memory


ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.asfortranarray(np.arange(6, dtype="float32").reshape(2, 3)),
    np.arange(5, dtype="int16")[::-2],
    np.array([True, False]),
    np.array([1 + 2j, 3]),
    np.array(7, dtype="uint8"),
    np.zeros((0, 3), "float16"),
    np.arange(3, dtype=">i4"),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{a.shape}")
@pytest.mark.parametrize("weights_only", [None, False])
def test_an_array_is_read(array: Any, weights_only: bool | None) -> None:
    found = torch.load(saved({"x": array}), weights_only=weights_only)["x"]
    assert type(found) is np.ndarray
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert (found == array).all()
    assert found.flags.c_contiguous == pickle.loads(pickle.dumps(array)).flags.c_contiguous
    found[...] = 0  # it has memory of its own


@pytest.mark.parametrize(
    "number",
    [np.float64(0.25), np.float32(-1.5), np.int64(2**40), np.bool_(True), np.complex64(1j)],
)
def test_a_number_is_read(number: Any) -> None:
    found = torch.load(saved([number]))[0]
    assert type(found) is type(number)
    assert found == number


def test_the_state_of_a_generator_goes_on() -> None:
    known = np.random.RandomState(5)
    known.rand(3)
    found = torch.load(saved({"best": np.float64(1.5), "numpy": known.get_state()}))
    other = np.random.RandomState(0)
    other.set_state(found["numpy"])
    assert other.rand() == known.rand()


def test_what_is_named_twice_is_one_array() -> None:
    x = np.arange(3.0)
    found = torch.load(saved([x, (x, x.copy())]))
    assert found[0] is found[1][0]
    assert found[0] is not found[1][1]


def test_arrays_of_an_older_numpy() -> None:
    content = pickle.dumps([np.float64(0.5), np.arange(2)], 2).replace(
        b"numpy._core", b"numpy.core"
    )
    found = torch.load(saved(None, content))
    assert (found[0], found[1].tolist()) == (0.5, [0, 1])


def test_what_pytorch_writes_is_what_is_read(tmp_path: Path) -> None:
    theirs = pytest.importorskip("torch")
    value = {"x": ARRAYS[0], "best": np.float64(0.5), "w": theirs.arange(3.0)}
    for zipped in (True, False):
        theirs.save(value, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
        found = torch.load(tmp_path / "a.pt")
        assert (found["x"] == ARRAYS[0]).all()
        assert (found["best"], found["w"].tolist()) == (0.5, [0, 1, 2])


def test_what_is_refused() -> None:
    for value, said in (
        (np.array(["a", "bc"]), "a dtype that is not admitted"),
        (np.array([None], dtype=object), "an array's data is list"),
        (np.dtype("float32"), "a numpy.dtype where a value is due"),
        (np.random.RandomState(1), "refused numpy.random"),
    ):
        with pytest.raises(FileError, match=said):
            torch.load(saved([value]))


def test_numbers_of_another_length_are_refused() -> None:
    content = pickle.dumps(np.float64(0.5), 2)
    for wrong in (content.replace(b"f8", b"f4"), content.replace(b"scalar", b"_reconstruct")):
        with pytest.raises(FileError):
            torch.load(saved(None, wrong))


def test_arrays_cannot_be_bombs() -> None:
    class Twice:
        """An array whose bytes are those of another."""

        def __init__(self, data: bytes, like: Any) -> None:
            self.data, self.like = data, like

        def __reduce__(self) -> Any:
            made, arguments, state = self.like.__reduce__()
            return made, arguments, (*state[:4], self.data)

    x = np.zeros(1000, "uint8")
    data = x.tobytes()
    with pytest.raises(FileError, match="many times over"):
        torch.load(saved([Twice(data, x) for _ in range(50)]))
