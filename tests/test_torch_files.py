"""PyTorch's checkpoint files: what it wrote is what is read, and nothing in them is called."""

from __future__ import annotations

import copy
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests.torch_files import make
from tinygrad_lite import nn, optim

FILES = ("run", "views", "dtypes", "complex", "leaves")
every_file = pytest.mark.parametrize("name", FILES)


def as_plain(value: Any) -> Any:
    """A value of PyTorch's or ours, to be compared: tensors as their kind, dtype and numbers."""
    if hasattr(value, "requires_grad"):
        kind = type(value).__name__
        dtype = str(value.dtype).removeprefix("torch.")
        return kind, dtype, tuple(value.shape), value.requires_grad, value.detach().tolist()
    if isinstance(value, dict):
        return type(value).__name__, {key: as_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(item) for item in value]
    return str(value).removeprefix("torch.")


def test_what_pytorch_reads_in_its_files() -> None:
    theirs = pytest.importorskip("torch")
    pytest.importorskip("ml_dtypes")
    for name in (*FILES, "bfloat16"):
        wanted = theirs.load(make.HERE / f"{name}.pt")
        assert as_plain(torch.load(make.HERE / f"{name}.pt")) == as_plain(wanted)


def test_files_that_the_installed_pytorch_writes(tmp_path: Path) -> None:
    theirs = pytest.importorskip("torch")
    pytest.importorskip("ml_dtypes")
    for name, value in make.values().items():
        theirs.save(value, tmp_path / f"{name}.pt")
        assert as_plain(torch.load(tmp_path / f"{name}.pt")) == as_plain(value)
        memory = io.BytesIO()
        theirs.save(value, memory)
        memory.seek(0)
        assert as_plain(torch.load(memory)) == as_plain(value)


def test_conjugates_that_pytorch_makes_when_they_are_read() -> None:
    found = torch.load(make.HERE / "complex.pt")
    z = [4j, 1 + 5j, 2 + 6j, 3 + 7j]
    assert found["z"].tolist() == z
    assert found["conjugate"].tolist() == [x.conjugate() for x in z]
    assert found["negative"].tolist() == [-4, -5, -6, -7]
    assert type(found["wide"]) is nn.Parameter
    assert found["wide"].dtype is torch.complex128


def test_views_share_the_memory_of_their_storage() -> None:
    found = torch.load(make.HERE / "views.pt")
    wanted = torch.arange(12.0).reshape(3, 4)
    assert torch.equal(found["base"], wanted)
    assert torch.equal(found["columns"], wanted[:, 1:3])
    assert torch.equal(found["transposed"], wanted.t())
    assert torch.equal(found["step"], wanted.flatten()[1::3])
    assert torch.equal(found["expanded"], torch.zeros(2, 5))
    assert (found["one"].item(), found["empty"].shape) == (11, (0, 4))
    found["base"][2, 3] = -1
    assert found["one"].item() == found["transposed"][3, 2].item() == -1
    x = torch.ones(3, 4, requires_grad=True)
    y = (x * found["base"]).sum()
    found["transposed"].zero_()
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        y.backward()


def test_a_run_goes_on() -> None:
    state = torch.load(make.HERE / "run.pt")
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    model.load_state_dict(state["model"])
    assert state["model"]["1.num_batches_tracked"].item() == 2
    np.testing.assert_array_equal(model[0].bias.detach().numpy(), state["model"]["0.bias"].numpy())
    assert (state["epoch"], state["size"], state["dtype"]) == (7, torch.Size([3, 4]), torch.float32)
    assert state["device"] == torch.device("cpu")


def test_leaves_are_parameters_or_tensors() -> None:
    tensor, parameter, numbers = torch.load(make.HERE / "leaves.pt")
    assert (type(tensor), tensor.requires_grad) == (torch.Tensor, True)
    assert (type(parameter), parameter.requires_grad) == (nn.Parameter, True)
    assert numbers == {1, 2}


class Evil:
    def __reduce__(self) -> Any:
        return eval, ("1 / 0",)


def rewritten(name: str, change: Any) -> io.BytesIO:
    """A file of PyTorch's with another pickle."""
    memory = io.BytesIO()
    with zipfile.ZipFile(make.HERE / f"{name}.pt") as old, zipfile.ZipFile(memory, "w") as new:
        for entry in old.namelist():
            content = old.read(entry)
            new.writestr(entry, change(content) if entry.endswith("data.pkl") else content)
    memory.seek(0)
    return memory


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: pickle.dumps(Evil(), 2), "refused __builtin__.eval"),
        (lambda _: pickle.dumps(Path("x"), 2), "refused pathlib"),
        (lambda p: p[:-40], "no end|due|stack"),
        (lambda p: p.replace(b"FloatStorage", b"DoubleStorage"), "elements float64 has"),
        (lambda p: p.replace(b"FloatStorage", b"OtherStorage"), "refused torch.OtherStorage"),
        (lambda p: p.replace(b"K\x04K\x01\x86", b"K\x05K\x01\x86"), "reaches to element"),
        (lambda p: p.replace(b"K\x0b))", b"K\x0c))"), "reaches|elements"),
        (lambda _: b"\x80\x02]q\x00h\x00a.", "nested"),
        (lambda _: b"\x80\x02(" + b"]q\x00" + b"(h\x00h\x00e" * 1 + b"t.", "nested"),
        (lambda _: b"\x80\x02" + b"(" * 70 + b"t" * 70 + b".", "nested"),
        (lambda _: b"\x80\x02)q\x00" + b"h\x00h\x00\x86q\x00" * 40 + b".", "more than 1,000,000"),
        (lambda _: b"\x80\x02ctorch\nFloatStorage\n.", "where a value is due"),
        (lambda _: b"\x80\x02}(NK\x01]K\x02u.", "has the key list"),
        (lambda _: b"\x80\x02X\x01\x00\x00\x00aQ.", "a persistent id is 'a'"),
        (lambda _: b"\x80\x02ctorch._utils\n_rebuild_parameter\n(K\x01\x88}tR.", "no tensor"),
        (lambda _: b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(NK\x00)) tR.", "refused"),
        (lambda _: b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(NK\x00))tR.", "is no storage"),
    ],
)  # fmt: skip
def test_what_is_no_plain_checkpoint_is_refused(change: Any, said: str) -> None:
    with pytest.raises(torch.FileError, match=said):
        torch.load(rewritten("views", change))


def test_expanded_tensors_cannot_be_bombs() -> None:
    small, large = b"K\x02K\x05\x86", b"J\0\0\0\x7fJ\0\0\0\x7f\x86"
    with pytest.raises(torch.FileError, match="of a storage of few"):
        torch.load(rewritten("views", lambda p: p.replace(small, large)))


def test_other_files_of_pytorch_say_what_they_are() -> None:
    program = io.BytesIO()
    with zipfile.ZipFile(program, "w") as archive:
        for name in ("m/data.pkl", "m/constants.pkl"):
            archive.writestr(name, b"")
    program.seek(0)
    with pytest.raises(torch.FileError, match="TorchScript"):
        torch.load(program)


def test_a_changed_bit_is_seen(tmp_path: Path) -> None:
    whole = (make.HERE / "leaves.pt").read_bytes()
    wanted = as_plain(torch.load(make.HERE / "leaves.pt"))
    for i in range(0, len(whole), 3):
        data = bytearray(whole)
        data[i] ^= 1 << i % 8
        try:
            found = torch.load(io.BytesIO(data))
        except torch.FileError:
            continue
        assert as_plain(found) == wanted


@pytest.mark.parametrize("part", ["behind an entry", "at the end", "long, at the end"])
def test_records_that_disagree(part: str) -> None:
    """What a file says twice must agree, though the tensors would be read all the same."""
    data = bytearray((make.HERE / "views.pt").read_bytes())
    place = {
        "behind an entry": data.index(b"PK\7\x08") + 8,  # a size
        "at the end": data.rindex(b"PK\5\6") + 10,  # how many entries
        "long, at the end": data.rindex(b"PK\6\6") + 32,
    }[part]
    data[place] ^= 1
    with pytest.raises(torch.FileError, match=r"disagree|directory"):
        torch.load(io.BytesIO(data))


# --- file objects, devices, whole objects ---


def test_file_objects() -> None:
    memory = io.BytesIO()
    torch.save({"a": torch.ones(2)}, f=memory)
    memory.seek(0)
    assert torch.load(f=memory)["a"].tolist() == [1, 1]
    with pytest.raises(torch.FileError, match="BytesIO"):
        torch.load(memory)  # at its end
    for call in (torch.load, lambda f: torch.save(1, f)):
        with pytest.raises(TypeError, match="a path or an open file, but is 3"):
            call(3)


def test_map_location_as_a_function_or_a_dict(tmp_path: Path) -> None:
    path, seen = tmp_path / "c.npz", []
    torch.save({"a": [torch.ones(2), (nn.Parameter(torch.ones(1)),)]}, path)

    def place(storage: Any, location: str) -> Any:
        seen.append((type(storage), location))
        return storage + 1 if len(seen) == 1 else None

    found = torch.load(path, map_location=place)
    assert found["a"][0].tolist() == [2, 2]
    assert (found["a"][1][0].tolist(), found["a"][1][0].requires_grad) == ([1], True)
    assert seen == [(torch.Tensor, "cpu")] * 2
    found = torch.load(path, map_location={"cuda:0": "cpu"})
    assert found["a"][0].tolist() == [1, 1]
    cuda = rewritten("views", lambda p: p.replace(b"\x03\0\0\0cpu", b"\x06\0\0\0cuda:0"))
    places: list[str] = []
    torch.load(cuda, map_location=lambda storage, location: places.append(location))
    assert {*places} == {"cuda:0"}


class Own:
    """An object of a program's own class."""

    def __init__(self, x: Any) -> None:
        self.x = x


@pytest.mark.parametrize("where", ["path", "file"])
def test_whole_objects_are_opt_in(tmp_path: Path, where: str) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.1))
    target: Any = tmp_path / "m.pt" if where == "path" else io.BytesIO()
    torch.save({"model": model, "own": Own(torch.arange(3)), "set": {1}}, target)

    def rewind() -> Any:
        return target if where == "path" else target.seek(0) or target

    for options in ({}, {"weights_only": True}, {"weights_only": None}):
        with pytest.raises(torch.FileError, match="weights_only=False"):
            torch.load(rewind(), **options)
    found = torch.load(rewind(), weights_only=False)
    assert repr(found["model"]) == repr(model)
    assert torch.equal(found["model"][0].weight, model[0].weight)
    assert (found["own"].x.tolist(), found["set"]) == ([0, 1, 2], {1})
    assert not np.shares_memory(found["model"][0].weight.array, model[0].weight.array)


def test_what_cannot_be_pickled_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"can't store a Own \(at 'o'\), nor pickle it"):
        torch.save({"o": Own(lambda: 1)}, tmp_path / "c.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_a_run_is_never_a_pickle(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"can't store a Own \(at 'x'\)"):
        torch.save_checkpoint(tmp_path / "c.npz", {"x": Own(1)})


def test_any_tensor_can_be_pickled() -> None:
    x = torch.arange(6.0, requires_grad=True).reshape(2, 3)
    x.note = "mine"  # type: ignore[attr-defined]
    for tensor in (x * 2, x.t(), x[1], x.detach().bool(), torch.zeros(0, 2), nn.Parameter(x)):
        found = pickle.loads(pickle.dumps(tensor))
        assert type(found) is type(tensor)
        assert (found.requires_grad, found.is_leaf) == (tensor.requires_grad, True)
        assert torch.equal(found, tensor)
    assert pickle.loads(pickle.dumps(x)).note == copy.copy(x).note == "mine"
    leaf = torch.ones(2)
    leaf.own = [1]  # type: ignore[attr-defined]
    twin = copy.deepcopy(leaf)
    assert twin.own == [1]  # type: ignore[attr-defined]
    assert twin.own is not leaf.own  # type: ignore[attr-defined]


def test_optimizers_load_pytorchs_states() -> None:
    state = torch.load(make.HERE / "run.pt")
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    optimizer = optim.Adam(model.parameters())
    optimizer.load_state_dict(state["optimizer"])
    assert optimizer.param_groups[0]["lr"] == 0.1
