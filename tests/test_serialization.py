"""Checkpoints: what goes in comes out."""

from __future__ import annotations

from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests.checkpoints import crafted, same
from tinygrad_lite import nn, optim


def test_round_trip(tmp_path: Path) -> None:
    value = {
        "weight": torch.from_numpy(np.asfortranarray(np.arange(6.0).reshape(2, 3))),
        "label": torch.tensor([1, 2]),
        "mask": torch.tensor(True),
        "empty": torch.zeros(0, 3),
        "array": np.arange(3, dtype=np.uint8),
        "nested": [
            1,
            2.5,
            None,
            "text",
            (True, 2**100),
            {"a/b": torch.ones(1), 3: [torch.ones(2)]},
        ],
        "structure": torch.ones(1),
    }
    torch.save(value, tmp_path / "c.npz")
    assert same(value, torch.load(tmp_path / "c.npz"))


@pytest.mark.parametrize("value", [torch.tensor([1.5]), [], {}, 3, None, (torch.zeros(2),)])
def test_round_trip_of_small_things(tmp_path: Path, value: Any) -> None:
    torch.save(value, tmp_path / "c.npz")
    assert same(value, torch.load(tmp_path / "c.npz"))


def test_dtypes_and_devices_come_back(tmp_path: Path) -> None:
    value = {
        "dtypes": [torch.float32, torch.bfloat16],
        "device": (torch.device("cuda:1"), torch.device("cpu")),
    }
    torch.save(value, tmp_path / "file")
    found = torch.load(tmp_path / "file")
    assert found == value
    assert found["dtypes"][1] is torch.bfloat16
    assert str(found["device"][0]) == "cuda:1"


def test_kinds_come_back(tmp_path: Path, device: str) -> None:
    frozen = nn.Parameter(torch.ones(2, device=device), requires_grad=False)
    value = {
        "ordered": OrderedDict(b=1, a=torch.ones(1)),
        "counter": Counter("aab"),
        "parameters": [nn.Parameter(torch.zeros(1, device=device)), frozen],
        "size": torch.Size([2, 3]),
        "set": {1, "a", (2, None)},
        "bytes": b"\0ab",
        "layouts": (torch.strided, torch.channels_last),
    }
    torch.save(value, tmp_path / "file")
    for place in (None, device, lambda tensor, _: tensor):
        found = torch.load(tmp_path / "file", map_location=place)
        for key in ("counter", "size", "set", "bytes", "layouts"):
            assert found[key] == value[key]
            assert type(found[key]) is type(value[key])
        assert type(found["ordered"]) is OrderedDict
        assert list(found["ordered"]) == ["b", "a"]
        assert [type(p) for p in found["parameters"]] == [nn.Parameter] * 2
        assert [p.requires_grad for p in found["parameters"]] == [True, False]


def test_a_state_dict_keeps_its_versions(tmp_path: Path) -> None:
    state = nn.Sequential(nn.BatchNorm1d(2)).state_dict()
    torch.save({"model": state}, tmp_path / "file")
    found = torch.load(tmp_path / "file")["model"]
    assert type(found) is OrderedDict
    assert found._metadata == {"": {"version": 1}, "0": {"version": 2}}
    del found["0.num_batches_tracked"]
    with pytest.raises(RuntimeError, match="Missing key"):
        nn.Sequential(nn.BatchNorm1d(2)).load_state_dict(found)
    nn.Sequential(nn.BatchNorm1d(2)).load_state_dict(dict(found))  # as of an old version


def test_a_state_dict_is_readable_without_this_library(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 2))
    torch.save({"model": model.state_dict()}, tmp_path / "c.npz")
    with np.load(tmp_path / "c.npz") as archive:
        np.testing.assert_array_equal(archive["model/0.weight"], model[0].weight.detach().numpy())


def train(model: nn.Module, optimizer: optim.Optimizer, steps: range) -> None:
    for step in steps:
        x = torch.randn(8, 5, generator=torch.Generator(step))
        optimizer.zero_grad()
        (model(x) ** 2).mean().backward()
        optimizer.step()


def test_resumed_training_equals_uninterrupted_training_bit_for_bit(tmp_path: Path) -> None:
    def make() -> tuple[nn.Module, optim.Optimizer]:
        torch.manual_seed(3)
        model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Dropout(0.3), nn.Linear(7, 2))
        return model, optim.Adam(model.parameters(), lr=0.1)

    model, optimizer = make()
    train(model, optimizer, range(5))
    state = {"m": model.state_dict(), "o": optimizer.state_dict(), "r": torch.get_rng_state()}
    torch.save(state, tmp_path / "c.npz")
    train(model, optimizer, range(5, 9))

    other, other_optimizer = make()
    torch.manual_seed(99)
    state = torch.load(tmp_path / "c.npz")
    other.load_state_dict(state["m"])
    other_optimizer.load_state_dict(state["o"])
    torch.set_rng_state(state["r"])
    train(other, other_optimizer, range(5, 9))
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        assert np.array_equal(a.detach().numpy(), b.detach().numpy())


def test_an_unknown_type_is_named_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"can't store a complex \(at 'a/1'\)"):
        torch.save({"a": [1, 2j]}, tmp_path / "c.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        torch.load(tmp_path / "none.npz")


NAMES = ["file", "allow_pickle", "a.npy", "structure", "nul\0", "new\nline", "ü", ".npy", "a/../b"]


def test_any_name_can_be_a_key(tmp_path: Path) -> None:
    value = {name: torch.full((2,), float(i)) for i, name in enumerate([*NAMES, "a"])}
    torch.save(value, tmp_path / "c.npz")
    assert same(value, torch.load(tmp_path / "c.npz"))


def test_pytorchs_arguments(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(2)}, tmp_path / "c.npz")
    state = torch.load(tmp_path / "c.npz", map_location="cpu", weights_only=True)
    assert state["w"].tolist() == [1, 1]


def test_long_and_equal_names_are_stored_well(tmp_path: Path) -> None:
    value = {"k" * 70_000: torch.ones(2), "k" * 70_001: torch.zeros(2), "ü" * 70_000: torch.ones(1)}
    value |= {"a": {"b_2": torch.ones(3)}, "a/b": torch.ones(4), "a/b_2": torch.ones(5)}
    value |= {"\ud800": torch.ones(6), "structure_2": torch.ones(7), "structure": torch.ones(8)}
    torch.save(value, tmp_path / "c.npz")
    assert same(value, torch.load(tmp_path / "c.npz"))


@pytest.mark.parametrize(
    ("value", "error", "match"),
    [
        ({torch.ones(1): 1}, TypeError, r"a dict whose keys are Tensors \(at the top\)"),
        ({"a": {(1, torch.ones(1)): 1}}, TypeError, r"keys are Tensors \(at 'a'\)"),
        ({"a": {2**53 + 1: 1}}, ValueError, r"too large for a key \(at 'a'\)"),
        ({b"a": 1}, TypeError, "can't store a bytes"),
        (10**5000, ValueError, r"an integer of more than 4096 bits \(at the top\)"),
        ([np.array("text")], TypeError, r"an array of <U4 \(at '0'\)"),
        (np.array("2020-01-01", "datetime64[D]"), TypeError, "an array of datetime64"),
        (np.ones(2, np.longdouble), TypeError, r"an array of float128|an array of float96"),
        (np.zeros(2, [("a", "i4")]), TypeError, "an array of"),
        (np.longdouble(1), TypeError, "can't store a longdouble"),
        (1j, TypeError, "can't store a complex"),
        ("x" * (1 << 24), ValueError, "but at most 100,000 and 16,777,216 can be stored"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_load_would_not_take_is_not_saved(
    tmp_path: Path, value: Any, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        torch.save(value, tmp_path / "c.npz")
    assert list(tmp_path.iterdir()) == []


def test_an_optimizers_state_is_saved_by_its_state_dict(tmp_path: Path) -> None:
    w = torch.ones(2, requires_grad=True)
    w.sum().backward()
    optimizer = optim.Adam([w])
    optimizer.step()
    with pytest.raises(TypeError, match="keys are Tensors"):
        torch.save(optimizer.state, tmp_path / "c.npz")


@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_depth_has_a_limit_on_both_sides(tmp_path: Path, kind: Any) -> None:
    def nested(depth: int) -> Any:
        value: Any = 1
        for _ in range(depth):
            value = {"a": value} if kind is dict else kind([value])
        return value

    torch.save(nested(64), tmp_path / "c.npz")
    assert torch.load(tmp_path / "c.npz") == nested(64)
    with pytest.raises(ValueError, match="more than 64 deep"):
        torch.save(nested(65), tmp_path / "c.npz")
    cycle: list[Any] = []
    cycle.append(cycle)
    with pytest.raises(ValueError, match="more than 64 deep"):
        torch.save(cycle, tmp_path / "c.npz")
    code = '{"list": [' * 65 + "]}" * 65
    with pytest.raises(torch.FileError, match="structure has 'list'"):
        torch.load(crafted(tmp_path / "d.npz", code))
    with pytest.raises(torch.FileError, match="nested too deeply"):
        torch.load(crafted(tmp_path / "e.npz", "[" * 100_000))


@pytest.mark.parametrize("dtype", ["b1", "i1", "i8", "u8", "f2", "f8", "c16", ">f4", ">i8"])
def test_arrays_come_back_in_the_machines_order(tmp_path: Path, dtype: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    torch.save(array, tmp_path / "c.npz")
    found = torch.load(tmp_path / "c.npz")
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype.newbyteorder("=")


def test_special_numbers_come_back(tmp_path: Path) -> None:
    value = [float("inf"), -float("inf"), -0.0, 5e-324, 2**4096 - 1, "\ud800", "\0", ""]
    torch.save([*value, float("nan")], tmp_path / "c.npz")
    *found, nan = torch.load(tmp_path / "c.npz")
    assert repr(found) == repr(value)
    assert nan != nan


def test_what_shares_memory_shares_it_again(tmp_path: Path, device: str) -> None:
    w = torch.arange(6.0, device=device).reshape(2, 3)
    value = {"a": w, "b": [w.detach()], "row": w[0], "t": w.T, "other": w.clone()}
    torch.save(value, tmp_path / "c.npz")
    with np.load(tmp_path / "c.npz") as archive:
        if device == "cpu":
            assert sorted(archive.files) == ["a", "other", "structure"]
            assert archive["a"].tolist() == [0, 1, 2, 3, 4, 5]
    found = torch.load(tmp_path / "c.npz", map_location=device)
    x = found["a"].requires_grad_()
    y = (x * x).sum()
    with torch.no_grad():
        found["b"][0].add_(1)
    assert found["a"].tolist() == [[1, 2, 3], [4, 5, 6]]
    if device == "cpu":
        assert found["t"].T.tolist() == found["a"].tolist()
        assert found["row"].tolist() == [1, 2, 3]
    assert found["other"].tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(RuntimeError, match="modified by an in-place operation"):
        y.backward()


def test_tied_parameters_stay_tied(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    torch.save(model.state_dict(), tmp_path / "c.npz")
    found = torch.load(tmp_path / "c.npz")
    assert np.shares_memory(found["0.weight"].numpy(), found["1.weight"].numpy())
    assert not np.shares_memory(found["0.bias"].numpy(), found["1.bias"].numpy())


def test_whether_a_gradient_is_required_is_kept(tmp_path: Path, device: str) -> None:
    value = [
        torch.ones(2, requires_grad=True),
        torch.ones(2),
        torch.ones(2).half().requires_grad_(),
    ]
    torch.save([*value, value[0] * 2], tmp_path / "c.npz")
    found = torch.load(tmp_path / "c.npz", map_location=device)
    assert [t.requires_grad for t in found] == [True, False, True, True]
    assert all(t.is_leaf and t.grad is None and t.device.type == device for t in found)
    found[0].sum().backward()
    assert found[0].grad.tolist() == [1, 1]


# --- errors that are not the file's ---


def test_map_location(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    torch.save({"a": [torch.ones(2)]}, path)
    for location in ("cpu", None, torch.device("cpu")):
        assert torch.load(path, map_location=location)["a"][0].tolist() == [1, 1]
    with pytest.raises(TypeError, match="must be a device or its name, a dict or a function, but"):
        torch.load(path, map_location=3)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="expected one of"):
        torch.load(path, map_location="tpu")
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError) as caught:
            torch.load(path, map_location="cuda")
        assert not isinstance(caught.value, torch.FileError)


def test_tensors_go_to_the_device(tmp_path: Path, device: str) -> None:
    value = {"a": [torch.ones(2), (torch.zeros(3),)], "b": np.ones(1), "c": 5}
    torch.save(value, tmp_path / "c.npz")
    found = torch.load(tmp_path / "c.npz", map_location=device)
    assert found["a"][0].device.type == found["a"][1][0].device.type == device
    assert type(found["b"]) is np.ndarray


def test_a_folder_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="c"):
        torch.load(tmp_path)


def test_a_matrix_and_its_transpose_begin_in_one_place_and_are_two(tmp_path: Path) -> None:
    x = torch.arange(4.0).reshape(2, 2)
    torch.save({"x": x, "turned": x.T, "again": x}, tmp_path / "x.npz")
    found = torch.load(tmp_path / "x.npz")
    assert found["x"].tolist() == [[0, 1], [2, 3]]
    assert found["turned"].tolist() == [[0, 2], [1, 3]]
    found["again"][0, 0] = 9
    assert found["x"][0, 0] == 9
