"""How kernels of CuPy's are launched: the arguments that CUDA is shown, without CUDA."""

from __future__ import annotations

import ctypes
import struct
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tinygrad_lite.backend.cuda import source

TABLE = np.zeros((), [("count", "i8"), ("byte", "u1", 4)])


class Array:
    """As much of an array as a launch asks for."""

    def __init__(self, address: int = 8, size: int = 1, dtype: str = "float32") -> None:
        self.data = SimpleNamespace(ptr=address)
        self.size = size
        self.dtype = np.dtype(dtype)


class Cupy:
    """As much of CuPy: one kernel, and a driver that reads what it is shown."""

    def __init__(self) -> None:
        self.cuda = self.driver = self.runtime = self
        self.RawKernel = None
        self.kernel = SimpleNamespace(ptr=77)
        self.contexts = 0
        self.compiled: list[tuple[str, ...]] = []
        self.launched: list[tuple[int, ...]] = []
        self.seen: list[bytes] = []

    def RawModule(self, code: str, options: tuple[str, ...]) -> Any:
        self.compiled.append(options)
        return SimpleNamespace(get_function=lambda name: self)

    def memGetInfo(self) -> None:
        self.contexts += 1

    def get_current_stream(self) -> Any:
        return SimpleNamespace(ptr=9)

    def launchKernel(self, *numbers: int) -> None:
        self.launched.append(numbers[:10])
        places = (ctypes.c_void_p * len(self.sizes)).from_address(numbers[9])
        self.seen = [
            ctypes.string_at(place, size)
            for place, size in zip(places, self.sizes, strict=True)
            if place is not None
        ]

    sizes: tuple[int, ...] = ()


@pytest.fixture
def xp(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(source, "_local", source._Local())
    return SimpleNamespace(library=Cupy(), array_type=Array)


def launch(xp: Any, *args: Any, **words: Any) -> None:
    source.launch(xp, "elementwise", "relu", "float32", args, **words)


def test_arguments_lie_where_cuda_is_told(xp: Any) -> None:
    """Addresses and null pointers of eight bytes, integers as `Index`, floats as double."""
    cupy = xp.library
    cupy.sizes = (8, 8, 4, 4, 8, TABLE.nbytes, 4)
    table = TABLE.copy()
    for number in (3, 4):
        table["count"] = number
        launch(xp, Array(1 << 40), None, -5, np.int64(number), 0.5, table, 6, grid=(2, 3), block=64)
        assert cupy.launched[-1][:-1] == (77, 2, 3, 1, 64, 1, 1, 0, 9)
        assert struct.unpack("<QQiid", b"".join(cupy.seen[:5])) == (1 << 40, 0, -5, number, 0.5)
        assert cupy.seen[5:] == [table.tobytes(), struct.pack("<i", 6)]
    assert cupy.contexts == 1
    launch(xp, None, Array(8), 1, 2, 0.0, table, 6)  # pointers may change places with none
    assert struct.unpack("<QQ", b"".join(cupy.seen[:2])) == (0, 8)


def test_integers_of_64_bits_for_large_arrays(xp: Any) -> None:
    cupy = xp.library
    cupy.sizes = (8, 8)
    launch(xp, Array(8, 1 << 30), 1 << 40)
    assert struct.unpack("<Qq", b"".join(cupy.seen)) == (8, 1 << 40)
    assert "-DWIDE_INDEX" in cupy.compiled[-1]
    with pytest.raises(struct.error):
        launch(xp, Array(8), 1 << 40)


def test_shared_memory_and_grids_of_counts(xp: Any) -> None:
    cupy = xp.library
    launch(xp, count=1000, shared=50_000)
    assert cupy.launched[0][:-1] == (77, 4, 1, 1, 256, 1, 1, 50_000, 9)
    assert cupy.max_dynamic_shared_size_bytes == 50_000
    launch(xp, count=0)
    launch(xp, grid=(3, 0))
    assert len(cupy.launched) == 1


def test_each_thread_has_places_and_a_context_of_its_own(xp: Any) -> None:
    launch(xp, 1)
    thread = threading.Thread(target=launch, args=(xp, 1))
    thread.start()
    thread.join()
    places = {numbers[-1] for numbers in xp.library.launched}
    assert (xp.library.contexts, len(places)) == (2, 2)


def test_supports() -> None:
    single, double, integers = Array(), Array(dtype="float64"), Array(dtype="int32")
    for yes in ((single,), (None, single, None, Array()), (double,)):
        assert source.supports(*yes)
    for no in ((single, double), (double, single), (integers,), (single, integers), (None,)):
        assert not source.supports(*no)
