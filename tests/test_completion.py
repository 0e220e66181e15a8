"""Tab completion: `dir` shows what is public, and nothing else."""

from __future__ import annotations

import inspect
import subprocess
import sys
from types import ModuleType

import pytest

import tinygrad_lite as torch
from tinygrad_lite import amp, autograd, cuda, data, nn, optim
from tinygrad_lite.tensor import base

ROOMS: dict[ModuleType, set[str]] = {  # the modules that are public in each
    torch: {
        *("accelerator", "amp", "autograd", "backends", "compiler", "cpu", "cuda", "data", "debug"),
        *(
            "distributed",
            "distributions",
            "fft",
            "func",
            "functional",
            "futures",
            "hub",
            "jit",
            "library",
            "linalg",
        ),
        *("multiprocessing", "nn", "onnx", "optim", "overrides", "profiler", "random"),
        *("safetensors", "signal", "sparse", "special", "testing", "types", "utils", "version"),
    },
    nn: {"functional", "init", "modules", "parallel", "utils"},
    nn.functional: set(),
    autograd: {"functional", "graph", "profiler"},
    optim: {"lr_scheduler", "swa_utils"},
    cuda: {"amp", "nvtx"},
    data: set(),
    amp: set(),
}
MODULES = pytest.mark.parametrize("module", ROOMS, ids=lambda module: module.__name__)


@MODULES
def test_modules_show_no_files_and_no_private_names(module: ModuleType) -> None:
    names = dir(module)
    assert len(names) == len(set(names))
    assert {name for name in names if name.startswith("_")} <= {"__version__"}
    there = {name: getattr(module, name, None) for name in names}
    assert {n for n, v in there.items() if isinstance(v, ModuleType)} == ROOMS[module]
    assert [n for n, v in there.items() if v is None and n not in ("bfloat16", "newaxis")] == []


@MODULES
def test_modules_show_all_that_is_public(module: ModuleType) -> None:
    public = {
        name
        for name, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value))
        and not name.startswith("_")
        and value.__module__.startswith("tinygrad_lite")
    }
    if hasattr(module, "__all__"):
        assert {*module.__all__, *ROOMS[module]} == set(dir(module))
    else:
        assert public <= set(dir(module))
    assert public or module is torch


def test_names_that_people_look_for() -> None:
    assert {"Tensor", "tensor", "matmul", "no_grad", "float32", "save", "device"} <= set(dir(torch))
    assert {"relu", "cross_entropy", "conv2d", "pad"} <= set(dir(nn.functional))
    assert {"Linear", "Module", "Parameter", "Sequential"} <= set(dir(nn))


def test_tensors_show_methods_and_no_insides() -> None:
    for tensor in (torch.ones(2), nn.Parameter(torch.ones(2))):
        names = dir(tensor)
        assert [name for name in names if name.startswith("_")] == []
        assert {"shape", "grad", "backward", "sum", "add_", "requires_grad_", "T"} <= set(names)
        kind = type(tensor)
        assert set(names) == {n for n in dir(kind) if not n.startswith("_") and hasattr(kind, n)}
    assert base.TensorBase in nn.Parameter.__mro__


def test_before_anything_was_loaded() -> None:
    code = (
        "import tinygrad_lite as t, sys; names = dir(t); assert {'nn', 'debug'} <= set(names)\n"
        "assert 'tinygrad_lite.nn' not in sys.modules and names == dir(t)\n"
        "import tinygrad_lite.nn, tinygrad_lite.debug, tinygrad_lite.utils.data\n"
        "assert names == dir(t), set(names) ^ set(dir(t))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
