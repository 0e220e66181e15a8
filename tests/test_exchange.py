"""Memory and files shared with other libraries: DLPack, NumPy, safetensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as torch
from tests import strict
from tinygrad_lite import nn, safetensors

DTYPES = "bool uint8 int8 int16 int32 int64 float16 float32 float64".split()


@pytest.mark.parametrize("dtype", DTYPES)
def test_dlpack_shares_memory_both_ways(dtype: str) -> None:
    x = torch.ones(2, 3, dtype=dtype)
    array = np.from_dlpack(x)
    assert array.dtype == x.dtype
    assert np.shares_memory(array, x.numpy())
    back = torch.from_dlpack(array)
    back[0, 0] = 0
    assert x[0, 0].item() == 0
    assert x.__dlpack_device__() == (1, 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dlpack_beside_pytorch(dtype: str) -> None:
    theirs = pytest.importorskip("torch")
    x = torch.arange(6).reshape(2, 3).to(dtype=dtype)
    its = theirs.from_dlpack(x.t())
    assert (str(its.dtype), its.tolist()) == (f"torch.{dtype}", x.t().tolist())
    its[0, 1] = 0
    assert x[1, 0].item() == 0
    again = torch.from_dlpack(its)
    assert again.data_ptr() == x.data_ptr()
    assert torch.equal(torch.utils.dlpack.from_dlpack(theirs.utils.dlpack.to_dlpack(its)), again)
    assert theirs.utils.dlpack.from_dlpack(torch.utils.dlpack.to_dlpack(x)).shape == (2, 3)


@pytest.mark.parametrize("unrecorded", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("made", ["leaf", "node"])
def test_what_requires_a_gradient_is_an_array_where_nothing_is_recorded(
    unrecorded: Any, made: str
) -> None:
    x = torch.ones(3, requires_grad=True)
    x = x if made == "leaf" else x * 1
    convert = (
        lambda: x.numpy(), lambda: x.cpu().numpy(), lambda: np.asarray(x),
        lambda: np.array(x, dtype="float64"), lambda: np.stack([x, x])[0],
        lambda: np.sin(x) * 0 + 1,
    )  # fmt: skip
    for call in convert:
        with pytest.raises(RuntimeError, match="requires grad"):
            call()
        with unrecorded():
            assert call().tolist() == [1, 1, 1]
    with unrecorded():
        x.numpy()[0] = 5  # the same memory
    assert x.tolist() == [5, 1, 1]
    assert x.requires_grad


def test_python_functions_have_no_derivative() -> None:
    x, y = torch.ones(2, requires_grad=True), torch.ones(2)
    calls = (
        lambda: x.apply_(float), lambda: x.map_(y, max), lambda: y.map_(x, max),
        lambda: y.map2_(y, x, max),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(RuntimeError, match=r"can't be called on a Variable that requires grad"):
            call()
        with pytest.raises(RuntimeError, match="requires grad"), torch.no_grad():
            call()
    assert y.map_(x.detach() * 3, max).tolist() == [3, 3]


def test_what_dlpack_refuses() -> None:
    with pytest.raises(BufferError, match="require gradient"):
        torch.ones(2, requires_grad=True).__dlpack__()
    assert torch.utils.dlpack.to_dlpack(torch.ones(2, requires_grad=True)) is not None

    class Elsewhere:
        def __dlpack__(self, **_: Any) -> Any: ...

        def __dlpack_device__(self) -> tuple[int, int]:
            return 7, 0

    with pytest.raises(RuntimeError, match="device type 7"):
        torch.from_dlpack(Elsewhere())
    array = np.ones(2)
    assert not np.shares_memory(torch.from_dlpack(array, copy=True).numpy(), array)


def test_arrays_of_gpus() -> None:
    assert not hasattr(torch.ones(2), "__cuda_array_interface__")


@pytest.mark.gpu
def test_cupy_shares_memory() -> None:
    cupy = pytest.importorskip("cupy")
    x = torch.ones(2, 3, device="cuda")
    for array in (cupy.from_dlpack(x), cupy.asarray(x)):
        array[0, 0] += 1
    assert x[0, 0].item() == 3
    y = torch.from_dlpack(cupy.arange(3))
    assert (y.device.type, y.tolist()) == ("cuda", [0, 1, 2])
    assert torch.asarray(cupy.arange(3)).is_cuda
    with pytest.raises(RuntimeError, match="requires grad"):
        torch.ones(2, device="cuda", requires_grad=True).__cuda_array_interface__  # noqa: B018


def test_buffers_and_asarray() -> None:
    memory = bytearray(np.arange(4, dtype=np.int32).tobytes())
    x = torch.frombuffer(memory, dtype=torch.int32, count=2, offset=4)
    assert x.tolist() == [1, 2]
    x[0] = 9
    assert memory[4] == 9
    assert torch.frombuffer(bytes(8), dtype=torch.float32).tolist() == [0, 0]
    array = np.ones(2)
    assert np.shares_memory(torch.asarray(array).numpy(), array)
    assert not np.shares_memory(torch.asarray(array, copy=True).numpy(), array)
    assert torch.asarray(array, dtype=torch.float32).dtype == torch.float32
    assert torch.asarray([1, 2], requires_grad=False).tolist() == [1, 2]
    y = torch.ones(2, requires_grad=True)
    assert torch.asarray(y) is y
    assert not torch.asarray(y, requires_grad=False).requires_grad
    assert torch.asarray(b"\1\2", dtype=torch.uint8).tolist() == [1, 2]
    with pytest.raises(ValueError, match="multiple of element size"):
        torch.asarray(b"\1\2")  # of float32, as in PyTorch
    assert torch.asarray(array, requires_grad=True).requires_grad


FUNCTIONS: dict[str, Any] = {
    "exp": lambda x, a: np.exp(x), "add": lambda x, a: np.add(a, x),
    "max": lambda x, a: np.maximum(x, 1),
    "x*a": lambda x, a: x * a, "a*x": lambda x, a: a * x, "a-x": lambda x, a: a - x,
    "a/x": lambda x, a: a / (x + 1), "a**x": lambda x, a: a**x, "a//x": lambda x, a: a // (x + 1),
    "a>x": lambda x, a: a > x, "a==x": lambda x, a: a == x,
    "number": lambda x, a: np.float32(2) * x,
    "clip": lambda x, a: np.clip(x, 0, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_and_operators_of_numpy_give_tensors(name: str) -> None:
    x, a = torch.arange(3.0), np.arange(3.0) + 2
    found, wanted = FUNCTIONS[name](x, a), FUNCTIONS[name](x.numpy(), a)
    assert type(found) is torch.Tensor
    np.testing.assert_allclose(found.numpy(), wanted)


def test_gradients_flow_through_operators_with_arrays() -> None:
    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    (np.array([2.0, 3.0]) * x + x * np.array([1.0, 1.0])).sum().backward()
    assert x.grad.tolist() == [3, 4]
    with pytest.raises(RuntimeError, match="requires grad"):
        np.exp(x)


# --- safetensors ---


def tensors() -> dict[str, torch.Tensor]:
    return {
        "turned": torch.arange(6.0).reshape(2, 3).t(),
        "mask": torch.tensor([True, False]),
        "none": torch.zeros(0, 2),
        "one": torch.tensor(1.5, dtype=torch.float64),
        "ü": torch.ones(1, dtype=torch.int8),
    }


def test_safetensors_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    safetensors.save_file(tensors(), path, {"format": "pt"})
    found = safetensors.load_file(path)
    for name, wanted in tensors().items():
        assert (found[name].dtype, found[name].shape) == (wanted.dtype, wanted.shape)
        assert torch.equal(found[name], wanted)
    found["turned"][0, 0] = 5  # memory of its own
    half = {"h": torch.ones(3).half()}
    assert safetensors.load(safetensors.save(half))["h"].dtype == torch.float16
    assert safetensors.load(safetensors.save({})) == {}


def test_modules_and_devices(tmp_path: Path) -> None:
    strict.install()
    path = tmp_path / "m.safetensors"
    model, other = nn.Linear(2, 3), nn.Linear(2, 3)
    safetensors.save_model(model.to("strict"), path)
    assert safetensors.load_model(other, path) == ([], [])
    assert torch.equal(other.weight, model.weight.cpu())
    assert safetensors.load_file(path, device="strict")["bias"].device.type == "strict"


def test_bfloat16_in_safetensors() -> None:
    pytest.importorskip("ml_dtypes")
    found = safetensors.load(safetensors.save({"b": torch.ones(3).bfloat16()}))
    assert (found["b"].dtype, found["b"].tolist()) == (torch.bfloat16, [1, 1, 1])


def test_files_of_the_library_are_ours_to_the_byte(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.numpy")
    arrays = {name: np.ascontiguousarray(t.numpy()) for name, t in tensors().items()}
    arrays = {name: a.reshape(tensors()[name].shape) for name, a in arrays.items()}
    content = library.save(arrays)
    assert safetensors.save(tensors()) == content
    assert {n: t.tolist() for n, t in safetensors.load(content).items()} == {
        n: t.tolist() for n, t in tensors().items()
    }
    found = library.load(safetensors.save(tensors(), {"a": "b"}))
    for name, wanted in tensors().items():
        np.testing.assert_array_equal(found[name], wanted.numpy())


def made(header: Any, memory: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + memory


def entry(dtype: Any = "F32", shape: Any = (1,), places: Any = (0, 4), **more: Any) -> Any:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(places)} | more


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "a header of 0 bytes in a file of 0"),
        ((2**40).to_bytes(8, "little") + b"{}", "in a file of 10"),
        (made(b"[]"), "its header is list"),
        (made(b"{"), "JSON"),
        (made(b'{"a": 1, "a": 2}'), "given twice"),
        (made({"a": 1}), "is described by 1"),
        (made({"a": entry(more=1)}, bytes(4)), "is described by dict"),
        (made({"a": entry("F8_E4M3")}, bytes(4)), "F8_E4M3"),
        (made({"a": entry(shape=(2,))}, bytes(4)), "cannot have 4 bytes"),
        (made({"a": entry(shape=(-1,))}, bytes(4)), "no number of elements"),
        (made({"a": entry(shape=(2**47, 2**47))}, bytes(4)), "cannot have"),
        (made({"a": entry(shape=[1] * 33)}, bytes(4)), "has the shape"),
        (made({"a": entry(places=(0, 5))}, bytes(4)), "reaches to byte 5 of 4"),
        (made({"a": entry(places=(4, 0))}, bytes(4)), "reaches to byte"),
        (made({"a": entry(places=("0", 4))}, bytes(4)), "has the place"),
        (made({"a": entry(places=(1, 5))}, bytes(5)), "begins at byte 1, where 0 is due"),
        (made({"a": entry()}, bytes(5)), "belong to no tensor"),
        (made({"a": entry(), "b": entry()}, bytes(4)), "where 4 is due"),
        (made({"a": entry("BOOL", (4,))}, b"\0\1\2\0"), "booleans"),
        (made({"__metadata__": {"a": 1}}), "metadata"),
    ],
)
def test_damaged_safetensors(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(torch.FileError, match=rf"x\.safetensors(.|\n)*{said}"):
        safetensors.load_file(path)


def test_what_safetensors_do_not_hold() -> None:
    with pytest.raises(TypeError, match="Tensors by name, but 'a' is a int"):
        safetensors.save({"a": 1})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="texts"):
        safetensors.save({}, {"a": 1})  # type: ignore[dict-item]
