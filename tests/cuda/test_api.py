"""`tinygrad_lite.cuda` without a GPU: what it says is missing, and its sums over a stand-in."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import tinygrad_lite as torch
from tests import strict
from tinygrad_lite.backend import Namespace, devices
from tinygrad_lite.backend.cuda import memory

NEED_A_GPU = {
    "current_device": (),
    "Event": (),
    "get_device_capability": (),
    "get_device_name": (),
    "get_device_properties": (),
    "mem_get_info": (),
    "set_device": (0,),
    "synchronize": (),
}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("name", NEED_A_GPU)
def test_without_a_gpu_it_says_what_is_missing(name: str) -> None:
    assert torch.cuda.device_count() == 0
    with pytest.raises(RuntimeError, match=r"CUDA is not available: .*(not installed|no usable)"):
        getattr(torch.cuda, name)(*NEED_A_GPU[name])
    with pytest.raises(RuntimeError, match="CUDA is not available"):
        torch.zeros(1, device="cuda")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize(
    ("name", "found"),
    [
        *((f"{most}memory_{of}", 0) for most in ("", "max_") for of in ("allocated", "reserved")),
        *((n, None) for n in ("empty_cache", "reset_peak_memory_stats", "ipc_collect", "init")),
        *((name, False) for name in ("is_initialized", "is_bf16_supported", "is_available")),
    ],
)  # fmt: skip
def test_without_a_gpu_there_is_nothing_to_do(name: str, found: object) -> None:
    assert getattr(torch.cuda, name)() is found
    assert not torch.accelerator.is_available()
    assert torch.accelerator.current_accelerator() is None


def test_importing_it_imports_no_cupy() -> None:
    code = (
        "import sys, tinygrad_lite.cuda, tinygrad_lite.backend.cuda\n"
        "assert not {'cupy', 'cupyx'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_every_public_name_is_there() -> None:
    assert {*NEED_A_GPU, "graph", "is_available", "device_count"} <= {*torch.cuda.__all__}
    for name in torch.cuda.__all__:
        assert getattr(torch.cuda, name).__doc__, name


class Pool:
    """CuPy's pool: `used` of its `total` bytes."""

    def __init__(self) -> None:
        self.used, self.total = 0, 0

    def take(self, size: int) -> None:
        self.used += size
        self.total = max(self.total, self.used)

    def used_bytes(self) -> int:
        return self.used

    def total_bytes(self) -> int:
        return self.total

    def free_all_blocks(self) -> None:
        self.total = self.used


class Mark:
    """CuPy's event, on a GPU that needs 5 ms from one mark to the next."""

    clock = 0.0

    def __init__(self, disable_timing: bool) -> None:
        self.timed, self.at, self.done = not disable_timing, -1.0, False

    def record(self, stream: str) -> None:
        assert stream == "the current stream"
        Mark.clock += 5
        self.at = Mark.clock

    def synchronize(self) -> None:
        self.done = True


def between(start: Mark, end: Mark) -> float:
    assert (start.timed, end.timed) == (True, True)
    return end.at - start.at


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A CuPy with one pool and one GPU."""
    pool = Pool()
    properties = {"name": b"NVIDIA H200", "major": 9, "minor": 0}
    runtime = SimpleNamespace(getDevice=lambda: 0, getDeviceProperties=lambda _: properties)
    cuda = SimpleNamespace(
        runtime=runtime,
        Event=Mark,
        get_current_stream=lambda: "the current stream",
        get_elapsed_time=between,
    )
    fake = SimpleNamespace(pool=pool, get_default_memory_pool=lambda: pool, cuda=cuda)
    monkeypatch.setitem(devices._NAMESPACES, "cuda", Namespace("cuda", fake, SimpleNamespace))
    monkeypatch.setattr(memory, "_peak", 0)
    return fake


def test_memory_and_its_peak(cupy: Any) -> None:
    pool = cupy.pool
    pool.take(100)
    pool.take(-60)
    assert torch.cuda.memory_allocated() == 40
    assert torch.cuda.memory_reserved() == 100
    assert torch.cuda.max_memory_allocated() == 100
    torch.cuda.empty_cache()
    assert torch.cuda.memory_reserved() == 40
    assert torch.cuda.max_memory_reserved() == 100, "the peak outlives what is given back"
    torch.cuda.reset_peak_memory_stats()
    assert torch.cuda.max_memory_allocated() == 40
    pool.take(30)
    assert torch.cuda.max_memory_allocated() == 70


def test_what_the_gpu_is(cupy: Any) -> None:
    assert torch.cuda.get_device_name() == "NVIDIA H200"
    assert torch.cuda.get_device_capability() == (9, 0)
    assert torch.cuda.current_device() == 0


@pytest.mark.usefixtures("cupy")
def test_events_measure_the_time_between_them() -> None:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    end.record()
    assert not end.query()
    end.synchronize()
    assert end.query()
    assert start.elapsed_time(end) == 5.0
    assert not torch.cuda.Event()._event.timed


def test_seeds_are_shared_by_all_devices() -> None:
    torch.cuda.manual_seed_all(7)
    first = torch.rand(3).tolist()
    torch.manual_seed(7)
    assert torch.rand(3).tolist() == first


def test_mixed_devices_raise() -> None:
    strict.install()
    here, there = torch.ones(2, 2), torch.ones(2, 2, device="strict")
    for mix in (
        lambda: here + there,
        lambda: there @ here,
        lambda: torch.nn.functional.linear(here, there),
        lambda: here.add_(there),
        lambda: torch.cat([here, there]),
    ):
        with pytest.raises(RuntimeError, match=r"one device, but found .*strict"):
            mix()


def test_numbers_may_be_on_the_cpu() -> None:
    strict.install()
    x = torch.tensor([2.0, 3.0], device="strict", requires_grad=True)
    scale = torch.tensor(4.0, dtype=torch.float64, requires_grad=True)
    for y in (x / scale.sqrt(), torch.where(x > 2, x, scale), scale * x):
        assert (y.device.type, y.dtype) == ("strict", torch.float32)
    (scale * x).sum().backward()
    assert x.grad is not None
    assert scale.grad is not None
    assert (scale.grad.device.type, scale.grad.item(), x.grad.tolist()) == ("cpu", 5, [4, 4])
    with torch.no_grad():
        x.mul_(torch.tensor(2.0))
        x[0] = torch.tensor(7)
    assert x.tolist() == [7, 6]
    with torch.autocast("cpu"):
        assert (x.detach() * torch.tensor(2.0)).tolist() == [14, 12]
    number = torch.tensor(1.0, device="strict")
    for total in (number + torch.tensor(2.0), torch.tensor(2.0) + number):
        assert (total.device.type, total.item()) == ("strict", 3)
    for wrong in (
        lambda: torch.tensor(2.0).add_(number),
        lambda: torch.ones(1) + x.detach(),
        lambda: torch.ones(2) + number,
    ):
        with pytest.raises(RuntimeError, match="one device"):
            wrong()
