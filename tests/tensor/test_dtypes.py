"""`dtype`: one object each, NumPy's to NumPy, and no array's dtype. `beside.txt` has PyTorch's."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.several import several
from tinygrad_lite import nn
from tinygrad_lite.backend import dtypes
from tinygrad_lite.backend.dtypes import as_dtype
from tinygrad_lite.tensor import element

NAMES = sorted(set(element.BY_NAME) - {"bfloat16", *element._UNHELD})  # what NumPy has
REAL = [name for name in NAMES if not name.startswith("complex")]


def test_a_tensor_has_the_one_object_of_its_dtype() -> None:
    with several() as case:
        for name in REAL:
            with case(name):
                own = getattr(tg, name)
                assert tg.empty(2, dtype=name).dtype is own
                assert tg.from_numpy(np.zeros(2, name)).dtype is own
                assert tg.zeros(2).to(own).dtype is own
                assert tg.from_numpy(pickle.loads(pickle.dumps(np.zeros(2, name)))).dtype is own
    assert tg.from_numpy(np.zeros(1, np.longlong)).dtype is tg.int64


def test_copies_and_pickles_are_the_same_object() -> None:
    for own in element.BY_NAME.values():
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(own, protocol)) is own
        assert copy.deepcopy({"dtype": [own]})["dtype"][0] is copy.copy(own) is own


def test_a_pickle_is_read_by_another_process() -> None:
    kept = pickle.dumps([tg.bfloat16, tg.int64]).hex()
    code = (
        "import pickle\n"
        f"a, b = pickle.loads(bytes.fromhex({kept!r}))\n"
        "import tinygrad_lite as tg\n"
        "assert a is tg.bfloat16 and b is tg.int64\n"
        "assert 'ml_dtypes' not in __import__('sys').modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_equality_and_hash_are_numpys() -> None:
    with several() as case:
        for name in NAMES:
            own, theirs = element.BY_NAME[name], np.dtype(name)
            with case(name):
                for same in (theirs, theirs.type, name):
                    assert (own == same) is (same == own) is True
                    assert (own != same) is (same != own) is False
                assert hash(own) == hash(theirs)
                assert {own: 1}[theirs] == {theirs: 1}[own] == 1  # type: ignore[index]
                for other in NAMES:
                    assert (own == np.dtype(other)) is (np.dtype(other) == own) is (other == name)
                assert own not in (None, 4, [], b"float32", "no dtype")
                assert (own == theirs.newbyteorder("S")) is (own.itemsize == 1)
    for own, python in ((tg.float64, float), (tg.bool, bool), (tg.int64, int)):
        assert own == python
        assert tg.int8 != python
    half = as_dtype("bfloat16")
    assert (tg.bfloat16 == half, half == tg.bfloat16, hash(tg.bfloat16)) == (True, True, hash(half))


TAKES: dict[str, Callable[[Any], Any]] = {
    "dtype": np.dtype,
    "zeros": lambda d: np.zeros(2, dtype=d).dtype,
    "array": lambda d: np.array([1, 0], d).dtype,
    "astype": lambda d: np.ones(2, "int16").astype(d).dtype,
    "view": lambda d: np.zeros(2, d).view(d).dtype,
    "sum": lambda d: np.ones(2, "int16").sum(dtype=d).dtype,
    "ufunc": lambda d: np.add(np.zeros(2, d), np.zeros(2, d), dtype=None if d is tg.bool else d),
    "empty_like": lambda d: np.empty_like(np.ones(2), dtype=d).dtype,
    "frombuffer": lambda d: np.frombuffer(bytes(16), d).dtype,
    "promote_types": lambda d: np.promote_types(d, d),
    "result_type": lambda d: np.result_type(d, d),
    "structure": lambda d: np.dtype([("a", d)])["a"],
    "tensor": lambda d: np.asarray(tg.ones(2), dtype=d).dtype,
}


def test_numpy_takes_one_wherever_it_takes_a_dtype() -> None:
    with several() as case:  # where warnings are errors
        for name in NAMES:
            for what, take in TAKES.items():
                with case(f"{what} of {name}"):
                    found = take(element.BY_NAME[name])
                    assert getattr(found, "dtype", found) == np.dtype(name)
    assert np.issubdtype(tg.float16, np.floating)
    assert np.can_cast(tg.int8, tg.int16)
    assert np.finfo(tg.float32).eps == tg.finfo(tg.float32).eps
    assert np.iinfo(tg.int8).max == tg.iinfo(tg.int8).max == 127
    assert np.zeros(1, tg.bfloat16).dtype == as_dtype("bfloat16")


def test_arguments_take_all_that_stands_for_a_dtype() -> None:
    given: list[Any] = [tg.float64, np.float64, np.dtype("float64"), float, "float64"]
    net = nn.Linear(2, 2)
    takes: dict[str, Callable[[Any], Any]] = {
        "zeros": lambda d: tg.zeros(2, dtype=d),
        "tensor": lambda d: tg.tensor([1], dtype=d),
        "arange": lambda d: tg.arange(3, dtype=d),
        "rand": lambda d: tg.rand(2, dtype=d),
        "to": lambda d: tg.ones(2).to(d),
        "type": lambda d: tg.ones(2).type(d),
        "new_zeros": lambda d: tg.ones(2).new_zeros(2, dtype=d),
        "sum": lambda d: tg.ones(2).sum(dtype=d),
        "softmax": lambda d: tg.ones(2).softmax(0, dtype=d),
        "Module.to": lambda d: copy.deepcopy(net).to(d).weight,
        "Linear": lambda d: nn.Linear(2, 2, dtype=d).bias,
        "LayerNorm": lambda d: nn.LayerNorm(2, dtype=d).weight,
        "Conv2d": lambda d: nn.Conv2d(1, 1, 1, dtype=d).weight,
        "fftfreq": lambda d: tg.fft.fftfreq(3, dtype=d),
    }
    with several() as case:
        for what, take in takes.items():
            for dtype in given[: 4 if what == "Module.to" else 5]:  # to which a text is a device
                with case(f"{what} {dtype!r}"):
                    assert take(dtype).dtype is tg.float64
        for dtype in given:
            with case(f"questions {dtype!r}"):
                assert tg.promote_types(dtype, tg.int8) is tg.float64
                assert tg.finfo(dtype).dtype == "float64"
                assert tg.can_cast(tg.int8, dtype)
                assert not tg.can_cast(dtype, tg.int8)
                tg.set_default_dtype(dtype)
                assert tg.get_default_dtype() is tg.ones(1).dtype is tg.float64
                tg.set_default_dtype(tg.float32)


def test_what_rules_and_kernels_get_is_numpys(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()
    read: Any = element.dtype.dtype

    def numpys(own: Any) -> Any:
        frame = sys._getframe(1)
        asked.add(frame.f_code.co_filename.replace("\\", "/").rpartition("tinygrad_lite/")[2])
        return read.fget(own)

    for name in ("dtype", "__numpy_dtype__"):
        monkeypatch.setattr(element.dtype, name, property(numpys))
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, dtype=tg.float64), nn.BatchNorm2d(4, dtype=tg.float64),
        nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.1),
        nn.Linear(64, 5, dtype=tg.float64), nn.LayerNorm(5, dtype=tg.float64),
    )  # fmt: skip
    x = tg.randn(8, 1, 8, 8, dtype=tg.float64, requires_grad=True)
    optimizer = tg.optim.Adam(net.parameters())
    loss = nn.functional.cross_entropy(net(x), tg.randint(0, 5, (8,)))
    (g,) = tg.autograd.grad(loss, x, create_graph=True)
    (loss + (g.to(tg.float32) ** 2).sum() + x.prod() * x.new_full((), 1e-9)).backward()
    optimizer.step()
    x.detach().normal_().uniform_().clamp_(0, 1).add_(tg.ones(1, dtype=tg.float32))
    x.detach()[0] = tg.tensor(1, dtype=tg.int8)
    assert asked <= {"backend/dtypes.py", "tensor/element.py"}
    assert asked  # else nothing was watched


def test_bfloat16_is_a_name_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    dtypes.bfloat16.cache_clear()
    try:
        own = tg.bfloat16
        assert (str(own), own.itemsize, own.is_floating_point) == ("torch.bfloat16", 2, True)
        assert {"bfloat16": own, own: 1}[own] == 1
        assert (own == "bfloat16", own == np.float32, own != np.dtype("V2")) == (True, False, True)
        for use in (lambda: tg.ones(2, dtype=own), lambda: np.zeros(2, own), lambda: own.dtype):
            with pytest.raises(RuntimeError, match=r"bfloat16 needs .*pip install ml_dtypes"):
                use()
    finally:
        dtypes.bfloat16.cache_clear()


def test_a_tensor_of_bfloat16_from_a_pickle_has_its_dtype() -> None:
    kept = pickle.dumps(tg.ones(2).bfloat16()).hex()
    code = (
        "import pickle, tinygrad_lite as tg\n"
        f"x = pickle.loads(bytes.fromhex({kept!r}))\n"
        "assert x.dtype is tg.bfloat16 and (x + 1).dtype is tg.bfloat16"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("make", [tg.from_numpy, tg.as_tensor, tg.tensor])
def test_refused_arrays(make: Callable[[Any], Any]) -> None:
    swapped = np.arange(3, dtype=np.dtype("float32").newbyteorder("S"))
    with pytest.raises(ValueError, match=r"another byte order.*astype\('float32'\)"):
        make(swapped)
    with pytest.raises(TypeError, match=r"elements of dtype (complex256|clongd)"):
        make(np.zeros(2, "clongdouble"))
    with pytest.raises(TypeError, match="elements of dtype"):
        make(np.zeros(2, "datetime64[s]"))


def test_refused_uses() -> None:
    with pytest.raises(TypeError, match=r"cannot create 'torch\.dtype' instances"):
        tg.dtype("float32")
    with pytest.raises(RuntimeError, match=r"no complex dtype for torch\.int8"):
        tg.int8.to_complex()
    with pytest.raises(AttributeError):
        tg.float32.note = 1  # type: ignore[attr-defined]


def test_a_dense_tensor_is_dense_already() -> None:
    x = tg.ones(2, requires_grad=True)
    assert x.to_dense() is x
    assert x.to_dense(tg.float64).dtype == tg.float64
