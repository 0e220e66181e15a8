"""The benchmarks' GPU side as far as it runs without one: options, messages, and the glue.

A stand-in takes CUDA's name here: strict arrays that say which device they are on. What it
measures means nothing; that every figure is made, printed and written does.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygrad_lite
from tests import strict
from tests.strict import StrictArray, StrictLibrary
from tinygrad_lite import backend
from tinygrad_lite.backend import devices
from tinygrad_lite.backend.algorithm import get_conv_algorithm

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPTS = ("mlp", "convnet", "conv")
SMALL = (4, 0, 4, 0, 4, 0, 4, 0, 8, 0)  # channels of a ConvNet


@pytest.mark.skipif(tinygrad_lite.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("script", SCRIPTS)
def test_without_a_gpu_they_say_what_is_missing(script: str) -> None:
    command = [sys.executable, str(FOLDER / f"{script}.py"), "--device", "cuda"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{script}.py: --device cuda: CuPy")
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Import a script, in which NumPy is imported already."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    compare = importlib.import_module("_compare")
    monkeypatch.setattr(compare, "prepare", lambda threads=None: 1)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if name in (
            *SCRIPTS,
            "_compare",
            "_conv_errors",
            "_cuda",
            "_cuda_timing",
            "_roofline",
            "gpu_report",
        ):
            del sys.modules[name]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Strict arrays as CUDA's, and as much of CuPy as the benchmarks ask for."""
    library: Any = StrictLibrary()
    space = backend.Namespace("cuda", library, StrictArray, kernels="plain")
    runtime = SimpleNamespace(
        deviceSynchronize=lambda: None,
        driverGetVersion=lambda: 13000,
        runtimeGetVersion=lambda: 13000,
    )
    cupy = SimpleNamespace(
        __version__="0",
        cuda=SimpleNamespace(runtime=runtime),
        arange=lambda n, dtype: np.arange(1000),
        empty_like=np.empty_like,
        copyto=np.copyto,
    )
    api = tinygrad_lite.cuda
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(StrictArray, "device", SimpleNamespace(id=0), raising=False)
    for name, value in {
        "get_device_name": "a stand-in",
        "get_device_capability": (9, 0),
        "reset_peak_memory_stats": None,
        "synchronize": None,
        "max_memory_allocated": 2**20,
        "max_memory_reserved": 2**21,
    }.items():
        monkeypatch.setattr(api, name, lambda value=value: value)
    monkeypatch.setattr(api, "graph", lambda step: step)
    precision = tinygrad_lite.get_float32_matmul_precision()
    tf32 = tinygrad_lite.backends.cudnn.allow_tf32
    known = dict(devices._NAMESPACES), dict(devices._BY_TYPE)
    backend.register(space)
    yield
    for held, now in zip(known, (devices._NAMESPACES, devices._BY_TYPE), strict=True):
        now.clear()
        now.update(held)
    tinygrad_lite.set_float32_matmul_precision(precision)
    tinygrad_lite.backends.cudnn.allow_tf32 = tf32  # type: ignore[attr-defined]
    strict.install()


def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: str) -> Any:
    path = tmp_path / "figures.json"
    common = f"--device cuda --peak 100 --rounds 2 --calls 1 --threads 1 --json {path}"
    monkeypatch.setattr(sys, "argv", ["script", *common.split(), *words.split()])
    assert script.main() == 0
    return json.loads(path.read_text())


@pytest.fixture
def alone(load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> None:
    """No PyTorch, which could not use the stand-in."""
    monkeypatch.setattr(load("_cuda"), "pytorch", lambda: None)


@pytest.mark.usefixtures("stand_in", "alone")
@pytest.mark.parametrize("precision", ["tf32", "float16"])
def test_mlp(
    load: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, precision: str, capsys: Any
) -> None:
    script = load("mlp")
    monkeypatch.setattr(script, "BATCH", 4)
    monkeypatch.setattr(script, "PIXELS", 12)
    found = run(script, monkeypatch, tmp_path, f"--precision {precision}")
    first = found["results"][0]
    assert first["case"] == f"MLP 100, SGD, batch 4, whole step, {precision}"
    assert set(first["milliseconds"]) == {"tinygrad_lite captured", "tinygrad_lite"}
    assert set(first["ratio_ours_to"]) == {"tinygrad_lite captured ÷ tinygrad_lite"}
    # Forward and both gradients, but for that of the images.
    assert first["flops"] == 2 * 4 * (3 * (12 * 100 + 100 * 10) - 12 * 100)
    rate = first["rates"]["tinygrad_lite"]
    median = first["milliseconds"]["tinygrad_lite"]["median"]
    assert rate["tflops"] == pytest.approx(first["flops"] / median / 1e9)
    assert rate["of_peak"] == pytest.approx(rate["tflops"] / 100)
    assert found["machine"]["precision"] == precision
    assert (found["machine"]["GPU"], found["machine"]["peak TFLOP/s"]) == ("a stand-in", 100)
    assert "TFLOP/s" in capsys.readouterr().out


class Tensors:
    """What a captured step reads; it can be watched."""


def test_a_captured_step_of_pytorchs_lives_as_long_as_what_replays_it(load: Any) -> None:
    """Its graph would read the memory of tensors that are gone."""
    replays: list[int] = []
    stream = SimpleNamespace(wait_stream=lambda other: None)
    torch = SimpleNamespace(
        cuda=SimpleNamespace(
            Stream=lambda: stream,
            current_stream=lambda: stream,
            stream=lambda other: contextlib.nullcontext(),
            CUDAGraph=lambda: SimpleNamespace(replay=lambda: replays.append(1)),
            graph=lambda graph: contextlib.nullcontext(),
        )
    )
    tensors = Tensors()
    watched = weakref.ref(tensors)

    def step(tensors: Tensors = tensors) -> str:
        return "loss"

    replay = load("_cuda").as_named("torch graph", torch, step)
    del step, tensors
    gc.collect()
    assert watched() is not None
    assert (replay(), replays) == ("loss", [1])
    del replay
    gc.collect()
    assert watched() is None


def test_a_step_takes_the_algorithm_of_its_name(load: Any) -> None:
    seen = []
    step = load("_cuda").as_named(
        "tinygrad_lite columns", tinygrad_lite, lambda: seen.append(get_conv_algorithm())
    )
    step()
    assert (seen, get_conv_algorithm()) == (["im2col"], "auto")
    names = load("_cuda").names_of_ways
    assert any("columns" in name for name in names(None, "tf32", True))
    assert not any("columns" in name for name in names(None, "tf32", False))


@pytest.mark.usefixtures("stand_in", "alone")
def test_convnet(load: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    memory = []
    monkeypatch.setattr(
        load("_cuda"), "peak_memory", lambda *words: memory.append(words) or {"allocated": 1.0}
    )
    script = load("convnet")
    monkeypatch.setattr(script, "CHANNELS", SMALL)
    result = run(script, monkeypatch, tmp_path, "--batch 2")["results"][0]
    assert result["case"] == "ConvNet, training step, batch 2, tf32"
    ways = ["tinygrad_lite captured", "tinygrad_lite", "tinygrad_lite captured columns"]
    assert [words[1] for words in memory] == list(result["milliseconds"]) == ways
    assert memory[0][2] == ["--batch", "2", "--precision", "tf32"]
    # Forward and weight gradient of 3 to 4 channels at 32²; then input gradients as well.
    rest = 4 * 16**2 + 4 * 8**2 + 4 * 4**2 + 8 * 2**2
    assert script.cost(1, 4)[0] == 2 * 2 * 27 * 4 * 32**2 + 3 * 2 * 36 * rest
    assert script.cost(2, 4)[0] == 2 * script.cost(1, 4)[0]


@pytest.mark.usefixtures("stand_in", "alone")
def test_the_memory_of_a_child(
    load: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["convnet.py", "--device", "cuda", "--batch", "2", "--child"]
    monkeypatch.setattr(sys, "argv", [*words, "tinygrad_lite captured"])
    script = load("convnet")
    monkeypatch.setattr(script, "CHANNELS", SMALL)
    assert script.main() == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert json.loads(last) == {"allocated": 1.0, "reserved": 2.0}


@pytest.mark.usefixtures("stand_in", "alone")
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_conv(load: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, precision: str) -> None:
    script = load("conv")
    monkeypatch.setattr(script, "LAYERS", [(3, 4, 5), (4, 8, 3)])
    words = f"--layers 2 --batch 2 --precision {precision}"
    found = run(script, monkeypatch, tmp_path, words)
    rows = found["results"]
    assert [(r["pass"], r["algorithm"]) for r in rows] == [
        ("forward", "auto"),
        ("forward+backward", "auto"),
    ]
    assert all(row["gigabytes_per_second_at_least"] > 0 for row in rows)


def test_losses_that_differ_are_refused(load: Any) -> None:
    def losses(*values: float) -> Callable[[], Any]:
        following = iter(values)
        return lambda: SimpleNamespace(item=lambda: next(following))

    check = load("_cuda").check_losses
    ours = (1.0, 0.9, 0.8)
    check(
        {
            "tinygrad_lite captured": losses(*ours),
            "tinygrad_lite": losses(*ours),
            "torch": losses(1.00001, 0.7, 0.6),
            "torch graph": losses(0.5, 0.4, 0.3),
        },
        "float32",
        3,
    )
    for name, other in {
        "torch": (1.1, 0.9, 0.8),
        "tinygrad_lite captured": (1.0, 0.9, 0.7),
        "torch graph": (0.5, float("nan"), 0.3),
    }.items():
        with pytest.raises(AssertionError, match=name):
            check({"tinygrad_lite": losses(*ours), name: losses(*other)}, "float32", 3)


def test_ratios_are_those_of_rounds(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    timing = load("_cuda_timing")
    clock = iter(np.cumsum([0, 2, 0, 4, 0, 4, 0, 16]) / 1e3)  # of blocks of two calls, in s
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    calls: list[str] = []
    waits: list[int] = []
    ways = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    timings, ratios = timing.alternate(
        ways, rounds=2, calls=2, wait=lambda: waits.append(len(calls))
    )
    assert (timings["a"].median, timings["b"].median) == (1.5, 5.0)
    assert ratios == {"a ÷ b": pytest.approx((0.5 + 0.25) / 2)}
    # The device is waited for before and after the calls that count, and not between them.
    assert [b - a for a, b in zip(waits[::2], waits[1::2], strict=True)] == [2] * 4
